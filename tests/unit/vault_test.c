#include "check.h"

#include "base/own.h"
#include "scratch.h"
#include "vault/vault.h"

static struct vault *open_at(const struct scratch *scratch, struct err *err)
{
    char path[96];
    snprintf(path, sizeof path, "%s/vault", scratch->path);
    return vault_open(path, err);
}

static bool keep(struct vault *vault, int64_t entry, const char *text, struct err *err)
{
    own_fd int fd = vault_create(vault, err);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
           vault_keep(vault, fd, entry, err);
}

static const char *content(struct vault *vault, int64_t entry, char room[static 64])
{
    struct err err = {0};
    own_fd int fd = vault_read(vault, entry, &err);
    memset(room, 0, 64);
    return fd >= 0 && read(fd, room, 63) >= 0 ? room : err_kind_word(err.kind);
}

TEST(a_kept_copy_can_be_read_and_removed_twice)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    char room[64];
    struct vault *vault = open_at(&scratch, &err);
    assert_non_null(vault);
    assert_true(keep(vault, 7, "sealed", &err));
    assert_string_equal(content(vault, 7, room), "sealed");
    assert_true(vault_remove(vault, 7, &err));
    assert_string_equal(content(vault, 7, room), "gone");
    assert_true(vault_remove(vault, 7, &err));
    vault_close(vault);
    scratch_close(&scratch);
}

TEST(a_copy_that_is_not_kept_leaves_no_name)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    struct vault *vault = open_at(&scratch, &err);
    int fd = vault_create(vault, &err);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "half", 4), 4);
    close(fd);
    char path[96];
    snprintf(path, sizeof path, "%s/vault", scratch.path);
    assert_int_equal(rmdir(path), 0); /* empty */
    vault_close(vault);
    scratch_close(&scratch);
}

TEST(the_copy_of_a_try_that_was_cut_is_replaced)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    char room[64];
    struct vault *vault = open_at(&scratch, &err);
    assert_true(keep(vault, 7, "first", &err));
    assert_true(keep(vault, 7, "second", &err));
    assert_string_equal(content(vault, 7, room), "second");
    vault_close(vault);
    scratch_close(&scratch);
}

TEST(a_vault_that_others_may_read_is_refused)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    struct vault *vault = open_at(&scratch, &err);
    vault_close(vault);
    assert_int_equal(fchmodat(scratch.folder, "vault", 0750, 0), 0);
    assert_null(open_at(&scratch, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_non_null(strstr(err.text, "chmod 0700"));
    scratch_close(&scratch);
}

TEST(a_link_is_no_vault)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    assert_int_equal(symlinkat(scratch.path, scratch.folder, "vault"), 0);
    assert_null(open_at(&scratch, &err));
    scratch_close(&scratch);
}

TEST(the_room_that_is_left_is_told)
{
    struct scratch scratch = scratch_open();
    struct err err = {0};
    uint64_t bytes = 0;
    struct vault *vault = open_at(&scratch, &err);
    assert_true(vault_room(vault, &bytes, &err));
    assert_true(bytes > 0);
    vault_close(vault);
    scratch_close(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_copy_can_be_read_and_removed_twice),
        cmocka_unit_test(a_copy_that_is_not_kept_leaves_no_name),
        cmocka_unit_test(the_copy_of_a_try_that_was_cut_is_replaced),
        cmocka_unit_test(a_vault_that_others_may_read_is_refused),
        cmocka_unit_test(a_link_is_no_vault),
        cmocka_unit_test(the_room_that_is_left_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
