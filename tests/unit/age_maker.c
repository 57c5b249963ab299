#include "age_maker.h"

#include "check.h"

#include <sodium.h>

#include "protect/open.h"
#include "protect/wrap.h"

static const uint8_t file_key[AGE_FILE_KEY_BYTES] = "a key of a file";
static const uint8_t nonce[AGE_NONCE_BYTES] = {1, 2, 3};
enum { BASE64 = sodium_base64_VARIANT_ORIGINAL_NO_PADDING };

static void put_base64(struct buf *out, const uint8_t *bytes, size_t length, bool canonical)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[128];
    sodium_bin2base64(text, sizeof text, bytes, length, BASE64);
    if (!canonical) {
        char *last = text + strlen(text) - 1;
        *last = *(strchr(alphabet, *last) + 1);
    }
    buf_puts(out, text);
}

static void x25519(uint8_t share[AGE_KEY_BYTES], uint8_t body[AGE_WRAPPED_BYTES])
{
    static const uint8_t ephemeral[AGE_KEY_BYTES] = "an ephemeral secret of a test!!";
    uint8_t recipient[AGE_KEY_BYTES], shared[AGE_KEY_BYTES], key[AGE_KEY_BYTES];
    uint8_t secret[AGE_KEY_BYTES];
    memset(secret, 0x42, sizeof secret); /* what MAKER_IDENTITY says */
    assert_int_equal(crypto_scalarmult_base(recipient, secret), 0);
    assert_int_equal(crypto_scalarmult_base(share, ephemeral), 0);
    assert_int_equal(crypto_scalarmult(shared, ephemeral, recipient), 0);
    wrap_key_x25519(shared, share, recipient, key);
    wrap_seal(key, file_key, body);
}

static void scrypt(uint8_t salt[AGE_SALT_BYTES], uint8_t body[AGE_WRAPPED_BYTES])
{
    struct err err = {0};
    uint8_t key[AGE_KEY_BYTES];
    memset(salt, 7, AGE_SALT_BYTES);
    assert_true(wrap_key_scrypt(MAKER_PASSPHRASE, salt, 10, key, &err));
    wrap_seal(key, file_key, body);
}

static void put_token(struct buf *out, char token)
{
    uint8_t share[AGE_KEY_BYTES], body[AGE_WRAPPED_BYTES];
    uint8_t salt[AGE_SALT_BYTES], locked[AGE_WRAPPED_BYTES];
    x25519(share, body);
    scrypt(salt, locked);
    bool scrypts = strchr("Psp", token) != NULL;
    if (strchr("SP", token))
        buf_puts(out, scrypts ? "-> scrypt " : "-> X25519 ");
    if (strchr("ShH", token))
        put_base64(out, share, sizeof share, token != 'H');
    if (strchr("Ps", token))
        put_base64(out, salt, sizeof salt, true);
    if (strchr("SP", token))
        buf_puts(out, scrypts ? " 10\n" : "\n");
    if (strchr("SbB", token))
        put_base64(out, body, sizeof body, token != 'B');
    if (strchr("Pp", token))
        put_base64(out, locked, sizeof locked, true);
    if (strchr("SP", token))
        buf_putc(out, '\n');
    if (token == 'L')
        buf_printf(out, "%064d", 0);
}

static void put_mac(struct buf *out, const char *line)
{
    struct buf right = buf_new(out->max);
    assert_true(buf_append(&right, out->bytes, out->length));
    assert_true(age_write_mac(&right, file_key));
    uint8_t mac[AGE_MAC_BYTES];
    char *text = right.bytes + out->length + 4;
    text[strlen(text) - 1] = '\0';
    assert_true(age_argument(text, mac, sizeof mac));
    for (; *line; line++) {
        if (line[0] != '@')
            buf_putc(out, *line);
        else
            put_base64(out, mac, sizeof mac, *++line == 'm');
    }
    buf_fini(&right);
}

void maker_begin(struct maker *maker, const char *lines, const char *mac)
{
    *maker = (struct maker){.file = buf_new(8u << 20)};
    for (; *lines; lines++) {
        if (lines[0] != '@')
            buf_putc(&maker->file, *lines);
        else
            put_token(&maker->file, *++lines);
    }
    put_mac(&maker->file, mac ? mac : "--- @m\n");
    age_payload_key(file_key, nonce, maker->key);
    buf_append(&maker->file, nonce, sizeof nonce);
    assert_false(maker->file.failed);
}

void maker_chunk(struct maker *maker, uint64_t number, bool last, const void *bytes, size_t length)
{
    static uint8_t sealed[AGE_CHUNK_BYTES + AGE_TAG_BYTES];
    uint8_t chunk_nonce[12] = {0};
    unsigned long long sealed_length = 0;
    for (unsigned i = 0; i < 8; i++)
        chunk_nonce[10 - i] = (uint8_t)(number >> 8 * i);
    chunk_nonce[11] = last;
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed, &sealed_length, bytes, length, NULL, 0, NULL,
                                              chunk_nonce, maker->key);
    assert_true(buf_append(&maker->file, sealed, (size_t)sealed_length));
}

void maker_fini(struct maker *maker)
{
    buf_fini(&maker->file);
}

bool maker_open(const void *file, size_t length, void *out, size_t room, size_t *got,
                struct err *err)
{
    const struct limits limits = limits_default();
    const struct stream_options options = {.threads = 1};
    struct stream_facts facts = {0};
    own_feed struct feed feed = {.fd = -1};
    own_sink struct sink sink = {.fd = -1};
    struct identities *identities = identities_new(err);
    bool ok = identities && identities_add(identities, MAKER_IDENTITY, err) &&
              identities_set_passphrase(identities, MAKER_PASSPHRASE, err) &&
              feed_from_memory(&feed, file, length, err) && sink_to_memory(&sink, out, room, err) &&
              open_feed(&feed, identities, &limits, &options, &sink, &facts, err);
    identities_free(identities);
    *got = (size_t)facts.plain_bytes;
    return ok;
}
