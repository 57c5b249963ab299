/* acl_files: files with ACLs for tests, written as `setfacl` writes them. */
#ifndef LABELD_TESTS_ACL_FILES_H
#define LABELD_TESTS_ACL_FILES_H
#include <sys/stat.h>

#include "check.h"
#include "connect/acl.h"

/* An ACL from a text such as "u::rw- u:1001:r-- g::r-- g:50:r-- m::r-- o::---". */
static inline struct acl acl_of(const char *text)
{
    static const struct {
        char letter;
        uint16_t plain, named;
    } tags[] = {{'u', ACL_USER_OBJ, ACL_USER},
                {'g', ACL_GROUP_OBJ, ACL_GROUP},
                {'m', ACL_MASK, ACL_MASK},
                {'o', ACL_OTHER, ACL_OTHER}};
    struct acl acl = {0};
    for (const char *at = text; *at; at += strspn(at, " ")) {
        struct acl_entry *entry = &acl.entries[acl.count++];
        size_t row = 0;
        while (tags[row].letter != *at)
            row++;
        at += 2;
        bool named = *at != ':';
        *entry =
            (struct acl_entry){.tag = named ? tags[row].named : tags[row].plain, .id = UINT32_MAX};
        if (named)
            for (entry->id = 0; *at != ':'; at++)
                entry->id = entry->id * 10 + (uint32_t)(*at - '0');
        for (at++; *at && *at != ' '; at++)
            entry->perm |= *at == 'r' ? ACL_READ : *at == 'w' ? ACL_WRITE : *at == 'x';
    }
    return acl;
}

static inline bool acl_same(const struct acl *a, const struct acl *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->entries[i].tag == b->entries[i].tag && a->entries[i].perm == b->entries[i].perm &&
               (a->entries[i].id == b->entries[i].id ||
                (a->entries[i].tag != ACL_USER && a->entries[i].tag != ACL_GROUP));
    return same;
}

/* Whether files in this folder can have an ACL; the test skips with a word where not. */
static inline bool acl_possible(int folder)
{
    struct err err = {0};
    const struct acl acl = acl_of("u::rw- u:1001:r-- g::--- m::r-- o::---");
    int fd = openat(folder, "acl-probe", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && acl_write(fd, &acl, &err);
    if (fd >= 0)
        close(fd);
    unlinkat(folder, "acl-probe", 0);
    if (!ok)
        print_message("skipped: no POSIX ACLs on the file system of the scratch folder: %s\n",
                      err.text);
    return ok;
}

#endif
