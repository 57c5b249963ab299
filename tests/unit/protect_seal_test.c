/* Sealing, verifying and opening: whole files of every size, and every way to break one. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "age_maker.h"
#include "base/io.h"
#include "base/own.h"
#include "protect/keyfile.h"
#include "protect/open.h"
#include "protect/seal.h"
#include "scratch.h"

#define V1 "age-encryption.org/v1\n"
enum { CHUNK = AGE_CHUNK_BYTES, SEALED = AGE_CHUNK_BYTES + AGE_TAG_BYTES };

/* Files ---------------------------------------------------------------------------------------- */

static int memory_file(const void *bytes, size_t length)
{
    struct err err = {0};
    int fd = io_memfd("test", &err);
    assert_true(fd >= 0 && io_write(fd, bytes, length));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static char *content(int fd, size_t *length)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    char *bytes = mem_alloc((size_t)st.st_size + 1);
    assert_int_equal(io_read_at(fd, bytes, (size_t)st.st_size, 0), st.st_size);
    *length = (size_t)st.st_size;
    return bytes;
}

static struct recipients *maker_recipients(void)
{
    struct err err = {0};
    struct recipients *to = recipients_new(&err);
    assert_true(recipients_add(to, MAKER_RECIPIENT, &err));
    return to;
}

static struct identities *maker_identities(void)
{
    struct err err = {0};
    struct identities *identities = identities_new(&err);
    assert_true(identities_add(identities, MAKER_IDENTITY, &err));
    return identities;
}

/* Text that never repeats at a chunk's distance. */
static uint8_t *plaintext(size_t length)
{
    static const uint8_t seed[randombytes_SEEDBYTES] = "plaintext of a test";
    uint8_t *bytes = mem_alloc(length);
    randombytes_buf_deterministic(bytes, length, seed);
    return bytes;
}

static struct seal *seal_plain(const void *bytes, size_t length, struct seal_options options,
                               int out, struct seal_facts *facts, struct err *err)
{
    const struct limits limits = limits_default();
    own_fd int in = memory_file(bytes, length);
    struct recipients *to = maker_recipients();
    struct seal *seal = seal_file(in, to, &limits, &options, out, facts, err);
    recipients_free(to);
    return seal;
}

/* Whole ---------------------------------------------------------------------------------------- */

static const size_t sizes[] = {0,
                               1,
                               15,
                               16,
                               CHUNK - 1,
                               CHUNK,
                               CHUNK + 1,
                               CHUNK * 2,
                               CHUNK * 4 - 1,
                               CHUNK * 4,
                               CHUNK * 4 + 1,
                               CHUNK * 9 + 7,
                               (5u << 20) + 3};

static void check_round_trip(size_t row, size_t length, bool armored, unsigned threads)
{
    const struct limits limits = limits_default();
    struct err err = {0};
    own_free uint8_t *plain = plaintext(length);
    own_fd int sealed = memory_file("", 0);
    own_fd int opened = memory_file("", 0);
    struct seal_facts facts;
    struct stream_facts back;
    uint8_t sha256[32];
    size_t got, sealed_length;
    struct seal *seal = seal_plain(
        plain, length,
        (struct seal_options){
            .armored = armored, .hashed = true, .sealed_hashed = true, .threads = threads},
        sealed, &facts, &err);
    CHECK_CASE(row, seal && seal_verify(seal, sealed, &err));
    seal_free(seal);
    own_free char *bytes = content(sealed, &sealed_length);
    CHECK_CASE(row, facts.plain_bytes == length && facts.sealed_bytes == sealed_length);
    crypto_hash_sha256(sha256, (uint8_t *)bytes, sealed_length);
    CHECK_CASE(row, memcmp(sha256, facts.sealed_sha256, 32) == 0);
    struct identities *identities = maker_identities();
    lseek(sealed, 0, SEEK_SET);
    CHECK_CASE(row, open_file(sealed, identities, &limits,
                              &(struct stream_options){.threads = threads, .hashed = true}, opened,
                              &back, &err));
    identities_free(identities);
    own_free char *again = content(opened, &got);
    CHECK_CASE(row, got == length && memcmp(again, plain, length) == 0);
    crypto_hash_sha256(sha256, plain, length);
    CHECK_CASE(row, memcmp(sha256, facts.sha256, 32) == 0 && memcmp(sha256, back.sha256, 32) == 0);
}

TEST(what_is_sealed_opens_to_the_same_bytes)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_round_trip(i, sizes[i], false, 1);
        check_round_trip(i, sizes[i], true, 4);
    }
}

TEST(many_threads_keep_the_order)
{
    check_round_trip(0, (12u << 20) + 1, false, 7);
}

TEST(a_pipe_is_sealed_without_knowing_its_size)
{
    const struct limits limits = limits_default();
    struct err err = {0};
    struct seal_facts facts;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(io_write(ends[1], "through a pipe", 14));
    close(ends[1]);
    own_fd int out = memory_file("", 0);
    struct recipients *to = maker_recipients();
    struct seal *seal =
        seal_file(ends[0], to, &limits, &(struct seal_options){0}, out, &facts, &err);
    assert_non_null(seal);
    assert_int_equal(facts.plain_bytes, 14);
    assert_true(seal_verify(seal, out, &err));
    seal_free(seal);
    recipients_free(to);
    close(ends[0]);
}

TEST(another_size_than_the_known_one_is_a_conflict)
{
    for (uint64_t size = 4; size <= 6; size++) {
        struct err err = {0};
        struct seal_facts facts;
        own_fd int out = memory_file("", 0);
        struct seal *seal =
            seal_plain("12345", 5, (struct seal_options){.sized = true, .plain_bytes = size}, out,
                       &facts, &err);
        CHECK_CASE(size, !seal == (size != 5));
        CHECK_CASE(size, seal || err.kind == ERR_CONFLICT);
        seal_free(seal);
    }
}

TEST(the_sealed_size_is_known_beforehand)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct err err = {0};
        struct seal_facts facts, none;
        own_free uint8_t *plain = plaintext(sizes[i]);
        own_fd int out = memory_file("", 0);
        own_fd int empty = memory_file("", 0);
        struct seal *seal =
            seal_plain(plain, sizes[i], (struct seal_options){0}, out, &facts, &err);
        struct seal *nothing = seal_plain("", 0, (struct seal_options){0}, empty, &none, &err);
        uint64_t header = none.sealed_bytes - age_payload_bytes(0);
        CHECK_CASE(i, facts.sealed_bytes == header + age_payload_bytes(sizes[i]));
        seal_free(seal);
        seal_free(nothing);
    }
}

TEST(each_of_several_recipients_opens_it)
{
    const struct limits limits = limits_default();
    struct err err = {0};
    struct seal_facts facts;
    struct identities *all[3];
    struct recipients *to = recipients_new(&err);
    for (size_t i = 0; i < 3; i++) {
        char text[RECIPIENTS_TEXT_BYTES];
        all[i] = identities_new(&err);
        assert_true(identities_generate(all[i], &err));
        identities_recipient(all[i], 0, text);
        assert_true(recipients_add(to, text, &err) && recipients_add(to, text, &err));
        assert_int_equal(recipients_count(to), i + 1);
    }
    own_fd int sealed = memory_file("", 0);
    struct seal *seal =
        seal_bytes("secret", 6, to, &limits, &(struct seal_options){0}, sealed, &facts, &err);
    assert_non_null(seal);
    seal_free(seal);
    recipients_free(to);
    for (size_t i = 0; i < 3; i++) {
        struct stream_facts back;
        lseek(sealed, 0, SEEK_SET);
        CHECK_CASE(
            i, open_file(sealed, all[i], &limits, &(struct stream_options){0}, -1, &back, &err));
        CHECK_CASE(i, back.plain_bytes == 6);
        identities_free(all[i]);
    }
    struct identities *other = maker_identities();
    struct stream_facts back;
    lseek(sealed, 0, SEEK_SET);
    assert_false(open_file(sealed, other, &limits, &(struct stream_options){0}, -1, &back, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    identities_free(other);
}

/* Verifying ------------------------------------------------------------------------------------ */

/* Every byte of a written copy, each wrong once; each length shorter; a byte more. */
TEST(a_written_copy_that_differs_does_not_verify)
{
    for (unsigned armored = 0; armored < 2; armored++) {
        struct err err = {0};
        struct seal_facts facts;
        size_t length;
        own_fd int copy = memory_file("", 0);
        struct seal *seal =
            seal_plain("hello", 5, (struct seal_options){.armored = armored, .hashed = true}, copy,
                       &facts, &err);
        own_free char *bytes = content(copy, &length);
        for (size_t i = 0; i < length; i++) {
            char wrong = (char)(bytes[i] ^ 1);
            assert_true(io_write_at(copy, &wrong, 1, i));
            CHECK_CASE(i, !seal_verify(seal, copy, &err) && err.kind == ERR_CORRUPT);
            assert_true(io_write_at(copy, &bytes[i], 1, i));
        }
        assert_true(seal_verify(seal, copy, &err));
        assert_true(io_write_at(copy, "x", 1, length));
        assert_false(seal_verify(seal, copy, &err));
        /* the last line end of an armour is white space around it */
        for (size_t i = length - armored; i-- > 0;) {
            assert_int_equal(ftruncate(copy, (off_t)i), 0);
            CHECK_CASE(i, !seal_verify(seal, copy, &err));
        }
        seal_free(seal);
    }
}

TEST(another_file_sealed_to_the_same_recipients_does_not_verify)
{
    struct err err = {0};
    struct seal_facts facts;
    own_fd int one = memory_file("", 0);
    own_fd int two = memory_file("", 0);
    struct seal *first = seal_plain("hello", 5, (struct seal_options){0}, one, &facts, &err);
    struct seal *second = seal_plain("hello", 5, (struct seal_options){0}, two, &facts, &err);
    assert_true(seal_verify(first, one, &err) && seal_verify(second, two, &err));
    assert_false(seal_verify(first, two, &err) || seal_verify(second, one, &err));
    seal_free(first);
    seal_free(second);
}

/* Opening what is broken ----------------------------------------------------------------------- */

static bool opens(const void *file, size_t length, struct err *err)
{
    static uint8_t out[CHUNK * 4];
    size_t got;
    return maker_open(file, length, out, sizeof out, &got, err);
}

/* A file of each kind: binary and armoured; each bit of it wrong once. */
TEST(no_bit_can_be_flipped)
{
    for (int armored = 0; armored < 2; armored++) {
        struct err err = {0};
        struct seal_facts facts;
        size_t length;
        own_fd int copy = memory_file("", 0);
        seal_free(
            seal_plain("hello", 5, (struct seal_options){.armored = armored}, copy, &facts, &err));
        own_free char *bytes = content(copy, &length);
        assert_true(opens(bytes, length, &err));
        for (size_t bit = 0; bit < length * 8; bit++) {
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
            CHECK_CASE(bit, !opens(bytes, length, &err));
            CHECK_CASE(bit, err.kind == ERR_CORRUPT || err.kind == ERR_REFUSED ||
                                err.kind == ERR_UNSUPPORTED);
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        }
    }
}

TEST(a_file_cut_anywhere_is_refused)
{
    struct maker maker;
    struct err err = {0};
    maker_begin(&maker, V1 "@S", NULL);
    maker_chunk(&maker, 0, true, "hello", 5);
    for (size_t length = 0; length < maker.file.length; length++)
        CHECK_CASE(length, !opens(maker.file.bytes, length, &err));
    assert_true(opens(maker.file.bytes, maker.file.length, &err));
    maker_fini(&maker);
}

/* What the payload is made of: number of the chunk, its length, whether it counts as the last. */
struct piece {
    uint64_t number;
    size_t length;
    bool last;
};

TEST(chunks_must_be_whole_in_order_and_end)
{
    static const struct {
        const char *what;
        bool good;
        struct piece pieces[4];
        size_t count;
        int extra; /* bytes after it, or cut off */
    } cases[] = {
        {"empty", true, {{0, 0, true}}, 1, 0},
        {"one", true, {{0, 5, true}}, 1, 0},
        {"one full", true, {{0, CHUNK, true}}, 1, 0},
        {"two", true, {{0, CHUNK, false}, {1, 1, true}}, 2, 0},
        {"two full", true, {{0, CHUNK, false}, {1, CHUNK, true}}, 2, 0},
        {"no chunk", false, {{0, 0, false}}, 0, 0},
        {"no last", false, {{0, 5, false}}, 1, 0},
        {"no last, full", false, {{0, CHUNK, false}}, 1, 0},
        {"no last of two", false, {{0, CHUNK, false}, {1, CHUNK, false}}, 2, 0},
        {"empty, not last", false, {{0, 0, false}}, 1, 0},
        {"an empty last behind a full", false, {{0, CHUNK, false}, {1, 0, true}}, 2, 0},
        {"an empty last behind a last", false, {{0, CHUNK, true}, {1, 0, true}}, 2, 0},
        {"short in the middle", false, {{0, 5, false}, {1, 5, true}}, 2, 0},
        {"two last", false, {{0, CHUNK, true}, {1, CHUNK, true}}, 2, 0},
        {"two first", false, {{0, CHUNK, false}, {0, CHUNK, true}}, 2, 0},
        {"counts from one", false, {{1, 5, true}}, 1, 0},
        {"one is missing", false, {{0, CHUNK, false}, {2, 5, true}}, 2, 0},
        {"first is missing", false, {{1, CHUNK, false}, {2, 5, true}}, 2, 0},
        {"swapped", false, {{1, CHUNK, false}, {0, CHUNK, false}, {2, 5, true}}, 3, 0},
        {"doubled",
         false,
         {{0, CHUNK, false}, {1, CHUNK, false}, {1, CHUNK, false}, {2, 5, true}},
         4,
         0},
        {"last in the middle", false, {{0, CHUNK, false}, {1, CHUNK, true}, {2, 5, true}}, 3, 0},
        {"a byte more", false, {{0, 5, true}}, 1, 1},
        {"a byte more behind a full", false, {{0, CHUNK, true}}, 1, 1},
        {"a tag's bytes more", false, {{0, CHUNK, true}}, 1, 16},
        {"more than a tag's bytes more", false, {{0, CHUNK, true}}, 1, 17},
        {"a chunk's bytes more", false, {{0, CHUNK, true}}, 1, SEALED},
        {"a byte less", false, {{0, 5, true}}, 1, -1},
        {"the tag alone cut", false, {{0, 5, true}}, 1, -16},
        {"cut into the second", false, {{0, CHUNK, false}, {1, 5, true}}, 2, -1},
        {"second cut down to its tag", false, {{0, CHUNK, false}, {1, 5, true}}, 2, -5},
        {"second cut below its tag", false, {{0, CHUNK, false}, {1, 5, true}}, 2, -6},
        {"second cut off", false, {{0, CHUNK, false}, {1, 5, true}}, 2, -21},
    };
    static const uint8_t zeros[SEALED];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct maker maker;
        struct err err = {0};
        maker_begin(&maker, V1 "@S", NULL);
        for (size_t k = 0; k < cases[i].count; k++) {
            const struct piece *piece = &cases[i].pieces[k];
            maker_chunk(&maker, piece->number, piece->last, zeros, piece->length);
        }
        if (cases[i].extra > 0)
            buf_append(&maker.file, zeros, (size_t)cases[i].extra);
        size_t length = maker.file.length - (cases[i].extra < 0 ? (size_t)-cases[i].extra : 0);
        if (opens(maker.file.bytes, length, &err) != cases[i].good ||
            (!cases[i].good && err.kind != ERR_CORRUPT))
            fail_msg("%s: %s", cases[i].what, err.text);
        maker_fini(&maker);
    }
}

/* The same by threads: the first fault in order is the one that is told, and nothing of it or
 * behind it was written. */
TEST(a_fault_deep_in_a_large_file_stops_all_threads)
{
    const struct limits limits = limits_default();
    struct err err = {0};
    struct seal_facts facts;
    const size_t length = CHUNK * 120;
    own_free uint8_t *plain = plaintext(length);
    own_fd int sealed = memory_file("", 0);
    seal_free(seal_plain(plain, length, (struct seal_options){.threads = 3}, sealed, &facts, &err));
    size_t whole = (size_t)facts.sealed_bytes;
    own_free char *bytes = content(sealed, &whole);
    size_t start = whole - (size_t)age_payload_bytes(length) + AGE_NONCE_BYTES;
    struct identities *identities = maker_identities();
    for (size_t chunk = 0; chunk < 120; chunk += 17) {
        own_fd int out = memory_file("", 0);
        struct stat st;
        struct stream_facts back;
        size_t at = start + chunk * SEALED + 100;
        bytes[at] ^= 1;
        own_fd int in = memory_file(bytes, whole);
        bytes[at] ^= 1;
        CHECK_CASE(chunk, !open_file(in, identities, &limits,
                                     &(struct stream_options){.threads = 4, .large_bytes = 1}, out,
                                     &back, &err));
        char want[32];
        snprintf(want, sizeof want, "part %zu ", chunk + 1);
        CHECK_CASE(chunk, err.kind == ERR_CORRUPT && strstr(err.text, want));
        CHECK_CASE(chunk, fstat(out, &st) == 0 && (size_t)st.st_size <= chunk * CHUNK);
    }
    identities_free(identities);
}

/* With the key alone --------------------------------------------------------------------------- */

TEST(a_bare_file_key_opens_only_the_file_it_belongs_to)
{
    const struct limits limits = limits_default();
    own_arena struct arena arena = arena_new(8 << 20);
    struct err err = {0};
    struct seal_facts facts;
    struct stream_facts back;
    struct age_header header;
    uint8_t key[AGE_FILE_KEY_BYTES];
    own_fd int one = memory_file("", 0);
    own_fd int two = memory_file("", 0);
    own_fd int out = memory_file("", 0);
    seal_free(seal_plain("hello", 5, (struct seal_options){0}, one, &facts, &err));
    seal_free(seal_plain("hello", 5, (struct seal_options){0}, two, &facts, &err));
    own_feed struct feed feed;
    assert_true(feed_from_fd(&feed, one, 0, &err) &&
                age_read(&feed, &limits, &arena, &header, &err));
    assert_int_equal(header.stanzas_count, 1);
    struct identities *identities = maker_identities();
    assert_true(open_file_key(&header, identities, &limits, key, &err));
    assert_true(age_check_mac(&header, key, &err));
    identities_free(identities);
    const struct stream_options options = {.hashed = true};
    lseek(one, 0, SEEK_SET);
    lseek(two, 0, SEEK_SET);
    assert_false(open_with_key(two, key, &limits, &options, out, &back, &err));
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_int_equal(lseek(out, 0, SEEK_END), 0);
    assert_true(open_with_key(one, key, &limits, &options, out, &back, &err));
    assert_int_equal(back.plain_bytes, 5);
    key[3] ^= 1;
    assert_false(age_check_mac(&header, key, &err));
}

/* Failing -------------------------------------------------------------------------------------- */

TEST(memory_may_run_out_anywhere)
{
    const struct limits limits = limits_default();
    for (size_t nth = 1; nth < 200; nth++) {
        struct err err = {0};
        struct seal_facts facts = {0};
        struct stream_facts back;
        own_fd int sealed = memory_file("", 0);
        own_fd int in = memory_file("hello", 5);
        struct seal *seal = NULL;
        bool ok = false;
        mem_fail_nth(nth, 0);
        struct recipients *to = recipients_new(&err);
        struct identities *identities = to ? identities_new(&err) : NULL;
        if (identities && recipients_add(to, MAKER_RECIPIENT, &err) &&
            identities_add(identities, MAKER_IDENTITY, &err) &&
            (seal = seal_file(in, to, &limits,
                              &(struct seal_options){.armored = nth % 2, .hashed = true}, sealed,
                              &facts, &err))) {
            lseek(sealed, 0, SEEK_SET);
            ok = seal_verify(seal, sealed, &err) &&
                 open_file(sealed, identities, &limits, &(struct stream_options){0}, -1, &back,
                           &err);
        }
        size_t calls = mem_calls();
        mem_fail_nth(0, 0);
        seal_free(seal);
        identities_free(identities);
        recipients_free(to);
        CHECK_CASE(nth, ok == (calls < nth));
        CHECK_CASE(nth, ok || err.kind == ERR_MEMORY);
        if (ok && nth % 2 == 0)
            return;
    }
    fail_msg("never got through");
}

/* A disk that fills up after so many bytes: each place where a write can be cut. */
TEST(a_full_disk_is_told_wherever_it_strikes)
{
    struct scratch scratch = scratch_open();
    struct rlimit before, now;
    own_free uint8_t *plain = plaintext(CHUNK * 6);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    for (unsigned room = 0; room < CHUNK * 6; room += 40000) {
        struct err err = {0};
        struct seal_facts facts;
        own_fd int in = memory_file(plain, CHUNK * 6);
        own_fd int out =
            openat(scratch.folder, "out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        const struct limits limits = limits_default();
        struct recipients *to = maker_recipients();
        now = (struct rlimit){.rlim_cur = room, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
        struct seal *seal = seal_file(in, to, &limits, &(struct seal_options){.threads = room % 3},
                                      out, &facts, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        CHECK_CASE(room, !seal && err.kind == ERR_LIMIT && strstr(err.text, "writing"));
        recipients_free(to);
    }
    scratch_close(&scratch);
}

TEST(what_cannot_be_read_is_told)
{
    const struct limits limits = limits_default();
    struct err err = {0};
    struct seal_facts facts;
    struct stream_facts back;
    own_fd int folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_fd int out = memory_file("", 0);
    struct recipients *to = maker_recipients();
    struct identities *identities = maker_identities();
    assert_null(seal_file(folder, to, &limits, &(struct seal_options){0}, out, &facts, &err));
    assert_non_null(strstr(err.text, "reading"));
    assert_false(
        open_file(folder, identities, &limits, &(struct stream_options){0}, out, &back, &err));
    assert_non_null(strstr(err.text, "reading"));
    struct seal *seal =
        seal_bytes("x", 1, to, &limits, &(struct seal_options){0}, out, &facts, &err);
    assert_false(seal_verify(seal, folder, &err));
    assert_non_null(strstr(err.text, "reading"));
    seal_free(seal);
    identities_free(identities);
    recipients_free(to);
}

TEST(nobody_to_seal_to_is_a_mistake)
{
    const struct limits limits = limits_default();
    struct err err = {0};
    struct seal_facts facts;
    struct recipients *to = recipients_new(&err);
    assert_null(seal_bytes("x", 1, to, &limits, &(struct seal_options){0}, -1, &facts, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    recipients_free(to);
}

TEST(more_recipients_than_a_header_may_hold_are_refused)
{
    struct limits limits = limits_default();
    struct err err = {0};
    struct seal_facts facts;
    struct recipients *to = maker_recipients();
    own_fd int out = memory_file("", 0);
    limits.age_header_bytes = 100;
    assert_null(seal_bytes("x", 1, to, &limits, &(struct seal_options){0}, out, &facts, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(lseek(out, 0, SEEK_END), 0);
    recipients_free(to);
}

/* Key files ------------------------------------------------------------------------------------ */

static bool give_passphrase(void *context, const char *path, char *passphrase, size_t room,
                            struct err *err)
{
    (void)path;
    snprintf(passphrase, room, "%s", (const char *)context);
    return context || err_set(err, ERR_REFUSED, "nobody to ask");
}

static bool read_keys(const struct scratch *scratch, const char *passphrase, size_t *count,
                      struct err *err)
{
    const struct limits limits = limits_default();
    char path[96], word[64];
    snprintf(path, sizeof path, "%s/keys", scratch->path);
    snprintf(word, sizeof word, "%s", passphrase);
    struct identities *identities = identities_new(err);
    bool ok =
        keyfile_read(identities, path,
                     &(struct keyfile_ask){.ask = give_passphrase, .context = word}, &limits, err);
    *count = identities_count(identities);
    identities_free(identities);
    return ok;
}

TEST(key_files_are_read_as_age_reads_them)
{
    static const struct {
        const char *text;
        size_t count;
        const char *says; /* NULL: good */
    } cases[] = {
        {MAKER_IDENTITY "\n", 1, NULL},
        {MAKER_IDENTITY, 1, NULL},
        {"# a comment\r\n\r\n" MAKER_IDENTITY "\r\n", 1, NULL},
        {MAKER_IDENTITY "\n" MAKER_IDENTITY "\n", 2, NULL},
        {"", 0, "no secret key"},
        {"# only this\n", 0, "no secret key"},
        {"# a\n" MAKER_RECIPIENT "\n", 0, "line 2: this is a public key"},
        {MAKER_IDENTITY "X\n", 0, "line 1"},
        {"age-encryption.org/v1\n", 0, "cut short"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scratch scratch = scratch_open();
        struct err err = {0};
        size_t count;
        scratch_write(&scratch, "keys", cases[i].text);
        CHECK_CASE(i, read_keys(&scratch, "", &count, &err) == !cases[i].says);
        CHECK_CASE(i, count == cases[i].count);
        CHECK_CASE(i, !cases[i].says || strstr(err.text, cases[i].says));
        CHECK_CASE(i, !strstr(err.text, "GFPYY"));
        scratch_close(&scratch);
    }
}

TEST(a_key_file_is_locked_and_unlocked)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    size_t count;
    own_fd int fd = openat(scratch.folder, "keys", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct identities *identities = maker_identities();
    assert_true(keyfile_write(identities, MAKER_PASSPHRASE, 10, fd, &err));
    identities_free(identities);
    assert_true(read_keys(&scratch, MAKER_PASSPHRASE, &count, &err));
    assert_int_equal(count, 1);
    assert_false(read_keys(&scratch, "another", &count, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_non_null(strstr(err.text, "passphrase is wrong"));
    scratch_close(&scratch);
}

TEST(files_of_recipients_name_the_line_that_is_wrong)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    char path[96];
    snprintf(path, sizeof path, "%s/to", scratch.path);
    struct recipients *to = recipients_new(&err);
    scratch_write(&scratch, "to", "# team\n\n" MAKER_RECIPIENT "\r\n");
    assert_true(recipients_add_file(to, path, &err));
    assert_int_equal(recipients_count(to), 1);
    scratch_write(&scratch, "to", "# team\n\nage1nothing\n");
    assert_false(recipients_add_file(to, path, &err));
    assert_non_null(strstr(err.text, "to:3: "));
    assert_false(recipients_set_passphrase(to, "x", 10, &err));
    recipients_free(to);
    scratch_close(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens_to_the_same_bytes),
        cmocka_unit_test(many_threads_keep_the_order),
        cmocka_unit_test(a_pipe_is_sealed_without_knowing_its_size),
        cmocka_unit_test(another_size_than_the_known_one_is_a_conflict),
        cmocka_unit_test(the_sealed_size_is_known_beforehand),
        cmocka_unit_test(each_of_several_recipients_opens_it),
        cmocka_unit_test(a_written_copy_that_differs_does_not_verify),
        cmocka_unit_test(another_file_sealed_to_the_same_recipients_does_not_verify),
        cmocka_unit_test(no_bit_can_be_flipped),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(chunks_must_be_whole_in_order_and_end),
        cmocka_unit_test(a_fault_deep_in_a_large_file_stops_all_threads),
        cmocka_unit_test(a_bare_file_key_opens_only_the_file_it_belongs_to),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(a_full_disk_is_told_wherever_it_strikes),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(nobody_to_seal_to_is_a_mistake),
        cmocka_unit_test(more_recipients_than_a_header_may_hold_are_refused),
        cmocka_unit_test(key_files_are_read_as_age_reads_them),
        cmocka_unit_test(a_key_file_is_locked_and_unlocked),
        cmocka_unit_test(files_of_recipients_name_the_line_that_is_wrong),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
