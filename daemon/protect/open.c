#include "protect/open.h"

#include <sodium.h>

#include "base/own.h"
#include "protect/secret.h"

/* The most that a header's stanzas take beside its bytes. */
static const size_t header_memory = 4u << 20;

/* Keys of one file on its way through, in locked memory. */
struct keys {
    uint8_t file[AGE_FILE_KEY_BYTES], payload[AGE_KEY_BYTES];
};

bool open_file_key(const struct age_header *header, const struct identities *identities,
                   const struct limits *limits, uint8_t file_key[static AGE_FILE_KEY_BYTES],
                   struct err *err)
{
    if (identities_unwrap(identities, header, limits, file_key, err) &&
        age_check_mac(header, file_key, err))
        return true;
    sodium_memzero(file_key, AGE_FILE_KEY_BYTES);
    return false;
}

static bool read_nonce(struct feed *feed, struct keys *keys, struct err *err)
{
    uint8_t nonce[AGE_NONCE_BYTES];
    ssize_t got = feed_read(feed, nonce, sizeof nonce, err);
    if (got < 0)
        return false;
    if ((size_t)got < sizeof nonce)
        return err_set(err, ERR_CORRUPT, "the sealed file is cut short after its header");
    age_payload_key(keys->file, nonce, keys->payload);
    return true;
}

/* `file_key` or `identities` is given. */
static bool open_stream(struct feed *feed, const uint8_t *file_key,
                        const struct identities *identities, const struct limits *limits,
                        const struct stream_options *options, struct sink *sink,
                        struct stream_facts *facts, struct err *err)
{
    own_arena struct arena arena = arena_new(header_memory + limits->age_header_bytes * 8);
    own_secret struct keys *keys = secret_new(sizeof *keys, err);
    struct age_header header;
    *facts = (struct stream_facts){0};
    if (!keys || !age_read(feed, limits, &arena, &header, err))
        return false;
    if (!file_key && !open_file_key(&header, identities, limits, keys->file, err))
        return false;
    if (file_key) {
        if (!age_check_mac(&header, file_key, err))
            return false;
        for (size_t i = 0; i < sizeof keys->file; i++)
            keys->file[i] = file_key[i];
    }
    return read_nonce(feed, keys, err) &&
           stream_open(feed, keys->payload, sink, options, facts, err) && sink_end(sink, NULL, err);
}

bool open_feed(struct feed *feed, const struct identities *identities, const struct limits *limits,
               const struct stream_options *options, struct sink *sink, struct stream_facts *facts,
               struct err *err)
{
    return open_stream(feed, NULL, identities, limits, options, sink, facts, err);
}

static bool open_fds(int in, const uint8_t *file_key, const struct identities *identities,
                     const struct limits *limits, const struct stream_options *options, int out,
                     struct stream_facts *facts, struct err *err)
{
    own_feed struct feed feed;
    own_sink struct sink sink = {.fd = -1};
    return feed_from_fd(&feed, in, -1, err) && sink_to_fd(&sink, out, false, false, err) &&
           open_stream(&feed, file_key, identities, limits, options, &sink, facts, err);
}

bool open_file(int in, const struct identities *identities, const struct limits *limits,
               const struct stream_options *options, int out, struct stream_facts *facts,
               struct err *err)
{
    return open_fds(in, NULL, identities, limits, options, out, facts, err);
}

bool open_with_key(int in, const uint8_t file_key[static AGE_FILE_KEY_BYTES],
                   const struct limits *limits, const struct stream_options *options, int out,
                   struct stream_facts *facts, struct err *err)
{
    return open_fds(in, file_key, NULL, limits, options, out, facts, err);
}
