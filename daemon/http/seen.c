#include "http/seen.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"

/* Entries lie in a ring in the order they came; the table holds their places + 1, by open
 * addressing with at most half of it used. Untouched pages of both cost nothing. */
struct seen {
    pthread_mutex_t lock;
    unsigned char key[crypto_shorthash_KEYBYTES];
    int64_t keep_us, started_us;
    size_t most, first, count;
    uint64_t *prints;
    uint32_t *times_s; /* since `started_us` */
    uint32_t *table;
    size_t mask;
};

struct seen *seen_open(size_t most, int64_t keep_us)
{
    struct seen *seen = mem_zalloc(1, sizeof *seen);
    if (!seen)
        return NULL;
    size_t size = 2;
    while (size < 2 * most)
        size *= 2;
    pthread_mutex_init(&seen->lock, NULL);
    crypto_shorthash_keygen(seen->key);
    seen->keep_us = keep_us;
    seen->started_us = -1;
    seen->most = most;
    seen->mask = size - 1;
    seen->prints = mem_zalloc(most, sizeof *seen->prints);
    seen->times_s = mem_zalloc(most, sizeof *seen->times_s);
    seen->table = mem_zalloc(size, sizeof *seen->table);
    if (seen->prints && seen->times_s && seen->table)
        return seen;
    seen_close(seen);
    return NULL;
}

void seen_close(struct seen *seen)
{
    if (!seen)
        return;
    pthread_mutex_destroy(&seen->lock);
    mem_free(seen->prints);
    mem_free(seen->times_s);
    mem_free(seen->table);
    mem_free(seen);
}

uint64_t seen_print(const struct seen *seen, uint32_t scope, const char *id)
{
    unsigned char text[sizeof scope + 256];
    uint64_t print;
    size_t length = strnlen(id, sizeof text - sizeof scope);
    memcpy(text, &scope, sizeof scope);
    memcpy(text + sizeof scope, id, length);
    crypto_shorthash((unsigned char *)&print, text, sizeof scope + length, seen->key);
    return print;
}

/* The slot of a print, or the free one where it would go. */
static size_t find(const struct seen *seen, uint64_t print)
{
    size_t slot = (size_t)print & seen->mask;
    while (seen->table[slot] && seen->prints[seen->table[slot] - 1] != print)
        slot = (slot + 1) & seen->mask;
    return slot;
}

/* Empty a slot; those that were pushed past it move up, so that no chain is broken (Knuth, The Art
 * of Computer Programming, volume 3, 6.4, algorithm R). */
static void empty(struct seen *seen, size_t hole)
{
    for (size_t at = (hole + 1) & seen->mask; seen->table[at]; at = (at + 1) & seen->mask) {
        size_t home = (size_t)seen->prints[seen->table[at] - 1] & seen->mask;
        if (((at - home) & seen->mask) < ((at - hole) & seen->mask))
            continue;
        seen->table[hole] = seen->table[at];
        hole = at;
    }
    seen->table[hole] = 0;
}

static void forget_first(struct seen *seen)
{
    empty(seen, find(seen, seen->prints[seen->first]));
    seen->first = (seen->first + 1) % seen->most;
    seen->count--;
}

/* Entries of before this second are too old. */
static int64_t oldest_s(const struct seen *seen, int64_t now_us)
{
    return (now_us - seen->started_us - seen->keep_us) / 1000000;
}

/* Not all at once: nobody may be held up by a million of them. */
static void forget_old(struct seen *seen, int64_t now_us)
{
    enum { at_once = 256 };
    if (seen->started_us < 0)
        seen->started_us = now_us;
    for (int i = 0; i < at_once && seen->count > 0; i++) {
        if ((int64_t)seen->times_s[seen->first] >= oldest_s(seen, now_us))
            return;
        forget_first(seen);
    }
}

bool seen_has(struct seen *seen, uint64_t print, int64_t now_us)
{
    pthread_mutex_lock(&seen->lock);
    forget_old(seen, now_us);
    uint32_t place = seen->table[find(seen, print)];
    bool found = place && (int64_t)seen->times_s[place - 1] >= oldest_s(seen, now_us);
    pthread_mutex_unlock(&seen->lock);
    return found;
}

void seen_add(struct seen *seen, uint64_t print, int64_t now_us)
{
    pthread_mutex_lock(&seen->lock);
    forget_old(seen, now_us);
    if (seen->table[find(seen, print)] == 0) {
        if (seen->count == seen->most)
            forget_first(seen);
        size_t place = (seen->first + seen->count++) % seen->most;
        seen->prints[place] = print;
        seen->times_s[place] = (uint32_t)((now_us - seen->started_us) / 1000000);
        seen->table[find(seen, print)] = (uint32_t)place + 1;
    }
    pthread_mutex_unlock(&seen->lock);
}
