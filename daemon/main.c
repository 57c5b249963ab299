/* labeld: the daemon. Reads the configuration, opens the store, starts parse hosts, workers and
 * listeners; stops in reverse. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "backup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/own.h"
#include "config/config.h"
#include "http/api.h"
#include "http/hooks.h"
#include "http/server.h"
#include "jobs/custodian.h"
#include "jobs/deliver.h"
#include "jobs/workers.h"
#include "keyexport.h"
#include "notify.h"
#include "protect/recipients.h"
#include "rulesfile.h"
#include "state.h"
#include "store/audit.h"
#include "vault/handoff.h"
#include "vaultkey.h"

static const size_t arena_max_bytes = 128u << 20;
static const size_t problems_max_bytes = 1u << 20;

/* Everything that runs, in the order in which it was started. */
struct daemon {
    struct arena arena;
    struct config config;
    struct state state;
    struct parser *parser;
    struct parser_facts parser_facts;
    char types_digest[65];
    struct type_list types;
    struct gate gate;
    struct rulesfile_options rules;
    struct store *store;
    struct visit_link *links;
    int64_t *poll_us;
    size_t link_count;
    struct metrics metrics;
    struct budget *budget;
    struct vaultkey vaultkey;
    struct vault *vault, *tasks;
    struct handoff *handoff;
    struct custodian custodian;
    struct deliver *deliver;
    struct workers *workers;
    struct api *api;
    struct hooks *hooks;
    struct server *server;
};

static bool load_config(struct daemon *daemon, const char *path)
{
    struct err err = {0};
    own_buf struct buf problems = buf_new(problems_max_bytes);
    bool ok = config_load(path, &daemon->config, &daemon->arena, &problems, &err);
    fputs(buf_text(&problems), stderr);
    if (!ok)
        fprintf(stderr, "labeld: %s\n", err.text);
    return ok;
}

/* Parse hosts and rules ---------------------------------------------------------------------- */

static void hex(const uint8_t *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

static bool start_parser(struct daemon *daemon, const char *cache, unsigned hosts, struct err *err)
{
    const struct config *config = &daemon->config;
    own_buf struct buf problems = buf_new(problems_max_bytes);
    const struct parser_options options = {
        .type_dirs = config->types.items,
        .type_dir_count = config->types.count,
        .cache_dir = cache,
        .regions = config->regions.items,
        .region_count = config->regions.count,
        .relaxed = config->relaxed,
        .hosts = hosts,
    };
    daemon->parser = parser_open(&options, &problems, err);
    if (!daemon->parser) {
        fputs(buf_text(&problems), stderr);
        return false;
    }
    parser_facts(daemon->parser, &daemon->parser_facts);
    hex(daemon->parser_facts.types_digest, 32, daemon->types_digest);
    return parser_types(daemon->parser, &daemon->arena, &daemon->types, err);
}

/* Names that rules may use, from the configuration. */
static bool prepare_rules(struct daemon *daemon, struct err *err)
{
    const struct config *config = &daemon->config;
    const char **connections =
        arena_alloc(&daemon->arena, config->connection_count, sizeof *connections);
    const char **targets = arena_alloc(&daemon->arena, config->target_count, sizeof *targets);
    if (!connections || !targets)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < config->connection_count; i++)
        connections[i] = config->connections[i].name;
    for (size_t i = 0; i < config->target_count; i++)
        targets[i] = config->targets[i].name;
    daemon->gate = (struct gate){
        .limits = &config->limits,
        .types = &daemon->types,
        .connections = connections,
        .connection_count = config->connection_count,
        .targets = targets,
        .target_count = config->target_count,
        .recipient = recipients_check,
    };
    daemon->rules = (struct rulesfile_options){
        .path = config->rules, .store = daemon->store, .gate = &daemon->gate};
    return true;
}

/* --check: the whole start without touching the state folder. */
static int check(struct daemon *daemon)
{
    struct err err = {0};
    own_buf struct buf problems = buf_new(problems_max_bytes);
    const struct config *config = &daemon->config;
    struct hooks *hooks = hooks_open(config, NULL, &err); /* are the secrets good? */
    bool ok = hooks && deliver_check(config->targets, config->target_count, &err) &&
              start_parser(daemon, NULL, 1, &err) && prepare_rules(daemon, &err);
    hooks_close(hooks);
    struct policy *policy = ok ? rulesfile_check(&daemon->rules, &problems, &err) : NULL;
    fputs(buf_text(&problems), stderr);
    policy_free(policy);
    if (daemon->parser)
        parser_close(daemon->parser);
    if (!policy) {
        fprintf(stderr, "labeld: %s\n", err.text);
        return ARGUMENTS_WRONG;
    }
    size_t connections = daemon->config.connection_count;
    char shown[RECIPIENTS_TEXT_BYTES];
    if (sodium_init() >= 0 && vaultkey_is_at_risk(config, shown))
        fprintf(stderr,
                "%s: warning: the vault key has no copy elsewhere, without it no quarantined file "
                "comes back: labeld --config %s --export-key FILE\n",
                config->file, config->file);
    printf("%s is good: %zu connection%s, %u types, rules %s\n", daemon->config.file, connections,
           connections == 1 ? "" : "s", daemon->parser_facts.types,
           daemon->config.rules ? daemon->config.rules : "none");
    return 0;
}

/* Connections -------------------------------------------------------------------------------- */

static bool open_link(struct daemon *daemon, size_t index, struct err *err)
{
    const struct config_connection *from = &daemon->config.connections[index];
    struct visit_link *link = &daemon->links[index];
    const char *const hidden[] = {daemon->config.state};
    const struct connect_settings settings = {
        .name = from->name,
        .path = from->path,
        .exclude = from->exclude.items,
        .exclude_count = from->exclude.count,
        .public_roots = daemon->config.public_roots.items,
        .public_root_count = daemon->config.public_roots.count,
        .hidden = hidden,
        .hidden_count = 1,
        .poll_us = from->poll,
        .spool = daemon->state.spool,
        .memory_max = daemon->config.spool_memory,
        .limits = &daemon->config.limits,
    };
    link->name = from->name;
    link->connector = connect_find(from->kind);
    if (!link->connector)
        return err_set(err, ERR_CONFIG, "connection %s: no kind \"%s\"", from->name, from->kind);
    link->connection = link->connector->open(&settings, err);
    if (!link->connection)
        return false;
    link->caps = link->connector->caps(link->connection, &daemon->arena, &link->notes);
    daemon->poll_us[index] = from->poll;
    daemon->link_count = index + 1;
    if (*link->notes)
        LOG(LOG_LEVEL_WARN, "connection", LOG_TEXT(connection, link->name),
            LOG_TEXT(what, link->notes));
    return true;
}

static bool open_links(struct daemon *daemon, struct err *err)
{
    size_t count = daemon->config.connection_count;
    daemon->links = arena_alloc(&daemon->arena, count, sizeof *daemon->links);
    daemon->poll_us = arena_alloc(&daemon->arena, count, sizeof *daemon->poll_us);
    if (!daemon->links || !daemon->poll_us)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (!open_link(daemon, i, err))
            return false;
    return true;
}

static void close_links(struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->link_count; i++)
        daemon->links[i].connector->close(daemon->links[i].connection);
}

/* On record: what happens to the daemon itself ------------------------------------------------ */

struct event {
    const char *word, *key, *value; /* details: {key: value}; key NULL = none */
};

static bool add_event(struct db *db, void *context, struct err *err)
{
    const struct event *event = context;
    own_buf struct buf details = buf_new(4096);
    own_json json_t *json =
        event->key ? json_pack("{s:o}", event->key, json_text(event->value)) : NULL;
    if (json)
        json_write(json, &details);
    const struct audit_record record = {.event = event->word,
                                        .actor = "labeld",
                                        .details = details.length ? buf_text(&details) : NULL,
                                        .at_us = clock_now_us()};
    return audit_add(db, &record, err);
}

static void say(struct daemon *daemon, const char *word, const char *key, const char *value)
{
    struct err err = {0};
    struct event event = {word, key, value};
    const struct store_unit unit = {add_event, &event};
    if (!store_write(daemon->store, STORE_COMMITTED, unit, &err))
        LOG(LOG_LEVEL_ERROR, "not-recorded", LOG_TEXT(what, word), LOG_TEXT(error, err.text));
}

/* The end of the record, where nobody who changes the database can change it, too. */
static void tell_head(struct daemon *daemon)
{
    struct audit_head head = {0};
    struct db *db = store_reader(daemon->store, NULL);
    if (db && audit_head(db, &head, NULL))
        LOG(LOG_LEVEL_INFO, "audit-head", LOG_NUMBER(count, head.seq), LOG_TEXT(head, head.hash));
    store_reader_done(daemon->store, db);
}

/* Starting ----------------------------------------------------------------------------------- */

/* Other rules are in force: by the file, the API or a roll-back. */
static void applied(void *context, const struct policy *policy)
{
    struct daemon *daemon = context;
    api_rules(daemon->api, policy, NULL);
    LOG(LOG_LEVEL_INFO, "rules-in-force", LOG_TEXT(revision, policy_revision(policy)));
}

/* The workers own the policy afterwards; the API keeps copies of what it shows. */
static bool start_workers(struct daemon *daemon, struct err *err)
{
    own_buf struct buf problems = buf_new(problems_max_bytes);
    const char *problem = NULL;
    struct policy *policy =
        rulesfile_start(&daemon->rules, &daemon->arena, &problems, &problem, err);
    fputs(buf_text(&problems), stderr);
    if (!policy)
        return false;
    if (problem)
        LOG(LOG_LEVEL_ERROR, "rules", LOG_TEXT(error, problem));
    say(daemon, "started", "version", LABELD_VERSION);
    if (!api_rules(daemon->api, policy, problem)) {
        policy_free(policy);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    daemon->budget = budget_open(daemon->config.spool_total);
    daemon->custodian = (struct custodian){
        .vault = daemon->vault,
        .tasks = daemon->tasks,
        .to = daemon->vaultkey.to,
        .to_json = daemon->vaultkey.to_json,
        .own = daemon->vaultkey.own,
        .handoff = daemon->handoff,
        .tombstone = strcmp(daemon->config.tombstone, "none") != 0,
    };
    const struct workers_options options = {
        .told = deliver_wake,
        .told_context = daemon->deliver,
        .applied = applied,
        .applied_context = daemon,
        .budget = daemon->budget,
        .custodian = &daemon->custodian,
        .store = daemon->store,
        .parser = daemon->parser,
        .limits = &daemon->config.limits,
        .gate = &daemon->gate,
        .policy = policy,
        .links = daemon->links,
        .poll_us = daemon->poll_us,
        .link_count = daemon->link_count,
        .metrics = &daemon->metrics,
        .threads = (unsigned)daemon->config.workers,
    };
    daemon->workers = workers_start(&options, err);
    return daemon->workers != NULL;
}

static bool start_deliver(struct daemon *daemon, struct err *err)
{
    const struct deliver_options options = {
        .store = daemon->store,
        .targets = daemon->config.targets,
        .target_count = daemon->config.target_count,
        .retry_us = (int64_t)daemon->config.limits.notify_retry_s * 1000000,
    };
    daemon->deliver = deliver_open(&options, err);
    return daemon->deliver != NULL;
}

/* Asked at each status, for the key may be exported while the daemon runs. */
static bool is_key_at_risk(void *context)
{
    const struct daemon *daemon = context;
    return daemon->vaultkey.at_risk &&
           !vaultkey_is_exported(daemon->config.state, daemon->vaultkey.at_risk);
}

static bool start_api(struct daemon *daemon, struct err *err)
{
    const struct api_facts facts = {
        .store = daemon->store,
        .config = &daemon->config,
        .hooks = daemon->hooks,
        .handoff = daemon->handoff,
        .is_key_at_risk = is_key_at_risk,
        .key_context = daemon,
        .seccomp = daemon->parser_facts.seccomp,
        .landlock_abi = daemon->parser_facts.landlock_abi,
        .types = daemon->parser_facts.types,
        .types_digest = daemon->types_digest,
        .type_list = &daemon->types,
        .metrics = &daemon->metrics,
        .gate = &daemon->gate,
    };
    daemon->api = api_open(&facts, err);
    if (daemon->api && api_stopped_us(daemon->api))
        LOG(LOG_LEVEL_WARN, "acting-stopped",
            LOG_TEXT(what, "nothing is carried out until labelctl resume-acting"));
    return daemon->api != NULL;
}

static bool announce(struct daemon *daemon, struct err *err)
{
    const struct config *config = &daemon->config;
    const struct {
        const struct config_address *address;
        uint16_t port;
    } listeners[] = {{&config->admin, server_admin_port(daemon->server)},
                     {&config->webhooks, server_webhooks_port(daemon->server)}};
    const char *text[2];
    for (size_t i = 0; i < 2; i++) {
        const char *host = listeners[i].address->host;
        text[i] = arena_printf(&daemon->arena, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
                               listeners[i].port);
        if (!text[i])
            return err_set(err, ERR_MEMORY, "out of memory");
    }
    LOG(LOG_LEVEL_INFO, "listening", LOG_TEXT(address, text[0]), LOG_TEXT(what, "admin"));
    LOG(LOG_LEVEL_INFO, "listening", LOG_TEXT(address, text[1]), LOG_TEXT(what, "webhooks"));
    return state_listen(&daemon->state, text[0], text[1], err);
}

static bool start_server(struct daemon *daemon, struct err *err)
{
    const struct server_options options = {
        .config = &daemon->config,
        .api = daemon->api,
        .store = daemon->store,
        .hooks = daemon->hooks,
        .admin_token = daemon->state.admin_token,
    };
    daemon->server = server_open(&options, err);
    if (!daemon->server)
        return false;
    struct hooks_numbers numbers;
    hooks_numbers(daemon->hooks, &numbers);
    if (!numbers.realtime)
        LOG(LOG_LEVEL_WARN, "realtime",
            LOG_TEXT(what, "refused: webhooks are answered at normal priority; LimitRTPRIO=1"));
    return announce(daemon, err);
}

static bool open_vault(struct daemon *daemon, struct err *err)
{
    const struct config *config = &daemon->config;
    const char *path = state_vault(config, &daemon->arena);
    if (!path)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!vaultkey_open(&daemon->vaultkey, config, daemon->state.path, &daemon->arena, err))
        return false;
    if (is_key_at_risk(daemon))
        LOG(LOG_LEVEL_WARN, "vault-key",
            LOG_TEXT(what, "has no copy elsewhere: labeld --config FILE --export-key FILE"));
    const char *tasks = arena_printf(&daemon->arena, "%s/tasks", daemon->state.path);
    daemon->vault = vault_open(path, err);
    daemon->tasks = daemon->vault && tasks ? vault_open(tasks, err) : NULL;
    daemon->handoff = daemon->tasks ? handoff_open(daemon->vault, daemon->tasks, err) : NULL;
    return daemon->handoff != NULL;
}

static bool start(struct daemon *daemon, struct err *err)
{
    if (!state_open(&daemon->state, daemon->config.state, err) ||
        !start_parser(daemon, daemon->state.cache, 0, err))
        return false;
    if (!daemon->parser_facts.seccomp)
        LOG(LOG_LEVEL_WARN, "sandbox",
            LOG_TEXT(what, "relaxed: files are parsed without a system call filter"));
    daemon->store = store_open(daemon->state.path, err);
    daemon->hooks = daemon->store ? hooks_open(&daemon->config, daemon->store, err) : NULL;
    return daemon->hooks && prepare_rules(daemon, err) && open_vault(daemon, err) &&
           open_links(daemon, err) && start_deliver(daemon, err) && start_api(daemon, err) &&
           start_workers(daemon, err) && start_server(daemon, err);
}

static void stop(struct daemon *daemon)
{
    server_close(daemon->server);
    budget_stop(daemon->budget); /* nobody waits for room any more */
    if (daemon->workers)
        workers_stop(daemon->workers);
    budget_close(daemon->budget);
    deliver_close(daemon->deliver);
    close_links(daemon);
    api_close(daemon->api);
    hooks_close(daemon->hooks);
    if (daemon->workers) {
        say(daemon, "stopped", "version", LABELD_VERSION);
        tell_head(daemon);
    }
    handoff_close(daemon->handoff);
    vault_close(daemon->vault);
    vault_close(daemon->tasks);
    vaultkey_close(&daemon->vaultkey);
    if (daemon->store)
        store_close(daemon->store);
    if (daemon->parser)
        parser_close(daemon->parser);
    state_close(&daemon->state);
}

/* Running ------------------------------------------------------------------------------------ */

/* A file that does not pass leaves the rules in force, which status and log say. */
static bool reload_rules(struct daemon *daemon, struct err *err)
{
    own_buf struct buf problems = buf_new(problems_max_bytes);
    struct policy *policy = NULL;
    bool ok = rulesfile_reload(&daemon->rules, &problems, &policy, err);
    fputs(buf_text(&problems), stderr);
    if (!ok)
        return false;
    api_rules(daemon->api, NULL, NULL);
    if (policy)
        workers_apply(daemon->workers);
    else
        LOG(LOG_LEVEL_INFO, "rules-unchanged", LOG_TEXT(revision, NULL));
    policy_free(policy);
    return true;
}

static void reload(struct daemon *daemon)
{
    struct err err = {0};
    if (reload_rules(daemon, &err))
        return;
    err_add(&err, "the rules in force stay");
    api_rules(daemon->api, NULL, err.text);
    LOG(LOG_LEVEL_ERROR, "rules-refused", LOG_TEXT(error, err.text));
}

static void wait_for_signals(struct daemon *daemon, const sigset_t *signals)
{
    for (;;) {
        int number = 0;
        if (sigwait(signals, &number) != 0)
            continue;
        LOG(LOG_LEVEL_INFO, "signal", LOG_NUMBER(signal, number));
        if (number != SIGHUP)
            return;
        notify_send("RELOADING=1");
        reload(daemon);
        notify_send("READY=1");
    }
}

/* Blocked before the first thread, so that only the main thread takes them. */
static sigset_t block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGIO, SIG_IGN); /* broken leases (base/place.h) */
    return signals;
}

/* No core dump and no debugger of the same user while there are keys in memory: what a crash
 * writes, or pipes to a handler, outlives it. */
static void shield(bool on)
{
    const struct rlimit none = {0, 0};
    if (on)
        setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, !on, 0, 0, 0);
}

static int run(struct daemon *daemon)
{
    struct err err = {0};
    sigset_t signals = block_signals();
    umask(077);
    shield(true);
    log_open(STDERR_FILENO, LOG_LEVEL_INFO, daemon->config.log_json);
    if (sodium_init() < 0) {
        fputs("labeld: no source of random numbers\n", stderr);
        return 1;
    }
    bool ok = start(daemon, &err);
    if (ok) {
        LOG(LOG_LEVEL_INFO, "ready", LOG_TEXT(version, LABELD_VERSION),
            LOG_NUMBER(count, daemon->link_count));
        tell_head(daemon);
        notify_send("READY=1");
        wait_for_signals(daemon, &signals);
        notify_send("STOPPING=1");
    } else {
        fprintf(stderr, "labeld: %s\n", err.text);
    }
    stop(daemon);
    shield(false); /* the keys are wiped; a leak checker may look */
    if (ok)
        LOG(LOG_LEVEL_INFO, "stopped", LOG_TEXT(version, LABELD_VERSION));
    return ok ? 0 : err.kind == ERR_CONFIG || err.kind == ERR_TAKEN ? ARGUMENTS_WRONG : 1;
}

/* Backup, restore, export-key: what is done beside a running daemon, or without one. */
static int keep(struct daemon *daemon, struct arguments *arguments)
{
    struct err err = {0};
    arguments->lock.to = (struct config_list){arguments->to, arguments->to_count};
    const struct backup_options options = {.config = &daemon->config,
                                           .folder = arguments->target,
                                           .key_file = arguments->key_file,
                                           .lock = &arguments->lock,
                                           .without_key = arguments->without_key,
                                           .out = stdout};
    umask(077);
    shield(true);
    signal(SIGPIPE, SIG_IGN);
    bool ok = sodium_init() >= 0 || err_set(&err, ERR_IO, "no source of random numbers");
    if (ok && arguments->mode == ARGUMENTS_BACKUP)
        ok = backup_make(&options, &err);
    else if (ok && arguments->mode == ARGUMENTS_RESTORE)
        ok = backup_restore(&options, &err);
    else if (ok)
        ok = keyexport_write(&options, &err);
    shield(false);
    if (!ok)
        fprintf(stderr, "labeld: %s\n", err.text);
    if (ok)
        return 0;
    return err.kind == ERR_CONFIG || err.kind == ERR_TAKEN || err.kind == ERR_USAGE
               ? ARGUMENTS_WRONG
               : 1;
}

int main(int argc, char **argv)
{
    struct daemon daemon = {.arena = arena_new(arena_max_bytes), .state = {.lock = -1}};
    struct arguments arguments = {0};
    int code = arguments_read(argc, argv, &arguments);
    if (code < 0 && !load_config(&daemon, arguments.config))
        code = ARGUMENTS_WRONG;
    if (code < 0 && arguments.mode == ARGUMENTS_PRINT)
        code = config_print(&daemon.config, &daemon.arena, stdout) ? 0 : 1;
    else if (code < 0 && arguments.mode == ARGUMENTS_CHECK)
        code = check(&daemon);
    else if (code < 0)
        code = arguments.mode == ARGUMENTS_RUN ? run(&daemon) : keep(&daemon, &arguments);
    arena_fini(&daemon.arena);
    return code;
}
