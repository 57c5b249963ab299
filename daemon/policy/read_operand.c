#include "policy/read.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const step_words[] = {"private",         "internal-people",  "organisation",
                                         "external-people", "anyone-with-link", "public"};
static const char *const status_words[] = {"ok",          "partial",   "encrypted", "corrupt",
                                           "unsupported", "too-large", "hostile",   "crashed"};
static const char *const change_words[] = {"none", "lowered", "removed", "raised"};
static const char *const setter_words[] = {"automatic", "manual"};
static const char *const family_words[] = {"document", "spreadsheet", "presentation", "text",
                                           "code",     "image",       "archive",      "mail",
                                           "database", "media",       "program"};

const struct read_words read_steps = READ_WORDS(step_words);
const struct read_words read_statuses = READ_WORDS(status_words);
const struct read_words read_changes = READ_WORDS(change_words);

/* Bounds ------------------------------------------------------------------------------------- */

/* at_least, at_most: read by `one` into 64 bits. */
struct bounds {
    const struct yaml_pair *at_least, *at_most;
    uint64_t low, high;
};

static bool find_bounds(const struct yaml_node *map, struct bounds *bounds)
{
    *bounds = (struct bounds){.high = UINT64_MAX};
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->pairs[i].key, "at_least") == 0)
            bounds->at_least = &map->pairs[i];
        if (strcmp(map->pairs[i].key, "at_most") == 0)
            bounds->at_most = &map->pairs[i];
    }
    return bounds->at_least || bounds->at_most;
}

static bool possible(struct read *read, const struct bounds *bounds)
{
    if (!bounds->at_least || !bounds->at_most || bounds->low <= bounds->high)
        return true;
    return read_error(read, read_at_key(bounds->at_least), "never-true",
                      "at_least %s with at_most %s can never be true", bounds->at_least->value.text,
                      bounds->at_most->value.text);
}

static bool needs_direction(struct read *read, const struct yaml_node *node, const char *what)
{
    const char *text = node->kind == YAML_SCALAR && *node->text ? node->text : "X";
    return read_error(read, read_at_node(node), "bare-ladder",
                      "%s needs a direction: { at_least: %.80s }, { at_most: %.80s } or "
                      "{ is: %.80s }",
                      what, text, text, text);
}

/* "at least 5", "at most 9", "5 to 9". */
static const char *bounds_text(struct read *read, const struct bounds *bounds)
{
    if (bounds->at_least && bounds->at_most)
        return read_printf(read, "at least %s, at most %s", bounds->at_least->value.text,
                           bounds->at_most->value.text);
    return bounds->at_least ? read_printf(read, "at least %s", bounds->at_least->value.text)
                            : read_printf(read, "at most %s", bounds->at_most->value.text);
}

/* findings ----------------------------------------------------------------------------------- */

bool read_confidence(struct read *read, const struct yaml_node *node,
                     enum report_confidence *confidence)
{
    if (node->kind == YAML_SCALAR && report_confidence_find(node->text, confidence))
        return true;
    int value = 0;
    const char *text = node->kind == YAML_SCALAR ? node->text : "";
    for (const char *c = text; *c >= '0' && *c <= '9' && value < 1000; c++)
        value = value * 10 + (*c - '0');
    const char *better = value == 0    ? "low, medium or high"
                         : value <= 65 ? "low"
                         : value <= 75 ? "medium"
                                       : "high";
    return read_error(read, read_at_node(node), "bad-confidence",
                      "\"%.80s\" is not a confidence; write %s (low 65, medium 75, high 85)", text,
                      better);
}

static bool count_bounds(struct read *read, const struct yaml_node *node,
                         struct rule_findings *findings)
{
    struct bounds bounds;
    find_bounds(node, &bounds);
    bounds.low = bounds.at_most ? 0 : 1;
    if (bounds.at_least && !read_number(read, &bounds.at_least->value, "at_least", &bounds.low))
        return false;
    if (bounds.at_most && !read_number(read, &bounds.at_most->value, "at_most", &bounds.high))
        return false;
    findings->at_least = bounds.low;
    findings->at_most = bounds.high;
    return possible(read, &bounds);
}

static bool read_kinds(struct read *read, const struct yaml_node *kinds,
                       struct rule_findings *findings)
{
    uint64_t number = 0;
    if (!kinds)
        return true;
    if (!read_number(read, kinds, "kinds", &number))
        return false;
    findings->kinds = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    return number > 0 ||
           read_error(read, read_at_node(kinds), "bad-number", "\"kinds\" must be 1 or more");
}

static const char *findings_text(struct read *read, const struct yaml_node *type,
                                 const struct rule_findings *findings)
{
    static const char *const better[] = {"low or better", "medium or better", "high"};
    char bounds[80];
    unsigned long long low = findings->at_least, high = findings->at_most;
    if (findings->at_most == UINT64_MAX)
        snprintf(bounds, sizeof bounds, "at least %llu", low);
    else if (low == 0)
        snprintf(bounds, sizeof bounds, "at most %llu", high);
    else
        snprintf(bounds, sizeof bounds, "%llu to %llu", low, high);
    char kinds[80] = "";
    if (findings->kinds)
        snprintf(kinds, sizeof kinds, "%u kinds with ", findings->kinds);
    return read_printf(read, "%s, %s%s%s%s, %s", read_join(read, type), kinds, bounds,
                       findings->every ? " in all" : " different", findings->kinds ? " each" : "",
                       better[findings->confidence]);
}

static bool read_findings(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    static const char *const keys[] = {"type",       "at_least", "at_most",
                                       "confidence", "count",    "kinds"};
    static const char *const counts[] = {"unique", "all"};
    struct rule_findings *findings = &when->findings;
    const struct yaml_node *type = yaml_get(node, "type");
    if (!read_map(read, node, READ_WORDS(keys), "in findings"))
        return false;
    if (!type)
        return read_lacks(node, "type", READ_WORDS(keys)) &&
               read_error(read, read_at_node(node), "missing-key",
                          "findings needs a \"type\": a type or bundle, or a list of them");
    *findings = (struct rule_findings){.confidence = read->confidence};
    const struct yaml_node *confidence = yaml_get(node, "confidence");
    const struct yaml_node *count = yaml_get(node, "count");
    unsigned every = read->every;
    bool ok = !confidence || read_confidence(read, confidence, &findings->confidence);
    ok = (!count || read_choice(read, count, "count", READ_WORDS(counts), &every)) && ok;
    findings->every = every == 1;
    ok = count_bounds(read, node, findings) && ok;
    ok = read_kinds(read, yaml_get(node, "kinds"), findings) && ok;
    ok = read_type_each(read, type, findings) && ok;
    if (ok && findings->kinds > findings->set_count)
        ok = read_error(read, read_at_node(yaml_get(node, "kinds")), "never-true",
                        "kinds %u with %zu types can never be true", findings->kinds,
                        findings->set_count);
    when->want = ok ? findings_text(read, type, findings) : "";
    return ok;
}

/* exposure ----------------------------------------------------------------------------------- */

static bool read_step(struct read *read, const struct yaml_node *node, uint64_t *step)
{
    const char *text = read_text(read, node, "exposure");
    for (size_t i = 0; text && i < read_steps.count; i++)
        if (strcmp(text, step_words[i]) == 0) {
            *step = i;
            return true;
        }
    if (!text)
        return false;
    const char *near = read_suggest(text, read_steps);
    return read_error(read, read_at_node(node), "bad-step",
                      "\"%.80s\" is not an exposure step%s%s%s (private, internal-people, "
                      "organisation, external-people, anyone-with-link, public)",
                      text, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool ladder_is_alone(struct read *read, const struct yaml_node *node,
                            const struct yaml_node *is, const struct bounds *bounds)
{
    if (is && (bounds->at_least || bounds->at_most))
        return read_error(read, read_at_node(node), "conflict",
                          "\"is\" stands alone: no at_least or at_most beside it");
    if (!is && !bounds->at_least && !bounds->at_most)
        return read_error(read, read_at_node(node), "missing-key",
                          "a ladder needs at_least, at_most or is");
    return true;
}

static bool exposure_ladder(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    static const char *const keys[] = {"at_least", "at_most", "is"};
    struct bounds bounds;
    const struct yaml_node *is = yaml_get(node, "is");
    read_map(read, node, READ_WORDS(keys), "in exposure");
    find_bounds(node, &bounds);
    if (!ladder_is_alone(read, node, is, &bounds))
        return false;
    bounds.high = FACTS_PUBLIC;
    bool ok = !bounds.at_least || read_step(read, &bounds.at_least->value, &bounds.low);
    ok = (!bounds.at_most || read_step(read, &bounds.at_most->value, &bounds.high)) && ok;
    if (!ok || !possible(read, &bounds))
        return false;
    size_t count = 0;
    const struct yaml_node *items = is ? read_items(is, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        uint64_t step = 0;
        ok = read_step(read, &items[i], &step) && ok;
        when->mask |= 1u << step;
    }
    for (uint64_t step = bounds.low; !is && step <= bounds.high; step++)
        when->mask |= 1u << step;
    when->want = is ? read_join(read, is) : bounds_text(read, &bounds);
    return ok;
}

static bool read_exposure(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    if (node->kind == YAML_MAP)
        return exposure_ladder(read, node, when);
    if (node->kind != YAML_SCALAR || strcmp(node->text, "unknown") != 0)
        return needs_direction(read, node, "exposure");
    when->mask = 1u << FACTS_EXPOSURE_UNKNOWN;
    when->want = "unknown";
    return true;
}

/* Texts -------------------------------------------------------------------------------------- */

static bool read_globbed(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    when->want = read_join(read, node);
    return read_globs(read, node, when->op == RULE_PATH, &when->text.globs);
}

static bool read_connection(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    size_t count;
    const struct yaml_node *items = read_items(node, &count);
    const struct policy_world *world = read->world;
    for (size_t i = 0; world->connections && i < count; i++) {
        if (items[i].kind != YAML_SCALAR || !glob_is_literal(items[i].text))
            continue;
        bool known = false;
        for (size_t k = 0; k < world->connection_count; k++)
            known = known || strcmp(world->connections[k], items[i].text) == 0;
        struct read_words words = {world->connections, world->connection_count};
        if (!known)
            read_unknown(read, read_at_node(&items[i]), "unknown-connection",
                         read_suggest(items[i].text, words), "unknown connection \"%.80s\"",
                         items[i].text);
    }
    return read_globbed(read, node, when);
}

static bool read_shared_with(struct read *read, const struct yaml_node *node,
                             struct rule_when *when)
{
    static const char *const keys[] = {"only"};
    if (node->kind != YAML_MAP)
        return read_globbed(read, node, when);
    const struct yaml_node *only = yaml_get(node, "only");
    read_map(read, node, READ_WORDS(keys), "in shared_with");
    if (!only)
        return read_error(read, read_at_node(node), "missing-key",
                          "shared_with needs names, or { only: names }");
    when->text.only = true;
    when->want = read_printf(read, "only %s", read_join(read, only));
    return read_globs(read, only, false, &when->text.globs);
}

static bool read_property(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    if (node->kind != YAML_MAP || node->count == 0)
        return read_error(read, read_at_node(node), "wrong-kind",
                          "property needs { NAME: value }, for example { Department: Finance }");
    struct rule_property *items = read_alloc(read, node->count, sizeof *items);
    bool ok = items != NULL;
    const char *want = "";
    for (size_t i = 0; items && i < node->count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        items[i].key = text_fold(read->arena, pair->key);
        if (!items[i].key)
            return read_no_memory(read);
        ok = read_globs(read, &pair->value, false, &items[i].globs) && ok;
        want = read_printf(read, "%s%s%.80s %s", want, i ? ", " : "", pair->key,
                           read_join(read, &pair->value));
    }
    when->property.items = items;
    when->property.count = node->count;
    when->want = want;
    return ok;
}

/* format ------------------------------------------------------------------------------------- */

static void add_format(struct rule_when *when, unsigned format)
{
    when->format.formats[format / 64] |= 1ull << (format % 64);
}

static struct read_words format_words(const char *words[static FORMAT_COUNT + 16])
{
    size_t count = 0;
    for (unsigned i = 0; i < FORMAT_COUNT; i++)
        words[count++] = formats_row((enum format_id)i)->word;
    for (size_t i = 0; i < sizeof family_words / sizeof *family_words; i++)
        words[count++] = family_words[i];
    return (struct read_words){words, count};
}

/* A word may be a glob too: `xls*`. */
static bool read_format_word(struct read *read, const struct yaml_node *node,
                             struct rule_when *when)
{
    struct glob glob;
    if (!glob_compile(&glob, node->text, false, read->arena))
        return read_no_memory(read);
    bool any = false;
    for (unsigned i = 0; i < FORMAT_COUNT; i++) {
        const struct formats_row *row = formats_row((enum format_id)i);
        if (!glob_match(&glob, row->word) && !glob_match(&glob, row->family))
            continue;
        add_format(when, i);
        any = true;
    }
    for (size_t i = 0; i < sizeof family_words / sizeof *family_words; i++)
        any = any || glob_match(&glob, family_words[i]);
    if (any)
        return true;
    const char *words[FORMAT_COUNT + 16];
    return read_unknown(read, read_at_node(node), "unknown-format",
                        read_suggest(node->text, format_words(words)),
                        "unknown format or family \"%.80s\"", node->text);
}

static bool read_format(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    size_t count, used = 0;
    const struct yaml_node *items = read_items(node, &count);
    struct glob *mime = read_alloc(read, count, sizeof *mime);
    bool ok = mime != NULL;
    for (size_t i = 0; mime && i < count; i++) {
        const char *text = read_text(read, &items[i], "format");
        if (!text)
            ok = false;
        else if (!strchr(text, '/'))
            ok = read_format_word(read, &items[i], when) && ok;
        else if (glob_compile(&mime[used], text, false, read->arena))
            used++;
        else
            ok =
                read_error(read, read_at_node(&items[i]), "too-long", "this MIME type is too long");
    }
    when->format.mime = (struct rule_globs){mime, used};
    when->want = read_join(read, node);
    return ok;
}

/* size, times -------------------------------------------------------------------------------- */

static bool read_sizes(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    static const char *const keys[] = {"at_least", "at_most"};
    struct bounds bounds;
    if (node->kind != YAML_MAP)
        return read_error(read, read_at_node(node), "bare-ladder",
                          "size needs a direction: { at_least: 10 MB } or { at_most: 10 MB }");
    read_map(read, node, READ_WORDS(keys), "in size");
    if (!find_bounds(node, &bounds))
        return read_error(read, read_at_node(node), "missing-key",
                          "size needs at_least or at_most");
    bool ok = !bounds.at_least || read_size(read, &bounds.at_least->value, &bounds.low);
    ok = (!bounds.at_most || read_size(read, &bounds.at_most->value, &bounds.high)) && ok;
    when->size.at_least = bounds.low;
    when->size.at_most = bounds.high;
    when->want = bounds_text(read, &bounds);
    return ok && possible(read, &bounds);
}

static bool read_times(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    static const char *const keys[] = {"before", "after"};
    if (node->kind != YAML_MAP)
        return read_error(read, read_at_node(node), "wrong-kind",
                          "a time needs { before: TIME } or { after: TIME }, for example "
                          "{ before: 90 days ago }");
    read_map(read, node, READ_WORDS(keys), "in a time condition");
    const struct yaml_node *before = yaml_get(node, "before"), *after = yaml_get(node, "after");
    if (!before && !after)
        return read_error(read, read_at_node(node), "missing-key",
                          "a time condition needs before or after");
    bool ok = !before || read_instant(read, before, &when->time.before);
    ok = (!after || read_instant(read, after, &when->time.after)) && ok;
    when->timed = when->time.before.ago || when->time.after.ago;
    if (ok)
        when->want = before && after
                         ? read_printf(read, "before %s, after %s", before->text, after->text)
                         : read_printf(read, "%s %s", before ? "before" : "after",
                                       before ? before->text : after->text);
    return ok;
}

/* label -------------------------------------------------------------------------------------- */

static bool label_word(struct rule_label *label, const char *word)
{
    bool *flags[] = {&label->none, &label->any, &label->foreign, &label->unknown};
    static const char *const words[] = {"none", "any", "foreign", "unknown"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], word) != 0)
            continue;
        *flags[i] = true;
        return true;
    }
    return false;
}

/* The labels that a name stands for: itself, or the members of a group. */
static bool label_range(struct read *read, const struct yaml_node *node, unsigned *low,
                        unsigned *high)
{
    const struct policy_label *label = read_any_label(read, node);
    if (!label)
        return false;
    *low = *high = label->priority;
    if (!label->group)
        return true;
    *low = label->priority + 1;
    size_t length = strlen(label->name);
    const struct policy_label *end = read->policy->labels + read->policy->label_count;
    for (const struct policy_label *l = label + 1;
         l < end && strncmp(l->name, label->name, length) == 0 && l->name[length] == '/'; l++)
        *high = l->priority;
    return true;
}

static bool read_label_is(struct read *read, const struct yaml_node *node, struct rule_label *label)
{
    size_t count, used = 0;
    const struct yaml_node *items = read_items(node, &count);
    unsigned *priorities = read_alloc(read, read->policy->label_count + count, sizeof *priorities);
    bool ok = priorities != NULL;
    for (size_t i = 0; priorities && i < count; i++) {
        unsigned low, high;
        if (items[i].kind == YAML_SCALAR && label_word(label, items[i].text))
            continue;
        if (!label_range(read, &items[i], &low, &high)) {
            ok = false;
            continue;
        }
        for (; low <= high && used < read->policy->label_count + count; low++)
            priorities[used++] = low;
    }
    label->is = priorities;
    label->is_count = used;
    return ok;
}

static bool read_label_bounds(struct read *read, struct bounds *bounds, struct rule_label *label)
{
    unsigned low = 0, high = UINT_MAX, other;
    bool ok = !bounds->at_least || label_range(read, &bounds->at_least->value, &low, &other);
    ok = (!bounds->at_most || label_range(read, &bounds->at_most->value, &other, &high)) && ok;
    label->bounded = true;
    label->low = low;
    label->high = high;
    bounds->low = low;
    bounds->high = high;
    return ok && possible(read, bounds);
}

static const char *label_text(struct read *read, const struct yaml_node *is,
                              const struct bounds *bounds, const struct rule_label *label)
{
    const char *set_by = !label->by_setter               ? ""
                         : label->set_by == FACTS_MANUAL ? "set by a person"
                                                         : "set automatically";
    const char *text = is                                    ? read_join(read, is)
                       : bounds->at_least || bounds->at_most ? bounds_text(read, bounds)
                                                             : "";
    return read_printf(read, "%s%s%s", text, *text && *set_by ? ", " : "", set_by);
}

static bool label_ladder(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    static const char *const keys[] = {"at_least", "at_most", "is", "set_by"};
    struct rule_label *label = &when->label;
    struct bounds bounds;
    const struct yaml_node *is = yaml_get(node, "is"), *set_by = yaml_get(node, "set_by");
    read_map(read, node, READ_WORDS(keys), "in label");
    bool bounded = find_bounds(node, &bounds);
    if ((is || bounded || !set_by) && !ladder_is_alone(read, node, is, &bounds))
        return false;
    bool ok = !is || read_label_is(read, is, label);
    ok = (!bounded || read_label_bounds(read, &bounds, label)) && ok;
    unsigned chosen = 0;
    ok = (!set_by || read_choice(read, set_by, "set_by", READ_WORDS(setter_words), &chosen)) && ok;
    label->by_label = is || bounded;
    label->by_setter = set_by != NULL;
    label->set_by = (enum facts_set_by)chosen;
    when->want = label_text(read, is, &bounds, label);
    return ok;
}

static bool read_label_condition(struct read *read, const struct yaml_node *node,
                                 struct rule_when *when)
{
    if (node->kind == YAML_MAP)
        return label_ladder(read, node, when);
    when->label.by_label = true;
    if (node->kind == YAML_SCALAR && label_word(&when->label, node->text)) {
        when->want = node->text;
        return true;
    }
    return needs_direction(read, node, "label");
}

/* Words -------------------------------------------------------------------------------------- */

static bool read_mask(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    struct read_words words = when->op == RULE_STATUS ? read_statuses : read_changes;
    size_t count;
    const struct yaml_node *items = read_items(node, &count);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        unsigned chosen = 0;
        if (when->op == RULE_LABEL_CHANGE) {
            struct read_words changes = {words.items + 1, words.count - 1};
            ok = read_choice(read, &items[i], "label_change", changes, &chosen) && ok;
            chosen++;
        } else {
            ok = read_choice(read, &items[i], "status", words, &chosen) && ok;
        }
        when->mask |= 1u << chosen;
    }
    when->want = read_join(read, node);
    return ok && (count ||
                  read_error(read, read_at_node(node), "empty", "an empty list matches nothing"));
}

/* The table --------------------------------------------------------------------------------- */

static bool (*const operands[RULE_OP_COUNT])(struct read *, const struct yaml_node *,
                                             struct rule_when *) = {
    [RULE_FINDINGS] = read_findings,
    [RULE_EXPOSURE] = read_exposure,
    [RULE_SHARED_WITH] = read_shared_with,
    [RULE_PATH] = read_globbed,
    [RULE_NAME] = read_globbed,
    [RULE_CONNECTION] = read_connection,
    [RULE_OWNER] = read_globbed,
    [RULE_FORMAT] = read_format,
    [RULE_SIZE] = read_sizes,
    [RULE_CREATED] = read_times,
    [RULE_MODIFIED] = read_times,
    [RULE_SHARED] = read_times,
    [RULE_LABEL] = read_label_condition,
    [RULE_LABEL_CHANGE] = read_mask,
    [RULE_STATUS] = read_mask,
    [RULE_PROPERTY] = read_property,
};

bool read_operand(struct read *read, const struct yaml_node *node, struct rule_when *when)
{
    return operands[when->op](read, node, when);
}
