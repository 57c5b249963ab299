#include "judge.h"

#include <math.h>
#include <string.h>

#include "distinct.h"
#include "guards.h"
#include "shapes.h"
#include "tokens.h"

enum { weak_check = 50, most_neighbours = 64, most_near_value = 64 };

/* A candidate with what has been found out about it. */
struct trial {
    struct judge *judge;
    const struct judge_candidate *candidate;
    const struct types_row *row;
    const struct types_find *find;
    const char *raw;
    size_t raw_length;
    struct judge_form *form; /* NULL: every byte counts */
    const char *value;       /* in plain form */
    size_t length;
    bool keyword, test;
};

void judge_forget(struct judge *judge)
{
    judge->span.known = false;
}

void judge_locate(struct judge *judge, size_t place)
{
    while (judge->cursor < place) {
        const char *text = judge->text + judge->cursor;
        size_t left = place - judge->cursor, count = left < 64 ? left : 64;
        uint64_t tabs = tokens_where(text, count, '\t'), lines = tokens_where(text, count, '\n');
        if (lines) {
            unsigned last = 63 - (unsigned)__builtin_clzll(lines);
            judge->row += (unsigned)__builtin_popcountll(lines);
            judge->column = 0;
            tabs &= last == 63 ? 0 : UINT64_MAX << (last + 1);
        }
        judge->column += (unsigned)__builtin_popcountll(tabs);
        judge->cursor += count;
    }
}

/* Turn to the candidate's span, unless it is the one judged last. */
static void look_at(struct judge *judge, const struct judge_candidate *candidate)
{
    struct judge_span *span = &judge->span;
    if (span->known && span->start == candidate->start && span->end == candidate->end)
        return;
    span->start = candidate->start;
    span->end = candidate->end;
    span->known = true;
    span->clean = guards_edges(judge->text, judge->length, span->start, span->end);
    span->bare = span->in_run = span->dull = -1;
    span->forms[0].known = span->forms[1].known = false;
    span->stamp++;
}

static struct judge_form *form_of(const struct trial *trial, bool exact)
{
    struct judge_form *form = &trial->judge->span.forms[exact];
    if (!form->known)
        form->length = (uint32_t)types_normalise(trial->raw, trial->raw_length, exact, form->text,
                                                 judge_most_value);
    if (!form->known)
        form->hashed = false;
    form->known = true;
    return form;
}

/* The value in plain form; a pattern that minds case keeps every byte. */
static void normalise(struct trial *trial)
{
    bool pattern = trial->find->kind == FIND_PATTERN;
    bool exact = trial->find->exact || (pattern && !trial->find->caseless);
    if (exact && pattern) {
        trial->value = trial->raw;
        trial->length = trial->raw_length < judge_most_value ? trial->raw_length : judge_most_value;
        return;
    }
    trial->form = form_of(trial, exact);
    trial->value = trial->form->text;
    trial->length = trial->form->length;
}

static bool is_listed(const struct trial *trial, const char *const *values, size_t count)
{
    if (!count)
        return false;
    const struct judge_form *plain = form_of(trial, false);
    for (size_t i = 0; plain->length && i < count; i++)
        if (values[i][0] == plain->text[0] && strlen(values[i]) == plain->length &&
            memcmp(values[i], plain->text, plain->length) == 0)
            return true;
    return false;
}

/* Published specimens of a parent are its children's too. */
static bool is_specimen(const struct trial *trial)
{
    const struct types_row *row = trial->row;
    for (;; row = &trial->judge->types->rows[row->parent]) {
        if (is_listed(trial, row->test_values, row->test_value_count))
            return true;
        if (row->parent == types_none)
            return false;
    }
}

static bool is_excluded_shape(const struct trial *trial)
{
    for (size_t i = 0; i < trial->row->exclude_shape_count; i++)
        if (shapes_match(&trial->row->exclude_shapes[i], trial->judge->text,
                         trial->candidate->start, trial->candidate->end))
            return true;
    return false;
}

/* Digits only, and no separator in between. */
static bool look_bare(const struct trial *trial)
{
    if (trial->length != trial->raw_length || trial->length == 0)
        return false;
    for (size_t i = 0; i < trial->length; i++)
        if (trial->value[i] < '0' || trial->value[i] > '9')
            return false;
    return true;
}

static bool is_bare(const struct trial *trial)
{
    int8_t *bare = &trial->judge->span.bare;
    if (*bare < 0)
        *bare = look_bare(trial);
    return *bare;
}

static bool in_run(const struct trial *trial)
{
    const struct judge *judge = trial->judge;
    int8_t *in_run = &trial->judge->span.in_run;
    if (*in_run < 0)
        *in_run = guards_in_run(judge->text, judge->length, trial->candidate->start,
                                trial->candidate->end);
    return *in_run;
}

/* Only digits are dull, and they are the same in both forms. */
static bool is_dull(const struct trial *trial)
{
    int8_t *dull = &trial->judge->span.dull;
    if (*dull < 0)
        *dull = guards_dull(trial->value, trial->length);
    return *dull;
}

static bool has_digit(const struct trial *trial)
{
    for (size_t i = 0; i < trial->length; i++)
        if (trial->value[i] >= '0' && trial->value[i] <= '9')
            return true;
    return false;
}

static bool guarded(const struct trial *trial)
{
    if (trial->find->kind == FIND_PATTERN)
        return strcmp(trial->row->category, "secret") == 0 && !trial->test &&
               guards_placeholder(trial->raw, trial->raw_length);
    if (trial->find->kind != FIND_SHAPE)
        return false;
    if (in_run(trial))
        return true;
    bool ours = trial->row->builtin || trial->row->check_count;
    return ours && !trial->test && is_dull(trial);
}

/* Numbers that are more often something else, unless a keyword says what they are. */
static bool doubtful(const struct trial *trial)
{
    if (trial->find->kind != FIND_SHAPE || trial->test)
        return false;
    return is_bare(trial) &&
           ((trial->row->one_in < weak_check && guards_timestamp(trial->value, trial->length)) ||
            guards_isbn(trial->value, trial->length));
}

/* Bits a byte of the matched text. */
static double entropy_of(const char *text, size_t length)
{
    size_t counts[256] = {0};
    double bits = 0;
    for (size_t i = 0; i < length; i++)
        counts[(unsigned char)text[i]]++;
    for (size_t i = 0; i < 256; i++) {
        double share = (double)counts[i] / (double)length;
        bits -= counts[i] ? share * log2(share) : 0;
    }
    return bits;
}

static struct checks_input input_of(const struct trial *trial)
{
    const struct judge *judge = trial->judge;
    size_t start = trial->candidate->start, end = trial->candidate->end;
    size_t capture = trial->find->capture;
    start -= capture < start ? capture : start;
    end += capture < judge->length - end ? capture : judge->length - end;
    return (struct checks_input){trial->value, trial->length, judge->text + start, end - start};
}

/* Most checks belong to many types. What lies around the span is not part of the memo. */
static bool check_holds(const struct trial *trial, const struct checks_row *check,
                        const struct checks_input *input)
{
    struct judge_span *span = &trial->judge->span;
    bool exact = trial->form == &span->forms[1];
    size_t at = (uintptr_t)check / sizeof *check % judge_most_memos;
    if (!trial->form || trial->find->capture)
        return checks_pass(check, input);
    if (span->memos[at].stamp != span->stamp || span->memos[at].check != check ||
        span->memos[at].exact != exact) {
        span->memos[at].passes = checks_pass(check, input);
        span->memos[at].check = check;
        span->memos[at].stamp = span->stamp;
        span->memos[at].exact = exact;
    }
    return span->memos[at].passes;
}

static bool checks_hold(const struct trial *trial)
{
    const struct checks_input input = input_of(trial);
    if (trial->row->entropy > 0 && entropy_of(trial->raw, trial->raw_length) < trial->row->entropy)
        return false;
    for (size_t i = 0; i < trial->row->check_count; i++)
        if (!check_holds(trial, trial->row->checks[i], &input))
            return false;
    return true;
}

static bool stands_near(const struct trial *trial, uint32_t slot)
{
    const struct nearby_query query = {
        .text = trial->judge->text,
        .length = trial->judge->length,
        .start = trial->candidate->start,
        .end = trial->candidate->end,
        .characters = trial->row->near_characters,
        .before_only = trial->row->keyword_before,
        .same_row = trial->judge->table,
    };
    return nearby_has(trial->judge->nearby, slot, &query);
}

static bool find_keyword(const struct trial *trial)
{
    uint16_t type = trial->candidate->type;
    if (!trial->row->keyword_count)
        return false;
    if (stands_near(trial, type))
        return true;
    if (!trial->judge->table || !trial->row->keyword_column)
        return false;
    judge_locate(trial->judge, trial->candidate->start);
    return trial->judge->row > 0 &&
           nearby_in_header(trial->judge->nearby, trial->judge->column, type);
}

static bool excluded_by_word(const struct trial *trial)
{
    return trial->row->exclude_word_count &&
           stands_near(trial, (uint32_t)trial->judge->types->count + trial->candidate->type);
}

/* Whether the candidate may go without a keyword. */
static bool needs_keyword(const struct trial *trial)
{
    const struct types_row *row = trial->row;
    bool weak = row->one_in < weak_check && !row->bare;
    if (trial->candidate->loose || trial->find->needs_keyword || row->keyword_required)
        return true;
    if (trial->find->kind != FIND_SHAPE)
        return false;
    return (weak && is_bare(trial)) || !has_digit(trial) || doubtful(trial);
}

static bool is_word_start(const char *text, size_t at)
{
    struct tokens_char here, before;
    tokens_decode(text + at, 4, &here);
    return here.kind == TOKENS_WORD &&
           !(tokens_before(text, at, &before) && tokens_wordlike(&before));
}

static bool shape_between(const struct picture *picture, const char *text, size_t from, size_t to)
{
    for (size_t at = from; at < to; at++) {
        if (to - at < 4 || !is_word_start(text, at))
            continue;
        size_t most = to - at < most_near_value ? to - at : most_near_value;
        for (size_t size = 2; size <= most; size++) {
            if (!shapes_match(picture, text, at, at + size))
                continue;
            struct tokens_char next;
            if (at + size == to)
                return true;
            tokens_decode(text + at + size, to - at - size, &next);
            if (!tokens_wordlike(&next))
                return true;
        }
    }
    return false;
}

static bool shapes_near(const struct trial *trial)
{
    const struct judge *judge = trial->judge;
    for (size_t i = 0; i < trial->row->near_count; i++) {
        const struct types_near *near = &trial->row->nears[i];
        size_t start = trial->candidate->start, end = trial->candidate->end;
        if (near->type_id)
            continue;
        size_t from = start > near->within ? start - near->within : 0;
        size_t to = end + near->within < judge->length ? end + near->within : judge->length;
        if (!shape_between(&near->picture, judge->text, from, start) &&
            !shape_between(&near->picture, judge->text, end, to))
            return false;
    }
    return true;
}

static enum types_level level_of(const struct trial *trial)
{
    const struct types_row *row = trial->row;
    enum types_case which = row->check_count ? (trial->keyword ? CASE_CHECK_KEYWORD : CASE_CHECK)
                                             : (trial->keyword ? CASE_KEYWORD : CASE_FOUND);
    enum types_level level = row->confidence[which];
    const struct checks_input input = input_of(trial);
    for (size_t i = 0; level != LEVEL_NONE && i < row->confirm_count; i++)
        if (row->confirms[i].to > level && checks_pass(row->confirms[i].check, &input))
            level = row->confirms[i].to;
    if (level > row->cap)
        level = row->cap;
    return trial->test && level > LEVEL_LOW ? LEVEL_LOW : level;
}

static bool passes(struct trial *trial)
{
    const struct types_row *row = trial->row;
    look_at(trial->judge, trial->candidate);
    if (trial->find->kind == FIND_SHAPE && !trial->judge->span.clean)
        return false;
    normalise(trial);
    if (!checks_hold(trial) || is_listed(trial, row->exclude_values, row->exclude_value_count) ||
        is_excluded_shape(trial))
        return false;
    trial->test = is_specimen(trial);
    if (guarded(trial))
        return false;
    trial->keyword = find_keyword(trial);
    if (!trial->keyword && needs_keyword(trial))
        return false;
    return !excluded_by_word(trial) && shapes_near(trial);
}

static uint64_t hash_of(const struct trial *trial)
{
    struct judge_form *form = trial->form;
    if (!form)
        return distinct_hash(trial->judge->key, trial->value, trial->length);
    if (!form->hashed)
        form->hash = distinct_hash(trial->judge->key, form->text, form->length);
    form->hashed = true;
    return form->hash;
}

bool judge_candidate(struct judge *judge, const struct judge_candidate *candidate,
                     struct match *match)
{
    const struct types_row *row = &judge->types->rows[candidate->type];
    struct trial trial;
    trial.judge = judge;
    trial.form = NULL;
    trial.candidate = candidate;
    trial.row = row;
    trial.find = &row->finds[candidate->find];
    trial.raw = judge->text + candidate->start;
    trial.raw_length = candidate->end - candidate->start;
    if (!passes(&trial))
        return false;
    *match = (struct match){
        .start = candidate->start,
        .end = candidate->end,
        .type = candidate->type,
        .find = candidate->find,
        .level = (uint8_t)level_of(&trial),
        .keyword = trial.keyword,
        .test = trial.test,
        .shape = trial.find->kind == FIND_SHAPE,
    };
    match->hash = hash_of(&trial);
    return match->level != LEVEL_NONE;
}

/* Neighbours ----------------------------------------------------------------------------------- */

static bool is_near(const struct judge *judge, const struct match *a, const struct match *b,
                    uint32_t within)
{
    size_t from = a->start < b->start ? a->end : b->end;
    size_t to = a->start < b->start ? b->start : a->start;
    if (to <= from)
        return false;
    return to - from <= within && !(judge->table && memchr(judge->text + from, '\n', to - from));
}

static bool has_neighbour(const struct judge *judge, const struct match_list *matches, size_t at,
                          const struct types_near *near)
{
    for (size_t step = 1; step <= most_neighbours; step++) {
        const struct match *list = matches->list;
        const struct match *pair[2] = {step <= at ? &list[at - step] : NULL,
                                       at + step < matches->count ? &list[at + step] : NULL};
        for (size_t i = 0; i < 2; i++)
            if (pair[i] && pair[i]->level != LEVEL_NONE &&
                types_is(judge->types, pair[i]->type, near->type) &&
                is_near(judge, &list[at], pair[i], near->within))
                return true;
    }
    return false;
}

void judge_neighbours(const struct judge *judge, struct match_list *matches)
{
    for (size_t i = 0; i < matches->count; i++) {
        const struct types_row *row = &judge->types->rows[matches->list[i].type];
        for (size_t k = 0; k < row->near_count; k++)
            if (row->nears[k].type_id && !has_neighbour(judge, matches, i, &row->nears[k]))
                matches->list[i].level = LEVEL_NONE;
    }
}
