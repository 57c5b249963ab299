#include "fuzz/target.h"

#include <stdlib.h>
#include <string.h>

#include "protect/open.h"

/* The key that the seeds are sealed to (age.md shows it). */
#define IDENTITY "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"

static struct limits cheap_limits(void)
{
    struct limits limits = limits_default();
    limits.age_work_factor = 10;
    return limits;
}

/* A header that was taken has one form: written again it is the same bytes. */
static void check_header(const uint8_t *bytes, size_t length, const struct limits *limits)
{
    struct err err = {0};
    struct age_header header;
    own_arena struct arena arena = arena_new(8u << 20);
    own_feed struct feed feed = {.fd = -1};
    own_buf struct buf again = buf_new(limits->age_header_bytes * 2);
    if (!feed_from_memory(&feed, bytes, length, &err) ||
        !age_read(&feed, limits, &arena, &header, &err))
        return;
    age_write_version(&again);
    for (size_t i = 0; i < header.stanzas_count; i++) {
        const struct age_stanza *stanza = &header.stanzas[i];
        const char **args = arena_alloc(&arena, stanza->args_count + 1, sizeof *args);
        if (!args)
            return;
        memcpy(args, stanza->args, stanza->args_count * sizeof *args);
        if (!age_write_stanza(&again, args, stanza->body, stanza->body_length))
            return;
    }
    if (again.length + 3 != header.signed_length ||
        memcmp(again.bytes, header.bytes, again.length) != 0)
        abort();
}

static void check_opening(const uint8_t *bytes, size_t length, const struct limits *limits)
{
    static uint8_t out[1 << 20];
    struct err err = {0};
    const struct stream_options options = {.threads = 1};
    struct stream_facts facts;
    own_feed struct feed feed = {.fd = -1};
    own_sink struct sink sink = {.fd = -1};
    struct identities *identities = identities_new(&err);
    if (identities && identities_add(identities, IDENTITY, &err) &&
        identities_set_passphrase(identities, "correct horse", &err) &&
        feed_from_memory(&feed, bytes, length, &err) &&
        sink_to_memory(&sink, out, sizeof out, &err) &&
        !open_feed(&feed, identities, limits, &options, &sink, &facts, &err) &&
        err.kind == ERR_NONE)
        abort(); /* refused without a reason */
    identities_free(identities);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const struct limits limits = cheap_limits();
    check_header(bytes, length, &limits);
    check_opening(bytes, length, &limits);
    return 0;
}
