#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

/* Whether brackets nest at most JSON_MAX_DEPTH deep; strings are skipped. Runs before jansson,
 * whose own cap is far higher. */
static bool shallow(const char *bytes, size_t length)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_MAX_DEPTH)
                return false;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

json_t *json_parse(const char *bytes, size_t length, struct err *err)
{
    if (!shallow(bytes, length)) {
        err_set(err, ERR_CORRUPT, "JSON nested more than %d deep", JSON_MAX_DEPTH);
        return NULL;
    }
    json_error_t why;
    json_t *json = json_loadb(bytes, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!json)
        err_set(err, ERR_CORRUPT, "not JSON at line %d, column %d", why.line, why.column);
    return json;
}

static int append(const char *bytes, size_t length, void *out)
{
    return buf_append(out, bytes, length) ? 0 : -1;
}

bool json_write(const json_t *json, struct buf *out)
{
    return json_dump_callback(json, append, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
}

json_t *json_text(const char *text)
{
    size_t length = strlen(text);
    if (utf8_valid(text, length))
        return json_stringn(text, length);
    own_buf struct buf valid = buf_new(length * 3 + 1);
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t width = utf8_decode(text + at, length - at, &character);
        if (width)
            buf_append(&valid, text + at, width);
        else
            buf_puts(&valid, "\xef\xbf\xbd");
        at += width ? width : 1;
    }
    return valid.failed ? NULL : json_stringn(buf_text(&valid), valid.length);
}
