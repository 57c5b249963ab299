#include "vault/handoff.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

enum { piece_bytes = 1024 };

struct slot {
    int64_t entry; /* 0 = free */
    uint8_t key[HANDOFF_KEY_BYTES];
};

struct handoff {
    struct vault *vault, *tasks;
    pthread_mutex_t lock;
    struct slot *slots; /* locked memory */
};

struct handoff *handoff_open(struct vault *vault, struct vault *tasks, struct err *err)
{
    struct handoff *handoff = sodium_init() < 0 ? NULL : mem_zalloc(1, sizeof *handoff);
    if (handoff)
        handoff->slots = sodium_allocarray(HANDOFF_SLOTS, sizeof *handoff->slots);
    if (!handoff || !handoff->slots) {
        mem_free(handoff);
        err_set(err, ERR_MEMORY, "no locked memory for reviewers' keys (ulimit -l)");
        return NULL;
    }
    memset(handoff->slots, 0, HANDOFF_SLOTS * sizeof *handoff->slots);
    handoff->vault = vault;
    handoff->tasks = tasks;
    pthread_mutex_init(&handoff->lock, NULL);
    return handoff;
}

void handoff_close(struct handoff *handoff)
{
    if (!handoff)
        return;
    sodium_free(handoff->slots); /* wipes */
    pthread_mutex_destroy(&handoff->lock);
    mem_free(handoff);
}

/* The slot of an entry, or a free one for 0. Under the lock. */
static struct slot *find(struct handoff *handoff, int64_t entry)
{
    for (size_t i = 0; i < HANDOFF_SLOTS; i++)
        if (handoff->slots[i].entry == entry)
            return &handoff->slots[i];
    return NULL;
}

bool handoff_put(struct handoff *handoff, int64_t entry, const uint8_t key[HANDOFF_KEY_BYTES],
                 struct err *err)
{
    pthread_mutex_lock(&handoff->lock);
    struct slot *slot = find(handoff, entry);
    if (!slot)
        slot = find(handoff, 0);
    if (slot) {
        slot->entry = entry;
        memcpy(slot->key, key, sizeof slot->key);
    }
    pthread_mutex_unlock(&handoff->lock);
    return slot || err_set(err, ERR_BUSY, "%d releases wait already: try again", HANDOFF_SLOTS);
}

bool handoff_get(struct handoff *handoff, int64_t entry, uint8_t key[HANDOFF_KEY_BYTES])
{
    pthread_mutex_lock(&handoff->lock);
    const struct slot *slot = find(handoff, entry);
    if (slot)
        memcpy(key, slot->key, sizeof slot->key);
    pthread_mutex_unlock(&handoff->lock);
    return slot != NULL;
}

void handoff_drop(struct handoff *handoff, int64_t entry)
{
    pthread_mutex_lock(&handoff->lock);
    struct slot *slot = find(handoff, entry);
    if (slot)
        sodium_memzero(slot, sizeof *slot);
    pthread_mutex_unlock(&handoff->lock);
}

/* The length of the header within the bytes: it ends with the first line that begins with "---"
 * (age.md, "Header"). 0 = not yet. */
static size_t header_length(const char *bytes, size_t length)
{
    const char *at = bytes, *end = bytes + length;
    for (;;) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end)
            return 0;
        if (line_end - at >= 3 && memcmp(at, "---", 3) == 0)
            return (size_t)(line_end + 1 - bytes);
        at = line_end + 1;
    }
}

bool handoff_header(struct handoff *handoff, int64_t entry, struct buf *header, struct err *err)
{
    char piece[piece_bytes];
    own_fd int fd = vault_read(handoff->vault, entry, err);
    if (fd < 0)
        return false;
    for (;;) {
        ssize_t got = io_read(fd, piece, sizeof piece);
        if (got < 0)
            return err_errno(err, "reading entry %lld", (long long)entry);
        if (got == 0 || !buf_append(header, piece, (size_t)got))
            return err_set(err, ERR_CORRUPT, "entry %lld has no age header", (long long)entry);
        size_t length = header_length(header->bytes, header->length);
        if (length) {
            header->length = length;
            return true;
        }
    }
}

int handoff_content(struct handoff *handoff, int64_t entry, struct err *err)
{
    return vault_read(handoff->vault, entry, err);
}

int handoff_task(struct handoff *handoff, int64_t task, struct err *err)
{
    return vault_read(handoff->tasks, task, err);
}

void handoff_task_remove(struct handoff *handoff, int64_t task)
{
    vault_remove(handoff->tasks, task, NULL);
}
