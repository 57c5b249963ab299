/* The age format from the inside: vectors of the RFCs and of age.md, and every way to be wrong. */
#include "check.h"

#include <sodium.h>

#include "age_maker.h"
#include "protect/armor.h"
#include "protect/base64.h"
#include "protect/bech32.h"
#include "protect/hkdf.h"

#define V1 "age-encryption.org/v1\n"

static size_t from_hex(const char *hex, uint8_t *bytes, size_t room)
{
    size_t length = 0;
    assert_int_equal(sodium_hex2bin(bytes, room, hex, strlen(hex), NULL, &length, NULL), 0);
    return length;
}

TEST(hkdf_gives_the_vectors_of_rfc_5869)
{
    static const struct {
        const char *secret, *salt, *info, *out;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
         "f0f1f2f3f4f5f6f7f8f9",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
         "2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b"
         "8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadb"
         "dcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6"
         "5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t secret[128], salt[128], info[128], want[128], got[128];
        size_t secret_length = from_hex(cases[i].secret, secret, sizeof secret);
        size_t salt_length = from_hex(cases[i].salt, salt, sizeof salt);
        size_t info_length = from_hex(cases[i].info, info, sizeof info);
        size_t length = from_hex(cases[i].out, want, sizeof want);
        CHECK_CASE(i, hkdf_sha256(secret, secret_length, salt, salt_length, info, info_length, got,
                                  length));
        CHECK_CASE(i, memcmp(got, want, length) == 0);
    }
}

TEST(hkdf_refuses_more_than_255_blocks)
{
    static uint8_t out[256 * 32];
    assert_true(hkdf_sha256("k", 1, NULL, 0, NULL, 0, out, 255 * 32));
    assert_false(hkdf_sha256("k", 1, NULL, 0, NULL, 0, out, 255 * 32 + 1));
}

/* RFC 7748 section 6.1: what X25519 here means. */
TEST(x25519_gives_the_vectors_of_rfc_7748)
{
    uint8_t alice[32], bob[32], public[32], want[32], shared[32];
    from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", alice, 32);
    from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", bob, 32);
    from_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", want, 32);
    assert_int_equal(crypto_scalarmult_base(public, alice), 0);
    assert_memory_equal(public, want, 32);
    assert_int_equal(crypto_scalarmult(shared, bob, public), 0);
    from_hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", want, 32);
    assert_memory_equal(shared, want, 32);
}

/* The key pair that age.md shows. */
TEST(the_keys_of_the_specification_belong_together)
{
    struct err err = {0};
    char recipient[RECIPIENTS_TEXT_BYTES], secret[IDENTITY_TEXT_BYTES];
    struct identities *identities = identities_new(&err);
    assert_true(identities_add(identities, MAKER_IDENTITY, &err));
    identities_recipient(identities, 0, recipient);
    identities_text(identities, 0, secret);
    assert_string_equal(recipient, MAKER_RECIPIENT);
    assert_string_equal(secret, MAKER_IDENTITY);
    identities_free(identities);
}

TEST(bech32_reads_back_what_it_writes)
{
    for (size_t length = 0; length <= 40; length++) {
        uint8_t bytes[40], back[40] = {0};
        char text[128];
        struct err err = {0};
        randombytes_buf(bytes, sizeof bytes);
        CHECK_CASE(length, bech32_write("age", bytes, length, text, sizeof text));
        CHECK_CASE(length, bech32_read(text, "age", back, length, &err));
        CHECK_CASE(length, memcmp(bytes, back, length) == 0);
        CHECK_CASE(length, !bech32_write("age", bytes, length, text, strlen(text)));
    }
}

/* Any one character wrong is noticed: BIP 173 promises that for up to four. */
TEST(bech32_notices_every_mistyped_character)
{
    static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7lbio1 A";
    uint8_t key[32];
    for (size_t i = 0; i < strlen(MAKER_RECIPIENT); i++) {
        char text[] = MAKER_RECIPIENT;
        for (const char *c = alphabet; *c; c++) {
            struct err err = {0};
            text[i] = *c;
            CHECK_CASE(i, bech32_read(text, "age", key, 32, &err) == (*c == MAKER_RECIPIENT[i]));
        }
    }
}

TEST(keys_of_other_kinds_are_refused_with_a_reason)
{
    static const struct {
        bool secret;
        const char *text, *says;
    } cases[] = {
        {false, "", "does not begin with age1"},
        {false, "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwJ", "mixes"},
        {false, "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujw", "characters"},
        {false, "AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ", NULL},
        {false, MAKER_IDENTITY, "secret key"},
        {false, "ssh-ed25519 AAAA", "SSH"},
        {false, "age1pq1abc", "post-quantum"},
        {false, "age1yubikey1abc", "plugin"},
        {true, MAKER_RECIPIENT, "public key"},
        {true, "AGE-SECRET-KEY-PQ-1ABC", "not supported"},
        {true, "AGE-PLUGIN-YUBIKEY-1ABC", "not supported"},
        {true, "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEY",
         "checksum"},
        {true, "AGE-SECRET-KEY-1gFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
         "mixes"},
        {true, "age-secret-key-1gfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpq4egaex", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct identities *identities = identities_new(&err);
        struct recipients *recipients = recipients_new(&err);
        bool ok = cases[i].secret ? identities_add(identities, cases[i].text, &err)
                                  : recipients_add(recipients, cases[i].text, &err);
        CHECK_CASE(i, ok == !cases[i].says);
        CHECK_CASE(i, ok || (err.kind == ERR_USAGE && strstr(err.text, cases[i].says)));
        CHECK_CASE(i, !strstr(err.text, "GFPYY"));
        recipients_free(recipients);
        identities_free(identities);
    }
}

/* A point of low order: every secret with it is zero (RFC 7748 section 7). */
TEST(a_recipient_that_protects_nothing_is_refused)
{
    struct err err = {0};
    char text[RECIPIENTS_TEXT_BYTES];
    uint8_t zero[AGE_KEY_BYTES] = {0};
    struct recipients *recipients = recipients_new(&err);
    recipients_text(zero, text);
    assert_false(recipients_add(recipients, text, &err));
    assert_non_null(strstr(err.text, "protects nothing"));
    assert_int_equal(recipients_count(recipients), 0);
    recipients_free(recipients);
}

TEST(base64_has_one_form_only)
{
    static const struct {
        const char *text;
        bool padded;
        int length; /* -1: refused */
    } cases[] = {
        {"", false, 0},
        {"", true, 0},
        {"AA", false, 1},
        {"AA==", true, 1},
        {"AAA", false, 2},
        {"AAA=", true, 2},
        {"+/+/", false, 3},
        {"AAAA", true, 3},
        {"AA", true, -1},
        {"AA==", false, -1},
        {"AAA", true, -1},
        {"AAA==", true, -1},
        {"A", false, -1},
        {"AB", false, -1},
        {"AAB", false, -1},
        {"AB==", true, -1},
        {"AAB=", true, -1},
        {"AA=A", true, -1},
        {"AA-_", false, -1},
        {"AA A", false, -1},
        {"AAA\n", false, -1},
        {"A\xab"
         "AA",
         false, -1},
        {"\xaf/+/", true, -1},
        {"AAAA=", true, -1},
        {"AAAAAAAA", false, -1}, /* more than there is room for */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[4];
        size_t got = 0;
        bool ok = base64_read(cases[i].text, strlen(cases[i].text), cases[i].padded, out,
                              sizeof out, &got);
        CHECK_CASE(i, ok == (cases[i].length >= 0));
        CHECK_CASE(i, !ok || (int)got == cases[i].length);
    }
}

/* Headers ------------------------------------------------------------------------------------- */

/* Every header here carries the MAC that fits it, unless the MAC is what is wrong: what refuses it
 * is the rule that the case is about. */
TEST(a_header_has_one_form_only)
{
    static const struct {
        const char *header, *mac;
        enum err_kind kind;
        const char *says;
    } cases[] = {
        {V1 "@S", NULL, ERR_NONE, NULL},
        {V1 "@P", NULL, ERR_NONE, NULL},
        {V1 "-> other.example/x a b\n\n@S", NULL, ERR_NONE, NULL},
        {V1 "-> !\"#$%&'()*+,-./ ~}|{\n\n@S", NULL, ERR_NONE, NULL},
        {V1 "-> other\n@L\n\n@S", NULL, ERR_NONE, NULL},
        {V1 "-> other\n@L\n@L\nAAAA\n@S", NULL, ERR_NONE, NULL},
        {V1 "-> x25519 @h\n@b\n@S", NULL, ERR_NONE, NULL},
        /* the version line */
        {"age-encryption.org/v2\n@S", NULL, ERR_UNSUPPORTED, "version"},
        {"age-encryption.org/v1\r\n@S", NULL, ERR_UNSUPPORTED, "version"},
        {"age-encryption.org/v1 \n@S", NULL, ERR_UNSUPPORTED, "version"},
        {"age-encryption.org/\n@S", NULL, ERR_UNSUPPORTED, "version"},
        {"AGE-ENCRYPTION.ORG/v1\n@S", NULL, ERR_UNSUPPORTED, "not an age file"},
        {"\n" V1 "@S", NULL, ERR_UNSUPPORTED, "not an age file"},
        {" " V1 "@S", NULL, ERR_UNSUPPORTED, "not an age file"},
        {"\xef\xbb\xbf" V1 "@S", NULL, ERR_UNSUPPORTED, "not an age file"},
        /* stanzas */
        {V1, NULL, ERR_CORRUPT, "out of place"},
        {V1 "\n@S", NULL, ERR_CORRUPT, "out of place"},
        {V1 "->\n\n@S", NULL, ERR_CORRUPT, "out of place"},
        {V1 "-> \n\n@S", NULL, ERR_CORRUPT, "no type"},
        {V1 "->other\n\n@S", NULL, ERR_CORRUPT, "out of place"},
        {V1 "->  other\n\n@S", NULL, ERR_CORRUPT, "malformed"},
        {V1 "-> other \n\n@S", NULL, ERR_CORRUPT, "malformed"},
        {V1 "-> other  a\n\n@S", NULL, ERR_CORRUPT, "malformed"},
        {V1 "-> other\ta\n\n@S", NULL, ERR_CORRUPT, "malformed"},
        {V1 "-> other\r\n\n@S", NULL, ERR_CORRUPT, "malformed"},
        {V1 "-> \xc3\xa4\n\n@S", NULL, ERR_CORRUPT, "malformed"},
        {V1 "-> other\x7f\n\n@S", NULL, ERR_CORRUPT, "malformed"},
        {V1 "-> other\n@S", NULL, ERR_CORRUPT, "not canonical"},
        {V1 "-> other\n@L\n@S", NULL, ERR_CORRUPT, "not canonical"},
        {V1 "-> other\nAAAA\nAAAA\n@S", NULL, ERR_CORRUPT, "out of place"},
        {V1 "-> other\n@LAAAA\n@S", NULL, ERR_CORRUPT, "not canonical"},
        {V1 "-> other\nA\n@S", NULL, ERR_CORRUPT, "not canonical"},
        {V1 "-> other\nAB\n@S", NULL, ERR_CORRUPT, "not canonical"},
        {V1 "-> other\nAA==\n@S", NULL, ERR_CORRUPT, "not canonical"},
        {V1 "-> other\nAA AA\n@S", NULL, ERR_CORRUPT, "not canonical"},
        {V1 "-> other\nAA-_\n@S", NULL, ERR_CORRUPT, "not canonical"},
        {V1 "-> other\nAAAA\r\n@S", NULL, ERR_CORRUPT, "not canonical"},
        /* the last line */
        {V1 "@S", "", ERR_CORRUPT, NULL},
        {V1 "@S", "---@m\n", ERR_CORRUPT, "last line"},
        {V1 "@S", "---  @m\n", ERR_CORRUPT, "last line"},
        {V1 "@S", "--- @m \n", ERR_CORRUPT, "last line"},
        {V1 "@S", "--- @m\r\n", ERR_CORRUPT, "last line"},
        {V1 "@S", "--- @m=\n", ERR_CORRUPT, "last line"},
        {V1 "@S", "--- @M\n", ERR_CORRUPT, "last line"},
        {V1 "@S", "---\n", ERR_CORRUPT, "last line"},
        {V1 "@S", "--- \n", ERR_CORRUPT, "last line"},
        {V1 "@S", "--- AAAA\n", ERR_CORRUPT, "last line"},
        {V1 "@S", "--- @mAAAA\n", ERR_CORRUPT, "last line"},
        {V1 "@S", "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", ERR_CORRUPT, "seal"},
        /* X25519 */
        {V1 "-> X25519\n@b\n", NULL, ERR_CORRUPT, "malformed X25519"},
        {V1 "-> X25519 @h 1\n@b\n", NULL, ERR_CORRUPT, "malformed X25519"},
        {V1 "-> X25519 @H\n@b\n", NULL, ERR_CORRUPT, "malformed X25519"},
        {V1 "-> X25519 @h=\n@b\n", NULL, ERR_CORRUPT, "malformed X25519"},
        {V1 "-> X25519 @hAAAA\n@b\n", NULL, ERR_CORRUPT, "malformed X25519"},
        {V1 "-> X25519 AAAA\n@b\n", NULL, ERR_CORRUPT, "malformed X25519"},
        {V1 "-> X25519 @h\n@B\n", NULL, ERR_CORRUPT, "not canonical"},
        {V1 "-> X25519 @h\n\n", NULL, ERR_CORRUPT, "malformed X25519"},
        {V1 "-> X25519 @h\nAAAA\n", NULL, ERR_CORRUPT, "malformed X25519"},
        {V1 "-> X25519 @h\n@L\nAAAA\n", NULL, ERR_CORRUPT, "malformed X25519"},
        {V1 "-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n@b\n", NULL, ERR_CORRUPT,
         "malformed X25519"},
        {V1 "-> X25519 @h\n@p\n", NULL, ERR_REFUSED, "sealed to others"},
        {V1 "-> x25519 @h\n@b\n", NULL, ERR_REFUSED, "sealed to others"},
        {V1 "-> other\n\n", NULL, ERR_REFUSED, "sealed to others"},
        /* scrypt */
        {V1 "@P@S", NULL, ERR_CORRUPT, "beside other"},
        {V1 "@S@P", NULL, ERR_CORRUPT, "beside other"},
        {V1 "@P@P", NULL, ERR_CORRUPT, "beside other"},
        {V1 "@P-> other\n\n", NULL, ERR_CORRUPT, "beside other"},
        {V1 "-> scrypt @s\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @s 10 1\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @sAA 10\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt AAAA 10\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @s== 10\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @s 0\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @s 010\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @s +10\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @s -10\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @s 0xa\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @s 10a\n@p\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @s 10\n\n", NULL, ERR_CORRUPT, "malformed scrypt"},
        {V1 "-> scrypt @s 11\n@p\n", NULL, ERR_REFUSED, "passphrase is wrong"},
        {V1 "-> scrypt @s 10\n@b\n", NULL, ERR_REFUSED, "passphrase is wrong"},
        {V1 "-> scrypt @s 21\n@p\n", NULL, ERR_LIMIT, "age-work-factor"},
        {V1 "-> scrypt @s 64\n@p\n", NULL, ERR_LIMIT, "age-work-factor"},
        {V1 "-> scrypt @s 18446744073709551626\n@p\n", NULL, ERR_LIMIT, "age-work-factor"},
        {V1 "-> Scrypt @s 10\n@p\n", NULL, ERR_REFUSED, "sealed to others"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct maker maker;
        struct err err = {0};
        char out[16] = "";
        size_t got = 0;
        maker_begin(&maker, cases[i].header, cases[i].mac);
        maker_chunk(&maker, 0, true, "hello", 5);
        bool ok = maker_open(maker.file.bytes, maker.file.length, out, sizeof out, &got, &err);
        if (ok != (cases[i].kind == ERR_NONE) || err.kind != cases[i].kind ||
            (cases[i].says && !strstr(err.text, cases[i].says)))
            fail_msg("case %zu: %s: %s: %s", i, cases[i].header, err_kind_word(err.kind), err.text);
        CHECK_CASE(i, memcmp(out, ok ? "hello" : "\0\0\0\0\0", 5) == 0);
        maker_fini(&maker);
    }
}

TEST(a_header_over_the_limit_is_refused)
{
    struct limits limits = limits_default();
    struct err err = {0};
    struct maker maker;
    struct age_header header;
    maker_begin(&maker, V1 "-> other\n@L\n@L\n@L\n@L\n@L\n@L\n@L\n@L\n@L\n@L\n@L\n@L\n@L\n@L\n\n@S",
                NULL);
    const size_t length = maker.file.length - AGE_NONCE_BYTES;
    for (uint64_t most = length - 1; most <= length; most++) {
        own_arena struct arena arena = arena_new(1 << 20);
        own_feed struct feed feed;
        limits.age_header_bytes = most;
        assert_true(feed_from_memory(&feed, maker.file.bytes, maker.file.length, &err));
        bool ok = age_read(&feed, &limits, &arena, &header, &err);
        assert_int_equal(ok, most == length);
        assert_true(ok || err.kind == ERR_LIMIT);
        assert_int_equal(age_parse(maker.file.bytes, length, &limits, &arena, &header, &err), ok);
        assert_true(!ok || (header.stanzas_count == 2 && header.stanzas[0].body_length == 14 * 48));
    }
    maker_fini(&maker);
}

TEST(only_a_header_is_a_header)
{
    const struct limits limits = limits_default();
    own_arena struct arena arena = arena_new(8 << 20);
    struct err err = {0};
    struct maker maker;
    struct age_header header;
    maker_begin(&maker, V1 "@S", NULL);
    const size_t length = maker.file.length - AGE_NONCE_BYTES;
    for (size_t cut = 0; cut < length; cut++)
        CHECK_CASE(cut, !age_parse(maker.file.bytes, cut, &limits, &arena, &header, &err));
    assert_true(age_parse(maker.file.bytes, length, &limits, &arena, &header, &err));
    assert_int_equal(header.length, length);
    assert_false(age_parse(maker.file.bytes, length + 1, &limits, &arena, &header, &err));
    maker_fini(&maker);
}

/* Armour -------------------------------------------------------------------------------------- */

TEST(armour_has_one_form_but_for_white_space_around_it)
{
#define HEAD ARMOR_BEGIN "\n"
#define FULL "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2"
#define TAIL ARMOR_END "\n"
    static const struct {
        const char *text;
        int length; /* of what is in it; -1: refused */
    } cases[] = {
        {HEAD FULL "\nQUI=\n" TAIL, 50},
        {HEAD FULL "\n" TAIL, 48},
        {HEAD "QUJD\n" TAIL, 3},
        {HEAD TAIL, 0},
        {" \t\r\n\n" HEAD "QUJD\n" ARMOR_END "\n \r\n\t", 3},
        {HEAD "QUJD\n" ARMOR_END " \t\n", 3},
        {HEAD "QUJD\n" ARMOR_END, 3},
        {ARMOR_BEGIN "\r\nQUJD\r\n" ARMOR_END "\r\n", 3},
        {HEAD "QUJD\n", -1},
        {HEAD, -1},
        {HEAD FULL "\n\n" TAIL, -1},
        {HEAD "\n" FULL "\n" TAIL, -1},
        {HEAD "QUJD\nQUJD\n" TAIL, -1},
        {HEAD "QUI=\nQUJD\n" TAIL, -1},
        {HEAD FULL "QUJD\n" TAIL, -1},
        {HEAD "QUI\n" TAIL, -1},
        {HEAD "QUJ=\n" TAIL, -1},
        {HEAD "QUI==\n" TAIL, -1},
        {HEAD "Q===\n" TAIL, -1},
        {HEAD "QU I=\n" TAIL, -1},
        {HEAD " QUJD\n" TAIL, -1},
        {HEAD "QUJD \n" TAIL, -1},
        {HEAD "QU_-\n" TAIL, -1},
        {HEAD "QUJD\n=abcd\n" TAIL, -1},
        {HEAD "Version: 1\n\nQUJD\n" TAIL, -1},
        {HEAD "QUJD\n" TAIL "x", -1},
        {HEAD "QUJD\n" TAIL HEAD "QUJD\n" TAIL, -1},
        {"-----BEGIN AGE ENCRYPTED FILE----- \nQUJD\n" TAIL, -1},
        {"-----BEGIN age encrypted file-----\nQUJD\n" TAIL, -1},
        {"-----BEGIN PGP MESSAGE-----\nQUJD\n-----END PGP MESSAGE-----\n", -1},
        {HEAD "QUJD\n-----END PGP MESSAGE-----\n", -1},
        {HEAD "QUJD\n\n" TAIL, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        own_feed struct feed feed;
        char out[64];
        bool ended = false;
        assert_true(feed_from_memory(&feed, cases[i].text, strlen(cases[i].text), &err));
        CHECK_CASE(i, feed_detect_armor(&feed, &err) && feed.armored);
        ssize_t got = feed_read(&feed, out, sizeof out, &err);
        CHECK_CASE(i, got == cases[i].length);
        CHECK_CASE(i, got >= 0 || err.kind == ERR_CORRUPT);
        CHECK_CASE(i, got < 0 || (feed_ended(&feed, &ended, &err) && ended));
        CHECK_CASE(i, got < 3 || memcmp(out, "ABC", 3) == 0);
    }
}

TEST(white_space_around_armour_is_bounded)
{
    struct err err = {0};
    own_buf struct buf text = buf_new(1 << 20);
    buf_printf(&text, ARMOR_BEGIN "\nQUJD\n" ARMOR_END "\n%*s", 70000, "");
    own_feed struct feed feed;
    char out[64];
    assert_true(feed_from_memory(&feed, text.bytes, text.length, &err));
    assert_true(feed_detect_armor(&feed, &err));
    assert_int_equal(feed_read(&feed, out, sizeof out, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hkdf_gives_the_vectors_of_rfc_5869),
        cmocka_unit_test(hkdf_refuses_more_than_255_blocks),
        cmocka_unit_test(x25519_gives_the_vectors_of_rfc_7748),
        cmocka_unit_test(the_keys_of_the_specification_belong_together),
        cmocka_unit_test(bech32_reads_back_what_it_writes),
        cmocka_unit_test(bech32_notices_every_mistyped_character),
        cmocka_unit_test(keys_of_other_kinds_are_refused_with_a_reason),
        cmocka_unit_test(a_recipient_that_protects_nothing_is_refused),
        cmocka_unit_test(base64_has_one_form_only),
        cmocka_unit_test(a_header_has_one_form_only),
        cmocka_unit_test(a_header_over_the_limit_is_refused),
        cmocka_unit_test(only_a_header_is_a_header),
        cmocka_unit_test(armour_has_one_form_but_for_white_space_around_it),
        cmocka_unit_test(white_space_around_armour_is_bounded),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
