#include "reference.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/own.h"

static bool is_word(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

/* A keyword as an expression: boundaries where they can stand, every other byte escaped. */
static const char *word_expression(struct arena *arena, const char *word)
{
    own_buf struct buf text = buf_new(1024);
    if (is_word((unsigned char)*word))
        buf_printf(&text, "\\b");
    for (const char *at = word; *at; at++)
        buf_printf(&text, is_word((unsigned char)*at) ? "%c" : "\\x%02x", (unsigned char)*at);
    if (is_word((unsigned char)word[strlen(word) - 1]))
        buf_printf(&text, "\\b");
    return arena_strndup(arena, text.bytes, text.length);
}

bool reference_open(struct reference *reference)
{
    static const char *const words[] = {
#define WORD(text) text,
#define ANCHOR(expression)
#include "scan_reference.def"
#undef WORD
#undef ANCHOR
    };
    static const char *const anchors[] = {
#define WORD(text)
#define ANCHOR(expression) expression,
#include "scan_reference.def"
#undef WORD
#undef ANCHOR
    };
    enum {
        word_count = sizeof words / sizeof *words,
        count = word_count + sizeof anchors / sizeof *anchors
    };
    own_arena struct arena arena = arena_new(1u << 20);
    const char *expressions[count];
    unsigned flags[count], ids[count];
    hs_compile_error_t *fault = NULL;
    for (unsigned i = 0; i < count; i++) {
        ids[i] = i;
        flags[i] = i < word_count ? HS_FLAG_CASELESS : 0;
        expressions[i] =
            i < word_count ? word_expression(&arena, words[i]) : anchors[i - word_count];
    }
    bool ok = hs_compile_multi(expressions, flags, ids, count, HS_MODE_BLOCK, NULL,
                               &reference->database, &fault) == HS_SUCCESS &&
              hs_alloc_scratch(reference->database, &reference->scratch) == HS_SUCCESS;
    if (fault)
        fprintf(stderr, "reference: %s\n", fault->message);
    hs_free_compile_error(fault);
    return ok;
}

void reference_close(struct reference *reference)
{
    hs_free_scratch(reference->scratch);
    hs_free_database(reference->database);
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

void reference_scan(const struct reference *reference, const char *text, size_t length)
{
    size_t hits = 0;
    for (size_t at = 0; at < length; at += reference_block) {
        size_t left = length - at < reference_block ? length - at : reference_block;
        hs_scan(reference->database, text + at, (unsigned)left, 0, reference->scratch, count_hit,
                &hits);
    }
}
