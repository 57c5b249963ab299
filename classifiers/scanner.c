#include <string.h>

#include "base/mem.h"
#include "scanner_parts.h"

enum { most_starts = 8 };

struct scanner *scanner_open(const struct types *types, const char *cache_dir, struct buf *problems,
                             struct err *err)
{
    struct err why = {0};
    struct scanner *scanner = mem_zalloc(1, sizeof *scanner);
    if (!scanner) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    scanner->arena = arena_new(512u << 20);
    if ((scanner_collect(scanner, types) || err_set(&why, ERR_MEMORY, "out of memory")) &&
        scanner_compile(scanner, types, cache_dir, problems, &why))
        return scanner;
    scanner_close(scanner);
    err_set(err, why.kind, "%s", why.text);
    return NULL;
}

void scanner_close(struct scanner *scanner)
{
    if (!scanner)
        return;
    hs_free_scratch(scanner->scratch);
    hs_free_scratch(scanner->confirm_scratch);
    for (size_t i = 0; i < scanner_cache_databases; i++)
        hs_free_database(scanner->databases[i]);
    mem_free(scanner->uses);
    arena_fini(&scanner->arena);
    mem_free(scanner);
}

bool scanner_cached(const struct scanner *scanner)
{
    return scanner->cached;
}

/* Scanning ------------------------------------------------------------------------------------- */

struct scan {
    const struct scanner *scanner;
    const char *text;
    size_t length;
    const struct scanner_sink *sink;
    bool failed;
};

static int tell(struct scan *scan, const struct scanner_use *use, size_t start, size_t end)
{
    const struct scanner_hit hit = {(uint32_t)start, (uint32_t)end, use->type, use->find,
                                    use->kind};
    if (!scan->sink->hit(scan->sink->context, &hit))
        scan->failed = true;
    return scan->failed;
}

struct longest {
    unsigned id;
    size_t end;
};

static int note_end(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
    struct longest *longest = context;
    (void)from;
    (void)flags;
    if (id == longest->id && to > longest->end)
        longest->end = to;
    return 0;
}

static bool word_byte(unsigned char c)
{
    return (unsigned)(c - '0') < 10 || (unsigned)((c | 32) - 'a') < 26 || c == '_';
}

static bool may_start(const struct scan *scan, const struct anchor *anchor, size_t at)
{
    return !anchor->boundary || at == 0 ||
           word_byte((unsigned char)scan->text[at - 1]) != word_byte((unsigned char)scan->text[at]);
}

/* The longest match that starts at `start`; 0 when there is none. */
static size_t confirm_at(const struct scan *scan, uint32_t id, size_t start)
{
    const struct scanner *scanner = scan->scanner;
    size_t width = scanner->confirms[id].width, left = scan->length - start;
    struct longest longest = {.id = id};
    hs_scan(scanner->databases[1], scan->text + start, (unsigned)(left < width ? left : width), 0,
            scanner->confirm_scratch, note_end, &longest);
    return longest.end ? start + longest.end : 0;
}

static int confirm(struct scan *scan, const struct scanner_use *use, size_t start, size_t end)
{
    const struct anchor *anchor = &scan->scanner->confirms[use->confirm].anchor;
    size_t first = start;
    while (first > 0 && start - first < anchor->left_most) {
        unsigned char c = (unsigned char)scan->text[first - 1];
        if (!(anchor->left[c / 64] >> (c % 64) & 1))
            break;
        first--;
    }
    size_t last = anchor->left_most && start > 0 ? start - 1 : start;
    for (size_t tries = 0; first <= last && tries < most_starts; first++) {
        if (!may_start(scan, anchor, first))
            continue;
        size_t found = confirm_at(scan, use->confirm, first);
        if (found >= end)
            return tell(scan, use, first, found);
        tries++;
    }
    return 0;
}

static int confirm_start(struct scan *scan, const struct scanner_use *use, size_t start)
{
    size_t end = confirm_at(scan, use->confirm, start);
    return end ? tell(scan, use, start, end) : 0;
}

/* A literal or expression of the main database. */
static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
    struct scan *scan = context;
    const struct scanner_entry *entry = &scan->scanner->entries[id];
    (void)flags;
    for (size_t i = 0; i < entry->count; i++) {
        const struct scanner_use *use = &scan->scanner->uses[entry->first + i];
        bool expression = use->engine == SCANNER_EXPRESSION;
        size_t end = (size_t)to;
        size_t start = expression ? (size_t)from : end - use->length;
        int stop = 0;
        if (use->anchor)
            stop = expression ? confirm_start(scan, use, start) : confirm(scan, use, start, end);
        else if (expression || lexicon_alone(scan->text, scan->length, start, end))
            stop = tell(scan, use, start, end);
        if (stop)
            return stop;
    }
    return 0;
}

static bool on_word(void *context, uint32_t id, uint32_t start, uint32_t end)
{
    struct scan *scan = context;
    const struct scanner_entry *entry = &scan->scanner->entries[id];
    for (size_t i = 0; i < entry->count; i++)
        if (tell(scan, &scan->scanner->uses[entry->first + i], start, end))
            return false;
    return true;
}

/* Runs ----------------------------------------------------------------------------------------- */

static bool has_byte(const uint64_t set[static 4], unsigned char byte)
{
    return set[byte / 64] >> (byte % 64) & 1;
}

static bool head_fits(const struct anchor *anchor, const char *text)
{
    for (size_t i = 0; i < anchor->head_count; i++)
        if (!has_byte(anchor->head[i], (unsigned char)text[i]))
            return false;
    return true;
}

/* A run of the pass goes on from here, long enough for one of its expressions at least. */
static int on_run(struct scan *scan, const struct scanner_pass *pass, size_t start)
{
    const struct scanner *scanner = scan->scanner;
    for (size_t i = scanner->first_run; i < scanner->use_count; i++) {
        const struct scanner_use *use = &scanner->uses[i];
        const struct anchor *anchor = &scanner->confirms[use->confirm].anchor;
        if (anchor->extra != pass->extra || scan->length - start < anchor->run ||
            !head_fits(anchor, scan->text + start) || !may_start(scan, anchor, start))
            continue;
        int stop = confirm_start(scan, use, start);
        if (stop)
            return stop;
    }
    return 0;
}

/* Where at least so many bits follow one another, up to 64: all the first ones. */
static uint64_t run_starts(uint64_t bits, uint64_t next, uint32_t least)
{
    unsigned __int128 left = (unsigned __int128)next << 64 | bits;
    uint32_t have = 1;
    for (; have * 2 <= least; have *= 2)
        left &= left >> have;
    if (have < least)
        left &= left >> (least - have);
    return (uint64_t)left;
}

static uint64_t run_bits(const struct scan *scan, const struct scanner_pass *pass,
                         const struct tokens_maps *maps, size_t word)
{
    size_t at = word * 64, left = at < scan->length ? scan->length - at : 0;
    uint64_t bits = maps->words[word];
    if (pass->extra)
        bits |= tokens_where(scan->text + at, left < 64 ? left : 64, pass->extra);
    return bits;
}

static bool scan_runs(struct scan *scan, const struct scanner_pass *pass,
                      const struct tokens_maps *maps)
{
    uint64_t carry = 0, bits = run_bits(scan, pass, maps, 0);
    for (size_t i = 0; i * 64 < scan->length; i++) {
        uint64_t next = run_bits(scan, pass, maps, i + 1);
        uint64_t left = run_starts(bits, next, pass->least);
        if (pass->bounded)
            left &= ~(bits << 1 | carry);
        for (; left; left &= left - 1)
            if (on_run(scan, pass, i * 64 + (size_t)__builtin_ctzll(left)))
                return false;
        carry = bits >> 63;
        bits = next;
    }
    return true;
}

static bool scan_passes(struct scan *scan, const struct tokens_maps *maps)
{
    for (size_t i = 0; i < scan->scanner->pass_count; i++)
        if (!scan_runs(scan, &scan->scanner->passes[i], maps))
            return false;
    return true;
}

bool scanner_scan(const struct scanner *scanner, const char *text, size_t length,
                  const struct tokens_maps *maps, const struct scanner_sink *sink)
{
    struct scan scan = {scanner, text, length, sink, false};
    const struct lexicon_sink words = {&scan, on_word};
    if (!length)
        return true;
    if (!lexicon_scan(scanner->lexicon, text, length, maps, &words) || !scan_passes(&scan, maps))
        return false;
    if (!scanner->databases[0])
        return true;
    hs_error_t code = hs_scan(scanner->databases[0], text, (unsigned)length, 0, scanner->scratch,
                              on_match, &scan);
    return code == HS_SUCCESS && !scan.failed;
}

static int count_hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                     void *context)
{
    (void)id;
    (void)from;
    (void)to;
    (void)flags;
    ++*(size_t *)context;
    return 0;
}

size_t scanner_count(const struct scanner *scanner, const char *text, size_t length)
{
    size_t count = 0;
    if (scanner->databases[0] && length)
        hs_scan(scanner->databases[0], text, (unsigned)length, 0, scanner->scratch, count_hit,
                &count);
    return count;
}
