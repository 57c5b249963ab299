#include "base/linediff.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { around = 3 };
static const size_t cells_most = 8u << 20; /* of the table of common lines: 16 MiB */

struct line {
    const char *text;
    size_t length;
};

struct lines {
    struct line *items;
    size_t count;
};

/* One line of the result: ' ', '-' or '+', and where it stands in either text. */
struct edit {
    char sign;
    struct line line;
    size_t from, to; /* lines before it */
};

struct edits {
    struct edit *items;
    size_t count;
};

static bool split(const char *text, struct lines *lines)
{
    size_t count = 0;
    for (const char *at = text; *at; at++)
        count += *at == '\n';
    lines->items = mem_zalloc(count + 1, sizeof *lines->items);
    lines->count = 0;
    while (lines->items && *text) {
        size_t length = strcspn(text, "\n");
        lines->items[lines->count++] = (struct line){text, length};
        text += length + (text[length] == '\n');
    }
    return lines->items != NULL;
}

static bool same(struct line a, struct line b)
{
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

static void add(struct edits *edits, char sign, struct line line, size_t from, size_t to)
{
    edits->items[edits->count++] = (struct edit){sign, line, from, to};
}

/* The middle, between what is common at the start and at the end. */
struct middle {
    const struct lines *from, *to;
    size_t start, from_end, to_end;
};

/* table[i][j]: how many lines of from[i…] and to[j…] are common, in order. NULL: too many. */
static uint16_t *common(const struct middle *middle, size_t columns)
{
    size_t n = middle->from_end - middle->start, m = middle->to_end - middle->start;
    if (n > UINT16_MAX || m > UINT16_MAX || (n + 1) * columns > cells_most)
        return NULL;
    uint16_t *table = mem_zalloc((n + 1) * columns, sizeof *table);
    for (size_t i = n; table && i-- > 0;)
        for (size_t j = m; j-- > 0;) {
            uint16_t below = table[(i + 1) * columns + j], right = table[i * columns + j + 1];
            bool is =
                same(middle->from->items[middle->start + i], middle->to->items[middle->start + j]);
            table[i * columns + j] = is ? (uint16_t)(table[(i + 1) * columns + j + 1] + 1)
                                     : below >= right ? below
                                                      : right;
        }
    return table;
}

static void walk_middle(const struct middle *middle, struct edits *edits)
{
    size_t i = middle->start, j = middle->start, columns = middle->to_end - middle->start + 1;
    uint16_t *table = common(middle, columns);
    while (i < middle->from_end || j < middle->to_end) {
        size_t at = (i - middle->start) * columns + j - middle->start;
        bool both = i < middle->from_end && j < middle->to_end;
        if (both && table && same(middle->from->items[i], middle->to->items[j])) {
            add(edits, ' ', middle->from->items[i], i, j);
            i++, j++;
        } else if (i < middle->from_end &&
                   (!both || !table || table[at + columns] >= table[at + 1])) {
            add(edits, '-', middle->from->items[i], i, j);
            i++;
        } else {
            add(edits, '+', middle->to->items[j], i, j);
            j++;
        }
    }
    mem_free(table);
}

static void compare(const struct lines *from, const struct lines *to, struct edits *edits)
{
    struct middle middle = {from, to, 0, from->count, to->count};
    while (middle.start < from->count && middle.start < to->count &&
           same(from->items[middle.start], to->items[middle.start])) {
        add(edits, ' ', from->items[middle.start], middle.start, middle.start);
        middle.start++;
    }
    while (middle.from_end > middle.start && middle.to_end > middle.start &&
           same(from->items[middle.from_end - 1], to->items[middle.to_end - 1])) {
        middle.from_end--;
        middle.to_end--;
    }
    walk_middle(&middle, edits);
    for (size_t i = middle.from_end, j = middle.to_end; i < from->count; i++, j++)
        add(edits, ' ', from->items[i], i, j);
}

/* The end of the hunk that begins at `first`: changes at most twice `around` apart are one. */
static size_t hunk_end(const struct edits *edits, size_t first)
{
    size_t end = first, plain = 0;
    for (size_t i = first; i < edits->count && plain <= 2 * around; i++) {
        plain = edits->items[i].sign == ' ' ? plain + 1 : 0;
        if (edits->items[i].sign != ' ')
            end = i + 1;
    }
    return end + around < edits->count ? end + around : edits->count;
}

static void print_hunk(const struct edits *edits, size_t first, size_t end, struct buf *out)
{
    size_t from = 0, to = 0;
    const struct edit *begin = &edits->items[first];
    for (size_t i = first; i < end; i++) {
        from += edits->items[i].sign != '+';
        to += edits->items[i].sign != '-';
    }
    buf_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", begin->from + (from > 0), from,
               begin->to + (to > 0), to);
    for (size_t i = first; i < end; i++) {
        buf_putc(out, edits->items[i].sign);
        buf_append(out, edits->items[i].line.text, edits->items[i].line.length);
        buf_putc(out, '\n');
    }
}

static void print(const struct edits *edits, struct buf *out)
{
    for (size_t i = 0; i < edits->count; i++) {
        if (edits->items[i].sign == ' ')
            continue;
        size_t end = hunk_end(edits, i), first = i > around ? i - around : 0;
        print_hunk(edits, first, end, out);
        i = end - 1;
    }
}

bool linediff_write(const char *from, const char *to, struct buf *out)
{
    struct lines old = {0}, new = {0};
    struct edits edits = {0};
    bool ok = split(from, &old) && split(to, &new);
    edits.items = ok ? mem_zalloc(old.count + new.count + 1, sizeof *edits.items) : NULL;
    if (edits.items) {
        compare(&old, &new, &edits);
        print(&edits, out);
    }
    ok = edits.items && !out->failed;
    mem_free(edits.items);
    mem_free(old.items);
    mem_free(new.items);
    return ok;
}
