#include "fuzz/target.h"

#include "ctl/import.h"

/* Whatever is said to be a policy: no crash, and what is made of it is bounded. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err err = {0};
    static const char *const connections[] = {"20892=team"};
    struct import import = {.keep_modes = true, .connections = connections, .connection_count = 1};
    own_buf struct buf yaml = buf_new(1u << 20), told = buf_new(16u << 20);
    if (import_init(&import, &err) && import_read(&import, (const char *)bytes, length, &err))
        (void)import_write(&import, &yaml, &told, &err);
    import_fini(&import);
    return 0;
}
