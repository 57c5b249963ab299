#include "fuzz/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

static const struct {
    const struct wire_message *kind;
    size_t bytes;
} kinds[] = {
    {&wire_report, sizeof(struct report)},
    {&wire_parse_request, sizeof(struct parse_request)},
    {&wire_label_result, sizeof(struct label_result)},
    {&wire_masked_list, sizeof(struct masked_list)},
    {&wire_type_list, sizeof(struct type_list)},
    {&wire_parse_done, sizeof(struct parse_done)},
    {&wire_parse_ready, sizeof(struct parse_ready)},
};

/* The first byte picks the message. What is read must be written again to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static union {
        struct report report;
        struct parse_request request;
        struct label_result result;
        struct masked_list masked;
        struct type_list types;
        struct parse_done done;
        struct parse_ready ready;
    } thing;
    if (length == 0)
        return 0;
    size_t which = bytes[0] % (sizeof kinds / sizeof *kinds);
    own_arena struct arena arena = arena_new(16u << 20);
    if (!wire_read(kinds[which].kind, bytes + 1, length - 1, &thing, &arena, NULL))
        return 0;
    own_buf struct buf out = buf_new(WIRE_MAX_BYTES);
    if (!wire_write(kinds[which].kind, &thing, &out, NULL) || out.length != length - 1 ||
        (out.length && memcmp(out.bytes, bytes + 1, out.length) != 0))
        abort();
    return 0;
}
