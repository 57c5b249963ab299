/*
 * answer: what a handler answers with, and its way out through libmicrohttpd.
 * Owns: the JSON value and the text.
 */
#ifndef LABELD_HTTP_ANSWER_H
#define LABELD_HTTP_ANSWER_H
#include "base/json.h"

struct MHD_Connection;
struct answer;
struct api;
struct events_listener;
struct request;

/* The answer is not there yet: the connection waits without holding a thread (waiting.h) and
 * `ask` runs again; when it cannot wait, what is there already is sent. */
struct answer_later {
    void (*ask)(struct api *api, const struct request *request, struct answer *answer);
    void *state;      /* the handler's, in the request's arena */
    int64_t until_us; /* clock_steady_us */
};

struct answer {
    unsigned status;    /* HTTP; 0 = 200 */
    json_t *json;       /* NULL with a problem or a text */
    char *text;         /* another type than JSON: mem_free */
    size_t text_length; /* 0: up to its NUL */
    const char *type;   /* of text */
    const char *allow;  /* with 405; borrowed until sent */
    char problem[320];  /* status >= 400: one sentence, made into problem+json (RFC 9457) */
    int64_t stopped_us; /* all acting is stopped since: said with each answer */
    unsigned retry_s;   /* with 429 and 503; 0 = 60 */
    int64_t version;    /* of the object that is answered, from its JSON: its ETag; 0 = none */
    json_t *more;       /* members of a problem beside those of RFC 9457 ("code"); NULL = none */
    int file;           /* with file_name: the body, from this descriptor */
    const char *file_name;
    struct events_listener *stream; /* the body is what it hears; owned until it is sent */
    struct answer_later later;
};

/* Forget what was there and answer with a problem. Never a secret, nothing that others chose. */
void answer_problem(struct answer *answer, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "Not Found": the title of a status. */
const char *answer_title(unsigned status);
/* Answer with a file to save as `name`; the descriptor is taken over. */
void answer_file(struct answer *answer, int fd, const char *name);

/* Answer with bytes of a type; they are taken out of the buffer. */
void answer_bytes(struct answer *answer, struct buf *bytes, const char *type);

/* Forget what was there. */
void answer_fini(struct answer *answer);

/* Queue it and free what it owns. False: libmicrohttpd shall close the connection. */
bool answer_send(struct answer *answer, struct MHD_Connection *connection);

#endif
