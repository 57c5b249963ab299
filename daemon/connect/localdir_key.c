#include "connect/localdir_key.h"

#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

enum { path_most = 4095, name_most = 255 }; /* PATH_MAX and NAME_MAX of Linux */

char *localdir_key(struct arena *arena, const char *path)
{
    size_t length = strlen(path);
    if (!strchr(path, '\\') && utf8_valid(path, length))
        return arena_strndup(arena, path, length);
    own_buf struct buf key = buf_new(length * 4 + 1);
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t width = utf8_decode(path + at, length - at, &character);
        if (width == 0)
            buf_printf(&key, "\\x%02x", (unsigned char)path[at]);
        else if (path[at] == '\\')
            buf_puts(&key, "\\\\");
        else
            buf_append(&key, path + at, width);
        at += width ? width : 1;
    }
    return key.failed ? NULL : arena_strndup(arena, buf_text(&key), key.length);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape at key[at]; its length, 0 when it is none. */
static size_t unescape(const char *key, char *byte)
{
    if (key[1] == '\\') {
        *byte = '\\';
        return 2;
    }
    int high = key[1] == 'x' ? hex_value(key[2]) : -1;
    int low = high >= 0 ? hex_value(key[3]) : -1;
    if (low < 0 || (high == 0 && low == 0))
        return 0;
    *byte = (char)(high << 4 | low);
    return 4;
}

bool localdir_no_path(const char *key, struct err *err)
{
    char byte;
    for (size_t at = 0; key[at];) {
        size_t width = key[at] == '\\' ? unescape(key + at, &byte) : 1;
        if (width == 0)
            return err_set(err, ERR_GONE, "no such file: %.200s", key);
        at += width;
    }
    return err_set(err, ERR_MEMORY, "out of memory for a path");
}

char *localdir_path(struct arena *arena, const char *key)
{
    char *path = arena_alloc(arena, strlen(key) + 1, 1);
    size_t used = 0;
    for (size_t at = 0; path && key[at];) {
        if (key[at] != '\\') {
            path[used++] = key[at++];
            continue;
        }
        size_t width = unescape(key + at, &path[used]);
        if (width == 0)
            return NULL;
        used++;
        at += width;
    }
    return path;
}

/* Each name between slashes, in bytes of the file's name. */
static const char *names_fault(const char *path)
{
    if (strlen(path) > path_most)
        return "is too long";
    for (;;) {
        size_t length = strcspn(path, "/");
        if (length == 0)
            return "has an empty part";
        if ((length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.'))
            return "has a part . or ..";
        if (length > name_most)
            return "has a part over 255 bytes";
        if (!path[length])
            return NULL;
        path += length + 1;
    }
}

const char *localdir_key_fault(const char *key)
{
    if (!*key)
        return "is empty";
    if (*key == '/')
        return "begins with /; paths are relative to the connection's root";
    if (!utf8_valid(key, strlen(key)))
        return "is not UTF-8";
    if (!strchr(key, '\\'))
        return names_fault(key);
    own_arena struct arena arena = arena_new(64 * 1024);
    const char *path = strlen(key) <= 4 * path_most ? localdir_path(&arena, key) : NULL;
    const char *again = path ? localdir_key(&arena, path) : NULL;
    if (!again || strcmp(again, key) != 0) /* a second name of the same file */
        return "has a wrong escape: \\\\ is a backslash, \\xHH a byte that is not UTF-8";
    return names_fault(path);
}
