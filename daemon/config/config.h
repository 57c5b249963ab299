/*
 * config: labeld.yaml as a struct. Unknown keys, duplicate keys and missing units are errors with
 * line, column and a suggestion; relative paths are relative to the file.
 * Owns: everything it read, in one arena; constant after config_load.
 */
#ifndef LABELD_CONFIG_CONFIG_H
#define LABELD_CONFIG_CONFIG_H
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

struct config_list {
    const char *const *items;
    size_t count;
};

struct config_address {
    const char *host; /* "127.0.0.1", "::1" */
    uint16_t port;    /* 0 = pick one */
};

struct config_connection {
    unsigned line;
    const char *name, *kind, *path;
    struct config_list exclude, hook_secrets;
    const char *hook_token, *tombstone, *old_versions, *weak_writes;
    const char *endpoint, *region, *bucket, *prefix, *access_key, *secret_key, *session_token;
    const char *event_keys, *account, *container, *key_file, *sas_file, *url, *user, *password;
    const char *service_account, *subject, *drive_id, *tenant, *client_id, *client_secret;
    const char *drive, *site, *login_url, *graph_url, *ca_file;
    bool path_style, nextcloud, allow_private;
    int64_t poll, exposure_sweep; /* microseconds; 0 = not given */
    uint64_t rate;
};

struct config_target {
    unsigned line;
    const char *name, *url, *ca_file;
    struct config_list secrets; /* files; new and old during rotation */
};

struct config {
    const char *file;
    const char *state, *admin_url, *webhooks_url, *tls_cert, *tls_key, *rules;
    const char *store_kind, *store_dsn, *vault_kind, *vault_path, *tombstone, *old_versions;
    uint64_t workers;                   /* 0 = auto */
    uint64_t spool_memory, spool_total; /* bytes */
    struct config_address admin, webhooks;
    bool behind_proxy, relaxed, vault_sealed, log_json;
    struct config_list types, domains, regions, public_roots, vault_recipients;
    struct limits limits;
    struct config_connection *connections;
    size_t connection_count;
    struct config_target *targets; /* notify: */
    size_t target_count;
    unsigned *lines; /* of each row of settings.def; 0 = default */
};

/* Read and check a configuration file. False: `problems` has a line "FILE:LINE:COL: error: ..."
 * for each mistake; warnings ("...: warning: ...") are there in any case. */
bool config_load(const char *path, struct config *config, struct arena *arena, struct buf *problems,
                 struct err *err);
bool config_parse(const char *path, const char *text, size_t length, struct config *config,
                  struct arena *arena, struct buf *problems, struct err *err);

/* Print every setting, its value, where it came from (the file's line, or default). */
bool config_print(const struct config *config, struct arena *arena, FILE *out);

#endif
