/* How fast files are sealed: labeld on one core and on all, beside a bare loop over the same file
 * with libsodium's ChaCha20-Poly1305 on 64 KiB chunks (with SHA-256 and without), and beside the
 * age tool if there is one. From file to file, without fsync; the best of all rounds.
 * Run: seal_bench [MiB [ROUNDS [FOLDER]]]. */
#include <fcntl.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/own.h"
#include "protect/open.h"
#include "protect/seal.h"

extern char **environ;

struct bench {
    char plain[4096], sealed[4096], recipient[RECIPIENTS_TEXT_BYTES];
    uint64_t bytes;
    struct recipients *to;
    struct identities *identities;
    struct limits limits;
};

/* One way to seal the file; false: it cannot be done here. */
struct way {
    const char *name;
    bool (*run)(const struct bench *bench, unsigned threads, bool hashed);
    unsigned threads;
    bool hashed;
};

static int create(const struct bench *bench)
{
    return open(bench->sealed, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

/* The least that any program does that seals a file on libsodium. */
static bool bare(const struct bench *bench, unsigned threads, bool hashed)
{
    static uint8_t chunk[AGE_CHUNK_BYTES + AGE_TAG_BYTES];
    static const uint8_t key[AGE_KEY_BYTES] = {1};
    uint8_t nonce[12] = {0}, sha256[DIGEST_BYTES];
    struct err err = {0};
    own_digest struct digest digest = {0};
    own_fd int in = open(bench->plain, O_RDONLY | O_CLOEXEC);
    own_fd int out = create(bench);
    (void)threads;
    if (in < 0 || out < 0 || !digest_begin(&digest, &err))
        return false;
    for (;;) {
        ssize_t got = io_read(in, chunk, AGE_CHUNK_BYTES);
        if (got <= 0)
            return got == 0 && digest_end(&digest, sha256, &err);
        if (hashed && !digest_add(&digest, chunk, (size_t)got, &err))
            return false;
        sodium_increment(nonce, sizeof nonce);
        crypto_aead_chacha20poly1305_ietf_encrypt_detached(chunk, chunk + got, NULL, chunk,
                                                           (size_t)got, NULL, 0, NULL, nonce, key);
        if (!io_write(out, chunk, (size_t)got + AGE_TAG_BYTES))
            return false;
    }
}

static bool ours(const struct bench *bench, unsigned threads, bool hashed)
{
    struct err err = {0};
    struct seal_facts facts;
    own_fd int in = open(bench->plain, O_RDONLY | O_CLOEXEC);
    own_fd int out = create(bench);
    struct seal *seal =
        seal_file(in, bench->to, &bench->limits,
                  &(struct seal_options){.threads = threads, .hashed = hashed}, out, &facts, &err);
    seal_free(seal);
    return seal != NULL;
}

static bool ours_verified(const struct bench *bench, unsigned threads, bool hashed)
{
    struct err err = {0};
    struct seal_facts facts;
    own_fd int in = open(bench->plain, O_RDONLY | O_CLOEXEC);
    own_fd int out = create(bench);
    struct seal *seal =
        seal_file(in, bench->to, &bench->limits,
                  &(struct seal_options){.threads = threads, .hashed = hashed}, out, &facts, &err);
    bool ok = seal && seal_verify(seal, out, &err);
    seal_free(seal);
    return ok;
}

static bool opening(const struct bench *bench, unsigned threads, bool hashed)
{
    struct err err = {0};
    struct stream_facts facts;
    char out_path[4200];
    snprintf(out_path, sizeof out_path, "%s.back", bench->sealed);
    own_fd int in = open(bench->sealed, O_RDONLY | O_CLOEXEC);
    own_fd int out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = open_file(in, bench->identities, &bench->limits,
                        &(struct stream_options){.threads = threads, .hashed = hashed}, out, &facts,
                        &err);
    unlink(out_path);
    return ok && facts.plain_bytes == bench->bytes;
}

static bool age_tool(const struct bench *bench, unsigned threads, bool hashed)
{
    const char *words[] = {"age", "-r", bench->recipient, "-o", bench->sealed, bench->plain, NULL};
    pid_t child;
    int status = 1;
    (void)threads;
    (void)hashed;
    unlink(bench->sealed);
    return posix_spawnp(&child, "age", NULL, NULL, (char *const *)words, environ) == 0 &&
           waitpid(child, &status, 0) == child && status == 0;
}

static const struct way ways[] = {
    {"bare loop, no digest", bare, 1, false},
    {"bare loop, SHA-256", bare, 1, true},
    {"labeld, one core, SHA-256", ours, 1, true},
    {"labeld, one core, no digest", ours, 1, false},
    {"age tool", age_tool, 0, false},
    {"labeld, all cores, no digest", ours, 0, false},
    {"labeld, all cores, SHA-256", ours, 0, true},
    {"labeld, all cores, SHA-256, read back", ours_verified, 0, true},
    {"labeld opens, all cores, SHA-256", opening, 0, true},
};
enum { WAYS = sizeof ways / sizeof *ways, BARE = 1, OURS_ONE = 2, AGE = 4, OURS_ALL = 5 };

static double cpu_seconds(void)
{
    struct rusage own, children;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec +
                    children.ru_stime.tv_sec) +
           (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec +
                    children.ru_stime.tv_usec) /
               1e6;
}

static bool make_plain(const struct bench *bench)
{
    static uint8_t block[1 << 20];
    own_fd int out = open(bench->plain, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (uint64_t done = 0; done < bench->bytes; done += sizeof block) {
        randombytes_buf(block, sizeof block);
        if (out < 0 || !io_write(out, block, sizeof block))
            return false;
    }
    return true;
}

static bool prepare(struct bench *bench, int argc, char **argv)
{
    struct err err = {0};
    const char *folder = argc > 3 ? argv[3] : "/tmp";
    bench->bytes = (argc > 1 ? strtoull(argv[1], NULL, 10) : 256) << 20;
    snprintf(bench->plain, sizeof bench->plain, "%s/seal_bench.%d.plain", folder, (int)getpid());
    snprintf(bench->sealed, sizeof bench->sealed, "%s/seal_bench.%d.age", folder, (int)getpid());
    bench->limits = limits_default();
    bench->to = recipients_new(&err);
    bench->identities = identities_new(&err);
    if (!bench->to || !bench->identities || !identities_generate(bench->identities, &err))
        return false;
    identities_recipient(bench->identities, 0, bench->recipient);
    return recipients_add(bench->to, bench->recipient, &err) && make_plain(bench);
}

static void report(const struct bench *bench, const double wall[WAYS], const double cpu[WAYS])
{
    printf("%-40s %9s %9s\n", "", "GB/s wall", "GB/s CPU");
    for (size_t i = 0; i < WAYS; i++)
        if (wall[i] > 0)
            printf("%-40s %9.2f %9.2f\n", ways[i].name, (double)bench->bytes / wall[i] / 1e9,
                   (double)bench->bytes / cpu[i] / 1e9);
    printf("one core over the bare loop, digest included: %.2f (CPU time; to reach 0.90)\n",
           cpu[BARE] / cpu[OURS_ONE]);
    if (wall[AGE] > 0)
        printf("all cores over the age tool: %.2f without digest, %.2f with (wall time; to reach "
               "1.00)\n",
               wall[AGE] / wall[OURS_ALL], wall[AGE] / wall[OURS_ALL + 1]);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    double wall[WAYS] = {0}, cpu[WAYS] = {0};
    bool ok = sodium_init() >= 0 && prepare(&bench, argc, argv);
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;
    for (unsigned round = 0; ok && round < rounds; round++)
        for (size_t i = 0; i < WAYS; i++) {
            double cpu_before = cpu_seconds();
            int64_t before = clock_steady_us();
            bool done = ways[i].run(&bench, ways[i].threads, ways[i].hashed);
            double took = (double)(clock_steady_us() - before) / 1e6;
            double used = cpu_seconds() - cpu_before;
            if (!done && i != AGE)
                ok = false;
            if (done && (wall[i] == 0 || took < wall[i]))
                wall[i] = took;
            if (done && (cpu[i] == 0 || used < cpu[i]))
                cpu[i] = used;
        }
    unlink(bench.plain);
    unlink(bench.sealed);
    if (ok)
        report(&bench, wall, cpu);
    recipients_free(bench.to);
    identities_free(bench.identities);
    return ok ? 0 : 1;
}
