#include "check.h"

#include <grp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "base/buf.h"
#include "base/own.h"
#include "connect/localdir.h"
#include "connect/localdir_sharing.h"
#include "scratch.h"

#include "acl_files.h"

static const struct limits limits = {.fetch_bytes = 1u << 20, .capture_bytes = 64u << 10};

enum { most_bytes = 64 << 10 };

static int make(const struct scratch *scratch, const char *name, mode_t mode, const char *acl)
{
    struct err err = {0};
    scratch_write(scratch, name, "content");
    int fd = openat(scratch->folder, name, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    if (acl) {
        const struct acl wanted = acl_of(acl);
        assert_true(acl_write(fd, &wanted, &err));
    }
    return fd;
}

static const struct connect_part *part(const struct connect_restored *restored, const char *what)
{
    for (size_t i = 0; i < restored->count; i++)
        if (strcmp(restored->parts[i].what, what) == 0)
            return &restored->parts[i];
    fail_msg("no part %s", what);
    return NULL;
}

static bool all_restored(const struct connect_restored *restored)
{
    for (size_t i = 0; i < restored->count; i++)
        if (restored->parts[i].lost)
            return false;
    return restored->count >= 4;
}

TEST(base64_is_that_of_the_standard_both_ways)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) { /* RFC 4648, section 10 */
        own_buf struct buf text = buf_new(64), bytes = buf_new(64);
        assert_true(buf_base64(&text, cases[i].bytes, strlen(cases[i].bytes)));
        CHECK_CASE(i, strcmp(buf_text(&text), cases[i].text) == 0);
        CHECK_CASE(i, buf_base64_read(&bytes, cases[i].text));
        CHECK_CASE(i, strcmp(buf_text(&bytes), cases[i].bytes) == 0);
    }
}

TEST(base64_of_another_form_is_refused)
{
    static const char *const texts[] = {"Zg",   "Zg=",   "Zg==Zg==", "Zh==", "Zm9=", "Z===",
                                        "====", "Zm 9v", "Zm9v\n",   "Zm-v", "=m9v", "Zm=v"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        own_buf struct buf bytes = buf_new(64);
        CHECK_CASE(i, !buf_base64_read(&bytes, texts[i]));
    }
}

TEST(an_acl_that_the_kernel_would_not_take_is_refused)
{
    static const char *const bad[] = {
        "u::rw- g::r--",                /* no other */
        "u::rw- u:1:r-- g::r-- o::---", /* no mask */
        "u::rw- u::rw- g::r-- o::---",  /* the owner twice */
        "g::r-- u::rw- o::---",         /* not in order */
        "u::rw- g::r-- o::--- m::r--",
        "u:1:rw- g::r-- m::r-- o::---",
    };
    char bytes[acl_max_bytes + 8] = {0};
    struct acl back;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct acl acl = acl_of(bad[i]);
        CHECK_CASE(i, !acl_parse(bytes, acl_bytes(&acl, bytes), &back) && back.count == 0);
    }
    const struct acl good = acl_of("u::rw- u:7:r-- g::r-- g:8:rwx m::rwx o::---");
    size_t length = acl_bytes(&good, bytes);
    assert_true(acl_parse(bytes, length, &back) && acl_same(&good, &back));
    for (size_t cut = 0; cut < length; cut++)
        assert_true(!acl_parse(bytes, cut, &back) || back.count < good.count);
    bytes[0] = 3; /* another version */
    assert_false(acl_parse(bytes, length, &back));
    bytes[0] = 2;
    bytes[4 + 2] = 8; /* a right that does not exist */
    assert_false(acl_parse(bytes, length, &back));
    memset(bytes, 0, sizeof bytes);
    bytes[0] = 2;
    assert_false(acl_parse(bytes, sizeof bytes - 4, &back));
}

TEST(what_was_captured_comes_back_whole)
{
    static const mode_t modes[] = {0,    0400, 0600,  0640,  0644, 0664,
                                   0666, 0755, 04755, 02750, 01777};
    static const char *const acls[] = {NULL, "u::rw- u:1001:r-- g::--- m::r-- o::---",
                                       "u::rw- u:1001:rw- g::r-- g:1050:rwx m::rwx o::r--",
                                       "u::rw- u:1001:rw- g::rwx m::--- o::---"};
    struct scratch scratch = scratch_open();
    bool acl_works = acl_possible(scratch.folder);
    for (size_t i = 0; i < sizeof modes / sizeof *modes * 4; i++) {
        const char *acl = acls[i % 4], *json;
        struct err err = {0};
        struct connect_restored restored;
        struct stat was, is;
        struct acl acl_was, acl_is;
        own_arena struct arena arena = arena_new(1u << 20);
        if (acl && !acl_works)
            continue;
        own_fd int from = make(&scratch, "from", modes[i / 4], acl);
        assert_int_equal(fsetxattr(from, "user.comment", "a\0b", 3, 0), 0);
        assert_int_equal(fsetxattr(from, "user.\xff\\odd", "", 0, 0), 0);
        own_fd int to = make(&scratch, "to", 0600, acl_works ? acls[2] : NULL);
        const struct timespec times[2] = {{1000000000, 7}, {-5, 999999999}};
        assert_int_equal(futimens(from, times), 0);
        assert_true(fstat(from, &was) == 0 && acl_read(from, &acl_was, &err));
        CHECK_CASE(i, localdir_capture_open(from, most_bytes, NULL, &arena, &json, &err));
        CHECK_CASE(i, localdir_apply(to, json, &arena, &restored, &err));
        CHECK_CASE(i, all_restored(&restored));
        assert_true(fstat(to, &is) == 0 && acl_read(to, &acl_is, &err));
        CHECK_CASE(i, was.st_mode == is.st_mode && acl_same(&acl_was, &acl_is));
        CHECK_CASE(i, was.st_mtim.tv_sec == is.st_mtim.tv_sec &&
                          was.st_mtim.tv_nsec == is.st_mtim.tv_nsec);
        CHECK_CASE(i, is.st_atim.tv_sec == 1000000000 && is.st_atim.tv_nsec == 7);
        char value[8];
        CHECK_CASE(i,
                   fgetxattr(to, "user.comment", value, 8) == 3 && memcmp(value, "a\0b", 3) == 0);
        CHECK_CASE(i, fgetxattr(to, "user.\xff\\odd", value, 8) == 0);
        unlinkat(scratch.folder, "to", 0);
        unlinkat(scratch.folder, "from", 0);
    }
    scratch_close(&scratch);
}

TEST(an_attribute_that_does_not_fit_is_named_and_told_as_lost)
{
    struct scratch scratch = scratch_open();
    own_arena struct arena arena = arena_new(1u << 20);
    struct err err = {0};
    struct connect_restored restored;
    const char *json;
    own_fd int from = make(&scratch, "from", 0600, NULL);
    own_fd int to = make(&scratch, "to", 0600, NULL);
    assert_int_equal(fsetxattr(from, "user.small", "1", 1, 0), 0);
    assert_true(localdir_capture_open(from, 32 * 1024 + 8, NULL, &arena, &json, &err));
    assert_true(localdir_apply(to, json, &arena, &restored, &err));
    const struct connect_part *small = part(&restored, "user.small");
    assert_non_null(small->lost);
    assert_string_equal(small->lost, "over capture_bytes");
    assert_true(!part(&restored, "mode")->lost);
    scratch_close(&scratch);
}

TEST(a_changed_version_is_a_conflict_when_it_is_captured)
{
    struct scratch scratch = scratch_open();
    own_arena struct arena arena = arena_new(1u << 20);
    struct err err = {0};
    struct connect_stat stat;
    const char *json = NULL;
    close(make(&scratch, "doc", 0640, NULL));
    const struct connect_settings settings = {
        .name = "team", .path = scratch.path, .memory_max = 1, .limits = &limits};
    struct connection *connection = localdir_connector.open(&settings, &err);
    assert_non_null(connection);
    assert_true(localdir_connector.stat(connection, "doc", &arena, &stat, &err));
    assert_true(
        localdir_connector.capture(connection, "doc", stat.version, NULL, &arena, &json, &err));
    assert_non_null(strstr(json, "\"mode\":\"0640\""));
    scratch_write(&scratch, "doc", "other");
    assert_false(
        localdir_connector.capture(connection, "doc", stat.version, NULL, &arena, &json, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    unlinkat(scratch.folder, "doc", 0);
    assert_false(
        localdir_connector.capture(connection, "doc", stat.version, NULL, &arena, &json, &err));
    assert_int_equal(err.kind, ERR_GONE);
    localdir_connector.close(connection);
    scratch_close(&scratch);
}

TEST(a_state_that_is_none_changes_nothing)
{
    static const char rest[] = "\"gid\":0,\"atime_ns\":1,\"mtime_ns\":1,\"left_out\":[],";
    static const char *const starts[] = {
        "\"mode\":\"0644\",\"uid\":0,\"xattrs\":{\"user.a\":\"Zg=\"}",
        "\"mode\":\"0644\",\"uid\":0,\"xattrs\":{\"system.posix_acl_access\":\"Zg==\"}",
        "\"mode\":\"0644\",\"uid\":0,\"xattrs\":{\"user.a\":1}",
        "\"mode\":\"0644\",\"uid\":0,\"xattrs\":[]",
        "\"mode\":\"0644\",\"uid\":-1,\"xattrs\":{}",
        "\"mode\":\"0644\",\"uid\":4294967295,\"xattrs\":{}",
        "\"mode\":\"0644\",\"uid\":\"0\",\"xattrs\":{}",
        "\"mode\":\"99\",\"uid\":0,\"xattrs\":{}",
        "\"mode\":420,\"uid\":0,\"xattrs\":{}",
        "\"mode\":\"0644\",\"uid\":0,\"xattrs\":{},\"acl\":\"\"",
        "\"mode\":\"0644\",\"uid\":0,\"xattrs\":{},\"acl\":\"AgAAAA==\"",
        "\"mode\":\"0644\",\"uid\":0,\"xattrs\":{},\"acl\":7",
    };
    struct scratch scratch = scratch_open();
    struct stat was, is;
    own_fd int fd = make(&scratch, "doc", 0600, NULL);
    assert_int_equal(fstat(fd, &was), 0);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        char json[512];
        own_arena struct arena arena = arena_new(1u << 20);
        struct err err = {0};
        struct connect_restored restored;
        snprintf(json, sizeof json, "{%s%s}", rest, starts[i]);
        CHECK_CASE(i, !localdir_apply(fd, json, &arena, &restored, &err));
        CHECK_CASE(i, err.kind == ERR_CORRUPT && restored.count == 0);
        CHECK_CASE(i, fstat(fd, &is) == 0 && is.st_mode == was.st_mode);
    }
    scratch_close(&scratch);
}

/* As another user, who may neither give the file away nor join its group. */
static int apply_as_stranger(int fd, const char *json)
{
    struct err err = {0};
    struct connect_restored restored;
    struct stat now;
    struct acl acl;
    own_arena struct arena arena = arena_new(1u << 20);
    if (setgroups(0, NULL) < 0 || setresgid(1234, 1234, 1234) < 0 ||
        setresuid(1234, 1234, 1234) < 0 || !localdir_apply(fd, json, &arena, &restored, &err) ||
        fstat(fd, &now) < 0 || !acl_read(fd, &acl, &err))
        return 2;
    const struct acl_entry *group = acl_find(&acl, ACL_GROUP_OBJ, 0);
    bool narrow = (now.st_mode & (S_ISUID | S_ISGID)) == 0 && acl.count == 5 && group->perm == 0;
    bool told = part(&restored, "owner")->lost && part(&restored, "group")->lost &&
                part(&restored, "mode")->lost && !part(&restored, "acl")->lost &&
                !part(&restored, "times")->lost;
    return narrow && told ? 0 : 1;
}

TEST(without_its_owner_and_group_a_file_comes_back_narrower_and_says_so)
{
    struct scratch scratch = scratch_open();
    if (geteuid() != 0 || !acl_possible(scratch.folder)) {
        print_message("skipped: needs root, to become somebody else\n");
        scratch_close(&scratch);
        return;
    }
    int status;
    struct err err = {0};
    const char *json;
    own_arena struct arena arena = arena_new(1u << 20);
    own_fd int from = make(&scratch, "from", 06755, "u::rw- u:1001:rw- g::rw- m::rw- o::---");
    assert_int_equal(fchmod(from, 06770), 0);
    own_fd int to = make(&scratch, "to", 0600, NULL);
    assert_int_equal(fchown(to, 1234, 1234), 0);
    assert_true(localdir_capture_open(from, most_bytes, NULL, &arena, &json, &err));
    pid_t child = fork();
    if (child == 0)
        _exit(apply_as_stranger(to, json));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    scratch_close(&scratch);
}

/* The ACL's mask stands in the group bits of the mode: without the ACL they would open the file
 * to its group. */
TEST(a_mask_never_becomes_a_right_of_the_group)
{
    own_arena struct arena arena = arena_new(1u << 20);
    struct err err = {0};
    struct connect_restored restored;
    struct stat now;
    static const char json[] =
        "{\"mode\":\"0660\",\"uid\":%u,\"gid\":%u,\"atime_ns\":1,\"mtime_ns\":1,"
        "\"xattrs\":{},\"left_out\":[],\"acl\":\"%s\"}";
    char bytes[acl_max_bytes], text[1024];
    own_buf struct buf base64 = buf_new(512);
    const struct acl acl = acl_of("u::rw- u:1001:rw- g::--- m::rw- o::---");
    assert_true(buf_base64(&base64, bytes, acl_bytes(&acl, bytes)));
    snprintf(text, sizeof text, json, getuid(), getgid(), buf_text(&base64));
    own_fd int memory = memfd_create("no-acl", MFD_CLOEXEC);
    assert_true(memory >= 0);
    assert_true(localdir_apply(memory, text, &arena, &restored, &err));
    assert_int_equal(fstat(memory, &now), 0);
    if (!part(&restored, "acl")->lost)
        assert_true(acl_read(memory, &(struct acl){0}, &err)); /* tmpfs with ACLs */
    else
        assert_int_equal(now.st_mode & 0777, 0600);
}

int main(void)
{
    umask(022);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_that_of_the_standard_both_ways),
        cmocka_unit_test(base64_of_another_form_is_refused),
        cmocka_unit_test(an_acl_that_the_kernel_would_not_take_is_refused),
        cmocka_unit_test(what_was_captured_comes_back_whole),
        cmocka_unit_test(an_attribute_that_does_not_fit_is_named_and_told_as_lost),
        cmocka_unit_test(a_changed_version_is_a_conflict_when_it_is_captured),
        cmocka_unit_test(a_state_that_is_none_changes_nothing),
        cmocka_unit_test(without_its_owner_and_group_a_file_comes_back_narrower_and_says_so),
        cmocka_unit_test(a_mask_never_becomes_a_right_of_the_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
