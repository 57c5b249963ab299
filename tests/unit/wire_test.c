/*
 * Every message of wire.def, built here by hand from the same rows and then spoilt: cut short,
 * each byte wrong, each field over its bound by one, counts beyond reason, bytes to spare.
 */
#include "base/wire.h"

#include <unistd.h>

#include "base/hostlink.h"
#include "base/mem.h"
#include "check.h"

enum form { FORM_NUMBER, FORM_FLAG, FORM_BYTES, FORM_TEXT, FORM_EMBED, FORM_LIST };

/* One row of wire.def. */
struct row {
    const char *message, *name;
    enum form form;
    size_t bytes;
    uint64_t most;
    const char *of;
    size_t offset; /* in the struct */
};

#define MESSAGE(message, sentence)                                                                 \
    static const struct row *rows_of_##message(size_t *count)                                      \
    {                                                                                              \
        typedef struct message self;                                                               \
        static const char it[] = #message;                                                         \
        static const struct row rows[] = {
#define NUMBER(type, name, most, sentence)                                                         \
    {it, #name, FORM_NUMBER, sizeof(type), most, NULL, offsetof(self, name)},
#define FLAG(name, sentence)       {it, #name, FORM_FLAG, 1, 1, NULL, offsetof(self, name)},
#define BYTES(name, len, sentence) {it, #name, FORM_BYTES, len, 0, NULL, offsetof(self, name)},
#define TEXT(name, most, sentence) {it, #name, FORM_TEXT, 4, most, NULL, offsetof(self, name)},
#define EMBED(message, name, sentence)                                                             \
    {it, #name, FORM_EMBED, 0, 0, #message, offsetof(self, name)},
#define LIST(message, name, most, sentence)                                                        \
    {it, #name, FORM_LIST, 4, most, #message, offsetof(self, name)},
#define END(message)                                                                               \
    }                                                                                              \
    ;                                                                                              \
    *count = sizeof rows / sizeof *rows;                                                           \
    return rows;                                                                                   \
    }
#include "base/wire.def"

static const struct message {
    const char *name;
    const struct wire_message *kind;
    size_t bytes;
    const struct row *(*rows)(size_t *count);
} messages[] = {
#define MESSAGE(message, sentence)                                                                 \
    {#message, &wire_##message, sizeof(struct message), rows_of_##message},
#include "base/wire.def"
};
enum { MESSAGES = sizeof messages / sizeof *messages };

static const struct message *message_named(const char *name)
{
    for (size_t i = 0; i < MESSAGES; i++)
        if (strcmp(messages[i].name, name) == 0)
            return &messages[i];
    return NULL;
}

/* Building ----------------------------------------------------------------------------------- */

/* What is built: how long texts are and how many items lists have, and where one field of it
 * differs. */
struct plan {
    uint64_t text, items;     /* capped by each field's bound */
    bool largest;             /* numbers at their bound instead of small */
    const struct row *spoilt; /* NULL = none; its first appearance is */
    uint64_t value;           /* written instead of the number, length or count */
    const char *content;      /* written instead of the text's bytes */
    bool done;
};

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

static void put(struct buf *out, uint64_t value, size_t bytes)
{
    buf_append(out, &value, bytes);
}

static void build(const struct message *message, struct plan *plan, struct buf *out);

static void build_row(const struct row *row, struct plan *plan, struct buf *out)
{
    bool spoil = row == plan->spoilt && !plan->done;
    uint64_t value = plan->largest ? row->most : at_most(1, row->most);
    plan->done |= spoil;
    switch (row->form) {
    case FORM_NUMBER:
    case FORM_FLAG: put(out, spoil ? plan->value : value, row->bytes); break;
    case FORM_BYTES:
        for (size_t i = 0; i < row->bytes; i++)
            buf_putc(out, (char)i);
        break;
    case FORM_TEXT: {
        uint64_t length = spoil ? plan->value : at_most(plan->text, row->most);
        put(out, length, 4);
        for (uint64_t i = 0; i < length && i < (1u << 20); i++)
            buf_putc(out, spoil && plan->content ? plan->content[i] : (char)('a' + i % 26));
        break;
    }
    case FORM_EMBED: build(message_named(row->of), plan, out); break;
    case FORM_LIST: {
        uint64_t count = spoil ? plan->value : at_most(plan->items, row->most);
        put(out, count, 4);
        for (uint64_t i = 0; i < count && i < 100000; i++)
            build(message_named(row->of), plan, out);
        break;
    }
    }
}

static void build(const struct message *message, struct plan *plan, struct buf *out)
{
    size_t count;
    const struct row *rows = message->rows(&count);
    for (size_t i = 0; i < count; i++)
        build_row(&rows[i], plan, out);
}

static bool reads(const struct message *message, const struct buf *bytes)
{
    own_arena struct arena arena = arena_new(1u << 30);
    void *thing = mem_zalloc(1, message->bytes);
    struct err err = {0};
    assert_non_null(thing);
    /* A copy of exactly this size, so that AddressSanitizer sees each byte read beyond. */
    char *exact = mem_alloc(bytes->length ? bytes->length : 1);
    assert_non_null(exact);
    if (bytes->length)
        memcpy(exact, bytes->bytes, bytes->length);
    bool ok = wire_read(message->kind, exact, bytes->length, thing, &arena, &err);
    if (ok) { /* what is taken must be written again to the same bytes */
        own_buf struct buf again = buf_new(64u << 20);
        assert_true(wire_write(message->kind, thing, &again, &err));
        assert_int_equal(again.length, bytes->length);
        assert_memory_equal(again.bytes, exact, again.length);
    } else {
        assert_int_equal(err.kind, ERR_HOSTILE);
    }
    mem_free(exact);
    mem_free(thing);
    return ok;
}

/* Whether a message built by this plan is taken. */
static bool takes(const struct message *message, struct plan plan)
{
    own_buf struct buf bytes = buf_new(64u << 20);
    build(message, &plan, &bytes);
    assert_false(bytes.failed);
    return reads(message, &bytes);
}

/* Run `check` for each row that stands directly in each message. */
static void for_each_row(void (*check)(const struct message *, const struct row *))
{
    for (size_t m = 0; m < MESSAGES; m++) {
        size_t count;
        const struct row *rows = messages[m].rows(&count);
        for (size_t i = 0; i < count; i++)
            check(&messages[m], &rows[i]);
    }
}

/* The tests ---------------------------------------------------------------------------------- */

TEST(every_message_is_read_and_written_to_the_same_bytes)
{
    for (size_t m = 0; m < MESSAGES; m++) {
        CHECK_CASE(m, takes(&messages[m], (struct plan){0}));
        CHECK_CASE(m, takes(&messages[m], (struct plan){.text = 5, .items = 2}));
        CHECK_CASE(m, takes(&messages[m], (struct plan){.text = 40, .items = 1, .largest = true}));
    }
}

TEST(every_truncation_is_refused)
{
    for (size_t m = 0; m < MESSAGES; m++) {
        struct plan plan = {.text = 3, .items = 2};
        own_buf struct buf bytes = buf_new(1u << 20);
        build(&messages[m], &plan, &bytes);
        size_t whole = bytes.length;
        for (size_t length = 0; length < whole; length++) {
            bytes.length = length;
            CHECK_CASE(m, !reads(&messages[m], &bytes));
        }
        bytes.length = whole;
        assert_true(reads(&messages[m], &bytes));
    }
}

TEST(bytes_to_spare_are_refused)
{
    for (size_t m = 0; m < MESSAGES; m++)
        for (size_t extra = 1; extra < 4; extra++) {
            struct plan plan = {.text = 3, .items = 1};
            own_buf struct buf bytes = buf_new(1u << 20);
            build(&messages[m], &plan, &bytes);
            for (size_t i = 0; i < extra; i++)
                buf_putc(&bytes, '\0');
            CHECK_CASE(m, !reads(&messages[m], &bytes));
        }
}

TEST(each_byte_wrong_is_refused_or_another_valid_message)
{
    for (size_t m = 0; m < MESSAGES; m++) {
        struct plan plan = {.text = 2, .items = 1};
        own_buf struct buf bytes = buf_new(1u << 20);
        build(&messages[m], &plan, &bytes);
        for (size_t i = 0; i < bytes.length; i++) {
            char right = bytes.bytes[i];
            static const unsigned char masks[] = {0x01, 0x80, 0xff};
            for (size_t k = 0; k < sizeof masks; k++) {
                bytes.bytes[i] = (char)((unsigned char)right ^ masks[k]);
                reads(&messages[m], &bytes);
            }
            bytes.bytes[i] = right;
        }
    }
}

static void check_bound(const struct message *message, const struct row *row)
{
    struct plan plan = {.text = 1, .spoilt = row, .value = row->most};
    uint64_t widest = row->bytes >= 8 ? UINT64_MAX : (1ull << (8 * row->bytes)) - 1;
    if (row->form == FORM_EMBED || row->form == FORM_BYTES)
        return;
    if (!takes(message, plan))
        fail_msg("%s.%s: its bound is refused", row->message, row->name);
    plan.value = row->most + 1;
    if (row->most < widest && takes(message, plan))
        fail_msg("%s.%s: one over its bound is taken", row->message, row->name);
    plan.value = widest;
    if (row->most < widest && row->form != FORM_LIST && takes(message, plan))
        fail_msg("%s.%s: the largest number is taken", row->message, row->name);
}

TEST(each_field_takes_its_bound_and_refuses_one_more)
{
    for_each_row(check_bound);
}

static void check_text(const struct message *message, const struct row *row)
{
    static const char *const wrong[] = {"a\0c",         "\xc3(x",    "\xff\xfe\xfd",
                                        "\xed\xa0\x80", "\xc0\xafx", "ab\xc3"};
    if (row->form != FORM_TEXT)
        return;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (takes(message,
                  (struct plan){.text = 1, .spoilt = row, .value = 3, .content = wrong[i]}))
            fail_msg("%s.%s takes no-text %zu", row->message, row->name, i);
}

TEST(texts_with_nul_or_invalid_utf8_are_refused)
{
    for_each_row(check_text);
}

/* A count alone, with nothing or little behind it: no allocation may follow it blindly. */
static void check_count(const struct message *message, const struct row *row)
{
    static const uint64_t counts[] = {1, 1000, 0x7fffffff, 0x80000000, 0xffffffff};
    if (row->form != FORM_LIST && row->form != FORM_TEXT)
        return;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        own_buf struct buf bytes = buf_new(1u << 20);
        size_t count;
        const struct row *rows = message->rows(&count);
        struct plan plan = {0};
        for (const struct row *before = rows; before < row; before++)
            build_row(before, &plan, &bytes);
        put(&bytes, counts[i], 4);
        if (reads(message, &bytes))
            fail_msg("%s.%s takes an empty promise of %llu", row->message, row->name,
                     (unsigned long long)counts[i]);
    }
}

TEST(absurd_counts_are_refused)
{
    for_each_row(check_count);
}

/* Writing: a field over its bound is our own fault and is said so. */
static void check_writing(const struct message *message, const struct row *row)
{
    own_arena struct arena arena = arena_new(64u << 20);
    own_buf struct buf bytes = buf_new(8u << 20);
    own_buf struct buf out = buf_new(8u << 20);
    struct plan plan = {.text = 1, .items = 1};
    struct err err = {0};
    build(message, &plan, &bytes);
    char *thing = mem_zalloc(1, message->bytes);
    assert_true(wire_read(message->kind, bytes.bytes, bytes.length, thing, &arena, &err));
    uint64_t over = row->most + 1;
    bool spoilt = false;
    if (row->form == FORM_NUMBER && row->bytes == 4 && row->most < UINT32_MAX) {
        memcpy(thing + row->offset, &over, 4);
        spoilt = true;
    } else if (row->form == FORM_TEXT) {
        char *text = arena_alloc(&arena, 1, (size_t)over + 1);
        memset(text, 'x', (size_t)over);
        memcpy(thing + row->offset, &text, sizeof text);
        spoilt = true;
    }
    bool written = wire_write(message->kind, thing, &out, &err);
    if (written == spoilt)
        fail_msg("%s.%s: %s", row->message, row->name, written ? "written" : err.text);
    if (spoilt)
        assert_int_equal(err.kind, ERR_BROKEN);
    mem_free(thing);
}

TEST(a_field_over_its_bound_is_not_written)
{
    for_each_row(check_writing);
}

TEST(texts_that_are_null_count_as_empty)
{
    struct label_result result = {.done = LABEL_UNCHANGED}, back;
    own_buf struct buf bytes = buf_new(4096);
    own_arena struct arena arena = arena_new(4096);
    assert_true(wire_write(&wire_label_result, &result, &bytes, NULL));
    assert_true(wire_read(&wire_label_result, bytes.bytes, bytes.length, &back, &arena, NULL));
    assert_string_equal(back.code, "");
    assert_string_equal(back.message, "");
}

TEST(memory_that_runs_out_while_reading_is_an_error_and_leaks_nothing)
{
    for (size_t m = 0; m < MESSAGES; m++) {
        struct plan plan = {.text = 9, .items = 2};
        own_buf struct buf bytes = buf_new(1u << 20);
        build(&messages[m], &plan, &bytes);
        void *thing = mem_zalloc(1, messages[m].bytes);
        for (size_t nth = 1; nth < 50; nth++) {
            own_arena struct arena arena = arena_new(16u << 20);
            struct err err = {0};
            mem_fail_nth(nth, 1);
            bool ok = wire_read(messages[m].kind, bytes.bytes, bytes.length, thing, &arena, &err);
            mem_fail_nth(0, 0);
            if (ok)
                break;
            CHECK_CASE(m, err.kind == ERR_MEMORY);
        }
        mem_free(thing);
    }
}

TEST(the_largest_request_fits_into_one_packet)
{
    struct plan plan = {.text = UINT32_MAX, .items = UINT32_MAX, .largest = true};
    own_buf struct buf bytes = buf_new(8u << 20);
    build(message_named("parse_request"), &plan, &bytes);
    assert_false(bytes.failed);
    assert_in_range(bytes.length, 1, HOSTLINK_PACKET);
}

TEST(the_table_here_has_the_fields_that_the_reader_has)
{
    for (size_t m = 0; m < MESSAGES; m++) {
        size_t count;
        messages[m].rows(&count);
        CHECK_CASE(m, count == wire_field_count(messages[m].kind));
    }
}

/* Streams ------------------------------------------------------------------------------------ */

static void stream(const void *bytes, size_t length, enum err_kind expected)
{
    int ends[2];
    struct text_result result;
    struct err err = {0};
    own_arena struct arena arena = arena_new(1u << 20);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, length), (ssize_t)length);
    close(ends[1]);
    bool ok = wire_receive(ends[0], &wire_text_result, &result, &arena, &err);
    close(ends[0]);
    assert_int_equal(ok, expected == ERR_NONE);
    assert_int_equal(err.kind, expected);
}

TEST(a_stream_is_refused_without_a_valid_length_in_front)
{
    struct text_result result = {.status = REPORT_PARTIAL, .reason = "text-bytes"};
    own_buf struct buf frame = buf_new(4096);
    put(&frame, 0, 4);
    assert_true(wire_write(&wire_text_result, &result, &frame, NULL));
    uint32_t length = (uint32_t)frame.length - 4;
    memcpy(frame.bytes, &length, 4);
    stream(frame.bytes, frame.length, ERR_NONE);
    stream(frame.bytes, 0, ERR_GONE);
    stream(frame.bytes, 3, ERR_HOSTILE);
    stream(frame.bytes, 4, ERR_HOSTILE);
    stream(frame.bytes, frame.length - 1, ERR_HOSTILE);
    length = WIRE_MAX_BYTES + 1;
    memcpy(frame.bytes, &length, 4);
    stream(frame.bytes, frame.length, ERR_HOSTILE);
    length = UINT32_MAX;
    memcpy(frame.bytes, &length, 4);
    stream(frame.bytes, frame.length, ERR_HOSTILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_here_has_the_fields_that_the_reader_has),
        cmocka_unit_test(every_message_is_read_and_written_to_the_same_bytes),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(bytes_to_spare_are_refused),
        cmocka_unit_test(each_byte_wrong_is_refused_or_another_valid_message),
        cmocka_unit_test(each_field_takes_its_bound_and_refuses_one_more),
        cmocka_unit_test(texts_with_nul_or_invalid_utf8_are_refused),
        cmocka_unit_test(absurd_counts_are_refused),
        cmocka_unit_test(a_field_over_its_bound_is_not_written),
        cmocka_unit_test(texts_that_are_null_count_as_empty),
        cmocka_unit_test(memory_that_runs_out_while_reading_is_an_error_and_leaks_nothing),
        cmocka_unit_test(the_largest_request_fits_into_one_packet),
        cmocka_unit_test(a_stream_is_refused_without_a_valid_length_in_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
