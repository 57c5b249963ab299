/*
 * answer: what a handler answers with, and its way out through libmicrohttpd.
 * Owns: the JSON value and the text.
 */
#ifndef LABELD_HTTP_ANSWER_H
#define LABELD_HTTP_ANSWER_H
#include "base/json.h"

struct MHD_Connection;

struct answer {
    unsigned status;    /* HTTP; 0 = 200 */
    json_t *json;       /* NULL with a problem or a text */
    char *text;         /* another type than JSON: mem_free */
    const char *type;   /* of text */
    const char *allow;  /* with 405; borrowed until sent */
    char problem[320];  /* status >= 400: one sentence, made into problem+json (RFC 9457) */
    int64_t stopped_us; /* all acting is stopped since: said with each answer */
    unsigned retry_s;   /* with 429 and 503; 0 = 60 */
};

/* Forget what was there and answer with a problem. Never a secret, nothing that others chose. */
void answer_problem(struct answer *answer, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "Not Found": the title of a status. */
const char *answer_title(unsigned status);

/* Queue it and free what it owns. False: libmicrohttpd shall close the connection. */
bool answer_send(struct answer *answer, struct MHD_Connection *connection);

#endif
