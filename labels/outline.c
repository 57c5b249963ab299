#include "outline.h"

#include <string.h>
#include <strings.h>

enum { children_max_bytes = 512u << 20 };

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool starts_with(const struct outline *outline, size_t at, const char *what)
{
    size_t length = strlen(what);
    return outline->length - at >= length && memcmp(outline->text + at, what, length) == 0;
}

/* Behind the next `what`; 0 when there is none. */
static size_t behind(const struct outline *outline, size_t at, const char *what)
{
    const char *found = memmem(outline->text + at, outline->length - at, what, strlen(what));
    return found ? (size_t)(found - outline->text) + strlen(what) : 0;
}

/* Behind the > that ends a tag: one inside quotes does not. 0 when there is none. */
static size_t behind_tag(const struct outline *outline, size_t at)
{
    char quote = 0;
    for (; at < outline->length; at++) {
        char c = outline->text[at];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '>')
            return at + 1;
    }
    return 0;
}

enum kind { KIND_TAG, KIND_OTHER, KIND_END, KIND_BROKEN };

/* What begins at or after `at`: sets *start and *end of the next markup. */
static enum kind next(const struct outline *outline, size_t at, size_t *start, size_t *end)
{
    static const struct {
        const char *opens, *closes;
    } others[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
    const char *found =
        at < outline->length ? memchr(outline->text + at, '<', outline->length - at) : NULL;
    if (!found)
        return KIND_END;
    *start = (size_t)(found - outline->text);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (starts_with(outline, *start, others[i].opens)) {
            *end = behind(outline, *start + strlen(others[i].opens), others[i].closes);
            return *end ? KIND_OTHER : KIND_BROKEN;
        }
    if (starts_with(outline, *start, "<!"))
        return KIND_BROKEN;
    *end = behind_tag(outline, *start);
    return *end ? KIND_TAG : KIND_BROKEN;
}

/* The name in the tag at `start`. */
static const char *tag_name(const struct outline *outline, size_t start, size_t *length)
{
    size_t at = start + 1;
    while (at < outline->length && !is_space(outline->text[at]) && outline->text[at] != '>' &&
           outline->text[at] != '/')
        at++;
    *length = at - start - 1;
    return outline->text + start + 1;
}

/* Only UTF-8 can be edited as text (ECMA-376 part 2 allows UTF-16 as well). */
static bool is_utf8(const struct outline *outline, size_t *at)
{
    if (starts_with(outline, 0, "\xEF\xBB\xBF"))
        *at = 3;
    if (memchr(outline->text, 0, outline->length) || *at >= outline->length ||
        (outline->text[*at] != '<' && !is_space(outline->text[*at])))
        return false;
    if (!starts_with(outline, *at, "<?xml") || !is_space(outline->text[*at + 5]))
        return true;
    size_t end = behind(outline, *at, "?>");
    const char *said = end ? memmem(outline->text + *at, end - *at, "encoding", 8) : NULL;
    if (!said)
        return end != 0;
    const char *value = said + 8, *limit = outline->text + end;
    while (value < limit && (is_space(*value) || *value == '='))
        value++;
    return (size_t)(limit - value) > 7 &&
           (strncasecmp(value + 1, "utf-8", 5) == 0 || strncasecmp(value + 1, "utf8", 4) == 0) &&
           (value[6] == *value || value[5] == *value);
}

static void note_root(struct outline *outline, size_t start, size_t end)
{
    outline->root = start;
    outline->root_tag_end = end;
    outline->empty = outline->text[end - 2] == '/';
    outline->name = tag_name(outline, start, &outline->name_length);
    const char *colon = memchr(outline->name, ':', outline->name_length);
    outline->prefix_length = colon ? (size_t)(colon + 1 - outline->name) : 0;
}

/* One tag at `depth`, which it may change. */
static enum outline_result take_tag(struct outline *outline, size_t *depth, size_t start,
                                    size_t end)
{
    struct outline_child *last =
        outline->children.length
            ? (struct outline_child *)(void *)(outline->children.bytes + outline->children.length) -
                  1
            : NULL;
    if (outline->text[start + 1] == '/') {
        if (*depth == 0)
            return OUTLINE_BROKEN;
        --*depth;
        if (*depth == 0)
            outline->root_close = start;
        else if (*depth == 1)
            last->end = end;
        return OUTLINE_OK;
    }
    bool empty = outline->text[end - 2] == '/';
    if (*depth == 0) {
        if (outline->name)
            return OUTLINE_BROKEN;
        note_root(outline, start, end);
        outline->root_close = end;
    } else if (*depth == 1) {
        const struct outline_child child = {.start = start, .tag_end = end, .end = end};
        if (!buf_append(&outline->children, &child, sizeof child))
            return OUTLINE_NO_MEMORY;
    }
    *depth += !empty;
    return OUTLINE_OK;
}

enum outline_result outline_read(struct outline *outline, const char *text, size_t length)
{
    *outline =
        (struct outline){.text = text, .length = length, .children = buf_new(children_max_bytes)};
    size_t at = 0, depth = 0, start = 0, end = 0;
    if (length == 0 || !is_utf8(outline, &at))
        return OUTLINE_ENCODING;
    for (;; at = end) {
        enum kind kind = next(outline, at, &start, &end);
        if (kind == KIND_BROKEN)
            return OUTLINE_BROKEN;
        if (kind == KIND_END)
            return depth == 0 && outline->name ? OUTLINE_OK : OUTLINE_BROKEN;
        enum outline_result result =
            kind == KIND_TAG ? take_tag(outline, &depth, start, end) : OUTLINE_OK;
        if (result != OUTLINE_OK)
            return result;
    }
}

void outline_fini(struct outline *outline)
{
    buf_fini(&outline->children);
}

size_t outline_count(const struct outline *outline)
{
    return outline->children.length / sizeof(struct outline_child);
}

const struct outline_child *outline_child(const struct outline *outline, size_t index)
{
    return (const struct outline_child *)(const void *)outline->children.bytes + index;
}

/* One attribute of a tag, as written. */
struct attribute {
    const char *name, *value;
    size_t name_length, value_length;
};

/* The attribute at or after *at, which moves behind it. */
static bool next_attribute(const struct outline *outline, size_t *at, struct attribute *out)
{
    const char *text = outline->text;
    size_t end = outline->length, i = *at;
    while (i < end && is_space(text[i]))
        i++;
    out->name = text + i;
    while (i < end && text[i] != '=' && text[i] != '>' && text[i] != '/' && !is_space(text[i]))
        i++;
    out->name_length = (size_t)(text + i - out->name);
    while (i < end && (is_space(text[i]) || text[i] == '='))
        i++;
    if (out->name_length == 0 || i >= end || (text[i] != '"' && text[i] != '\''))
        return false;
    const char *close = memchr(text + i + 1, text[i], end - i - 1);
    if (!close)
        return false;
    out->value = text + i + 1;
    out->value_length = (size_t)(close - out->value);
    *at = (size_t)(close + 1 - text);
    return true;
}

bool outline_attribute(const struct outline *outline, size_t start, const char *name, size_t *value,
                       size_t *value_length)
{
    struct attribute attribute;
    size_t length = 0;
    size_t at = (size_t)(tag_name(outline, start, &length) - outline->text) + length;
    while (next_attribute(outline, &at, &attribute))
        if (attribute.name_length == strlen(name) &&
            memcmp(attribute.name, name, attribute.name_length) == 0) {
            *value = (size_t)(attribute.value - outline->text);
            *value_length = attribute.value_length;
            return true;
        }
    return false;
}

bool outline_prefix(const struct outline *outline, const char *space, const char **prefix,
                    size_t *length)
{
    struct attribute attribute;
    size_t at = outline->root + 1 + outline->name_length;
    while (next_attribute(outline, &at, &attribute)) {
        bool named = attribute.name_length > 6 && memcmp(attribute.name, "xmlns:", 6) == 0;
        if (!named && (attribute.name_length != 5 || memcmp(attribute.name, "xmlns", 5) != 0))
            continue;
        if (attribute.value_length != strlen(space) ||
            memcmp(attribute.value, space, attribute.value_length) != 0)
            continue;
        *prefix = named ? attribute.name + 6 : "";
        *length = named ? attribute.name_length - 6 : 0;
        return true;
    }
    return false;
}

void outline_keep_to(struct outline_patch *patch, size_t place)
{
    buf_append(patch->out, patch->outline->text + patch->at, place - patch->at);
    patch->at = place;
}

void outline_skip_to(struct outline_patch *patch, size_t place)
{
    patch->at = place;
}

void outline_keep_to_close(struct outline_patch *patch)
{
    const struct outline *outline = patch->outline;
    if (!outline->empty) {
        outline_keep_to(patch, outline->root_close);
        return;
    }
    size_t slash = outline->root_tag_end - 2;
    while (slash > outline->root && is_space(outline->text[slash - 1]))
        slash--;
    outline_keep_to(patch, slash);
    buf_putc(patch->out, '>');
    outline_skip_to(patch, outline->root_tag_end);
}

void outline_keep_rest(struct outline_patch *patch)
{
    const struct outline *outline = patch->outline;
    if (outline->empty) {
        buf_puts(patch->out, "</");
        buf_append(patch->out, outline->name, outline->name_length);
        buf_putc(patch->out, '>');
    }
    outline_keep_to(patch, outline->length);
}
