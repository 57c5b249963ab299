#include "protect/age.h"

#include <sodium.h>
#include <string.h>

#include "protect/base64.h"
#include "protect/hkdf.h"

#define VERSION_LINE  "age-encryption.org/v1\n"
#define VERSION_START "age-encryption.org/"

enum {
    BODY_COLUMNS = 64,
    BODY_LINE_BYTES = 48,
};

bool age_stanza_is(const struct age_stanza *stanza, const char *type)
{
    return strcmp(stanza->args[0], type) == 0;
}

bool age_argument(const char *argument, uint8_t *bytes, size_t length)
{
    size_t got = 0;
    return base64_read(argument, strlen(argument), false, bytes, length, &got) && got == length;
}

/* Reading the lines ------------------------------------------------------------------------- */

/* A header being taken apart, a line at a time. */
struct reading {
    const char *bytes;
    size_t length, at;
    struct arena *arena;
    struct err *err;
};

struct line {
    const char *text;
    size_t length; /* without LF */
};

static bool next_line(struct reading *reading, struct line *line)
{
    const char *start = reading->bytes + reading->at;
    const char *end = memchr(start, '\n', reading->length - reading->at);
    if (!end)
        return err_set(reading->err, ERR_CORRUPT, "the age header is cut short");
    *line = (struct line){start, (size_t)(end - start)};
    reading->at += line->length + 1;
    return true;
}

static bool starts(const struct line *line, const char *with)
{
    size_t length = strlen(with);
    return line->length >= length && memcmp(line->text, with, length) == 0;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}

/* "-> " argument *(SP argument), an argument being 1*VCHAR. */
static bool read_arguments(struct reading *reading, const struct line *line,
                           struct age_stanza *stanza)
{
    size_t count = 1;
    for (size_t i = 3; i < line->length; i++) {
        unsigned char c = (unsigned char)line->text[i];
        bool edge = i == 3 || i + 1 == line->length || line->text[i - 1] == ' ';
        if ((c == ' ' && edge) || (c != ' ' && (c < 0x21 || c > 0x7e)))
            return err_set(reading->err, ERR_CORRUPT,
                           "a recipient's line of the age header is malformed");
        count += c == ' ';
    }
    if (line->length == 3)
        return err_set(reading->err, ERR_CORRUPT, "a recipient of the age header has no type");
    char *text = arena_strndup(reading->arena, line->text + 3, line->length - 3);
    const char **args = arena_alloc(reading->arena, count, sizeof *args);
    if (!text || !args)
        return no_memory(reading->err);
    for (size_t i = 0; i < count; i++) {
        args[i] = text;
        text += strcspn(text, " ");
        *text++ = '\0';
    }
    stanza->args = args;
    stanza->args_count = count;
    return true;
}

/* How many bytes the body can have at most: lines follow as long as they are full. */
static size_t body_room(const struct reading *reading)
{
    size_t lines = 1;
    size_t at = reading->at;
    while (at + BODY_COLUMNS < reading->length && reading->bytes[at + BODY_COLUMNS] == '\n' &&
           !memchr(reading->bytes + at, '\n', BODY_COLUMNS)) {
        lines++;
        at += BODY_COLUMNS + 1;
    }
    return lines * BODY_LINE_BYTES;
}

static bool read_body(struct reading *reading, struct age_stanza *stanza)
{
    uint8_t *body = arena_alloc(reading->arena, body_room(reading), 1);
    if (!body)
        return no_memory(reading->err);
    struct line line;
    do {
        size_t got = 0;
        if (!next_line(reading, &line))
            return false;
        if (line.length > BODY_COLUMNS ||
            !base64_read(line.text, line.length, false, body + stanza->body_length, BODY_LINE_BYTES,
                         &got))
            return err_set(reading->err, ERR_CORRUPT,
                           "a recipient's body in the age header is not canonical base64");
        stanza->body_length += got;
    } while (line.length == BODY_COLUMNS);
    stanza->body = body;
    return true;
}

static bool read_mac(struct reading *reading, const struct line *line, struct age_header *header)
{
    size_t got = 0;
    if (!starts(line, "--- ") ||
        !base64_read(line->text + 4, line->length - 4, false, header->mac, sizeof header->mac,
                     &got) ||
        got != sizeof header->mac)
        return err_set(reading->err, ERR_CORRUPT, "the last line of the age header is malformed");
    header->signed_length = (size_t)(line->text - reading->bytes) + 3;
    if (reading->at != reading->length)
        return err_set(reading->err, ERR_CORRUPT, "something follows the age header");
    return true;
}

static size_t count_stanzas(const char *bytes, size_t length)
{
    size_t count = 0;
    for (size_t at = 0; at + 3 <= length; at++) {
        count += memcmp(bytes + at, "-> ", 3) == 0;
        const char *end = memchr(bytes + at, '\n', length - at);
        if (!end)
            break;
        at = (size_t)(end - bytes);
    }
    return count;
}

/* age.md, "scrypt recipient stanza": it must be the only one, so that a passphrase still says who
 * wrote the file. */
static bool scrypt_alone(const struct age_header *header, struct err *err)
{
    for (size_t i = 0; i < header->stanzas_count; i++)
        if (age_stanza_is(&header->stanzas[i], "scrypt") && header->stanzas_count > 1)
            return err_set(err, ERR_CORRUPT, "the age header has a passphrase beside other keys");
    return true;
}

static bool check_version(const struct line *line, struct err *err)
{
    if (line->length + 1 == sizeof VERSION_LINE - 1 && starts(line, "age-encryption.org/v1"))
        return true;
    if (starts(line, VERSION_START))
        return err_set(err, ERR_UNSUPPORTED, "a version of the age format that is not known here");
    return err_set(err, ERR_UNSUPPORTED, "not an age file");
}

static bool parse(struct reading *reading, struct age_header *header)
{
    struct line line;
    if (!next_line(reading, &line) || !check_version(&line, reading->err))
        return false;
    size_t most = count_stanzas(reading->bytes, reading->length);
    struct age_stanza *stanzas = arena_alloc(reading->arena, most + 1, sizeof *stanzas);
    if (!stanzas)
        return no_memory(reading->err);
    header->stanzas = stanzas;
    while (next_line(reading, &line)) {
        if (starts(&line, "---") && header->stanzas_count > 0)
            return read_mac(reading, &line, header) && scrypt_alone(header, reading->err);
        if (!starts(&line, "-> ") || header->stanzas_count == most)
            return err_set(reading->err, ERR_CORRUPT, "the age header has a line out of place");
        struct age_stanza *stanza = &stanzas[header->stanzas_count++];
        if (!read_arguments(reading, &line, stanza) || !read_body(reading, stanza))
            return false;
    }
    return false;
}

bool age_parse(const void *bytes, size_t length, const struct limits *limits, struct arena *arena,
               struct age_header *header, struct err *err)
{
    *header = (struct age_header){0};
    if (length > limits->age_header_bytes)
        return err_set(err, ERR_LIMIT, "the age header is over %llu bytes (age-header-bytes)",
                       (unsigned long long)limits->age_header_bytes);
    char *kept = arena_strndup(arena, bytes, length);
    if (!kept)
        return no_memory(err);
    header->bytes = kept;
    header->length = length;
    struct reading reading = {.bytes = kept, .length = length, .arena = arena, .err = err};
    return parse(&reading, header);
}

/* The bytes up to the end of the line that begins with "---", and not one more. */
static bool collect(struct feed *feed, uint64_t most, struct buf *header, struct err *err)
{
    size_t line = 0;
    for (;;) {
        char byte;
        ssize_t got = feed_read(feed, &byte, 1, err);
        if (got < 0)
            return false;
        if (got == 0)
            return header->length == 0
                       ? err_set(err, ERR_UNSUPPORTED, "not an age file: it is empty")
                       : err_set(err, ERR_CORRUPT, "the age header is cut short");
        if (header->length >= most)
            return err_set(err, ERR_LIMIT, "the age header is over %llu bytes (age-header-bytes)",
                           (unsigned long long)most);
        if (!buf_putc(header, byte))
            return no_memory(err);
        size_t start = sizeof VERSION_START - 1;
        if (header->length <= start && byte != VERSION_START[header->length - 1])
            return err_set(err, ERR_UNSUPPORTED, "not an age file");
        if (byte != '\n')
            continue;
        if (header->length - line >= 3 && memcmp(header->bytes + line, "---", 3) == 0)
            return true;
        line = header->length;
    }
}

bool age_read(struct feed *feed, const struct limits *limits, struct arena *arena,
              struct age_header *header, struct err *err)
{
    own_buf struct buf bytes = buf_new(limits->age_header_bytes + 1);
    return feed_detect_armor(feed, err) && collect(feed, limits->age_header_bytes, &bytes, err) &&
           age_parse(bytes.bytes, bytes.length, limits, arena, header, err);
}

/* Writing ----------------------------------------------------------------------------------- */

bool age_write_version(struct buf *header)
{
    return buf_puts(header, VERSION_LINE);
}

bool age_write_stanza(struct buf *header, const char *const *args, const uint8_t *body,
                      size_t length)
{
    buf_puts(header, "->");
    for (; *args; args++)
        buf_printf(header, " %s", *args);
    buf_putc(header, '\n');
    size_t take;
    do {
        char line[BODY_COLUMNS + 1];
        take = length < BODY_LINE_BYTES ? length : BODY_LINE_BYTES;
        base64_write(body, take, false, line);
        buf_puts(header, line);
        buf_putc(header, '\n');
        body += take;
        length -= take;
    } while (take == BODY_LINE_BYTES); /* a full line is followed by another, be it empty */
    return !header->failed;
}

static void header_mac(const char *bytes, size_t length, const uint8_t *file_key,
                       uint8_t mac[AGE_MAC_BYTES])
{
    uint8_t key[AGE_KEY_BYTES];
    crypto_auth_hmacsha256_state state;
    hkdf_sha256(file_key, AGE_FILE_KEY_BYTES, NULL, 0, "header", 6, key, sizeof key);
    crypto_auth_hmacsha256_init(&state, key, sizeof key);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)bytes, length);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(key, sizeof key);
    sodium_memzero(&state, sizeof state);
}

bool age_write_mac(struct buf *header, const uint8_t file_key[static AGE_FILE_KEY_BYTES])
{
    uint8_t mac[AGE_MAC_BYTES];
    char text[BODY_COLUMNS + 1];
    if (!buf_puts(header, "---"))
        return false;
    header_mac(header->bytes, header->length, file_key, mac);
    base64_write(mac, sizeof mac, false, text);
    return buf_printf(header, " %s\n", text);
}

bool age_check_mac(const struct age_header *header,
                   const uint8_t file_key[static AGE_FILE_KEY_BYTES], struct err *err)
{
    uint8_t mac[AGE_MAC_BYTES];
    header_mac(header->bytes, header->signed_length, file_key, mac);
    if (sodium_memcmp(mac, header->mac, sizeof mac) != 0)
        return err_set(err, ERR_CORRUPT,
                       "the age header does not match its seal: it was changed, or this is not "
                       "its key");
    return true;
}

void age_payload_key(const uint8_t file_key[static AGE_FILE_KEY_BYTES],
                     const uint8_t nonce[static AGE_NONCE_BYTES], uint8_t key[static AGE_KEY_BYTES])
{
    hkdf_sha256(file_key, AGE_FILE_KEY_BYTES, nonce, AGE_NONCE_BYTES, "payload", 7, key,
                AGE_KEY_BYTES);
}

uint64_t age_payload_bytes(uint64_t plain_bytes)
{
    uint64_t chunks = plain_bytes / AGE_CHUNK_BYTES + (plain_bytes % AGE_CHUNK_BYTES != 0);
    return AGE_NONCE_BYTES + plain_bytes + (chunks ? chunks : 1) * AGE_TAG_BYTES;
}
