#include "config/config.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/io.h"
#include "base/own.h"
#include "base/text.h"
#include "config/value.h"

enum { file_max_bytes = 1 << 20, name_max = 120 };

enum when { NOW, LATER };

/* One key, of the file or of a connection. */
struct row {
    const char *key;
    enum value_kind kind;
    size_t offset;
    const char *standard; /* settings only */
    const char *kinds;    /* connections only: which have it; "*" all */
    enum when when;
};

static const struct row settings[] = {
#define SETTING(key, kind, field, standard, when, sentence)                                        \
    {key, VALUE_##kind, offsetof(struct config, field), standard, NULL, when},
#include "config/settings.def"
#undef SETTING
};
enum { setting_count = sizeof settings / sizeof *settings };

static const struct row connection_rows[] = {
#define CONNECTION(key, kind, field, kinds, when, sentence)                                        \
    {key, VALUE_##kind, offsetof(struct config_connection, field), NULL, kinds, when},
#include "config/connections.def"
#undef CONNECTION
};
enum { connection_row_count = sizeof connection_rows / sizeof *connection_rows };

/* What a mapping is read into. */
struct target {
    const struct row *rows;
    size_t count;
    void *thing;
    unsigned *lines;  /* by row, or NULL */
    const char *kind; /* of the connection, or NULL */
};

/* Keys read apart from the rows, at the top of the file. */
static const char *const sections[] = {"limits", "notify", "connections"};

/* Unknown keys ------------------------------------------------------------------------------- */

/* The part of `key` after `prefix` up to the next dot, or NULL when it is not below the prefix. */
static const char *part_below(struct arena *arena, const char *key, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(key, prefix, length) != 0)
        return NULL;
    const char *dot = strchr(key + length, '.');
    return dot ? arena_strndup(arena, key + length, (size_t)(dot - key) - length) : key + length;
}

static bool unknown_key(struct value_context *context, const struct target *target,
                        const char *prefix, const struct yaml_pair *pair)
{
    enum { most = 96 };
    const char *words[most];
    size_t count = 0;
    for (size_t i = 0; i < target->count && count < most; i++)
        if ((words[count] = part_below(context->arena, target->rows[i].key, prefix)))
            count++;
    for (size_t i = 0; !*prefix && !target->kind && i < sizeof sections / sizeof *sections; i++)
        if (count < most)
            words[count++] = sections[i];
    const char *near = text_nearest(pair->key, words, count);
    return value_error(context, pair->line, pair->column, "unknown key \"%s%.80s\"%s%s%s", prefix,
                       pair->key, near ? "; did you mean \"" : "", near ? near : "",
                       near ? "\"?" : "");
}

/* Rows --------------------------------------------------------------------------------------- */

static const struct row *find_row(const struct target *target, const char *key, bool *inner)
{
    size_t length = strlen(key);
    *inner = false;
    for (size_t i = 0; i < target->count; i++) {
        if (strcmp(target->rows[i].key, key) == 0)
            return &target->rows[i];
        if (strncmp(target->rows[i].key, key, length) == 0 && target->rows[i].key[length] == '.')
            *inner = true;
    }
    return NULL;
}

/* Whether a word stands in a list of words with spaces between. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static bool read_row(struct value_context *context, const struct target *target,
                     const struct row *row, const struct yaml_pair *pair)
{
    if (row->kinds && strcmp(row->kinds, "*") != 0 && !has_word(row->kinds, target->kind))
        return value_error(context, pair->line, pair->column,
                           "a connection of kind %s has no \"%s\"", target->kind, row->key);
    if (row->when == LATER)
        value_warning(context, pair->line, pair->column, "\"%s\" does not act in this version",
                      row->key);
    if (target->lines)
        target->lines[row - target->rows] = pair->line;
    return value_read(context, row->kind, row->key, &pair->value,
                      (char *)target->thing + row->offset);
}

static void read_map(struct value_context *context, const struct target *target, const char *prefix,
                     const struct yaml_node *map)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        const char *key = arena_printf(context->arena, "%s%s", prefix, pair->key);
        bool inner = false;
        const struct row *row = key ? find_row(target, key, &inner) : NULL;
        bool section = false;
        for (size_t k = 0; k < sizeof sections / sizeof *sections; k++)
            section = section || (!*prefix && !target->kind && strcmp(sections[k], pair->key) == 0);
        if (section)
            continue;
        if (row)
            read_row(context, target, row, pair);
        else if (inner && pair->value.kind == YAML_MAP)
            read_map(context, target, arena_printf(context->arena, "%s.", key), &pair->value);
        else if (inner)
            value_error(context, pair->line, pair->column, "\"%s\" is a mapping of settings", key);
        else
            unknown_key(context, target, prefix, pair);
    }
}

static void read_defaults(struct value_context *context, struct config *config)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct yaml_node node = {.kind = YAML_SCALAR, .text = settings[i].standard};
        if (*settings[i].standard)
            value_read(context, settings[i].kind, settings[i].key, &node,
                       (char *)config + settings[i].offset);
    }
}

/* Limits ------------------------------------------------------------------------------------- */

static void read_limit(struct value_context *context, struct config *config,
                       const struct yaml_pair *pair)
{
    struct err err = {0};
    const struct limits_row *row = value_limit(pair->key, &err);
    uint64_t value = 0;
    if (!row) {
        value_error(context, pair->line, pair->column, "%s", err.text);
        return;
    }
    enum value_kind kind = strcmp(row->unit, "bytes") == 0 ? VALUE_SIZE : VALUE_COUNT;
    if (!value_read(context, kind, row->name, &pair->value, &value))
        return;
    if (!value_set_limit(&config->limits, row, value, &err))
        value_error(context, pair->line, pair->column, "%s", err.text);
}

static void read_limits(struct value_context *context, struct config *config,
                        const struct yaml_node *map)
{
    if (!map || (map->kind == YAML_SCALAR && !*map->text))
        return;
    if (map->kind != YAML_MAP) {
        value_error(context, map->line, map->column, "\"limits\" is a mapping: name: value");
        return;
    }
    for (size_t i = 0; i < map->count; i++)
        read_limit(context, config, &map->pairs[i]);
}

/* Connections -------------------------------------------------------------------------------- */

static const char *const kinds_here[] = {"directory"};
static const char *const kinds_later[] = {"s3", "azure-blob", "webdav", "google-drive", "graph"};

static bool in_list(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

/* The kind decides which other keys are allowed, so it is looked at first. */
static const char *connection_kind(struct value_context *context, const struct yaml_node *map)
{
    const struct yaml_node *kind = yaml_get(map, "kind");
    if (!kind || kind->kind != YAML_SCALAR) {
        value_error(context, map->line, map->column, "a connection needs \"kind\": directory");
        return NULL;
    }
    if (in_list(kinds_here, 1, kind->text))
        return kind->text;
    if (in_list(kinds_later, sizeof kinds_later / sizeof *kinds_later, kind->text)) {
        value_error(context, kind->line, kind->column,
                    "connection kind \"%s\" is not in this version; there is: directory",
                    kind->text);
        return kind->text; /* its other keys are checked all the same */
    }
    value_error(context, kind->line, kind->column,
                "\"%.80s\" is not a kind of connection; there is: directory", kind->text);
    return NULL;
}

static bool name_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= name_max && !strchr(name, '/') && name[0] != '.';
}

static void check_connection(struct value_context *context, const struct config *config,
                             const struct config_connection *connection,
                             const struct yaml_node *map)
{
    if (!connection->name || !name_valid(connection->name))
        value_error(context, map->line, map->column,
                    "a connection needs a \"name\" of 1 to %d characters without /", name_max);
    else
        for (size_t i = 0; &config->connections[i] != connection; i++)
            if (config->connections[i].name &&
                strcmp(config->connections[i].name, connection->name) == 0)
                value_error(context, map->line, map->column,
                            "connection \"%s\" is defined already in line %u; names must differ",
                            connection->name, config->connections[i].line);
    for (size_t i = 0; i < connection->exclude.count; i++) {
        const char *glob = connection->exclude.items[i];
        if (glob[0] != '/' && strncmp(glob, "**/", 3) != 0)
            value_error(context, map->line, map->column,
                        "exclude \"%.80s\" must begin with \"/\" or \"**/\"", glob);
    }
    if (connection->kind && strcmp(connection->kind, "directory") == 0 && !connection->path)
        value_error(context, map->line, map->column, "a directory connection needs \"path\"");
}

static void read_connections(struct value_context *context, struct config *config,
                             const struct yaml_node *list)
{
    if (!list || (list->kind == YAML_SCALAR && !*list->text))
        return;
    if (list->kind != YAML_LIST) {
        value_error(context, list->line, list->column, "\"connections\" is a list");
        return;
    }
    config->connections = arena_alloc(context->arena, list->count + 1, sizeof *config->connections);
    for (size_t i = 0; config->connections && i < list->count; i++) {
        const struct yaml_node *map = &list->items[i];
        struct config_connection *connection = &config->connections[config->connection_count++];
        connection->line = map->line;
        if (map->kind != YAML_MAP) {
            value_error(context, map->line, map->column, "a connection is a mapping");
            continue;
        }
        const char *kind = connection_kind(context, map);
        const struct target target = {connection_rows, connection_row_count, connection, NULL,
                                      kind};
        if (kind) {
            read_map(context, &target, "", map);
            check_connection(context, config, connection, map);
        }
    }
}

/* Notification targets ----------------------------------------------------------------------- */

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

static const struct row target_rows[] = {
    {"name", VALUE_TEXT, offsetof(struct config_target, name), NULL, NULL, NOW},
    {"url", VALUE_TEXT, offsetof(struct config_target, url), NULL, NULL, NOW},
    {"secret_file", VALUE_SECRETS, offsetof(struct config_target, secrets), NULL, NULL, NOW},
    {"ca_file", VALUE_PATH, offsetof(struct config_target, ca_file), NULL, NULL, NOW},
};

/* https anywhere, http on this machine; what follows the host is the receiver's. */
static bool is_hook_url(struct value_context *context, const char *url)
{
    if (strncmp(url, "https://", 8) == 0)
        return url[8] != '\0';
    if (strncmp(url, "http://", 7) != 0)
        return false;
    url += 7;
    bool bracketed = *url == '[';
    const char *host = arena_strndup(context->arena, url + bracketed,
                                     strcspn(url + bracketed, bracketed ? "]" : ":/?#"));
    return host && is_loopback(host);
}

static void check_target(struct value_context *context, const struct config *config,
                         const struct config_target *one, const struct yaml_node *map)
{
    static const char *const built_in[] = {"owner", "last-editor"};
    if (!one->name || !one->url || one->secrets.count == 0) {
        value_error(context, map->line, map->column,
                    "a target needs \"name\", \"url\" and \"secret_file\"");
        return;
    }
    if (!name_valid(one->name) || in_list(built_in, 2, one->name))
        value_error(context, map->line, map->column,
                    "a target needs a name of 1 to %d characters without /, other than owner and "
                    "last-editor",
                    name_max);
    for (size_t i = 0; &config->targets[i] != one; i++)
        if (config->targets[i].name && strcmp(config->targets[i].name, one->name) == 0)
            value_error(context, map->line, map->column,
                        "target \"%s\" is defined already in line %u; names must differ", one->name,
                        config->targets[i].line);
    if (!is_hook_url(context, one->url))
        value_error(context, map->line, map->column,
                    "target \"%.80s\": the url begins with https:// (http:// only to this machine)",
                    one->name);
}

static void read_targets(struct value_context *context, struct config *config,
                         const struct yaml_node *list)
{
    if (!list || (list->kind == YAML_SCALAR && !*list->text))
        return;
    if (list->kind != YAML_LIST) {
        value_error(context, list->line, list->column, "\"notify\" is a list of targets");
        return;
    }
    config->targets = arena_alloc(context->arena, list->count + 1, sizeof *config->targets);
    for (size_t i = 0; config->targets && i < list->count; i++) {
        const struct yaml_node *map = &list->items[i];
        struct config_target *one = &config->targets[config->target_count++];
        const struct target target = {target_rows, sizeof target_rows / sizeof *target_rows, one,
                                      NULL, "notify"};
        one->line = map->line;
        if (map->kind == YAML_MAP)
            read_map(context, &target, "", map);
        check_target(context, config, one, map);
    }
}

/* The whole ---------------------------------------------------------------------------------- */

/* A signed webhook may be read on its way; a path that is the secret may not. */
static void check_hook_tokens(struct value_context *context, const struct config *config)
{
    for (size_t i = 0; i < config->connection_count; i++) {
        const struct config_connection *one = &config->connections[i];
        if (one->hook_token && !config->behind_proxy)
            value_error(context, one->line, 1,
                        "connection \"%s\": webhook.token_file makes the path the secret, and the "
                        "webhook listener %s sends it in the clear: set listen.tls, or "
                        "listen.behind_proxy: true when a proxy in front speaks TLS",
                        one->name, config->webhooks.host);
    }
}

static void check_whole(struct value_context *context, const struct config *config,
                        const struct yaml_node *root)
{
    const struct yaml_node *listen = yaml_get(root, "listen");
    unsigned line = listen ? listen->line : 1;
    if (config->admin.host && !is_loopback(config->admin.host) && !config->behind_proxy &&
        !config->tls_cert)
        value_error(context, line, 1,
                    "the admin listener %s is not loopback: it needs listen.tls, or "
                    "listen.behind_proxy: true when a proxy in front speaks TLS",
                    config->admin.host);
    if (config->webhooks.host && !is_loopback(config->webhooks.host) && !config->tls_cert)
        check_hook_tokens(context, config);
    if ((config->tls_cert != NULL) != (config->tls_key != NULL))
        value_error(context, line, 1, "listen.tls needs both cert_file and key_file");
}

static bool yaml_error(struct value_context *context, const struct yaml_problem *problem)
{
    if (problem->fault == YAML_DUPLICATE)
        return value_error(context, problem->line, problem->column,
                           "\"%s\" stands here twice (first in line %u)", problem->word,
                           problem->other_line);
    return value_error(context, problem->line, problem->column, "%s", problem->message);
}

static const char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

bool config_parse(const char *path, const char *text, size_t length, struct config *config,
                  struct arena *arena, struct buf *problems, struct err *err)
{
    struct yaml_problem problem;
    struct value_context context = {.file = path, .arena = arena, .problems = problems};
    *config = (struct config){.file = path, .limits = limits_default()};
    context.folder = folder_of(arena, path);
    config->lines = arena_alloc(arena, setting_count, sizeof *config->lines);
    if (!context.folder || !config->lines)
        return err_set(err, ERR_MEMORY, "%s: out of memory", path);
    read_defaults(&context, config);
    const struct yaml_node *root = yaml_parse(text, length, arena, &problem);
    if (!root && problem.fault != YAML_EMPTY)
        yaml_error(&context, &problem);
    if (root && root->kind != YAML_MAP)
        value_error(&context, root->line, root->column, "the file is a mapping: key: value");
    if (root && root->kind == YAML_MAP) {
        const struct target target = {settings, setting_count, config, config->lines, NULL};
        read_map(&context, &target, "", root);
        read_limits(&context, config, yaml_get(root, "limits"));
        read_targets(&context, config, yaml_get(root, "notify"));
        read_connections(&context, config, yaml_get(root, "connections"));
    }
    check_whole(&context, config, root);
    if (context.errors)
        return err_set(err, ERR_CONFIG, "%s: %u error%s", path, context.errors,
                       context.errors == 1 ? "" : "s");
    return true;
}

bool config_load(const char *path, struct config *config, struct arena *arena, struct buf *problems,
                 struct err *err)
{
    size_t length;
    char *text = io_read_file(path, file_max_bytes, &length, err);
    if (!text)
        return false;
    bool ok = config_parse(path, text, length, config, arena, problems, err);
    mem_free(text);
    return ok;
}

static void print_connection(const struct config_connection *connection, struct arena *arena,
                             FILE *out)
{
    fprintf(out, "# connection, line %u\n", connection->line);
    for (size_t i = 0; i < connection_row_count; i++) {
        const struct row *row = &connection_rows[i];
        if (!has_word(row->kinds, connection->kind) && strcmp(row->kinds, "*") != 0)
            continue;
        const char *text = value_text(arena, row->kind, (const char *)connection + row->offset);
        fprintf(out, "  %s: %s\n", row->key, text ? text : "");
    }
}

static void print_target(const struct config_target *target, struct arena *arena, FILE *out)
{
    fprintf(out, "# notify, line %u\n", target->line);
    for (size_t i = 0; i < sizeof target_rows / sizeof *target_rows; i++) {
        const char *text =
            value_text(arena, target_rows[i].kind, (const char *)target + target_rows[i].offset);
        fprintf(out, "  %s: %s\n", target_rows[i].key, text ? text : "");
    }
}

bool config_print(const struct config *config, struct arena *arena, FILE *out)
{
    for (size_t i = 0; i < setting_count; i++) {
        const char *text =
            value_text(arena, settings[i].kind, (const char *)config + settings[i].offset);
        if (!text)
            return false;
        fprintf(out, "%s: %s  # ", settings[i].key, text);
        if (config->lines[i])
            fprintf(out, "line %u\n", config->lines[i]);
        else
            fputs("default\n", out);
    }
    size_t count;
    const struct limits_row *rows = limits_rows(&count);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "limits.%s: %llu  # %s: %s\n", rows[i].name,
                (unsigned long long)limits_get(&config->limits, &rows[i]), rows[i].unit,
                rows[i].sentence);
    for (size_t i = 0; i < config->target_count; i++)
        print_target(&config->targets[i], arena, out);
    for (size_t i = 0; i < config->connection_count; i++)
        print_connection(&config->connections[i], arena, out);
    return !ferror(out);
}
