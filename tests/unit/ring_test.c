#include "check.h"

#include "connect/localdir_key.h"
#include "connect/ring.h"

enum { NOW = 1614265330 };

/* The test vector of the Standard Webhooks libraries (standard-webhooks, libraries, "valid
 * signature"), checked with openssl dgst. */
static const char SECRET[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static const char SIGNATURE[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
static const char BODY[] = "{\"test\": 2432232314}";
static const char OTHER[] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

static struct ring_key key_of(const char *text)
{
    struct err err = {0};
    struct ring_key key;
    if (!ring_key_read(text, &key, &err))
        fail_msg("%s", err.text);
    return key;
}

static struct ring_message vector(void)
{
    return (struct ring_message){"msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", BODY,
                                 sizeof BODY - 1};
}

TEST(the_published_vector_is_signed_and_recognised)
{
    char signature[RING_SIGNATURE_BYTES];
    const struct ring_key key = key_of(SECRET);
    const struct ring_message message = vector();
    assert_true(ring_sign(&key, &message, signature));
    assert_string_equal(signature, SIGNATURE);
    assert_int_equal(ring_check(&key, 1, &message, SIGNATURE, NOW), RING_AUTHENTIC);
}

TEST(a_signature_is_found_among_others_and_only_whole)
{
    static const struct {
        const char *signatures;
        enum ring_verdict verdict;
    } cases[] = {
        {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", RING_AUTHENTIC},
        {"v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", RING_AUTHENTIC},
        {"  v1a,x   v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=  ", RING_AUTHENTIC},
        {"", RING_FORGED},
        {" ", RING_FORGED},
        {"v1,", RING_FORGED},
        {"v1", RING_FORGED},
        {"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", RING_FORGED},
        {"v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", RING_FORGED},
        {"V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", RING_FORGED},
        {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE", RING_FORGED},
        {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE==", RING_FORGED},
        {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", RING_FORGED},
        {"v1,\tg0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE", RING_FORGED},
        {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=,v1,AAAA", RING_FORGED},
        {NULL, RING_MISSING},
    };
    const struct ring_key key = key_of(SECRET);
    const struct ring_message message = vector();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_CASE(i, ring_check(&key, 1, &message, cases[i].signatures, NOW) == cases[i].verdict);
}

TEST(five_minutes_either_way_are_taken_and_no_second_more)
{
    static const struct {
        const char *timestamp;
        int64_t now;
        enum ring_verdict verdict; /* FORGED: the time is good, the signature is of another */
    } cases[] = {
        {"1614265330", NOW + 300, RING_AUTHENTIC},
        {"1614265330", NOW - 300, RING_AUTHENTIC},
        {"1614265330", NOW + 301, RING_UNTIMELY},
        {"1614265330", NOW - 301, RING_UNTIMELY},
        {"01614265330", NOW, RING_FORGED},
        {"1614265331", NOW, RING_FORGED},
        {"0", NOW, RING_UNTIMELY},
        {"999999999999", NOW, RING_UNTIMELY},
        {"1614265330000", NOW, RING_MISSING},
        {"-1614265330", NOW, RING_MISSING},
        {"+1614265330", NOW, RING_MISSING},
        {" 1614265330", NOW, RING_MISSING},
        {"1614265330.0", NOW, RING_MISSING},
        {"2021-02-25T15:02:10Z", NOW, RING_MISSING},
        {"0x6037bc32", NOW, RING_MISSING},
        {"", NOW, RING_MISSING},
        {NULL, NOW, RING_MISSING},
    };
    const struct ring_key key = key_of(SECRET);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ring_message message = vector();
        message.timestamp = cases[i].timestamp;
        CHECK_CASE(i, ring_check(&key, 1, &message, SIGNATURE, cases[i].now) == cases[i].verdict);
    }
}

TEST(an_id_is_short_and_printable)
{
    char longest[RING_ID_BYTES + 2];
    memset(longest, 'a', sizeof longest);
    longest[RING_ID_BYTES] = '\0';
    const struct {
        const char *id;
        bool form;
    } cases[] = {{"m", true},    {longest, true}, {"a.b", true},
                 {"", false},    {NULL, false},   {"a b", false},
                 {"a\n", false}, {"\x7f", false}, {"\xc3\xa4", false}};
    const struct ring_key key = key_of(SECRET);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ring_message message = vector();
        char signature[RING_SIGNATURE_BYTES] = "v1,";
        message.id = cases[i].id;
        if (cases[i].id)
            assert_true(ring_sign(&key, &message, signature));
        CHECK_CASE(i, ring_check(&key, 1, &message, signature, NOW) ==
                          (cases[i].form ? RING_AUTHENTIC : RING_MISSING));
    }
    struct ring_message message = vector();
    longest[RING_ID_BYTES] = 'a';
    longest[RING_ID_BYTES + 1] = '\0';
    message.id = longest;
    assert_int_equal(ring_check(&key, 1, &message, SIGNATURE, NOW), RING_MISSING);
}

TEST(both_secrets_are_good_during_rotation_and_a_third_is_not)
{
    const struct ring_key both[] = {key_of(OTHER), key_of(SECRET)};
    const struct ring_message message = vector();
    char by_new[RING_SIGNATURE_BYTES];
    assert_true(ring_sign(&both[0], &message, by_new));
    assert_int_equal(ring_check(both, 2, &message, by_new, NOW), RING_AUTHENTIC);
    assert_int_equal(ring_check(both, 2, &message, SIGNATURE, NOW), RING_AUTHENTIC);
    assert_int_equal(ring_check(both, 1, &message, SIGNATURE, NOW), RING_FORGED);
    assert_int_equal(ring_check(both, 0, &message, SIGNATURE, NOW), RING_FORGED);
}

TEST(every_byte_of_id_time_and_body_is_signed)
{
    const struct ring_key key = key_of(SECRET);
    char body[sizeof BODY], id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    for (size_t i = 0; i < sizeof BODY - 1; i++) {
        memcpy(body, BODY, sizeof body);
        body[i] ^= 1;
        struct ring_message message = vector();
        message.body = body;
        CHECK_CASE(i, ring_check(&key, 1, &message, SIGNATURE, NOW) == RING_FORGED);
    }
    for (size_t i = 0; i < sizeof id - 1; i++) {
        struct ring_message message = vector();
        message.id = id;
        id[i] ^= 1;
        CHECK_CASE(i, ring_check(&key, 1, &message, SIGNATURE, NOW) == RING_FORGED);
        id[i] ^= 1;
    }
    struct ring_message shorter = vector();
    shorter.length--;
    assert_int_equal(ring_check(&key, 1, &shorter, SIGNATURE, NOW), RING_FORGED);
}

TEST(a_secret_that_is_none_is_refused_without_being_repeated)
{
    static const char *const wrong[] = {
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*",
        "whsec_MfKQ9r8G KYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjU====D8ILPZIo2LaLaSw",
        "whsec_====",
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=", /* 23 bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", /* 72 bytes */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        struct ring_key key;
        CHECK_CASE(i, !ring_key_read(wrong[i], &key, &err));
        CHECK_CASE(i, err.kind == ERR_CONFIG && !strstr(err.text, "MfKQ9r8G"));
        CHECK_CASE(i, key.length == 0);
    }
    assert_int_equal(key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\r\n").length, 24);
}

TEST(tokens_are_the_same_only_when_they_are)
{
    assert_true(ring_same_token("abc", "abc"));
    assert_true(ring_same_token("", ""));
    assert_false(ring_same_token("abc", "abd"));
    assert_false(ring_same_token("abc", "abcd"));
    assert_false(ring_same_token("", "abc"));
}

/* Bodies -------------------------------------------------------------------------------------- */

#define NAME_255                                                                                   \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"        \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"        \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

TEST(a_body_names_keys_or_says_which_one_is_wrong)
{
    static const struct {
        const char *body;
        enum err_kind kind; /* NONE: good */
        const char *says;   /* the first key, or a part of the message */
        size_t count;
    } cases[] = {
        {"{\"type\":\"file.changed\",\"path\":\"a/b.docx\"}", ERR_NONE, "a/b.docx", 1},
        {"{\"path\":\"a\"}", ERR_NONE, "a", 1},
        {"{\"type\":\"file.deleted\",\"path\":\"a\",\"more\":[1,{}]}", ERR_NONE, "a", 1},
        {"{\"paths\":[\"b\",\"c\"]}", ERR_NONE, "b", 2},
        {"{\"paths\":[\"\\u00e4/\xf0\x9f\x98\x80 \\\"x\\\".txt\"]}", ERR_NONE,
         "\xc3\xa4/\xf0\x9f\x98\x80 \"x\".txt", 1},
        {"{\"path\":\"...\"}", ERR_NONE, "...", 1},
        {"{\"path\":\"..a/.b/c..\"}", ERR_NONE, "..a/.b/c..", 1},
        {"{\"path\":\"a\\\\\\\\b\"}", ERR_NONE, "a\\\\b", 1},
        {"{\"path\":\"a\\\\xff\\\\xc3b\"}", ERR_NONE, "a\\xff\\xc3b", 1},
        {"{\"path\":\"" NAME_255 "\"}", ERR_NONE, NAME_255, 1},
        {"{\"path\":\"" NAME_255 "a\"}", ERR_REFUSED, "255", 0},
        {"{\"path\":\"\"}", ERR_REFUSED, "empty", 0},
        {"{\"path\":\"/etc/passwd\"}", ERR_REFUSED, "path \"/etc/passwd\" begins with /", 0},
        {"{\"path\":\"..\"}", ERR_REFUSED, "..", 0},
        {"{\"path\":\".\"}", ERR_REFUSED, "part", 0},
        {"{\"path\":\"a/../b\"}", ERR_REFUSED, "part", 0},
        {"{\"path\":\"a/./b\"}", ERR_REFUSED, "part", 0},
        {"{\"path\":\"a/..\"}", ERR_REFUSED, "part", 0},
        {"{\"path\":\"a//b\"}", ERR_REFUSED, "empty part", 0},
        {"{\"path\":\"a/\"}", ERR_REFUSED, "empty part", 0},
        {"{\"path\":\"a\\\\b\"}", ERR_REFUSED, "escape", 0},
        {"{\"path\":\"a\\\\\"}", ERR_REFUSED, "escape", 0},
        {"{\"path\":\"\\\\x2e\\\\x2e/b\"}", ERR_REFUSED, "escape", 0},
        {"{\"path\":\"a\\\\x2fb\"}", ERR_REFUSED, "escape", 0},
        {"{\"path\":\"a\\\\x00b\"}", ERR_REFUSED, "escape", 0},
        {"{\"path\":\"a\\\\xFF\"}", ERR_REFUSED, "escape", 0},
        {"{\"path\":\"\\\\xc3\\\\xa4\"}", ERR_REFUSED, "escape", 0}, /* \xc3\xa4 is ä */
        {"{\"path\":\"a\\u0000b\"}", ERR_CORRUPT, "JSON", 0},
        {"{\"path\":\"\\ud800\"}", ERR_CORRUPT, "JSON", 0},
        {"{\"path\":\"\xff\"}", ERR_CORRUPT, "JSON", 0},
        {"{\"paths\":[\"a\",\"../x\"]}", ERR_REFUSED, "paths[1] \"../x\"", 0},
        {"{\"paths\":[\"a\",7]}", ERR_REFUSED, "paths[1] is not a text", 0},
        {"{\"paths\":[\"a\",null]}", ERR_REFUSED, "paths[1]", 0},
        {"{\"paths\":[]}", ERR_CORRUPT, "paths", 0},
        {"{\"paths\":\"a\"}", ERR_CORRUPT, "paths", 0},
        {"{\"path\":[\"a\"]}", ERR_REFUSED, "path is not a text", 0},
        {"{\"path\":\"a\",\"paths\":[\"b\"]}", ERR_CORRUPT, "body", 0},
        {"{\"path\":\"a\",\"path\":\"b\"}", ERR_CORRUPT, "JSON", 0},
        {"{\"type\":1,\"path\":\"a\"}", ERR_CORRUPT, "type", 0},
        {"{\"type\":\"file.changed\"}", ERR_CORRUPT, "body", 0},
        {"[\"a\"]", ERR_CORRUPT, "body", 0},
        {"\"a\"", ERR_CORRUPT, "body", 0},
        {"", ERR_CORRUPT, "JSON", 0},
        {"{\"path\":\"a\"} x", ERR_CORRUPT, "JSON", 0},
        {"{\"paths\":[\"1\",\"2\",\"3\",\"4\"]}", ERR_LIMIT, "at most 3", 0},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
         ERR_CORRUPT, "deep", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct ring_list list = {0};
        own_arena struct arena arena = arena_new(1u << 20);
        bool ok = ring_list(cases[i].body, strlen(cases[i].body), 3, &arena, &list, &err);
        if (ok != (cases[i].kind == ERR_NONE) || err.kind != cases[i].kind)
            fail_msg("case %zu: %s", i, err.text);
        if (ok && (list.count != cases[i].count || strcmp(list.keys[0], cases[i].says) != 0))
            fail_msg("case %zu: %zu keys, %s", i, list.count, list.keys[0]);
        if (!ok && !strstr(err.text, cases[i].says))
            fail_msg("case %zu: \"%s\" says nothing of \"%s\"", i, err.text, cases[i].says);
    }
}

TEST(the_longest_path_is_that_of_the_kernel)
{
    char path[4098];
    for (size_t i = 0; i < sizeof path; i++)
        path[i] = i % 2 ? '/' : 'a';
    path[4095] = '\0';
    assert_null(localdir_key_fault(path));
    path[4095] = '/', path[4096] = 'a', path[4097] = '\0';
    assert_non_null(localdir_key_fault(path));
}

TEST(whatever_path_a_folder_has_its_key_is_good_and_leads_back)
{
    static const char *const paths[] = {
        "plain.txt", "a/b c/d",    "back\\slash", "\\x41",       "\xff\xfe",
        "\xc3",      "\xc3\\xa4",  "\xc3/\xa4",   "a\xe2\x82/b", "\xed\xa0\x80 surrogate",
        "\\\\",      "tab\tline\n"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        own_arena struct arena arena = arena_new(1u << 16);
        const char *key = localdir_key(&arena, paths[i]);
        assert_non_null(key);
        const char *fault = localdir_key_fault(key);
        if (fault)
            fail_msg("case %zu: %s %s", i, key, fault);
        CHECK_CASE(i, strcmp(localdir_path(&arena, key), paths[i]) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vector_is_signed_and_recognised),
        cmocka_unit_test(a_signature_is_found_among_others_and_only_whole),
        cmocka_unit_test(five_minutes_either_way_are_taken_and_no_second_more),
        cmocka_unit_test(an_id_is_short_and_printable),
        cmocka_unit_test(both_secrets_are_good_during_rotation_and_a_third_is_not),
        cmocka_unit_test(every_byte_of_id_time_and_body_is_signed),
        cmocka_unit_test(a_secret_that_is_none_is_refused_without_being_repeated),
        cmocka_unit_test(tokens_are_the_same_only_when_they_are),
        cmocka_unit_test(a_body_names_keys_or_says_which_one_is_wrong),
        cmocka_unit_test(the_longest_path_is_that_of_the_kernel),
        cmocka_unit_test(whatever_path_a_folder_has_its_key_is_good_and_leads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
