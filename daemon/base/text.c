#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/utf8.h"

static bool put_valid(struct buf *out, const char *text)
{
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t width = utf8_decode(text + at, length - at, &character);
        if (width == 0)
            buf_puts(out, "\xef\xbf\xbd");
        else
            buf_append(out, text + at, width);
        at += width ? width : 1;
    }
    return !out->failed;
}

/* ASCII is NFC already, and folding it is lower case: most texts need no more. NULL: not ASCII,
 * or memory is out, which the long way then meets again. */
static char *fold_ascii(struct arena *arena, const char *text)
{
    size_t length = 0;
    while (text[length] && (unsigned char)text[length] < 0x80)
        length++;
    char *folded = text[length] ? NULL : arena_alloc(arena, length + 1, 1);
    for (size_t i = 0; folded && i < length; i++)
        folded[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
    return folded;
}

char *text_fold(struct arena *arena, const char *text)
{
    char *ascii = fold_ascii(arena, text);
    if (ascii)
        return ascii;
    own_buf struct buf valid = buf_new(strlen(text) * 3 + 1);
    if (!put_valid(&valid, text))
        return NULL;
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *)buf_text(&valid), (utf8proc_ssize_t)valid.length,
                     &folded, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
    if (length < 0)
        return NULL;
    char *copy = arena_strndup(arena, (const char *)folded, (size_t)length);
    free(folded);
    return copy;
}

/* Optimal string alignment distance, up to `most`; most + 1 when it is more. */
static unsigned distance(const char *a, const char *b, unsigned most)
{
    enum { longest = 64 };
    size_t la = strlen(a), lb = strlen(b);
    if (la > longest || lb > longest || (la > lb ? la - lb : lb - la) > most)
        return most + 1;
    unsigned rows[3][longest + 1];
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned best = before[j - 1] + (a[i - 1] != b[j - 1]);
            if (before[j] + 1 < best)
                best = before[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                older[j - 2] + 1 < best)
                best = older[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[la % 3][lb];
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
    unsigned most = strlen(word) < 5 ? 1 : 2;
    const char *nearest = NULL;
    unsigned least = most + 1;
    for (size_t i = 0; i < count; i++) {
        unsigned d = distance(word, words[i], most);
        if (d < least) {
            least = d;
            nearest = words[i];
        }
    }
    return nearest;
}
