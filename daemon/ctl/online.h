/*
 * online: one question to the daemon's API.
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
};

/* The options that every online command has. */
#define ONLINE_OPTIONS(online)                                                                     \
    {"server", CTL_TEXT, &(online).server, "URL", "the daemon's admin listener (LABELD_SERVER)"},  \
        {"token-file", CTL_TEXT, &(online).token_file, "FILE", "the token (LABELD_TOKEN_FILE)"},   \
    {                                                                                              \
        "state", CTL_TEXT, &(online).state, "DIR", "a local daemon's state folder (LABELD_STATE)"  \
    }

/* GET a path such as "/api/v1/status". NULL after a message; return call->exit. */
json_t *online_get(struct ctl_call *call, const struct online *online, const char *path);

#endif
