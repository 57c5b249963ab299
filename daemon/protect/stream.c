#include "protect/stream.h"

#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

enum {
    SEALED_BYTES = AGE_CHUNK_BYTES + AGE_TAG_BYTES,
    BATCH_CHUNKS = 4, /* 256 KiB: stays in a core's cache from reading to writing */
    BATCH_BYTES = BATCH_CHUNKS * SEALED_BYTES,
    THREADS_MAX = 32,
};
static const uint64_t large_bytes = 4u << 20;

/* Chunks that go together through reading, sealing or opening, and writing. Each chunk has a
 * sealed chunk's room, so that all is done in place. */
struct batch {
    uint8_t *bytes;
    size_t lengths[BATCH_CHUNKS]; /* as they are at the moment, sealed or not */
    size_t count;
    uint64_t first; /* number of its first chunk */
    bool last;      /* the payload ends with it */
};

struct run;

/* The three stages. `fill` and `drain` run one at a time, in the batches' order. */
struct way {
    bool (*fill)(struct run *run, struct batch *batch, struct err *err);
    bool (*work)(const struct run *run, struct batch *batch, struct err *err);
    bool (*drain)(struct run *run, const struct batch *batch, struct err *err);
};

struct run {
    const struct way *way;
    struct feed *feed;
    struct sink *sink;
    const uint8_t *key;
    struct digest digest;
    bool hashed;
    uint64_t plain_bytes;
    uint64_t chunks; /* filled so far */
    uint64_t large_bytes;
    unsigned threads;

    pthread_mutex_t filling; /* held while a batch is filled */
    uint64_t filled;         /* batches; under `filling` */
    bool ended;              /* nothing is left to fill; under `filling` */
    pthread_mutex_t draining;
    pthread_cond_t drained_one;
    uint64_t drained; /* batches; under `draining` */
    atomic_bool failed;
    struct err *err; /* the error of the earliest batch that failed; under `draining` */
};

/* Chunks ------------------------------------------------------------------------------------- */

/* Eleven bytes of number, big endian, and whether it is the last (age.md "Payload"). */
static void chunk_nonce(uint64_t number, bool last, uint8_t nonce[12])
{
    memset(nonce, 0, 12);
    for (unsigned i = 0; i < 8; i++)
        nonce[10 - i] = (uint8_t)(number >> 8 * i);
    nonce[11] = last;
}

static bool is_last(const struct batch *batch, size_t chunk)
{
    return batch->last && chunk + 1 == batch->count;
}

static bool seal_chunks(const struct run *run, struct batch *batch, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < batch->count; i++) {
        uint8_t nonce[12];
        uint8_t *chunk = batch->bytes + i * SEALED_BYTES;
        chunk_nonce(batch->first + i, is_last(batch, i), nonce);
        crypto_aead_chacha20poly1305_ietf_encrypt_detached(chunk, chunk + batch->lengths[i], NULL,
                                                           chunk, batch->lengths[i], NULL, 0, NULL,
                                                           nonce, run->key);
        batch->lengths[i] += AGE_TAG_BYTES;
    }
    return true;
}

static bool open_chunks(const struct run *run, struct batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        uint8_t nonce[12];
        uint8_t *chunk = batch->bytes + i * SEALED_BYTES;
        size_t length = batch->lengths[i] - AGE_TAG_BYTES;
        chunk_nonce(batch->first + i, is_last(batch, i), nonce);
        if (crypto_aead_chacha20poly1305_ietf_decrypt_detached(
                chunk, NULL, chunk, length, chunk + length, NULL, 0, nonce, run->key) != 0)
            return err_set(err, ERR_CORRUPT,
                           "part %llu of the sealed file does not verify: it was changed, cut "
                           "short or extended",
                           (unsigned long long)(batch->first + i + 1));
        batch->lengths[i] = length;
    }
    return true;
}

/* Filling ------------------------------------------------------------------------------------ */

static bool hash(struct run *run, const uint8_t *bytes, size_t length, struct err *err)
{
    run->plain_bytes += length;
    return !run->hashed || digest_add(&run->digest, bytes, length, err);
}

/* Up to four chunks of `size` bytes each. The last one of the payload is the one with nothing
 * behind it; it may be shorter. */
static bool fill(struct run *run, struct batch *batch, size_t size, struct err *err)
{
    batch->first = run->chunks;
    batch->count = 0;
    batch->last = false;
    while (batch->count < BATCH_CHUNKS && !batch->last) {
        ssize_t got = feed_read(run->feed, batch->bytes + batch->count * SEALED_BYTES, size, err);
        if (got < 0)
            return false;
        batch->last = (size_t)got < size;
        if (got > 0 || (batch->count == 0 && run->chunks == 0))
            batch->lengths[batch->count++] = (size_t)got;
    }
    run->chunks += batch->count;
    return batch->last || feed_ended(run->feed, &batch->last, err);
}

static bool fill_plain(struct run *run, struct batch *batch, struct err *err)
{
    if (!fill(run, batch, AGE_CHUNK_BYTES, err))
        return false;
    for (size_t i = 0; i < batch->count; i++)
        if (!hash(run, batch->bytes + i * SEALED_BYTES, batch->lengths[i], err))
            return false;
    return true;
}

/* Only the first chunk may be empty, and then it is the only one. */
static bool fill_sealed(struct run *run, struct batch *batch, struct err *err)
{
    if (!fill(run, batch, SEALED_BYTES, err))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        size_t least = AGE_TAG_BYTES + (batch->first + i > 0);
        if (batch->lengths[i] < least)
            return err_set(err, ERR_CORRUPT, "the sealed file is cut short or extended");
    }
    return true;
}

/* Draining ----------------------------------------------------------------------------------- */

/* Only a payload's last chunk is short, so that a batch of sealed chunks lies in one piece. */
static bool drain_sealed(struct run *run, const struct batch *batch, struct err *err)
{
    size_t length = 0;
    for (size_t i = 0; i < batch->count; i++)
        length += batch->lengths[i];
    return sink_write(run->sink, batch->bytes, length, err);
}

static bool drain_plain(struct run *run, const struct batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        const uint8_t *chunk = batch->bytes + i * SEALED_BYTES;
        if (!hash(run, chunk, batch->lengths[i], err) ||
            !sink_write(run->sink, chunk, batch->lengths[i], err))
            return false;
    }
    return true;
}

static const struct way sealing = {fill_plain, seal_chunks, drain_sealed};
static const struct way opening = {fill_sealed, open_chunks, drain_plain};

/* Running ------------------------------------------------------------------------------------ */

/* The next batch, in order. False: nothing is left, or another batch has failed. A failure of its
 * own is told by *ok, so that it is reported when its turn comes. */
static bool take_batch(struct run *run, struct batch *batch, uint64_t *number, bool *ok,
                       struct err *err)
{
    pthread_mutex_lock(&run->filling);
    bool more = !run->ended && !atomic_load(&run->failed);
    if (more) {
        *number = run->filled++;
        *ok = run->way->fill(run, batch, err);
        run->ended = !*ok || batch->last;
    }
    pthread_mutex_unlock(&run->filling);
    return more;
}

/* Write it when all before it are written. False: this one or an earlier one failed. */
static bool give_batch(struct run *run, const struct batch *batch, uint64_t number, bool ok,
                       struct err *err)
{
    pthread_mutex_lock(&run->draining);
    while (run->drained != number && !atomic_load(&run->failed))
        pthread_cond_wait(&run->drained_one, &run->draining);
    bool go_on = !atomic_load(&run->failed);
    if (go_on) {
        go_on = ok && run->way->drain(run, batch, err);
        run->drained++;
        if (!go_on) {
            *run->err = *err;
            atomic_store(&run->failed, true);
        }
        pthread_cond_broadcast(&run->drained_one);
    }
    pthread_mutex_unlock(&run->draining);
    return go_on;
}

static void *help(void *argument);

/* Other threads join once the payload has shown to be large. Those that cannot be started are
 * done without. */
static unsigned start_helpers(struct run *run, pthread_t helpers[THREADS_MAX])
{
    unsigned started = 0;
    while (started + 1 < run->threads && started < THREADS_MAX &&
           pthread_create(&helpers[started], NULL, help, run) == 0)
        started++;
    return started;
}

static bool batch_new(struct batch *batch)
{
    *batch = (struct batch){.bytes = mem_alloc(BATCH_BYTES)};
    return batch->bytes != NULL;
}

static void batch_free(struct batch *batch)
{
    sodium_memzero(batch->bytes, BATCH_BYTES);
    mem_free(batch->bytes);
}

static void *help(void *argument)
{
    struct run *run = argument;
    struct batch batch;
    if (!batch_new(&batch))
        return NULL;
    struct err err = {0};
    uint64_t number;
    bool ok;
    while (take_batch(run, &batch, &number, &ok, &err)) {
        ok = ok && run->way->work(run, &batch, &err);
        if (!give_batch(run, &batch, number, ok, &err))
            break;
    }
    batch_free(&batch);
    return NULL;
}

/* The caller's own part. */
static void lead(struct run *run, struct batch *batch)
{
    pthread_t helpers[THREADS_MAX];
    unsigned started = 0;
    struct err err = {0};
    uint64_t number;
    bool ok;
    while (take_batch(run, batch, &number, &ok, &err)) {
        if (!started && ok && !batch->last && batch->first * AGE_CHUNK_BYTES >= run->large_bytes &&
            run->threads > 1) {
            started = start_helpers(run, helpers);
            run->threads = started ? run->threads : 1;
        }
        ok = ok && run->way->work(run, batch, &err);
        if (!give_batch(run, batch, number, ok, &err))
            break;
    }
    while (started > 0)
        pthread_join(helpers[--started], NULL);
}

/* The cores that this process may use. */
static unsigned cores(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (unsigned)count;
}

static bool start(struct run *run, struct feed *feed, const uint8_t *key, struct sink *sink,
                  const struct stream_options *options, struct err *err)
{
    *run = (struct run){
        .way = run->way,
        .feed = feed,
        .sink = sink,
        .key = key,
        .hashed = options->hashed,
        .threads = options->threads ? options->threads : cores(),
        .large_bytes = options->large_bytes ? options->large_bytes : large_bytes,
        .err = err,
    };
    pthread_mutex_init(&run->filling, NULL);
    pthread_mutex_init(&run->draining, NULL);
    pthread_cond_init(&run->drained_one, NULL);
    return !run->hashed || digest_begin(&run->digest, err);
}

static void finish(struct run *run)
{
    digest_fini(&run->digest);
    pthread_cond_destroy(&run->drained_one);
    pthread_mutex_destroy(&run->draining);
    pthread_mutex_destroy(&run->filling);
}

static bool stream(const struct way *way, struct feed *feed, const uint8_t *key, struct sink *sink,
                   const struct stream_options *options, struct stream_facts *facts,
                   struct err *err)
{
    struct err local = {0};
    struct run run = {.way = way};
    struct batch batch;
    *facts = (struct stream_facts){0};
    if (!batch_new(&batch))
        return err_set(err, ERR_MEMORY, "out of memory");
    bool ok = start(&run, feed, key, sink, options, err ? err : &local);
    if (ok) {
        lead(&run, &batch);
        ok = !atomic_load(&run.failed) &&
             (!run.hashed || digest_end(&run.digest, facts->sha256, err));
        facts->plain_bytes = run.plain_bytes;
    }
    finish(&run);
    batch_free(&batch);
    return ok;
}

bool stream_seal(struct feed *feed, const uint8_t key[static AGE_KEY_BYTES], struct sink *sink,
                 const struct stream_options *options, struct stream_facts *facts, struct err *err)
{
    return stream(&sealing, feed, key, sink, options, facts, err);
}

bool stream_open(struct feed *feed, const uint8_t key[static AGE_KEY_BYTES], struct sink *sink,
                 const struct stream_options *options, struct stream_facts *facts, struct err *err)
{
    return stream(&opening, feed, key, sink, options, facts, err);
}
