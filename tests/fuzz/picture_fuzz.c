#include "fuzz/target.h"

#include <string.h>

#include "base/own.h"
#include "shapes.h"

/* A picture in the first line, and text that it is held against in the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    own_arena struct arena arena = arena_new(16u << 20);
    struct picture picture;
    struct err err = {0};
    own_free char *text = mem_strndup((const char *)bytes, length);
    if (!text)
        return 0;
    size_t first = strcspn(text, "\n");
    const char *rest = first < length ? text + first + 1 : "";
    text[first] = '\0';
    if (picture_read(text, length % 2, &arena, &picture, &err))
        (void)shapes_match(&picture, rest, 0, strlen(rest));
    return 0;
}
