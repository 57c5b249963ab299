#include "vault/handoff.h"

#include "base/own.h"
#include "check.h"
#include "scratch.h"

static struct vault *open_at(const struct scratch *scratch)
{
    struct err err = {0};
    char path[96];
    snprintf(path, sizeof path, "%s/vault", scratch->path);
    struct vault *vault = vault_open(path, &err);
    if (!vault)
        fail_msg("%s", err.text);
    return vault;
}

static void keep(struct vault *vault, int64_t entry, const char *text, size_t length)
{
    struct err err = {0};
    own_fd int fd = vault_create(vault, &err);
    assert_int_equal(write(fd, text, length), (ssize_t)length);
    assert_true(vault_keep(vault, fd, entry, &err));
}

TEST(a_header_ends_with_the_line_of_its_mac)
{
    enum { limit = 2048 };
    static const struct {
        const char *bytes, *header; /* header NULL: there is none */
    } cases[] = {
        {"age\n-> X a\nBODY\n--- MAC\npayload\n--- x\n", "age\n-> X a\nBODY\n--- MAC\n"},
        {"--- MAC\n", "--- MAC\n"},
        {"age\n---\n", "age\n---\n"},
        {"age\n-> ---\n --- x\n--- MAC\n", "age\n-> ---\n --- x\n--- MAC\n"},
        {"age\n--- MAC", NULL},
        {"age\n-- MAC\n", NULL},
        {"", NULL},
        {"\n\n\n", NULL},
    };
    struct scratch scratch = scratch_open();
    struct err err = {0};
    struct vault *vault = open_at(&scratch);
    struct handoff *handoff = handoff_open(vault, vault, &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err why = {0};
        own_buf struct buf header = buf_new(limit);
        keep(vault, 1, cases[i].bytes, strlen(cases[i].bytes));
        bool ok = handoff_header(handoff, 1, &header, &why);
        CHECK_CASE(i, ok == (cases[i].header != NULL));
        CHECK_CASE(i, ok || why.kind == ERR_CORRUPT);
        CHECK_CASE(i, !ok || (header.length == strlen(cases[i].header) &&
                              memcmp(header.bytes, cases[i].header, header.length) == 0));
    }
    handoff_close(handoff);
    vault_close(vault);
    scratch_close(&scratch);
}

TEST(a_header_that_does_not_end_is_not_read_for_ever)
{
    static char bytes[100000];
    struct scratch scratch = scratch_open();
    struct err err = {0};
    struct vault *vault = open_at(&scratch);
    struct handoff *handoff = handoff_open(vault, vault, &err);
    memset(bytes, 'a', sizeof bytes);
    keep(vault, 1, bytes, sizeof bytes);
    own_buf struct buf header = buf_new(4096);
    assert_false(handoff_header(handoff, 1, &header, &err));
    assert_int_equal(err.kind, ERR_CORRUPT);
    handoff_close(handoff);
    vault_close(vault);
    scratch_close(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_ends_with_the_line_of_its_mac),
        cmocka_unit_test(a_header_that_does_not_end_is_not_read_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
