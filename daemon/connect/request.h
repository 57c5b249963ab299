/*
 * request: one question over HTTP and its answer, by libcurl, as every connector and every
 * notification asks it: bounded in time and size, TLS verified, no proxy, no redirect to another
 * place, no private address unless it was allowed, no secret in an error.
 * A client keeps its connections for the next question; one thread at a time.
 */
#ifndef LABELD_CONNECT_REQUEST_H
#define LABELD_CONNECT_REQUEST_H
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"

struct request_client;

struct request_options {
    const char *ca_file;     /* certificate authority, PEM; NULL = the system's. Borrowed */
    bool allow_private;      /* also private, link-local and loopback addresses */
    const atomic_bool *stop; /* once true a question under way ends; NULL = never */
};

/* NULL with err. */
struct request_client *request_open(const struct request_options *options, struct err *err);
void request_close(struct request_client *client);

struct request_header {
    const char *name, *value;
    bool secret; /* a token: never in an error */
};

struct request_question {
    const char *method; /* "GET", "POST", ... */
    const char *url;    /* https; http only to a loopback address that is allowed */
    const struct request_header *headers;
    size_t header_count;
    const void *body; /* NULL = none; its length is told before (some services need it) */
    size_t body_length;
    int64_t most_us;    /* for the whole; 0 = as long as bytes come (1 KiB/s over 60 s) */
    size_t answer_most; /* bytes of the answer's body */
    bool answer_cut;    /* a longer one is cut, not an error: only its start is of use */
    bool follow;        /* GET, HEAD: at most 3 redirects, to the same scheme, host and port */
};

struct request_answer {
    int status;             /* of HTTP */
    struct buf body;        /* buf_fini when done, also after a failure */
    int64_t retry_after_us; /* Retry-After, seconds or date: 1 s to 1 h; 0 = not said */
};

/* Ask. True: there is an answer, whatever its status. False: ERR_IO no answer (unreachable, cut,
 * too slow, certificate), ERR_REFUSED the address is private or plain HTTP leaves this machine,
 * ERR_LIMIT the answer is too large, ERR_CONFIG no such URL, ERR_STOPPED. Errors name scheme, host
 * and port, never path, query or headers. */
bool request_send(struct request_client *client, const struct request_question *question,
                  struct request_answer *answer, struct err *err);

/* A header of the last answer, or NULL; valid until the next question. */
const char *request_header(struct request_client *client, const char *name);

/* What a status means for a job: ERR_NONE for success and 304, else the kind whose retry column
 * says what follows. */
enum err_kind request_kind(int status);

/* How long to wait after the nth failed try (from 1): what the service asked for, else anything
 * up to 1 s x 2^n, at most 60 s, by `random` ("full jitter"). */
int64_t request_wait_us(int tries, int64_t retry_after_us, uint32_t random);

/* Whether an address is on this machine, in a private network, or no address of a single host
 * (RFC 6890); also one of IPv4 inside IPv6. Families other than IP are private. */
bool request_is_loopback(const struct sockaddr *address);
bool request_is_private(const struct sockaddr *address);

/* "https://host:port" of a URL. False: it is none, has a user or password in it, or another
 * scheme than http and https. */
bool request_origin(const char *url, char *origin, size_t room);

#endif
