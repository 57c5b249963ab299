#include "distinct.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { levels = LEVEL_HIGH + 1, most_variants = 64, most_alternatives = 16, most_rows = 2048 };

struct value {
    uint64_t hash;
    uint16_t root, variant; /* variant: the child type, or types_none */
    uint8_t level;
    bool test, used;
    uint32_t count;
};

struct place {
    struct distinct_place at;
    uint32_t value; /* index, or no_value */
    uint16_t root;
    uint8_t level;
};

/* What is kept for each reporting type that was found. */
struct tally {
    size_t index; /* its rows in a report */
    uint64_t values;
    uint32_t overflow[levels]; /* occurrences of values beyond the cap */
    uint32_t placed[levels];
    uint16_t alternatives[levels][most_alternatives];
    uint8_t alternative_count[levels];
    bool at_least;
};

struct distinct {
    const struct types *types;
    uint64_t most_values, most_places;
    struct value *values;
    size_t value_count, value_capacity;
    uint32_t *slots; /* index + 1 into values, by hash */
    size_t slot_count;
    struct place *places;
    size_t place_count, place_capacity;
    struct tally **tallies; /* by type; NULL: not found. Most files hold few types. */
    size_t tally_count;
};

static const uint32_t no_value = UINT32_MAX;

struct distinct *distinct_open(const struct types *types, const struct limits *limits)
{
    struct distinct *distinct = mem_zalloc(1, sizeof *distinct);
    if (!distinct)
        return NULL;
    distinct->types = types;
    distinct->most_values = limits->distinct_values;
    distinct->most_places = limits->places;
    distinct->slot_count = 1024;
    distinct->slots = mem_zalloc(distinct->slot_count, sizeof *distinct->slots);
    distinct->tallies = mem_zalloc(types->count + 1, sizeof *distinct->tallies);
    if (distinct->slots && distinct->tallies)
        return distinct;
    distinct_close(distinct);
    return NULL;
}

void distinct_close(struct distinct *distinct)
{
    if (!distinct)
        return;
    mem_free(distinct->values);
    mem_free(distinct->slots);
    mem_free(distinct->places);
    for (size_t i = 0; distinct->tallies && i < distinct->types->count; i++)
        mem_free(distinct->tallies[i]);
    mem_free(distinct->tallies);
    mem_free(distinct);
}

static uint64_t turn(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[static 4])
{
    v[0] += v[1];
    v[1] = turn(v[1], 13) ^ v[0];
    v[0] = turn(v[0], 32);
    v[2] += v[3];
    v[3] = turn(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = turn(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = turn(v[1], 17) ^ v[2];
    v[2] = turn(v[2], 32);
}

/* Eight bytes, lowest first. */
static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static uint64_t rest_at(const uint8_t *bytes, size_t count)
{
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

uint64_t distinct_hash(const uint8_t key[static 16], const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t k0 = word_at(key), k1 = word_at(key + 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    for (size_t left = length;; left -= 8, at += 8) {
        uint64_t word = left >= 8 ? word_at(at) : rest_at(at, left) | (uint64_t)length << 56;
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
        if (left < 8)
            break;
    }
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static size_t first_slot(const struct distinct *distinct, uint64_t hash, uint16_t root)
{
    return (size_t)(hash ^ (uint64_t)root * 0x9e3779b97f4a7c15) & (distinct->slot_count - 1);
}

void distinct_expect(const struct distinct *distinct, const struct match *match)
{
    uint16_t root = types_root(distinct->types, match->type);
    __builtin_prefetch(&distinct->slots[first_slot(distinct, match->hash, root)]);
}

static size_t slot_of(const struct distinct *distinct, uint64_t hash, uint16_t root)
{
    size_t at = first_slot(distinct, hash, root);
    for (;; at = (at + 1) & (distinct->slot_count - 1)) {
        uint32_t index = distinct->slots[at];
        if (!index ||
            (distinct->values[index - 1].hash == hash && distinct->values[index - 1].root == root))
            return at;
    }
}

static bool grow_slots(struct distinct *distinct)
{
    uint32_t *old = distinct->slots;
    uint32_t *slots = mem_zalloc(distinct->slot_count * 2, sizeof *slots);
    if (!slots)
        return false;
    distinct->slots = slots;
    distinct->slot_count *= 2;
    for (size_t i = 0; i < distinct->value_count; i++)
        slots[slot_of(distinct, distinct->values[i].hash, distinct->values[i].root)] =
            (uint32_t)i + 1;
    mem_free(old);
    return true;
}

static bool reserve_value(struct distinct *distinct)
{
    if (distinct->value_count * 2 >= distinct->slot_count && !grow_slots(distinct))
        return false;
    if (distinct->value_count < distinct->value_capacity)
        return true;
    size_t capacity = distinct->value_capacity ? distinct->value_capacity * 2 : 256;
    struct value *values = mem_realloc(distinct->values, capacity, sizeof *values);
    if (!values)
        return false;
    distinct->values = values;
    distinct->value_capacity = capacity;
    return true;
}

/* The type's tally, made when it is found for the first time. NULL when memory is out. */
static struct tally *tally_for(struct distinct *distinct, uint16_t root)
{
    struct tally **tally = &distinct->tallies[root];
    if (*tally)
        return *tally;
    *tally = mem_zalloc(1, sizeof **tally);
    if (*tally)
        (*tally)->index = distinct->tally_count++;
    return *tally;
}

static void count_up(uint32_t *count)
{
    *count += *count < UINT32_MAX;
}

/* The value's index, new or known; no_value beyond the cap. False when memory is out. */
static bool count_value(struct distinct *distinct, const struct match *match, uint16_t root,
                        uint32_t *index)
{
    struct tally *tally = distinct->tallies[root];
    size_t slot = slot_of(distinct, match->hash, root);
    if (!distinct->slots[slot]) {
        if (tally->values >= distinct->most_values) {
            tally->at_least = true;
            count_up(&tally->overflow[match->level]);
            *index = no_value;
            return true;
        }
        if (!reserve_value(distinct))
            return false;
        slot = slot_of(distinct, match->hash, root);
        distinct->values[distinct->value_count] =
            (struct value){.hash = match->hash, .root = root, .variant = types_none};
        distinct->slots[slot] = (uint32_t)++distinct->value_count;
        tally->values++;
    }
    *index = distinct->slots[slot] - 1;
    struct value *value = &distinct->values[*index];
    count_up(&value->count);
    if (match->level > value->level)
        value->level = match->level;
    if (match->type != root)
        value->variant = match->type;
    value->test = value->test || match->test;
    return true;
}

static bool keep_place(struct distinct *distinct, const struct match *match, uint16_t root,
                       uint32_t value, const struct distinct_place *at)
{
    struct tally *tally = distinct->tallies[root];
    if (tally->placed[match->level] >= distinct->most_places * 2)
        return true;
    if (distinct->place_count == distinct->place_capacity) {
        size_t capacity = distinct->place_capacity ? distinct->place_capacity * 2 : 64;
        struct place *places = mem_realloc(distinct->places, capacity, sizeof *places);
        if (!places)
            return false;
        distinct->places = places;
        distinct->place_capacity = capacity;
    }
    tally->placed[match->level]++;
    distinct->places[distinct->place_count++] = (struct place){*at, value, root, match->level};
    return true;
}

static void keep_alternatives(struct tally *tally, const struct match *match)
{
    uint8_t *count = &tally->alternative_count[match->level];
    for (size_t i = 0; i < match->alternative_count; i++) {
        size_t k = 0;
        while (k < *count && tally->alternatives[match->level][k] != match->alternatives[i])
            k++;
        if (k == *count && *count < most_alternatives)
            tally->alternatives[match->level][(*count)++] = match->alternatives[i];
    }
}

bool distinct_add(struct distinct *distinct, const struct match *match,
                  const struct distinct_place *place)
{
    uint16_t root = types_root(distinct->types, match->type);
    uint32_t value;
    struct tally *tally = tally_for(distinct, root);
    if (!tally)
        return false;
    keep_alternatives(tally, match);
    return count_value(distinct, match, root, &value) &&
           keep_place(distinct, match, root, value, place);
}

/* Reporting ------------------------------------------------------------------------------------ */

/* A row under way. */
struct row {
    struct report_finding finding;
    bool used;
};

struct reporting {
    const struct distinct *distinct;
    const char *const *parts;
    struct arena *arena;
    struct row *rows; /* [tally][level] */
};

static struct row *row_at(struct reporting *reporting, uint16_t root, uint8_t level)
{
    return &reporting->rows[reporting->distinct->tallies[root]->index * levels + level];
}

static bool add_variant(struct reporting *reporting, struct report_finding *finding,
                        const char *type, uint32_t count)
{
    for (uint32_t i = 0; i < finding->variants_count; i++)
        if (strcmp(finding->variants[i].type, type) == 0) {
            finding->variants[i].count += count;
            finding->variants[i].unique_count++;
            return true;
        }
    if (!finding->variants)
        finding->variants = arena_alloc(reporting->arena, most_variants, sizeof *finding->variants);
    if (!finding->variants)
        return false;
    if (finding->variants_count < most_variants)
        finding->variants[finding->variants_count++] = (struct report_variant){type, count, 1};
    return true;
}

static bool add_value(struct reporting *reporting, const struct value *value)
{
    struct row *row = row_at(reporting, value->root, value->level);
    const struct types *types = reporting->distinct->types;
    row->used = true;
    row->finding.unique_count++;
    row->finding.count = row->finding.count > UINT32_MAX - value->count
                             ? UINT32_MAX
                             : row->finding.count + value->count;
    if (value->variant != types_none &&
        !add_variant(reporting, &row->finding, types->rows[value->variant].id, value->count))
        return false;
    return !value->test || add_variant(reporting, &row->finding, "test-number", value->count);
}

static bool add_place(struct reporting *reporting, const struct place *place)
{
    const struct distinct *distinct = reporting->distinct;
    uint8_t level = place->value == no_value ? place->level : distinct->values[place->value].level;
    struct report_finding *finding = &row_at(reporting, place->root, level)->finding;
    if (finding->where_count == distinct->most_places)
        return true;
    if (!finding->where)
        finding->where =
            arena_alloc(reporting->arena, distinct->most_places, sizeof *finding->where);
    if (!finding->where)
        return false;
    finding->where[finding->where_count++] =
        (struct report_place){reporting->parts[place->at.part], place->at.offset, place->at.length};
    return true;
}

static bool name_alternatives(struct reporting *reporting, const struct tally *tally,
                              struct report_finding *finding, uint8_t level)
{
    size_t count = tally->alternative_count[level];
    if (!count)
        return true;
    finding->alternatives = arena_alloc(reporting->arena, count, sizeof *finding->alternatives);
    if (!finding->alternatives)
        return false;
    for (size_t i = 0; i < count; i++)
        finding->alternatives[i].text =
            reporting->distinct->types->rows[tally->alternatives[level][i]].id;
    finding->alternatives_count = (uint32_t)count;
    return true;
}

static bool finish_row(struct reporting *reporting, uint16_t root, uint8_t level)
{
    const struct tally *tally = reporting->distinct->tallies[root];
    struct row *row = row_at(reporting, root, level);
    row->used = row->used || tally->overflow[level];
    row->finding.type = reporting->distinct->types->rows[root].id;
    row->finding.confidence = (enum report_confidence)(level - 1);
    row->finding.at_least = tally->at_least;
    row->finding.count = row->finding.count > UINT32_MAX - tally->overflow[level]
                             ? UINT32_MAX
                             : row->finding.count + tally->overflow[level];
    return !row->used || name_alternatives(reporting, tally, &row->finding, level);
}

static int by_type(const void *a, const void *b)
{
    const struct report_finding *left = a, *right = b;
    int order = strcmp(left->type, right->type);
    return order ? order : (int)right->confidence - (int)left->confidence;
}

static bool collect(struct reporting *reporting, struct report *report)
{
    size_t rows = reporting->distinct->tally_count * levels, count = 0;
    for (size_t i = 0; i < rows; i++)
        count += reporting->rows[i].used;
    report->findings = arena_alloc(reporting->arena, count, sizeof *report->findings);
    report->findings_count = 0;
    for (size_t i = 0; report->findings && i < rows; i++)
        if (reporting->rows[i].used && report->findings_count < most_rows)
            report->findings[report->findings_count++] = reporting->rows[i].finding;
    if (report->findings_count)
        qsort(report->findings, report->findings_count, sizeof *report->findings, by_type);
    return report->findings;
}

bool distinct_report(const struct distinct *distinct, const char *const *parts, struct arena *arena,
                     struct report *report)
{
    struct reporting reporting = {distinct, parts, arena, NULL};
    reporting.rows = mem_zalloc(distinct->tally_count * levels + 1, sizeof *reporting.rows);
    bool ok = reporting.rows;
    for (size_t i = 0; ok && i < distinct->value_count; i++)
        ok = add_value(&reporting, &distinct->values[i]);
    for (size_t i = 0; ok && i < distinct->place_count; i++)
        ok = add_place(&reporting, &distinct->places[i]);
    for (size_t i = 0; ok && i < distinct->types->count; i++)
        for (uint8_t level = LEVEL_LOW; ok && distinct->tallies[i] && level < levels; level++)
            ok = finish_row(&reporting, (uint16_t)i, level);
    ok = ok && collect(&reporting, report);
    mem_free(reporting.rows);
    return ok;
}
