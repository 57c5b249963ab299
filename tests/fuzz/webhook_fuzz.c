#include "fuzz/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "connect/localdir_key.h"
#include "connect/ring.h"

/* Whatever is posted, as "id\ntimestamp\nsignatures\nbody" or as a body alone: no crash; what is
 * signed by us is recognised, and no key that a body names leads out of a folder. */

static void check_keys(const struct ring_list *list, struct arena *arena)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *path = localdir_path(arena, list->keys[i]);
        if (!path || *path == '/' || !*path || strcmp(path, "..") == 0 ||
            strncmp(path, "../", 3) == 0 || strstr(path, "/../") ||
            strcmp(localdir_key(arena, path), list->keys[i]) != 0)
            abort();
    }
}

static void check_headers(char *text, size_t length)
{
    static const struct ring_key key = {"a secret of twenty-four.", 24};
    char signature[RING_SIGNATURE_BYTES];
    char *lines[3];
    for (size_t i = 0; i < 3; i++) {
        char *end = memchr(text, '\n', length);
        if (!end)
            return;
        *end = '\0';
        lines[i] = text;
        length -= (size_t)(end + 1 - text);
        text = end + 1;
    }
    const struct ring_message message = {lines[0], lines[1], text, length};
    enum ring_verdict verdict = ring_check(&key, 1, &message, lines[2], 1614265330);
    if (!ring_sign(&key, &message, signature))
        return;
    if (verdict == RING_AUTHENTIC && !strstr(lines[2], signature))
        abort();
    verdict = ring_check(&key, 1, &message, signature, 1614265330);
    if (verdict == RING_FORGED)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    own_arena struct arena arena = arena_new(16u << 20);
    struct ring_list list = {0};
    struct err err = {0};
    own_free char *text = mem_strndup((const char *)bytes, length);
    if (ring_list(bytes, length, 5000, &arena, &list, &err))
        check_keys(&list, &arena);
    else if (err.kind == ERR_NONE || !*err.text)
        abort();
    if (text)
        check_headers(text, strlen(text));
    return 0;
}
