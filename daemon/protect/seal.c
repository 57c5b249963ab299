#include "protect/seal.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/own.h"
#include "protect/age.h"
#include "protect/secret.h"

struct seal {
    uint8_t *key; /* of the payload; secret memory */
    char *header; /* with the payload's nonce */
    size_t header_length;
    struct seal_options options;
    struct seal_facts facts;
};

void seal_free(struct seal *seal)
{
    if (!seal)
        return;
    secret_free(seal->key);
    mem_free(seal->header);
    mem_free(seal);
}

/* A new file key, wrapped for each recipient; of it only the payload key stays. */
static bool make_header(struct seal *seal, const struct recipients *to, const struct limits *limits,
                        struct err *err)
{
    own_buf struct buf header = buf_new(limits->age_header_bytes);
    own_secret uint8_t *file_key = secret_new(AGE_FILE_KEY_BYTES, err);
    uint8_t nonce[AGE_NONCE_BYTES];
    seal->key = secret_new(AGE_KEY_BYTES, err);
    if (!file_key || !seal->key)
        return false;
    randombytes_buf(file_key, AGE_FILE_KEY_BYTES);
    randombytes_buf(nonce, sizeof nonce);
    if (!age_write_version(&header) || !recipients_wrap(to, file_key, &header, err))
        return err->kind != ERR_NONE ? false : err_set(err, ERR_MEMORY, "out of memory");
    if (!age_write_mac(&header, file_key))
        return err_set(err, ERR_LIMIT, "too many recipients for one header (age-header-bytes)");
    age_payload_key(file_key, nonce, seal->key);
    seal->header_length = header.length + sizeof nonce;
    seal->header = mem_alloc(seal->header_length);
    if (!seal->header)
        return err_set(err, ERR_MEMORY, "out of memory");
    memcpy(seal->header, header.bytes, header.length);
    memcpy(seal->header + header.length, nonce, sizeof nonce);
    return true;
}

static bool write_all(struct seal *seal, struct feed *feed, struct sink *sink, struct err *err)
{
    const struct seal_options *options = &seal->options;
    const struct stream_options how = {.threads = options->threads, .hashed = options->hashed};
    struct stream_facts facts;
    if (!sink_write(sink, seal->header, seal->header_length, err) ||
        !stream_seal(feed, seal->key, sink, &how, &facts, err) ||
        !sink_end(sink, seal->facts.sealed_sha256, err))
        return false;
    if (options->sized && facts.plain_bytes != options->plain_bytes)
        return err_set(err, ERR_CONFLICT, "the file has %llu bytes, not %llu: it is changing",
                       (unsigned long long)facts.plain_bytes,
                       (unsigned long long)options->plain_bytes);
    seal->facts.plain_bytes = facts.plain_bytes;
    seal->facts.sealed_bytes = sink->written;
    memcpy(seal->facts.sha256, facts.sha256, sizeof facts.sha256);
    return true;
}

static struct seal *seal_feed(struct feed *feed, const struct recipients *to,
                              const struct limits *limits, const struct seal_options *options,
                              int out, struct seal_facts *facts, struct err *err)
{
    own_sink struct sink sink = {.fd = -1};
    struct seal *seal = mem_zalloc(1, sizeof *seal);
    if (!seal) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    seal->options = *options;
    if (!make_header(seal, to, limits, err) ||
        !sink_to_fd(&sink, out, options->armored, options->sealed_hashed, err) ||
        !write_all(seal, feed, &sink, err)) {
        err_add(err, "sealing");
        seal_free(seal);
        return NULL;
    }
    *facts = seal->facts;
    return seal;
}

struct seal *seal_file(int in, const struct recipients *to, const struct limits *limits,
                       const struct seal_options *options, int out, struct seal_facts *facts,
                       struct err *err)
{
    own_feed struct feed feed;
    struct err local = {0};
    err = err ? err : &local;
    return feed_from_fd(&feed, in, -1, err) ? seal_feed(&feed, to, limits, options, out, facts, err)
                                            : NULL;
}

struct seal *seal_bytes(const void *bytes, size_t length, const struct recipients *to,
                        const struct limits *limits, const struct seal_options *options, int out,
                        struct seal_facts *facts, struct err *err)
{
    own_feed struct feed feed;
    struct err local = {0};
    err = err ? err : &local;
    return feed_from_memory(&feed, bytes, length, err)
               ? seal_feed(&feed, to, limits, options, out, facts, err)
               : NULL;
}

/* Verifying ---------------------------------------------------------------------------------- */

static bool same_header(const struct seal *seal, struct feed *feed, struct err *err)
{
    own_free char *header = mem_alloc(seal->header_length);
    if (!header)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (seal->options.armored && !feed_detect_armor(feed, err))
        return false;
    ssize_t got = feed_read(feed, header, seal->header_length, err);
    if (got < 0)
        return false;
    if ((size_t)got != seal->header_length || memcmp(header, seal->header, (size_t)got) != 0)
        return err_set(err, ERR_CORRUPT, "the header is not the one that was written");
    return true;
}

static bool verify(const struct seal *seal, struct feed *feed, struct err *err)
{
    own_sink struct sink nowhere = {.fd = -1};
    const struct stream_options how = {.threads = seal->options.threads,
                                       .hashed = seal->options.hashed};
    struct stream_facts facts;
    if (!same_header(seal, feed, err) || !sink_to_fd(&nowhere, -1, false, false, err) ||
        !stream_open(feed, seal->key, &nowhere, &how, &facts, err))
        return false;
    if (facts.plain_bytes != seal->facts.plain_bytes ||
        sodium_memcmp(facts.sha256, seal->facts.sha256, sizeof facts.sha256) != 0)
        return err_set(err, ERR_CORRUPT, "the content is not the one that was sealed");
    return true;
}

bool seal_verify(const struct seal *seal, int fd, struct err *err)
{
    own_feed struct feed feed;
    return (feed_from_fd(&feed, fd, 0, err) && verify(seal, &feed, err)) ||
           err_add(err, "reading the sealed copy back");
}
