#include "fuzz/target.h"

#include "package.h"

static bool on_bytes(void *context, const char *bytes, size_t length)
{
    unsigned char *sum = context;
    for (size_t i = 0; i < length; i += 997)
        *sum = (unsigned char)(*sum + (unsigned char)bytes[i]);
    return true;
}

/* Open whatever it is as an archive, and read and peek into all its members. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct limits limits = limits_default();
    limits.expanded_bytes = 32u << 20;
    limits.archive_entries = 1000;
    struct report report = {0};
    struct format_reading reading = {.limits = &limits, .report = &report};
    const struct format_input input = {.bytes = (const char *)bytes, .length = length};
    own_package struct package *package = NULL;
    package_looks_like(&input);
    if (package_open(&reading, &input, &package) != PACKAGE_OK)
        return 0;
    unsigned char sum = 0;
    const struct package_sink sink = {.context = &sum, .bytes = on_bytes};
    for (size_t i = 0; i < package_count(package); i++) {
        char head[64];
        size_t got;
        if (package_find(package, package_entry(package, i)->name) > i)
            __builtin_trap();
        package_peek(package, i, head, sizeof head, &got);
        package_read(package, i, &sink);
    }
    return 0;
}
