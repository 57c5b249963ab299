#include "http/waiting.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"

static const int64_t pause_us = 40000;

struct waiting {
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t rung;
    bool stop;
    size_t count;
    struct MHD_Connection *connections[WAITING_MOST];
};

static void resume_all(struct waiting *waiting)
{
    pthread_mutex_lock(&waiting->lock);
    for (size_t i = 0; i < waiting->count; i++)
        MHD_resume_connection(waiting->connections[i]);
    waiting->count = 0;
    pthread_mutex_unlock(&waiting->lock);
}

/* False: stop. */
static bool wait_for_one(struct waiting *waiting)
{
    pthread_mutex_lock(&waiting->lock);
    while (waiting->count == 0 && !waiting->stop)
        pthread_cond_wait(&waiting->rung, &waiting->lock);
    bool stop = waiting->stop;
    pthread_mutex_unlock(&waiting->lock);
    return !stop;
}

static void *loop(void *context)
{
    struct waiting *waiting = context;
    while (wait_for_one(waiting)) {
        clock_sleep_us(pause_us);
        resume_all(waiting);
    }
    return NULL;
}

struct waiting *waiting_open(struct err *err)
{
    struct waiting *waiting = mem_zalloc(1, sizeof *waiting);
    if (!waiting) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&waiting->lock, NULL);
    pthread_cond_init(&waiting->rung, NULL);
    waiting->started = pthread_create(&waiting->thread, NULL, loop, waiting) == 0;
    if (waiting->started)
        return waiting;
    waiting_close(waiting);
    err_set(err, ERR_MEMORY, "the admin listener: cannot start a thread");
    return NULL;
}

bool waiting_add(struct waiting *waiting, struct MHD_Connection *connection)
{
    pthread_mutex_lock(&waiting->lock);
    bool ok = !waiting->stop && waiting->count < WAITING_MOST;
    if (ok) {
        MHD_suspend_connection(connection); /* under the lock: not resumed before */
        waiting->connections[waiting->count++] = connection;
        pthread_cond_signal(&waiting->rung);
    }
    pthread_mutex_unlock(&waiting->lock);
    return ok;
}

void waiting_stop(struct waiting *waiting)
{
    pthread_mutex_lock(&waiting->lock);
    waiting->stop = true;
    pthread_cond_signal(&waiting->rung);
    pthread_mutex_unlock(&waiting->lock);
    resume_all(waiting);
}

void waiting_close(struct waiting *waiting)
{
    if (!waiting)
        return;
    waiting_stop(waiting);
    if (waiting->started)
        pthread_join(waiting->thread, NULL);
    pthread_cond_destroy(&waiting->rung);
    pthread_mutex_destroy(&waiting->lock);
    mem_free(waiting);
}
