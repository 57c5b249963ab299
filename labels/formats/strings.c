#include "formats/strings.h"

static const uint32_t used_bit = 1u << 31;

struct strings strings_new(size_t most_bytes)
{
    return (struct strings){.texts = buf_new(most_bytes), .ends = buf_new(most_bytes / 2)};
}

void strings_fini(struct strings *strings)
{
    buf_fini(&strings->texts);
    buf_fini(&strings->ends);
}

static uint32_t *end_of(const struct strings *strings, size_t index)
{
    return (uint32_t *)(void *)strings->ends.bytes + index;
}

bool strings_add(struct strings *strings, const char *text, size_t length)
{
    uint32_t end = (uint32_t)(strings->texts.length + length);
    strings->full |= length > strings->texts.max - strings->texts.length ||
                     sizeof end > strings->ends.max - strings->ends.length;
    return !strings->full && buf_append(&strings->texts, text, length) &&
           buf_append(&strings->ends, &end, sizeof end);
}

size_t strings_count(const struct strings *strings)
{
    return strings->ends.length / sizeof(uint32_t);
}

bool strings_get(struct strings *strings, size_t index, bool use, const char **text, size_t *length)
{
    if (index >= strings_count(strings))
        return false;
    uint32_t *end = end_of(strings, index);
    size_t start = index > 0 ? end[-1] & ~used_bit : 0;
    *length = (*end & ~used_bit) - start;
    *text = *length > 0 ? strings->texts.bytes + start : "";
    if (use)
        *end |= used_bit;
    return true;
}

bool strings_used(const struct strings *strings, size_t index)
{
    return (*end_of(strings, index) & used_bit) != 0;
}
