#include "landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

/* linux/landlock.h, struct landlock_ruleset_attr, as of ABI 6. */
struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

enum { CALL_CREATE_RULESET = 444, CALL_RESTRICT_SELF = 446, ASK_VERSION = 1 };

/* What each version can forbid (Documentation/userspace-api/landlock.rst): bits of file access,
 * bits of network access, bits of scope, and how many bytes of the struct it knows. */
static const struct {
    unsigned fs_bits, net_bits, scope_bits;
    size_t bytes;
} versions[] = {
    {13, 0, 0, 8},  /* 1 */
    {14, 0, 0, 8},  /* 2: refer */
    {15, 0, 0, 8},  /* 3: truncate */
    {15, 2, 0, 16}, /* 4: tcp bind and connect */
    {16, 2, 0, 16}, /* 5: device ioctl */
    {16, 2, 2, 24}, /* 6: abstract sockets, signals */
};

static uint64_t all_of(unsigned bits)
{
    return ((uint64_t)1 << bits) - 1;
}

bool landlock_enter(uint32_t *abi, struct err *err)
{
    *abi = 0;
    long version = syscall(CALL_CREATE_RULESET, NULL, 0, ASK_VERSION);
    if (version <= 0)
        return true;
    size_t known = sizeof versions / sizeof *versions;
    size_t row = (size_t)version < known ? (size_t)version - 1 : known - 1;
    const struct ruleset rules = {all_of(versions[row].fs_bits), all_of(versions[row].net_bits),
                                  all_of(versions[row].scope_bits)};
    own_fd int ruleset = (int)syscall(CALL_CREATE_RULESET, &rules, versions[row].bytes, 0);
    if (ruleset < 0 || syscall(CALL_RESTRICT_SELF, ruleset, 0) < 0)
        return err_errno(err, "entering Landlock version %ld", version);
    *abi = (uint32_t)version;
    return true;
}
