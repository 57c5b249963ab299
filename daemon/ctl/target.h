/*
 * target: which daemon is asked, and the secret to show it (see online.h).
 * Owns: the texts.
 */
#ifndef LABELD_CTL_TARGET_H
#define LABELD_CTL_TARGET_H
#include <curl/curl.h>

#include "base/arena.h"
#include "ctl/online.h"

struct target {
    struct arena arena;
    const char *server;
    const char *token;
};

/* False after a message; call->exit says what to return. target_fini in any case. */
bool target_find(struct ctl_call *call, const struct online *online, struct target *target);
void target_fini(struct target *target);

/* The token as a header, and `count` more. NULL when memory is out. */
struct curl_slist *target_headers(const struct target *target, const char *const *more,
                                  size_t count);

#endif
