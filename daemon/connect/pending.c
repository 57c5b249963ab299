#include "connect/pending.h"

#include <string.h>

#include "base/mem.h"
#include "connect/localdir.h"

enum { bucket_count = 4096, most_entries = 200000 };
static const int64_t quiet_us = 2000000, first_wait_us = 200000, longest_wait_us = 2000000;
static const int64_t open_quiet_us = 5000000, open_longest_us = 60000000;
static const size_t keys_max_bytes = 64 * 1024;

struct entry {
    struct entry *next;       /* in its bucket */
    struct entry *next_noted; /* in the list of noted ones */
    char *path, *from;
    enum connect_event event;
    bool noted;
    bool open;       /* noted for what was written and not closed */
    int64_t open_us; /* the first such writing */
    int64_t seen_us, due_us, told_us, wait_us;
};

struct pending {
    struct entry *buckets[bucket_count];
    struct entry *noted, **noted_end; /* in the order they were seen */
    size_t count;
};

struct pending *pending_open(void)
{
    struct pending *pending = mem_zalloc(1, sizeof *pending);
    if (pending)
        pending->noted_end = &pending->noted;
    return pending;
}

static void entry_free(struct entry *entry)
{
    mem_free(entry->path);
    mem_free(entry->from);
    mem_free(entry);
}

void pending_close(struct pending *pending)
{
    if (!pending)
        return;
    for (size_t i = 0; i < bucket_count; i++)
        for (struct entry *entry = pending->buckets[i]; entry;) {
            struct entry *next = entry->next;
            entry_free(entry);
            entry = next;
        }
    mem_free(pending);
}

/* FNV-1a: paths come from users of the folder, who can at worst slow their own folder down. */
static struct entry **bucket_of(struct pending *pending, const char *path)
{
    uint32_t hash = 2166136261u;
    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 16777619u;
    return &pending->buckets[hash % bucket_count];
}

static struct entry *find_or_add(struct pending *pending, const char *path)
{
    struct entry **bucket = bucket_of(pending, path);
    for (struct entry *entry = *bucket; entry; entry = entry->next)
        if (strcmp(entry->path, path) == 0)
            return entry;
    if (pending->count >= most_entries)
        return NULL;
    struct entry *entry = mem_zalloc(1, sizeof *entry);
    if (!entry || !(entry->path = mem_strdup(path))) {
        mem_free(entry);
        return NULL;
    }
    entry->next = *bucket;
    entry->told_us = INT64_MIN / 2;
    *bucket = entry;
    pending->count++;
    return entry;
}

/* When a change noted now is due, and how long the next one will have to wait. */
static int64_t due_of(struct entry *entry, int64_t now_us)
{
    if (now_us - entry->told_us >= quiet_us) {
        entry->wait_us = first_wait_us;
        return now_us;
    }
    int64_t due = entry->told_us + entry->wait_us;
    entry->wait_us = entry->wait_us * 2 > longest_wait_us ? longest_wait_us : entry->wait_us * 2;
    return due > now_us ? due : now_us;
}

static void list(struct pending *pending, struct entry *entry)
{
    if (entry->noted)
        return;
    entry->noted = true;
    *pending->noted_end = entry;
    pending->noted_end = &entry->next_noted;
}

bool pending_add(struct pending *pending, const char *path, const char *from,
                 enum connect_event event, int64_t now_us)
{
    struct entry *entry = find_or_add(pending, path);
    if (!entry)
        return false;
    if (!entry->noted || entry->open) {
        entry->seen_us = now_us;
        entry->due_us = due_of(entry, now_us);
    }
    entry->open = false;
    list(pending, entry);
    entry->event = event;
    if (from) {
        mem_free(entry->from);
        entry->from = mem_strdup(from);
        return entry->from != NULL;
    }
    return true;
}

bool pending_written(struct pending *pending, const char *path, int64_t now_us)
{
    struct entry *entry = find_or_add(pending, path);
    if (!entry)
        return false;
    if (entry->noted && !entry->open)
        return true; /* it is told soon anyway */
    if (!entry->noted)
        entry->open_us = now_us;
    int64_t latest = entry->open_us + open_longest_us, quiet = now_us + open_quiet_us;
    entry->open = true;
    entry->event = CONNECT_CHANGED;
    entry->seen_us = now_us;
    entry->due_us = quiet < latest ? quiet : latest;
    list(pending, entry);
    return true;
}

static bool tell(struct entry *entry, const struct connect_changes *changes, int64_t now_us)
{
    own_arena struct arena arena = arena_new(keys_max_bytes);
    const struct connect_change change = {
        .event = entry->event,
        .key = localdir_key(&arena, entry->path),
        .old_key = entry->from ? localdir_key(&arena, entry->from) : NULL,
        .due_us = entry->due_us,
        .seen_us = entry->seen_us,
    };
    mem_free(entry->from);
    entry->from = NULL;
    entry->noted = entry->open = false;
    entry->next_noted = NULL;
    if (!change.key || (change.event == CONNECT_MOVED && !change.old_key))
        return false;
    changes->change(changes->context, &change);
    entry->told_us = now_us;
    return true;
}

bool pending_tell(struct pending *pending, const struct connect_changes *changes, int64_t now_us,
                  int64_t *next_us)
{
    bool ok = true;
    struct entry *entry = pending->noted;
    pending->noted = NULL;
    pending->noted_end = &pending->noted;
    *next_us = INT64_MAX;
    while (entry) {
        struct entry *next = entry->next_noted;
        if (entry->due_us <= now_us) {
            ok = tell(entry, changes, now_us) && ok;
        } else {
            entry->next_noted = NULL;
            *pending->noted_end = entry;
            pending->noted_end = &entry->next_noted;
            *next_us = entry->due_us < *next_us ? entry->due_us : *next_us;
        }
        entry = next;
    }
    return ok;
}

void pending_sweep(struct pending *pending, int64_t now_us)
{
    for (size_t i = 0; i < bucket_count; i++)
        for (struct entry **at = &pending->buckets[i]; *at;) {
            struct entry *entry = *at;
            if (entry->noted || now_us - entry->told_us < quiet_us) {
                at = &entry->next;
                continue;
            }
            *at = entry->next;
            pending->count--;
            entry_free(entry);
        }
}
