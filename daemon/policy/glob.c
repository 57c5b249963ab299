#include "policy/glob.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* Specials in compiled patterns: bytes that folded text, being UTF-8, never holds. */
enum { any_run = 0xff, any_character = 0xfe };

/* Specials become their bytes, escapes vanish; runs of `*` become one. */
static unsigned encode(const char *text, size_t length, unsigned char *code)
{
    unsigned used = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '\\' && i + 1 < length)
            code[used++] = (unsigned char)text[++i];
        else if (byte == '?')
            code[used++] = any_character;
        else if (byte != '*')
            code[used++] = byte;
        else if (used == 0 || code[used - 1] != any_run)
            code[used++] = any_run;
    }
    return used;
}

/* The end of the part that begins at `text`: the next `/` that is not escaped, or the NUL. */
static const char *part_end(const char *text)
{
    while (*text && *text != '/')
        text += *text == '\\' && text[1] ? 2 : 1;
    return text;
}

static bool encode_path(struct glob *glob, const char *folded, unsigned char *code,
                        struct arena *arena)
{
    size_t most = 2;
    for (const char *c = folded; *c; c++)
        most += *c == '/';
    struct glob_part *parts = arena_alloc(arena, most + 1, sizeof *parts);
    if (!parts)
        return false;
    unsigned count = 0, used = 0;
    const char *at = *folded == '/' ? folded + 1 : folded;
    for (;;) {
        const char *end = part_end(at);
        size_t length = (size_t)(end - at);
        bool below = !*end && length == 0; /* ends in `/`: at least one part more */
        bool deep = below || (length == 2 && at[0] == '*' && at[1] == '*');
        unsigned bytes = deep ? 0 : encode(at, length, code + used);
        if (!deep || count == 0 || !parts[count - 1].deep)
            parts[count++] = (struct glob_part){.start = used, .length = bytes, .deep = deep};
        used += bytes;
        if (below) {
            code[used] = any_run;
            parts[count++] = (struct glob_part){.start = used++, .length = 1};
        }
        if (!*end)
            break;
        at = end + 1;
    }
    glob->parts = parts;
    glob->part_count = count;
    glob->length = used;
    return true;
}

bool glob_compile(struct glob *glob, const char *text, bool path, struct arena *arena)
{
    *glob = (struct glob){.text = text};
    char *folded = strlen(text) <= GLOB_MAX_BYTES ? text_fold(arena, text) : NULL;
    unsigned char *code = folded ? arena_alloc(arena, strlen(folded) + 2, 1) : NULL;
    if (!code)
        return false;
    glob->code = code;
    if (path)
        return encode_path(glob, folded, code, arena);
    glob->length = encode(folded, strlen(folded), code);
    return true;
}

static size_t character_width(const char *text, size_t length)
{
    size_t width = 1;
    while (width < length && ((unsigned char)text[width] & 0xc0) == 0x80)
        width++;
    return width;
}

/* Greedy with one place to come back to: after the last `*`. Earlier ones need no second try,
 * since the leftmost fit leaves most to the rest. */
static bool match_run(const unsigned char *code, size_t code_length, const char *text,
                      size_t length)
{
    size_t c = 0, t = 0, after_run = SIZE_MAX, retry = 0;
    while (t < length) {
        if (c < code_length && code[c] == any_run) {
            after_run = ++c;
            retry = t;
        } else if (c < code_length && code[c] == any_character) {
            t += character_width(text + t, length - t);
            c++;
        } else if (c < code_length && code[c] == (unsigned char)text[t]) {
            t++;
            c++;
        } else if (after_run != SIZE_MAX) {
            retry += character_width(text + retry, length - retry);
            t = retry;
            c = after_run;
        } else {
            return false;
        }
    }
    while (c < code_length && code[c] == any_run)
        c++;
    return c == code_length;
}

/* The same over the parts of a path, where `**` is the run. */
static bool match_path(const struct glob *glob, const char *path)
{
    unsigned p = 0, after_deep = 0;
    bool deep = false;
    const char *at = *path == '/' ? path + 1 : path, *retry = at;
    while (at) {
        size_t length = strcspn(at, "/");
        const struct glob_part *part = p < glob->part_count ? &glob->parts[p] : NULL;
        if (part && part->deep) {
            deep = true;
            after_deep = ++p;
            retry = at;
            continue;
        }
        if (part && match_run(glob->code + part->start, part->length, at, length)) {
            p++;
        } else if (deep) {
            at = retry;
            length = strcspn(at, "/");
            retry = at[length] ? at + length + 1 : NULL;
            p = after_deep;
            at = retry;
            continue;
        } else {
            return false;
        }
        at = at[length] ? at + length + 1 : NULL;
    }
    while (p < glob->part_count && glob->parts[p].deep)
        p++;
    return p == glob->part_count;
}

bool glob_match(const struct glob *glob, const char *folded)
{
    if (glob->parts)
        return match_path(glob, folded);
    return match_run(glob->code, glob->length, folded, strlen(folded));
}

bool glob_is_literal(const char *text)
{
    return strpbrk(text, "*?\\") == NULL;
}
