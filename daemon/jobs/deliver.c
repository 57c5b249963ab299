#include "jobs/deliver.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/own.h"
#include "connect/request.h"
#include "connect/ring.h"
#include "store/alert.h"
#include "store/audit.h"
#include "store/hold.h"
#include "store/outbox.h"

enum {
    secret_max_bytes = 4096,
    answer_most = 4096,
    message_max_bytes = 8 << 20,
    details_max_bytes = 8192,
    quick_tries = 6,
    probes_later = 8
};

static const int64_t second_us = 1000000, whole_us = 15LL * 1000000, store_pause_us = 2000000,
                     held_us = 1000000, idle_us = 3600LL * 1000000,
                     keep_us = 30LL * 24 * 3600 * 1000000, probe_most_us = 300LL * 1000000;

struct target {
    const char *name, *url; /* url NULL: no longer in the configuration */
    struct ring_key keys[RING_KEYS];
    size_t key_count;
    struct request_client *client;
    int failures;      /* of the receiver, in a row */
    int64_t resume_us; /* not before; steady time */
    bool doubtful;     /* an alert about it may be open */
};

struct deliver {
    struct deliver_options options;
    struct arena arena;
    struct target *targets;
    size_t target_count;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    int64_t forget_us; /* when to forget what was given up; steady time */

    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool news; /* under the lock */
};

/* Decisions ----------------------------------------------------------------------------------- */

int64_t deliver_wait_us(int tries, int64_t retry_after_us, uint32_t random)
{
    static const int later_s[] = {300, 900, 3600};
    if (retry_after_us > 0 || tries <= quick_tries)
        return request_wait_us(tries, retry_after_us, random);
    size_t last = sizeof later_s / sizeof *later_s - 1, at = (size_t)(tries - quick_tries - 1);
    return later_s[at < last ? at : last] * second_us;
}

enum deliver_verdict deliver_verdict(int status)
{
    if (status >= 200 && status < 300)
        return DELIVER_TAKEN;
    switch (status) {
    case 410: return DELIVER_UNWANTED;
    case 400:
    case 409:
    case 413:
    case 415:
    case 422: return DELIVER_REFUSED;
    default: return DELIVER_UNAVAILABLE;
    }
}

static uint32_t random32(void)
{
    uint32_t random = 0;
    return getrandom(&random, sizeof random, 0) == sizeof random ? random : UINT32_MAX;
}

/* A receiver is asked again at least every five minutes, however long a message waits. */
static int64_t pause_us(int failures, int64_t retry_after_us)
{
    int64_t wait_us = deliver_wait_us(failures < probes_later ? failures : probes_later,
                                      retry_after_us, random32());
    return wait_us < probe_most_us || retry_after_us > 0 ? wait_us : probe_most_us;
}

/* Receivers ----------------------------------------------------------------------------------- */

static bool read_key(const char *path, struct ring_key *key, struct err *err)
{
    size_t length = 0;
    char *text = io_read_file(path, secret_max_bytes, &length, err);
    bool ok = text && (ring_key_read(text, key, err) || err_add(err, "%s", path));
    if (!text)
        return false;
    ring_wipe(text, length);
    mem_free(text);
    return ok;
}

/* What the configuration says of it, read. */
static bool read_target(const struct config_target *from, struct target *target, struct err *err)
{
    char origin[300];
    if (!request_origin(from->url, origin, sizeof origin))
        return err_set(err, ERR_CONFIG, "not a URL of https, or one with a user in it");
    if (from->secrets.count > RING_KEYS)
        return err_set(err, ERR_CONFIG, "at most %d secrets: new and old", RING_KEYS);
    if (from->ca_file && access(from->ca_file, R_OK) < 0)
        return err_errno(err, "%s", from->ca_file);
    for (size_t i = 0; i < from->secrets.count; i++, target->key_count++)
        if (!read_key(from->secrets.items[i], &target->keys[i], err))
            return false;
    return true;
}

static bool open_target(const struct config_target *from, struct target *target,
                        const atomic_bool *stop, struct err *err)
{
    *target = (struct target){.name = from->name, .url = from->url, .doubtful = true};
    if (!read_target(from, target, err)) {
        err->kind = err->kind == ERR_MEMORY ? ERR_MEMORY : ERR_CONFIG;
        return err_add(err, "notify %s", from->name);
    }
    const struct request_options options = {
        .ca_file = from->ca_file, .allow_private = true, .stop = stop};
    target->client = request_open(&options, err);
    return target->client != NULL;
}

static void close_target(struct target *target)
{
    request_close(target->client);
    ring_wipe(target->keys, sizeof target->keys);
}

bool deliver_check(const struct config_target *targets, size_t count, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        struct target target = {0};
        ok = open_target(&targets[i], &target, NULL, err);
        close_target(&target);
    }
    return ok;
}

static bool is_known(const struct deliver *deliver, const char *name)
{
    for (size_t i = 0; i < deliver->target_count; i++)
        if (strcmp(deliver->targets[i].name, name) == 0)
            return true;
    return false;
}

/* Messages for receivers that were taken out of the configuration are not forgotten either. */
static bool add_strangers(struct deliver *deliver, struct err *err)
{
    size_t count = 0;
    struct outbox_target *rows = NULL;
    own_arena struct arena arena = arena_new(4u << 20);
    struct db *db = store_reader(deliver->options.store, err);
    bool ok = db && outbox_targets(db, &arena, &rows, &count, err);
    store_reader_done(deliver->options.store, db);
    if (!ok)
        return false;
    struct target *all =
        arena_alloc(&deliver->arena, deliver->options.target_count + count + 1, sizeof *all);
    if (!all)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (deliver->target_count)
        memcpy(all, deliver->targets, deliver->target_count * sizeof *all);
    ring_wipe(deliver->targets, deliver->target_count * sizeof *all);
    deliver->targets = all;
    for (size_t i = 0; ok && i < count; i++) {
        if (is_known(deliver, rows[i].target))
            continue;
        struct target *target = &all[deliver->target_count++];
        *target = (struct target){.name = arena_strdup(&deliver->arena, rows[i].target),
                                  .doubtful = true};
        ok = target->name || err_set(err, ERR_MEMORY, "out of memory");
    }
    return ok;
}

/* One try ------------------------------------------------------------------------------------- */

struct attempt {
    struct deliver *deliver;
    struct target *target;
    const struct outbox_message *message;
    enum deliver_verdict verdict;
    int64_t retry_after_us, now_us;
    char error[200]; /* of a failed one */
    int64_t given_up;
    bool back; /* the receiver answers again after several failures */
};

/* Headers of the specification, "Webhook Headers". */
static bool post(struct attempt *attempt, struct request_answer *answer, struct err *err)
{
    char time[24], signatures[RING_KEYS * RING_SIGNATURE_BYTES] = "";
    const struct target *target = attempt->target;
    const struct outbox_message *message = attempt->message;
    snprintf(time, sizeof time, "%" PRId64, attempt->now_us / second_us);
    const struct ring_message signed_part = {message->message, time, message->body,
                                             strlen(message->body)};
    for (size_t i = 0, used = 0; i < target->key_count; i++) {
        if (i > 0)
            signatures[used++] = ' ';
        if (!ring_sign(&target->keys[i], &signed_part, signatures + used))
            return err_set(err, ERR_MEMORY, "out of memory");
        used += strlen(signatures + used);
    }
    const struct request_header headers[] = {
        {"Content-Type", "application/json", false},
        {"User-Agent", "labeld/" LABELD_VERSION, false},
        {"webhook-id", message->message, false},
        {"webhook-timestamp", time, false},
        {"webhook-signature", signatures, false},
    };
    const struct request_question question = {.method = "POST",
                                              .url = target->url,
                                              .headers = headers,
                                              .header_count = sizeof headers / sizeof *headers,
                                              .body = message->body,
                                              .body_length = strlen(message->body),
                                              .most_us = whole_us,
                                              .answer_most = answer_most,
                                              .answer_cut = true};
    return request_send(target->client, &question, answer, err);
}

/* False: the daemon stops. */
static bool try_once(struct attempt *attempt)
{
    struct err err = {0};
    struct request_answer answer = {0};
    attempt->verdict = DELIVER_UNAVAILABLE;
    if (!attempt->target->url) {
        snprintf(attempt->error, sizeof attempt->error,
                 "there is no receiver of this name in the configuration");
        return true;
    }
    bool ok = post(attempt, &answer, &err);
    buf_fini(&answer.body);
    if (!ok) {
        snprintf(attempt->error, sizeof attempt->error, "%s", err.text);
        return err.kind != ERR_STOPPED;
    }
    attempt->verdict = deliver_verdict(answer.status);
    attempt->retry_after_us = answer.retry_after_us;
    bool elsewhere = answer.status >= 300 && answer.status < 400;
    snprintf(attempt->error, sizeof attempt->error, "HTTP status %d%s", answer.status,
             elsewhere ? ": redirects are not followed" : "");
    return true;
}

/* What became of it, inside a unit ------------------------------------------------------------ */

static bool say(struct db *db, const struct attempt *attempt, const char *event, struct err *err)
{
    const struct outbox_message *message = attempt->message;
    bool taken = attempt->verdict == DELIVER_TAKEN;
    own_buf struct buf details = buf_new(details_max_bytes);
    own_json json_t *json = json_pack("{s:o, s:s, s:i, s:o*}", "target", json_text(message->target),
                                      "id", message->message, "tries", message->attempt + 1,
                                      "error", taken ? NULL : json_text(attempt->error));
    if (!json || !json_write(json, &details))
        return err_set(err, ERR_MEMORY, "out of memory");
    const struct audit_record record = {.event = event,
                                        .actor = "labeld",
                                        .item = message->item,
                                        .details = buf_text(&details),
                                        .at_us = attempt->now_us};
    return audit_add(db, &record, err);
}

static const char *alert_name(struct arena *arena, const struct attempt *attempt)
{
    return arena_printf(arena, "notify %s", attempt->message->target);
}

static bool record_taken(struct db *db, struct attempt *attempt, struct err *err)
{
    bool ended;
    own_arena struct arena arena = arena_new(16384);
    const struct target *target = attempt->target;
    const char *name = alert_name(&arena, attempt);
    if (!name)
        return err_set(err, ERR_MEMORY, "out of memory");
    return outbox_sent(db, attempt->message->id, err) && say(db, attempt, "notified", err) &&
           (!attempt->back || outbox_hasten(db, target->name, attempt->now_us, err)) &&
           (!target->doubtful || alert_end_of(db, 0, name, "it takes notifications again",
                                              attempt->now_us, &ended, err));
}

/* All that is as old goes with it: the receiver has had its time. */
static bool give_up(struct db *db, struct attempt *attempt, struct err *err)
{
    enum alert_change change;
    own_arena struct arena arena = arena_new(16384);
    const struct outbox_message *message = attempt->message;
    int64_t until_us = attempt->now_us - attempt->deliver->options.retry_us;
    bool one = attempt->verdict == DELIVER_UNWANTED || attempt->verdict == DELIVER_REFUSED;
    if (one) {
        attempt->given_up = 1;
        if (!outbox_drop(db, message->id, attempt->now_us, attempt->error, err))
            return false;
    } else if (!outbox_give_up(db, message->target, until_us, attempt->now_us, attempt->error,
                               &attempt->given_up, err)) {
        return false;
    }
    const struct alert alert = {
        .rule = alert_name(&arena, attempt),
        .level = ALERT_HIGH,
        .message = arena_printf(&arena, "notifications were given up: %s", attempt->error),
        .seen = "-",
        .updated_us = attempt->now_us};
    if (!alert.rule || !alert.message)
        return err_set(err, ERR_MEMORY, "out of memory");
    return alert_raise(db, &alert, &change, err) && say(db, attempt, "notification-given-up", err);
}

static bool record(struct db *db, void *context, struct err *err)
{
    struct attempt *attempt = context;
    const struct outbox_message *message = attempt->message;
    int64_t end_us = message->made_us + attempt->deliver->options.retry_us;
    int tries = message->attempt + 1;
    if (attempt->verdict == DELIVER_TAKEN)
        return record_taken(db, attempt, err);
    if (attempt->verdict == DELIVER_UNWANTED || attempt->now_us >= end_us)
        return give_up(db, attempt, err);
    int64_t due_us = attempt->now_us + deliver_wait_us(tries, attempt->retry_after_us, random32());
    due_us = due_us < end_us ? due_us : end_us; /* the last try is at the end of its time */
    return outbox_later(db, message->id, tries, due_us, attempt->error, err);
}

static void log_attempt(const struct attempt *attempt, int64_t took_us)
{
    bool taken = attempt->verdict == DELIVER_TAKEN, over = attempt->given_up > 0;
    LOG(over    ? LOG_LEVEL_ERROR
        : taken ? LOG_LEVEL_INFO
                : LOG_LEVEL_WARN,
        over    ? "notification-given-up"
        : taken ? "notified"
                : "notify-later",
        LOG_TEXT(target, attempt->message->target), LOG_NUMBER(item, attempt->message->item),
        LOG_NUMBER(attempt, attempt->message->attempt + 1), LOG_NUMBER(took_ms, took_us / 1000),
        LOG_TEXT(error, taken ? NULL : attempt->error));
}

/* Nothing is lost when it cannot be recorded: the message is sent once more, with its id. */
static void deliver_one(struct deliver *deliver, struct target *target,
                        const struct outbox_message *message)
{
    struct err err = {0};
    int64_t start_us = clock_steady_us();
    struct attempt attempt = {
        .deliver = deliver, .target = target, .message = message, .now_us = clock_now_us()};
    if (!try_once(&attempt))
        return;
    attempt.now_us = clock_now_us();
    attempt.back = target->failures > 1;
    const struct store_unit unit = {record, &attempt};
    if (!store_write(deliver->options.store, STORE_COMMITTED, unit, &err)) {
        LOG(LOG_LEVEL_ERROR, "notification-not-recorded", LOG_TEXT(target, target->name),
            LOG_TEXT(error, err.text));
        target->resume_us = clock_steady_us() + store_pause_us;
        return;
    }
    log_attempt(&attempt, clock_steady_us() - start_us);
    bool answers = attempt.verdict != DELIVER_UNAVAILABLE;
    target->failures = answers ? 0 : target->failures + 1;
    target->resume_us =
        answers ? 0 : clock_steady_us() + pause_us(target->failures, attempt.retry_after_us);
    target->doubtful =
        attempt.given_up > 0 || (target->doubtful && attempt.verdict != DELIVER_TAKEN);
}

/* The thread ---------------------------------------------------------------------------------- */

/* *found: false also when all acting is stopped; then *held. */
static bool next_message(struct deliver *deliver, const struct target *target, struct arena *arena,
                         struct outbox_message *message, bool *found, bool *held)
{
    struct err err = {0};
    struct hold hold = {0};
    struct db *db = store_reader(deliver->options.store, &err);
    bool ok = db && outbox_next(db, target->name, INT64_MAX, arena, message, found, &err) &&
              (!*found || hold_get(db, HOLD_ACTING, arena, &hold, &err));
    *held = hold.since_us != 0;
    store_reader_done(deliver->options.store, db);
    if (!ok)
        LOG(LOG_LEVEL_WARN, "outbox", LOG_TEXT(target, target->name), LOG_TEXT(error, err.text));
    return ok;
}

/* When a receiver's turn comes, steady time: now = there is `message`; INT64_MAX = it has none. */
static int64_t turn_us(struct deliver *deliver, struct target *target, struct arena *arena,
                       struct outbox_message *message)
{
    bool found = false, held = false;
    int64_t now_us = clock_steady_us();
    if (target->resume_us > now_us)
        return target->resume_us;
    if (!next_message(deliver, target, arena, message, &found, &held))
        return target->resume_us = now_us + store_pause_us;
    if (!found)
        return INT64_MAX;
    if (held)
        return now_us + held_us;
    int64_t early_us = message->due_us - clock_now_us();
    return early_us > 0 ? now_us + early_us : now_us;
}

/* One message of a receiver, if one may go. *wake_us: when to look again; steady time. */
static bool take_turn(struct deliver *deliver, struct target *target, int64_t *wake_us)
{
    struct outbox_message message;
    own_arena struct arena arena = arena_new(message_max_bytes);
    int64_t at_us = turn_us(deliver, target, &arena, &message);
    if (at_us > clock_steady_us()) {
        *wake_us = at_us < *wake_us ? at_us : *wake_us;
        return false;
    }
    deliver_one(deliver, target, &message);
    return true;
}

static bool forget(struct db *db, void *context, struct err *err)
{
    (void)context;
    return outbox_forget(db, clock_now_us() - keep_us, err);
}

static void forget_old(struct deliver *deliver)
{
    const struct store_unit unit = {forget, NULL};
    if (clock_steady_us() < deliver->forget_us)
        return;
    store_write(deliver->options.store, STORE_RAN, unit, NULL);
    deliver->forget_us = clock_steady_us() + idle_us;
}

static void wait_until(struct deliver *deliver, int64_t wake_us)
{
    const struct timespec until = {wake_us / second_us, wake_us % second_us * 1000};
    pthread_mutex_lock(&deliver->lock);
    while (!deliver->news && !atomic_load(&deliver->stop))
        if (pthread_cond_timedwait(&deliver->rung, &deliver->lock, &until) != 0)
            break;
    deliver->news = false;
    pthread_mutex_unlock(&deliver->lock);
}

static void *deliver_loop(void *context)
{
    struct deliver *deliver = context;
    while (!atomic_load(&deliver->stop)) {
        bool any = false;
        int64_t wake_us = clock_steady_us() + idle_us;
        forget_old(deliver);
        for (size_t i = 0; i < deliver->target_count && !atomic_load(&deliver->stop); i++)
            any = take_turn(deliver, &deliver->targets[i], &wake_us) || any;
        if (!any)
            wait_until(deliver, wake_us);
    }
    return NULL;
}

void deliver_wake(void *context)
{
    struct deliver *deliver = context;
    pthread_mutex_lock(&deliver->lock);
    deliver->news = true;
    pthread_cond_signal(&deliver->rung);
    pthread_mutex_unlock(&deliver->lock);
}

static bool start(struct deliver *deliver, struct err *err)
{
    const struct deliver_options *options = &deliver->options;
    deliver->targets =
        arena_alloc(&deliver->arena, options->target_count + 1, sizeof *deliver->targets);
    if (!deliver->targets)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < options->target_count; i++) {
        deliver->target_count++;
        if (!open_target(&options->targets[i], &deliver->targets[i], &deliver->stop, err))
            return false;
    }
    if (!add_strangers(deliver, err))
        return false;
    deliver->started = pthread_create(&deliver->thread, NULL, deliver_loop, deliver) == 0;
    return deliver->started || err_set(err, ERR_MEMORY, "no thread for notifications");
}

struct deliver *deliver_open(const struct deliver_options *options, struct err *err)
{
    pthread_condattr_t steady;
    struct deliver *deliver = mem_zalloc(1, sizeof *deliver);
    if (!deliver) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    deliver->options = *options;
    deliver->arena = arena_new(16u << 20);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&deliver->lock, NULL);
    pthread_cond_init(&deliver->rung, &steady);
    pthread_condattr_destroy(&steady);
    if (start(deliver, err))
        return deliver;
    deliver_close(deliver);
    return NULL;
}

void deliver_close(struct deliver *deliver)
{
    if (!deliver)
        return;
    atomic_store(&deliver->stop, true);
    deliver_wake(deliver);
    if (deliver->started)
        pthread_join(deliver->thread, NULL);
    for (size_t i = 0; i < deliver->target_count; i++)
        close_target(&deliver->targets[i]);
    pthread_cond_destroy(&deliver->rung);
    pthread_mutex_destroy(&deliver->lock);
    arena_fini(&deliver->arena);
    mem_free(deliver);
}
