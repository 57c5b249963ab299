#include "http/hooks.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/address.h"
#include "http/answer.h"
#include "http/doors.h"
#include "http/rate.h"
#include "http/seen.h"
#include "store/queue.h"

enum {
    address_buckets = 4096,
    slice_rows = 1000, /* of one commit; others' answers wait less */
    small_body_bytes =
        8 << 10,           /* these have the last quarter of the room for bodies to themselves */
    drain_bytes = 1 << 20, /* of a body that is too large, so that its sender hears the answer */
    arena_overhead_bytes = 1 << 20,
};

static const int64_t remember_us = 600000000; /* older time stamps fail anyway */
static const int64_t log_every_us = 10000000;

static const struct {
    unsigned status, retry_after_s;
    const char *word, *sentence;
} ends[HOOKS_END_COUNT] = {
#define HOOK_END(name, status, retry_after, word, sentence)                                        \
    [HOOKS_##name] = {status, retry_after, word, sentence},
#include "http/hooks.def"
#undef HOOK_END
};

struct hooks {
    const struct config *config;
    struct store *store;
    struct doors *doors;
    struct rate *by_address, *by_door;
    struct seen *seen;
    unsigned char address_key[ADDRESS_KEY_SIZE];
    struct MHD_Response *accepted;
    atomic_uint_fast64_t counts[HOOKS_END_COUNT], jobs, flight_bytes;
    atomic_int_fast64_t next_log_us;
    atomic_uint_fast64_t refused_since_log;
    atomic_bool stopping, realtime;

    pthread_mutex_t lock; /* suspended connections */
    pthread_cond_t none_suspended;
    size_t suspended;
};

/* One request. */
struct hook {
    struct hooks *hooks;
    struct MHD_Connection *connection;
    const struct door *door;
    enum hooks_end end; /* valid once `ended` */
    bool ended, has_print;
    uint64_t received, flight_bytes, print;
    struct buf body;
    struct arena arena;
    struct ring_list list;
    size_t next; /* of the list, to be queued */
    int64_t now_us;
    struct err err; /* what is wrong with the body */
};

/* Answers ------------------------------------------------------------------------------------- */

/* Most answers are this one, made once. */
static struct MHD_Response *make_accepted(void)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (response)
        MHD_add_response_header(response, "Cache-Control", "no-store");
    return response;
}

/* One line in ten seconds: a flood of refusals must not fill the log. */
static void log_refusal(struct hooks *hooks, const struct hook *hook)
{
    int64_t now = clock_steady_us(), next = atomic_load(&hooks->next_log_us);
    atomic_fetch_add(&hooks->refused_since_log, 1);
    if (now < next ||
        !atomic_compare_exchange_strong(&hooks->next_log_us, &next, now + log_every_us))
        return;
    LOG(LOG_LEVEL_WARN, "webhook-refused",
        LOG_TEXT(connection, hook->door ? hook->door->connection : NULL),
        LOG_TEXT(reason, ends[hook->end].word),
        LOG_NUMBER(count, atomic_exchange(&hooks->refused_since_log, 0)));
}

static enum MHD_Result say(struct hook *hook)
{
    struct hooks *hooks = hook->hooks;
    enum hooks_end end = hook->end;
    struct answer answer = {.retry_s = ends[end].retry_after_s};
    atomic_fetch_add(&hooks->counts[end], 1);
    if (ends[end].status < 400)
        return MHD_queue_response(hook->connection, ends[end].status, hooks->accepted);
    log_refusal(hooks, hook);
    answer_problem(&answer, ends[end].status, "%s",
                   hook->err.kind ? hook->err.text : ends[end].sentence);
    answer.allow = ends[end].status == 405 ? "POST" : NULL;
    return answer_send(&answer, hook->connection) ? MHD_YES : MHD_NO;
}

static void end_hook(struct hook *hook, enum hooks_end end)
{
    if (!hook->ended)
        hook->end = end;
    hook->ended = true;
}

/* Bounds, before anything is looked at -------------------------------------------------------- */

/* The length that the client has announced; 0 = none. */
static uint64_t announced(struct MHD_Connection *connection)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    uint64_t length = 0;
    for (; text && *text >= '0' && *text <= '9' && length < UINT64_MAX / 16; text++)
        length = length * 10 + (uint64_t)(*text - '0');
    return length;
}

/* The headers are there: everything that can be refused by them alone. */
static void look_at_head(struct hook *hook, const char *url, const char *method)
{
    static const char prefix[] = "/hooks/";
    struct hooks *hooks = hook->hooks;
    int64_t now = clock_steady_us();
    if (!rate_take(hooks->by_address, address_print(hook->connection, hooks->address_key), now))
        return end_hook(hook, HOOKS_RATE);
    if (strncmp(url, prefix, sizeof prefix - 1) != 0)
        return end_hook(hook, HOOKS_NO_DOOR);
    if (strcmp(method, "POST") != 0)
        return end_hook(hook, HOOKS_METHOD);
    hook->door = doors_find(hooks->doors, url + sizeof prefix - 1);
    if (!hook->door)
        return end_hook(hook, HOOKS_NO_DOOR);
    if (!rate_take(hooks->by_door, hook->door->index, now))
        return end_hook(hook, HOOKS_RATE);
    if (announced(hook->connection) > hooks->config->limits.webhook_body_bytes)
        return end_hook(hook, HOOKS_TOO_LARGE);
    if (atomic_load(&hooks->stopping))
        return end_hook(hook, HOOKS_STOPPING);
}

/* Whether more of a body fits beside all others. */
static bool take_room(struct hook *hook, size_t bytes)
{
    struct hooks *hooks = hook->hooks;
    uint64_t most = hooks->config->limits.webhook_flight_bytes;
    if (hook->received > small_body_bytes)
        most -= most / 4;
    uint64_t all = atomic_fetch_add(&hooks->flight_bytes, bytes) + bytes;
    hook->flight_bytes += bytes;
    return all <= most;
}

static void give_room(struct hook *hook)
{
    atomic_fetch_sub(&hook->hooks->flight_bytes, hook->flight_bytes);
    hook->flight_bytes = 0;
    buf_fini(&hook->body);
}

/* A piece of the body. False: more than is worth reading; the connection is cut. */
static bool take_piece(struct hook *hook, const char *bytes, size_t length)
{
    uint64_t most = hook->hooks->config->limits.webhook_body_bytes;
    hook->received += length;
    if (hook->received > most)
        end_hook(hook, HOOKS_TOO_LARGE);
    else if (!hook->ended && (!take_room(hook, length) || !buf_append(&hook->body, bytes, length)))
        end_hook(hook, HOOKS_FULL);
    if (hook->ended)
        give_room(hook);
    return hook->received <= most + drain_bytes;
}

/* Who rang ------------------------------------------------------------------------------------ */

struct headers {
    const char *id, *timestamp, *signatures;
    bool doubled;
};

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct headers *headers = context;
    const struct {
        const char *name, **value;
    } wanted[] = {{"webhook-id", &headers->id},
                  {"webhook-timestamp", &headers->timestamp},
                  {"webhook-signature", &headers->signatures}};
    (void)kind;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (strcasecmp(name, wanted[i].name) != 0)
            continue;
        headers->doubled = headers->doubled || *wanted[i].value;
        *wanted[i].value = value;
    }
    return MHD_YES;
}

static enum hooks_end authenticate(struct hook *hook)
{
    static const enum hooks_end by_verdict[RING_VERDICT_COUNT] = {
        [RING_AUTHENTIC] = HOOKS_ACCEPTED, [RING_MISSING] = HOOKS_UNSIGNED,
        [RING_UNTIMELY] = HOOKS_UNTIMELY,  [RING_FORGED] = HOOKS_FORGED,
        [RING_UNCHECKED] = HOOKS_FULL,
    };
    struct headers headers = {0};
    const struct door *door = hook->door;
    MHD_get_connection_values(hook->connection, MHD_HEADER_KIND, take_header, &headers);
    if (headers.doubled)
        return HOOKS_UNSIGNED;
    const struct ring_message message = {headers.id, headers.timestamp, buf_text(&hook->body),
                                         hook->body.length};
    enum ring_verdict verdict = RING_AUTHENTIC; /* by the secret in the path */
    if (door->key_count > 0)
        verdict = ring_check(door->keys, door->key_count, &message, headers.signatures,
                             clock_now_us() / 1000000);
    hook->has_print = headers.id && strlen(headers.id) <= RING_ID_BYTES;
    if (hook->has_print)
        hook->print = seen_print(hook->hooks->seen, door->index, headers.id);
    return by_verdict[verdict];
}

/* Making jobs --------------------------------------------------------------------------------- */

static size_t slice_end(const struct hook *hook)
{
    size_t left = hook->list.count - hook->next;
    return hook->next + (left < slice_rows ? left : slice_rows);
}

static bool queue_slice(struct db *db, void *context, struct err *err)
{
    const struct hook *hook = context;
    for (size_t i = hook->next, end = slice_end(hook); i < end; i++) {
        struct queue_job job = {.kind = QUEUE_VISIT,
                                .connection = hook->door->connection,
                                .key = hook->list.keys[i],
                                .lane = QUEUE_LIVE,
                                .due_us = hook->now_us,
                                .seen_us = hook->now_us};
        if (!queue_add(db, &job, err))
            return false;
    }
    return true;
}

static void on_committed(void *context, bool ok, const struct err *err);

static bool submit(struct hook *hook, struct err *err)
{
    const struct store_call call = {
        {queue_slice, hook}, slice_end(hook) - hook->next, on_committed};
    return store_submit(hook->hooks->store, &call, err);
}

/* Nothing of the hook may be touched after its connection was resumed. */
static void resume(struct hook *hook)
{
    struct hooks *hooks = hook->hooks;
    MHD_resume_connection(hook->connection);
    pthread_mutex_lock(&hooks->lock);
    if (--hooks->suspended == 0)
        pthread_cond_broadcast(&hooks->none_suspended);
    pthread_mutex_unlock(&hooks->lock);
}

/* On the writer thread. */
static void on_committed(void *context, bool ok, const struct err *err)
{
    struct hook *hook = context;
    struct hooks *hooks = hook->hooks;
    struct err why = *err;
    hook->next = slice_end(hook);
    if (ok && hook->next < hook->list.count) {
        ok = submit(hook, &why);
        if (ok)
            return;
    }
    if (ok) {
        if (hook->has_print)
            seen_add(hooks->seen, hook->print, clock_steady_us());
        atomic_fetch_add(&hooks->jobs, hook->list.count);
    } else {
        LOG(LOG_LEVEL_ERROR, "webhook-not-stored", LOG_TEXT(connection, hook->door->connection),
            LOG_TEXT(error, why.text));
    }
    end_hook(hook, ok ? HOOKS_ACCEPTED : why.kind == ERR_STOPPED ? HOOKS_STOPPING : HOOKS_STORE);
    resume(hook);
}

/* False when labeld stops: hooks_stop no longer sees it. */
static bool suspend(struct hook *hook)
{
    struct hooks *hooks = hook->hooks;
    pthread_mutex_lock(&hooks->lock);
    bool stopping = atomic_load(&hooks->stopping);
    hooks->suspended += !stopping;
    pthread_mutex_unlock(&hooks->lock);
    if (!stopping)
        MHD_suspend_connection(hook->connection);
    return !stopping;
}

/* True: suspended, the hook may be another thread's by now. */
static bool queue_jobs(struct hook *hook)
{
    struct err err = {0};
    hook->now_us = clock_now_us();
    if (!suspend(hook)) {
        end_hook(hook, HOOKS_STOPPING);
        return false;
    }
    if (!submit(hook, &err)) {
        end_hook(hook, err.kind == ERR_STOPPED ? HOOKS_STOPPING : HOOKS_STORE);
        resume(hook);
    }
    return true;
}

static enum hooks_end read_body(struct hook *hook)
{
    const struct limits *limits = &hook->hooks->config->limits;
    hook->arena = arena_new(2 * hook->body.length + limits->webhook_paths * sizeof(char *) +
                            arena_overhead_bytes);
    if (ring_list(buf_text(&hook->body), hook->body.length, (size_t)limits->webhook_paths,
                  &hook->arena, &hook->list, &hook->err))
        return HOOKS_ACCEPTED;
    return hook->err.kind == ERR_MEMORY  ? HOOKS_FULL
           : hook->err.kind == ERR_LIMIT ? HOOKS_TOO_MANY
                                         : HOOKS_BODY;
}

/* The body is there. True: suspended. */
static bool look_at_body(struct hook *hook)
{
    enum hooks_end end = authenticate(hook);
    if (end == HOOKS_ACCEPTED && hook->has_print &&
        seen_has(hook->hooks->seen, hook->print, clock_steady_us()))
        end = HOOKS_REPEATED;
    if (end == HOOKS_ACCEPTED)
        end = read_body(hook);
    if (end == HOOKS_ACCEPTED)
        return queue_jobs(hook);
    end_hook(hook, end);
    return false;
}

/* One request, as libmicrohttpd brings it ----------------------------------------------------- */

/* Whether the client waits with its body for our word, or announced more than is worth reading:
 * then it is refused at once. Others send anyway, and only hear an answer when we have read. */
static bool is_refused_at_once(const struct hook *hook)
{
    const struct hooks *hooks = hook->hooks;
    return hook->ended &&
           (MHD_lookup_connection_value(hook->connection, MHD_HEADER_KIND, "Expect") ||
            announced(hook->connection) > hooks->config->limits.webhook_body_bytes + drain_bytes);
}

static enum MHD_Result begin(struct hooks *hooks, struct MHD_Connection *connection,
                             const char *url, const char *method, void **state)
{
    struct hook *hook = mem_zalloc(1, sizeof *hook);
    if (!hook)
        return MHD_NO;
    hook->hooks = hooks;
    hook->connection = connection;
    hook->body = buf_new((size_t)hooks->config->limits.webhook_body_bytes + 1);
    *state = hook;
    look_at_head(hook, url, method);
    return is_refused_at_once(hook) ? say(hook) : MHD_YES;
}

enum MHD_Result hooks_access(void *context, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_size, void **state)
{
    struct hook *hook = *state;
    (void)version;
    if (!hook)
        return begin(context, connection, url, method, state);
    if (*upload_size > 0) {
        size_t length = *upload_size;
        *upload_size = 0;
        return take_piece(hook, upload, length) ? MHD_YES : MHD_NO;
    }
    /* Suspended: called again after the commit, then it has ended. */
    return !hook->ended && look_at_body(hook) ? MHD_YES : say(hook);
}

void hooks_completed(void *context, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode code)
{
    struct hook *hook = *state;
    (void)context, (void)connection, (void)code;
    if (!hook)
        return;
    give_room(hook);
    arena_fini(&hook->arena);
    mem_free(hook);
    *state = NULL;
}

void hooks_stop(struct hooks *hooks)
{
    pthread_mutex_lock(&hooks->lock);
    atomic_store(&hooks->stopping, true);
    while (hooks->suspended > 0)
        pthread_cond_wait(&hooks->none_suspended, &hooks->lock);
    pthread_mutex_unlock(&hooks->lock);
}

/* Life ---------------------------------------------------------------------------------------- */

static bool init(struct hooks *hooks, struct err *err)
{
    const struct limits *limits = &hooks->config->limits;
    pthread_mutex_init(&hooks->lock, NULL);
    pthread_cond_init(&hooks->none_suspended, NULL);
    crypto_shorthash_keygen(hooks->address_key);
    hooks->doors = doors_open(hooks->config, err);
    if (!hooks->doors)
        return false;
    size_t doors = doors_count(hooks->doors);
    hooks->by_address = rate_open(address_buckets, limits->webhook_address_rate);
    hooks->by_door = rate_open(doors ? doors : 1, limits->webhook_rate);
    hooks->seen = seen_open((size_t)limits->webhook_ids, remember_us);
    hooks->accepted = make_accepted();
    return (hooks->by_address && hooks->by_door && hooks->seen && hooks->accepted) ||
           err_set(err, ERR_MEMORY, "webhooks: out of memory");
}

struct hooks *hooks_open(const struct config *config, struct store *store, struct err *err)
{
    struct hooks *hooks = mem_zalloc(1, sizeof *hooks);
    if (!hooks) {
        err_set(err, ERR_MEMORY, "webhooks: out of memory");
        return NULL;
    }
    hooks->config = config;
    hooks->store = store;
    if (init(hooks, err))
        return hooks;
    hooks_close(hooks);
    return NULL;
}

void hooks_close(struct hooks *hooks)
{
    if (!hooks)
        return;
    if (hooks->accepted)
        MHD_destroy_response(hooks->accepted);
    doors_close(hooks->doors);
    rate_close(hooks->by_address);
    rate_close(hooks->by_door);
    seen_close(hooks->seen);
    pthread_cond_destroy(&hooks->none_suspended);
    pthread_mutex_destroy(&hooks->lock);
    mem_free(hooks);
}

void hooks_set_realtime(struct hooks *hooks, bool realtime)
{
    atomic_store(&hooks->realtime, realtime);
}

void hooks_numbers(const struct hooks *hooks, struct hooks_numbers *numbers)
{
    for (int i = 0; i < HOOKS_END_COUNT; i++)
        numbers->ends[i] = atomic_load(&hooks->counts[i]);
    numbers->jobs = atomic_load(&hooks->jobs);
    numbers->flight_bytes = atomic_load(&hooks->flight_bytes);
    numbers->doors = doors_count(hooks->doors);
    numbers->realtime = atomic_load(&hooks->realtime);
}

unsigned hooks_end_status(enum hooks_end end)
{
    return ends[end].status;
}

const char *hooks_end_word(enum hooks_end end)
{
    return ends[end].word;
}
