/*
 * online: one question to the daemon's API, and its answer.
 * The server comes from --server or LABELD_SERVER, the token from --token-file or
 * LABELD_TOKEN_FILE; without either, from the state folder of a daemon on this machine
 * (state/listen.json and state/admin.token) under --state or LABELD_STATE.
 */
#ifndef LABELD_CTL_ONLINE_H
#define LABELD_CTL_ONLINE_H
#include "base/json.h"
#include "ctl/ctl.h"

struct online {
    const char *server, *token_file, *state; /* options; NULL = from the environment */
    long long version; /* of what is to be changed, as it was seen (If-Match); 0 = none */
    bool quiet;        /* do not say that acting is stopped */
};

/* Whatever it is now: for a brake, which must not fail because somebody else was quicker. */
enum { ONLINE_ANY_VERSION = -1 };

/* How an object is changed: METHOD object/suffix. */
struct online_verb {
    const char *method, *suffix; /* "" = the object itself */
    json_t *body;                /* taken over */
};

/* The options that every online command has. */
#define ONLINE_OPTIONS(online)                                                                     \
    {"server", CTL_TEXT, &(online).server, "URL", "the daemon's admin listener (LABELD_SERVER)"},  \
        {"token-file", CTL_TEXT, &(online).token_file, "FILE", "the token (LABELD_TOKEN_FILE)"},   \
    {                                                                                              \
        "state", CTL_TEXT, &(online).state, "DIR", "a local daemon's state folder (LABELD_STATE)"  \
    }

/* GET a path such as "/api/v1/status". NULL after a message; return call->exit. While people have
 * stopped all acting, one line on stderr says so. */
json_t *online_get(struct ctl_call *call, const struct online *online, const char *path);

/* The same with another method and a body (NULL = none; the reference is taken over). */
json_t *online_send(struct ctl_call *call, const struct online *online, const char *method,
                    const char *path, json_t *body);

/* Ask for the object at a path, then change it as it was seen: online->version becomes its. */
json_t *online_change(struct ctl_call *call, struct online *online, const char *object,
                      const struct online_verb *verb);

/* The same, but a problem (RFC 9457) is handed to the caller too: *status is the answer's code.
 * NULL after a message: the daemon cannot be reached. */
json_t *online_try(struct ctl_call *call, const struct online *online, const char *method,
                   const char *path, json_t *body, long *status);

/* Print what a problem says and return CTL_UNREACHABLE. */
int online_refused(struct ctl_call *call, const json_t *problem);

/* Download a path into a descriptor, whatever its size. False after a message. */
bool online_fetch(struct ctl_call *call, const struct online *online, const char *path, int fd);

/* {"reason": reason}, or {}. */
json_t *online_reason(const char *reason);

/* Append a text as one part of a path or query, percent-encoded (RFC 3986, section 2.3). */
void online_escape(struct buf *path, const char *text);

/* Members of an answer: "" or 0 where they are missing or null. */
const char *online_text(const json_t *object, const char *key);
long long online_number(const json_t *object, const char *key);

/* "TITLE since WHEN by WHO: WHY" for {"since","who","why"}; nothing for null. */
void online_hold(FILE *out, const char *title, const json_t *hold);

/* One page after the other of a list, until `limit` items were printed (0 = all of them): each by
 * `row`, or as a line of JSON. `title` is printed first, NULL = none. */
struct online_list {
    const struct online *online;
    const char *path; /* with its filters, without limit and cursor */
    const char *title;
    uint64_t limit;
    bool json;
    void (*row)(FILE *out, const json_t *item);
};
int online_list(struct ctl_call *call, const struct online_list *list);

/* Print the mistakes that the daemon finds in a text of rules as rules check does. CTL_OK: it
 * passes; CTL_USAGE: errors; CTL_NO: a test fails; CTL_UNREACHABLE. In ctl_revisions.c. */
int online_rules_refused(struct ctl_call *call, const struct online *online, const char *file,
                         const char *text);

/* One record of the audit as a line. */
void online_record(FILE *out, const json_t *record);

/* Print a value as one line of JSON. */
int online_print(struct ctl_call *call, const json_t *json);

#endif
