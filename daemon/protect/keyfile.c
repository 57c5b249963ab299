#include "protect/keyfile.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/own.h"
#include "protect/open.h"
#include "protect/seal.h"
#include "protect/secret.h"

enum { KEYFILE_MAX = 65536, SEALED_MAX = 2 * KEYFILE_MAX };

/* The lines of a key file; `text` is wiped by the caller. */
static bool add_lines(struct identities *identities, char *text, struct err *err)
{
    size_t before = identities_count(identities);
    unsigned number = 0;
    for (char *line = text; line; number++) {
        char *end = strchr(line, '\n');
        char *next = end ? end + 1 : NULL;
        size_t length = end ? (size_t)(end - line) : strlen(line);
        while (length && strchr(" \t\r", line[length - 1]))
            length--;
        line[length] = '\0';
        if (length && *line != '#' && !identities_add(identities, line, err))
            return err_add(err, "line %u", number + 1);
        line = next;
    }
    return identities_count(identities) > before ||
           err_set(err, ERR_USAGE, "it holds no secret key (AGE-SECRET-KEY-1…)");
}

static bool is_age(const char *text)
{
    text += strspn(text, " \t\r\n");
    return strncmp(text, "age-encryption.org/", 19) == 0 || strncmp(text, "-----BEGIN", 10) == 0;
}

/* A locked key file: unlock it into secret memory. */
static bool read_locked(struct identities *identities, const char *path, const char *sealed,
                        size_t length, const struct keyfile_ask *ask, const struct limits *limits,
                        struct err *err)
{
    own_secret char *passphrase = secret_new(RECIPIENTS_PASSPHRASE_MAX + 1, err);
    own_secret char *text = secret_new(KEYFILE_MAX + 1, err);
    own_feed struct feed feed = {.fd = -1};
    own_sink struct sink sink = {.fd = -1};
    struct stream_facts facts;
    const struct stream_options how = {.threads = 1};
    if (!passphrase || !text ||
        !ask->ask(ask->context, path, passphrase, RECIPIENTS_PASSPHRASE_MAX + 1, err))
        return false;
    struct identities *lock = identities_new(err);
    bool ok = lock && identities_set_passphrase(lock, passphrase, err) &&
              feed_from_memory(&feed, sealed, length, err) &&
              sink_to_memory(&sink, text, KEYFILE_MAX, err) &&
              open_feed(&feed, lock, limits, &how, &sink, &facts, err);
    identities_free(lock);
    if (ok)
        text[facts.plain_bytes] = '\0';
    return ok && add_lines(identities, text, err);
}

static bool read_open(struct identities *identities, const char *path, int fd,
                      const struct keyfile_ask *ask, const struct limits *limits, struct err *err)
{
    own_secret char *text = secret_new(SEALED_MAX + 1, err);
    if (!text)
        return false;
    own_feed struct feed feed = {.fd = -1};
    ssize_t got = feed_from_fd(&feed, fd, -1, err) ? feed_read(&feed, text, SEALED_MAX, err) : -1;
    if (got < 0)
        return false;
    if (got == SEALED_MAX)
        return err_set(err, ERR_LIMIT, "over %d bytes: not a key file", SEALED_MAX);
    text[got] = '\0';
    return is_age(text) ? read_locked(identities, path, text, (size_t)got, ask, limits, err)
                        : add_lines(identities, text, err);
}

bool keyfile_read(struct identities *identities, const char *path, const struct keyfile_ask *ask,
                  const struct limits *limits, struct err *err)
{
    own_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_errno(err, "opening");
    return read_open(identities, path, fd, ask, limits, err);
}

static int key_text(const struct identities *identities, char *text, size_t room)
{
    char recipient[RECIPIENTS_TEXT_BYTES];
    char created[21];
    own_secret char *secret = secret_new(IDENTITY_TEXT_BYTES, NULL);
    if (!secret)
        return -1;
    clock_format(clock_now_us(), created);
    identities_recipient(identities, 0, recipient);
    identities_text(identities, 0, secret);
    return snprintf(text, room, "# created: %s\n# public key: %s\n%s\n", created, recipient,
                    secret);
}

static bool is_readable(int fd)
{
    struct stat st;
    return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

bool keyfile_write(const struct identities *identities, const char *passphrase,
                   unsigned work_factor, int out, struct err *err)
{
    enum { ROOM = 512 };
    const struct seal_options options = {.armored = true, .threads = 1};
    const struct limits limits = limits_default();
    struct seal_facts facts;
    own_secret char *text = secret_new(ROOM, err);
    if (!text)
        return false;
    int length = key_text(identities, text, ROOM);
    if (length < 0 || length >= ROOM)
        return err_set(err, ERR_MEMORY, "no locked memory for a key");
    struct recipients *to = recipients_new(err);
    struct seal *seal = NULL;
    bool ok = to && recipients_set_passphrase(to, passphrase, work_factor, err) &&
              (seal = seal_bytes(text, (size_t)length, to, &limits, &options, out, &facts, err)) &&
              (!is_readable(out) || seal_verify(seal, out, err));
    seal_free(seal);
    recipients_free(to);
    return ok;
}
