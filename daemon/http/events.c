#include "http/events.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/request.h"
#include "store/news.h"
#include "store/store.h"

enum { retry_ms = 2000, line_max_bytes = 1024 };
static const int64_t comment_us = 15000000; /* so that proxies and both ends know of each other */
static const int64_t pause_us = 20000;      /* between two wakings: many commits share one */
static const long tick_s = 1;

struct events_listener {
    struct events *events;
    struct events_listener *next, **self;
    struct MHD_Connection *connection;
    int64_t token;
    int64_t due; /* the number of the next event */
    int64_t heard_us;
    bool suspended, ended;
    bool reset;        /* say first that some were missed */
    struct buf text;   /* what is on its way */
    size_t sent_bytes; /* of it */
};

struct events {
    struct store *store;
    uint64_t most;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t rung;
    bool stop, fresh;
    uint64_t count;
    struct events_listener *listeners;
    int64_t first, next; /* numbers of the oldest kept and of the next one */
    struct news ring[EVENTS_KEPT];
};

/* Hearing ------------------------------------------------------------------------------------- */

static void end_token(struct events *events, int64_t token)
{
    for (struct events_listener *one = events->listeners; one; one = one->next)
        one->ended = one->ended || one->token == token;
}

/* From the writer thread. */
static void hear(void *context, const struct news *news, size_t count, bool lost)
{
    struct events *events = context;
    pthread_mutex_lock(&events->lock);
    for (size_t i = 0; i < count; i++) {
        if (news[i].kind == NEWS_TOKEN)
            end_token(events, news[i].id);
        else
            events->ring[events->next++ % EVENTS_KEPT] = news[i];
    }
    if (lost) /* no number from before can be gone on from */
        events->first = ++events->next;
    if (events->next - events->first > EVENTS_KEPT)
        events->first = events->next - EVENTS_KEPT;
    events->fresh = true;
    pthread_cond_signal(&events->rung);
    pthread_mutex_unlock(&events->lock);
}

/* Telling, under the lock --------------------------------------------------------------------- */

static bool has_more(const struct events_listener *listener)
{
    return listener->due < listener->events->next;
}

static void write_event(struct buf *text, int64_t number, const struct news *news)
{
    json_t *id = news->id ? json_sprintf("%" PRId64, news->id) : json_text(news->text);
    json_t *version = news->version > 0    ? json_integer(news->version)
                      : news->version == 0 ? json_text(news->text)
                                           : json_null();
    own_json json_t *data = json_pack("{s:o, s:o}", "id", id, "version", version);
    buf_printf(text, "id: %" PRId64 "\nevent: %s\ndata: ", number, news_word(news->kind));
    if (!data || !json_write(data, text))
        text->failed = true;
    buf_puts(text, "\n\n");
}

/* The next that it may hear, or nothing. */
static void write_next(struct events_listener *listener)
{
    const struct events *events = listener->events;
    while (listener->text.length == 0 && has_more(listener)) {
        int64_t number = listener->due++;
        const struct news *news = &events->ring[number % EVENTS_KEPT];
        if (news->kind != NEWS_TASK || news->owner == listener->token)
            write_event(&listener->text, number, news);
    }
}

/* What comes next, into the text; an empty one: nothing. */
static void write_text(struct events_listener *listener)
{
    struct buf *text = &listener->text;
    buf_reset(text);
    listener->sent_bytes = 0;
    if (listener->reset) {
        listener->reset = false;
        buf_printf(text, "id: %" PRId64 "\nevent: reset\ndata: {}\n\n", listener->due - 1);
        return;
    }
    write_next(listener);
    if (text->length == 0 && clock_steady_us() - listener->heard_us >= comment_us)
        buf_puts(text, ":\n\n");
}

/* How many bytes of the text go out; 0: there is none. */
static size_t take_text(struct events_listener *listener, char *out, size_t most)
{
    if (listener->sent_bytes == listener->text.length)
        write_text(listener);
    size_t left = listener->text.length - listener->sent_bytes;
    size_t taken = left < most ? left : most;
    if (taken > 0) {
        memcpy(out, listener->text.bytes + listener->sent_bytes, taken);
        listener->sent_bytes += taken;
        listener->heard_us = clock_steady_us();
    }
    return taken;
}

ssize_t events_read(void *context, uint64_t position, char *out, size_t most)
{
    struct events_listener *listener = context;
    struct events *events = listener->events;
    size_t written = 0, taken;
    (void)position;
    pthread_mutex_lock(&events->lock);
    bool cut = has_more(listener) && listener->due < events->first;
    bool over = listener->ended || events->stop;
    while (!cut && !over && written < most &&
           (taken = take_text(listener, out + written, most - written)) > 0)
        written += taken;
    cut = cut || listener->text.failed;
    if (written == 0 && !cut && !over) {
        MHD_suspend_connection(listener->connection); /* under the lock: not resumed before */
        listener->suspended = true;
    }
    pthread_mutex_unlock(&events->lock);
    return cut    ? MHD_CONTENT_READER_END_WITH_ERROR
           : over ? MHD_CONTENT_READER_END_OF_STREAM
                  : (ssize_t)written;
}

/* Waking -------------------------------------------------------------------------------------- */

static void wake_listeners(struct events *events)
{
    int64_t now = clock_steady_us();
    for (struct events_listener *one = events->listeners; one; one = one->next) {
        bool due = has_more(one) || one->ended || events->stop || now - one->heard_us >= comment_us;
        if (!one->suspended || !due)
            continue;
        one->suspended = false;
        MHD_resume_connection(one->connection);
    }
}

/* Until something is heard, or time for comments may have come. */
static void wait_for_news(struct events *events)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += tick_s;
    while (!events->fresh && !events->stop) {
        if (!events->listeners)
            pthread_cond_wait(&events->rung, &events->lock);
        else if (pthread_cond_timedwait(&events->rung, &events->lock, &until) != 0)
            break;
    }
    events->fresh = false;
}

static void *loop(void *context)
{
    struct events *events = context;
    pthread_mutex_lock(&events->lock);
    while (!events->stop) {
        wait_for_news(events);
        wake_listeners(events);
        pthread_mutex_unlock(&events->lock);
        clock_sleep_us(pause_us);
        pthread_mutex_lock(&events->lock);
    }
    wake_listeners(events);
    pthread_mutex_unlock(&events->lock);
    return NULL;
}

/* Listeners ----------------------------------------------------------------------------------- */

/* Where it goes on. */
static void place(struct events_listener *listener, const char *last)
{
    int64_t number;
    const struct events *events = listener->events;
    listener->due = events->next;
    if (!last) { /* the number alone is no event, but is remembered */
        buf_printf(&listener->text, "retry: %d\nid: %" PRId64 "\n\n", retry_ms, events->next - 1);
        return;
    }
    buf_printf(&listener->text, "retry: %d\n\n", retry_ms);
    if (request_number(last, &number) && number >= events->first - 1 && number < events->next)
        listener->due = number + 1;
    else
        listener->reset = true;
}

struct events_listener *events_listen(struct events *events, int64_t token, const char *last)
{
    struct events_listener *listener = mem_zalloc(1, sizeof *listener);
    if (!listener)
        return NULL;
    *listener = (struct events_listener){.events = events,
                                         .token = token,
                                         .heard_us = clock_steady_us(),
                                         .text = buf_new(line_max_bytes)};
    pthread_mutex_lock(&events->lock);
    bool ok = !events->stop && events->count < events->most;
    if (ok) {
        place(listener, last);
        listener->next = events->listeners;
        listener->self = &events->listeners;
        if (listener->next)
            listener->next->self = &listener->next;
        events->listeners = listener;
        events->count++;
        pthread_cond_signal(&events->rung); /* the thread begins to tick */
    }
    pthread_mutex_unlock(&events->lock);
    if (ok)
        return listener;
    mem_free(listener);
    return NULL;
}

void events_attach(struct events_listener *listener, struct MHD_Connection *connection)
{
    listener->connection = connection;
}

void events_leave(void *context)
{
    struct events_listener *listener = context;
    struct events *events = listener->events;
    pthread_mutex_lock(&events->lock);
    *listener->self = listener->next;
    if (listener->next)
        listener->next->self = listener->self;
    events->count--;
    pthread_mutex_unlock(&events->lock);
    buf_fini(&listener->text);
    mem_free(listener);
}

/* Opening ------------------------------------------------------------------------------------- */

static bool init_locks(struct events *events)
{
    pthread_condattr_t steady;
    pthread_mutexattr_t inherit; /* the writer thread, in real time, is not held up by a reader */
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutexattr_init(&inherit);
    pthread_mutexattr_setprotocol(&inherit, PTHREAD_PRIO_INHERIT);
    bool ok = pthread_mutex_init(&events->lock, &inherit) == 0 &&
              pthread_cond_init(&events->rung, &steady) == 0;
    pthread_condattr_destroy(&steady);
    pthread_mutexattr_destroy(&inherit);
    return ok;
}

struct events *events_open(struct store *store, uint64_t most, struct err *err)
{
    struct events *events = mem_zalloc(1, sizeof *events);
    if (!events || !init_locks(events)) {
        mem_free(events);
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    events->store = store;
    events->most = most;
    events->first = events->next =
        clock_now_us(); /* no number of an earlier start is one of ours */
    events->started = pthread_create(&events->thread, NULL, loop, events) == 0;
    if (!events->started) {
        events_close(events);
        err_set(err, ERR_MEMORY, "events: cannot start a thread");
        return NULL;
    }
    store_on_news(store, hear, events);
    return events;
}

void events_stop(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    events->stop = true;
    pthread_cond_signal(&events->rung);
    wake_listeners(events);
    pthread_mutex_unlock(&events->lock);
}

void events_close(struct events *events)
{
    if (!events)
        return;
    store_on_news(events->store, NULL, NULL);
    events_stop(events);
    if (events->started)
        pthread_join(events->thread, NULL);
    pthread_cond_destroy(&events->rung);
    pthread_mutex_destroy(&events->lock);
    mem_free(events);
}
