#include "policy/read.h"

#include <string.h>

static const char *const fact_keys[] = {
#define FACT(id, word) word,
#include "policy/facts.def"
#undef FACT
};

static const char *const setter_words[] = {"automatic", "manual"};

/* Stands for any label of ours that is not in `labels:`; no GUID, so none has it. */
static const char unknown_label_id[] = "unknown";

/* findings ----------------------------------------------------------------------------------- */

static bool add_row(struct read *read, const struct yaml_node *node, const char *type,
                    enum report_confidence confidence, struct facts *facts,
                    struct report_finding *rows)
{
    uint64_t number;
    if (!read_number(read, node, type, &number))
        return false;
    if (number > UINT32_MAX)
        number = UINT32_MAX;
    if (number)
        rows[facts->finding_count++] = (struct report_finding){.type = type,
                                                               .confidence = confidence,
                                                               .count = (uint32_t)number,
                                                               .unique_count = (uint32_t)number};
    return true;
}

static bool type_exists(struct read *read, const struct yaml_pair *pair)
{
    struct rule_types unused;
    const struct yaml_node name = {
        .kind = YAML_SCALAR, .line = pair->line, .column = pair->column, .text = pair->key};
    if (!read_types(read, &name, &unused))
        return false;
    if (intern_find(&read->policy->types, pair->key) != INTERN_NONE)
        return true;
    return read_error(read, read_at_key(pair), "bundle",
                      "\"%.80s\" is a bundle; a test names the types that are found", pair->key);
}

static bool fact_findings(struct read *read, const struct yaml_node *node, struct facts *facts)
{
    static const char *const keys[] = {"low", "medium", "high"};
    if (node->kind != YAML_MAP)
        return read_error(read, read_at_node(node), "wrong-kind",
                          "findings of a test are { TYPE: N } or { TYPE: { high: N, low: N } }");
    struct report_finding *rows = read_alloc(read, node->count * 3, sizeof *rows);
    bool ok = rows != NULL;
    facts->finding_count = 0;
    for (size_t i = 0; rows && i < node->count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        const struct yaml_node *value = &pair->value;
        ok = type_exists(read, pair) && ok;
        if (value->kind != YAML_MAP) {
            ok = add_row(read, value, pair->key, REPORT_HIGH, facts, rows) && ok;
            continue;
        }
        ok = read_map(read, value, READ_WORDS(keys), "in findings") && ok;
        for (unsigned c = 0; c < 3; c++) {
            const struct yaml_node *number = yaml_get(value, keys[c]);
            ok = (!number ||
                  add_row(read, number, pair->key, (enum report_confidence)c, facts, rows)) &&
                 ok;
        }
    }
    facts->findings = rows;
    return ok;
}

/* Other facts -------------------------------------------------------------------------------- */

static bool fact_exposure(struct read *read, const struct yaml_node *node, struct facts *facts)
{
    const char *text = read_text(read, node, "exposure");
    if (!text || facts_exposure_find(text, &facts->exposure))
        return text != NULL;
    const char *near = read_suggest(text, read_steps);
    return read_error(read, read_at_node(node), "bad-step",
                      "\"%.80s\" is not an exposure step%s%s%s (private, internal-people, "
                      "organisation, external-people, anyone-with-link, public)",
                      text, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool fact_shared_with(struct read *read, const struct yaml_node *node, struct facts *facts)
{
    size_t count;
    const struct yaml_node *items = read_items(node, &count);
    const char **texts = read_alloc(read, count, sizeof *texts);
    for (size_t i = 0; texts && i < count; i++) {
        texts[i] = read_text(read, &items[i], "shared_with");
        if (!texts[i])
            return false;
    }
    facts->shared_with = texts;
    facts->shared_with_count = count;
    facts->sharing_known = true;
    return texts != NULL;
}

static bool fact_format(struct read *read, const struct yaml_node *node, struct facts *facts)
{
    const char *words[FORMAT_COUNT];
    for (unsigned i = 0; i < FORMAT_COUNT; i++)
        words[i] = formats_row((enum format_id)i)->word;
    const char *text = read_text(read, node, "format");
    if (!text)
        return false;
    if (!formats_find(text, &facts->format))
        return read_unknown(read, read_at_node(node), "unknown-format",
                            read_suggest(text, READ_WORDS(words)), "unknown format \"%.80s\"",
                            text);
    facts->mime = formats_row(facts->format)->mime;
    return true;
}

static bool fact_label(struct read *read, const struct yaml_node *node, struct facts *facts)
{
    const char *text = node->kind == YAML_SCALAR ? node->text : "";
    facts->foreign_label = strcmp(text, "foreign") == 0;
    facts->label_kind = FACTS_LABEL_NONE;
    if (facts->foreign_label || strcmp(text, "none") == 0)
        return true;
    facts->label_kind = FACTS_LABEL_OURS;
    facts->label_id = unknown_label_id;
    if (strcmp(text, "unknown") == 0)
        return true;
    const struct policy_label *label = read_label(read, node);
    facts->label_id = label ? label->id : NULL;
    return label != NULL;
}

static bool fact_previous(struct read *read, const struct yaml_node *node, struct facts *facts)
{
    facts->previous_id = NULL;
    if (node->kind == YAML_SCALAR && strcmp(node->text, "none") == 0)
        return true;
    const struct policy_label *label = read_label(read, node);
    facts->previous_id = label ? label->id : NULL;
    return label != NULL;
}

static bool fact_property(struct read *read, const struct yaml_node *node, struct facts *facts)
{
    if (node->kind != YAML_MAP)
        return read_error(read, read_at_node(node), "wrong-kind",
                          "property of a test is { NAME: value }");
    struct report_property *items = read_alloc(read, node->count, sizeof *items);
    for (size_t i = 0; items && i < node->count; i++) {
        items[i].name = node->pairs[i].key;
        items[i].value = read_text(read, &node->pairs[i].value, "property");
        if (!items[i].value)
            return false;
    }
    facts->properties = items;
    facts->property_count = node->count;
    return items != NULL;
}

static bool fact_time(struct read *read, const struct yaml_node *node, int64_t now_us,
                      struct facts_time *time)
{
    struct rule_instant instant;
    if (!read_instant(read, node, &instant))
        return false;
    *time = (struct facts_time){true, instant.ago ? now_us - instant.us : instant.us};
    return true;
}

static bool fact_text(struct read *read, const struct yaml_node *node, const char *what,
                      const char **text)
{
    *text = read_text(read, node, what);
    return *text != NULL;
}

static bool fact_path(struct read *read, const struct yaml_node *node, struct facts *facts)
{
    if (!fact_text(read, node, "path", &facts->path))
        return false;
    return facts->path[0] == '/' ||
           read_unknown(read, read_at_node(node), "path-anchor",
                        read_printf(read, "/%s", facts->path), "a path begins with \"/\"");
}

static bool fact_words(struct read *read, enum expect_fact fact, const struct yaml_node *node,
                       struct facts *facts)
{
    unsigned chosen = 0;
    bool ok;
    if (fact == EXPECT_STATUS) {
        ok = read_choice(read, node, "status", read_statuses, &chosen);
        facts->status = (enum report_status)chosen;
    } else if (fact == EXPECT_SET_BY) {
        ok = read_choice(read, node, "set_by", READ_WORDS(setter_words), &chosen);
        facts->set_by = (enum facts_set_by)chosen;
    } else {
        ok = read_choice(read, node, "label_change", read_changes, &chosen);
        facts->label_change = (enum facts_label_change)chosen;
    }
    return ok;
}

static bool fact_now(struct read *read, const struct yaml_node *node, struct expect_facts *given)
{
    struct facts_time now;
    if (!fact_time(read, node, read->now_us, &now))
        return false;
    given->now_us = now.us;
    return true;
}

bool read_fact(struct read *read, enum expect_fact fact, const struct yaml_node *node,
               struct expect_facts *given)
{
    struct facts *facts = &given->facts;
    int64_t now = given->given[EXPECT_NOW] ? given->now_us : read->now_us;
    given->given[fact] = true;
    switch (fact) {
    case EXPECT_FILE: return fact_text(read, node, "file", &given->file);
    case EXPECT_FINDINGS: return fact_findings(read, node, facts);
    case EXPECT_PATH: return fact_path(read, node, facts);
    case EXPECT_CONNECTION: return fact_text(read, node, "connection", &facts->connection);
    case EXPECT_OWNER: return fact_text(read, node, "owner", &facts->owner);
    case EXPECT_EXPOSURE: return fact_exposure(read, node, facts);
    case EXPECT_SHARED_WITH: return fact_shared_with(read, node, facts);
    case EXPECT_FORMAT: return fact_format(read, node, facts);
    case EXPECT_SIZE: return read_size(read, node, &facts->size);
    case EXPECT_STATUS:
    case EXPECT_SET_BY:
    case EXPECT_LABEL_CHANGE: return fact_words(read, fact, node, facts);
    case EXPECT_LABEL: return fact_label(read, node, facts);
    case EXPECT_PREVIOUS: return fact_previous(read, node, facts);
    case EXPECT_CREATED: return fact_time(read, node, now, &facts->created);
    case EXPECT_MODIFIED: return fact_time(read, node, now, &facts->modified);
    case EXPECT_SHARED: return fact_time(read, node, now, &facts->shared);
    case EXPECT_PROPERTY: return fact_property(read, node, facts);
    case EXPECT_NOW: return fact_now(read, node, given);
    default: return false;
    }
}

/* expect ------------------------------------------------------------------------------------- */

static bool expect_actions(struct read *read, const struct yaml_node *node,
                           struct expect_test *test)
{
    static const char *const words[] = {"unshare", "expire_links", "label", "encrypt",
                                        "quarantine"};
    size_t count;
    const struct yaml_node *items = read_items(node, &count);
    enum plan_do *actions = read_alloc(read, count, sizeof *actions);
    bool ok = actions != NULL;
    for (size_t i = 0; actions && i < count; i++) {
        unsigned chosen = 0;
        ok = read_choice(read, &items[i], "actions", READ_WORDS(words), &chosen) && ok;
        actions[i] = (enum plan_do)chosen; /* the words stand in the order of the enum */
    }
    test->actions = actions;
    test->action_count = count;
    return test->expects_actions = ok;
}

static bool expect_label(struct read *read, const struct yaml_node *node, struct expect_test *test)
{
    test->expects_label = true;
    if (node->kind == YAML_SCALAR && strcmp(node->text, "none") == 0)
        return true;
    test->label = read_label(read, node);
    return test->label != NULL;
}

static bool expect_alert(struct read *read, const struct yaml_node *node, struct expect_test *test)
{
    static const char *const words[] = {"none", "low", "medium", "high"};
    unsigned chosen = 0;
    if (!read_choice(read, node, "alert", READ_WORDS(words), &chosen))
        return false;
    test->expects_alert = true;
    test->alert = (int)chosen - 1;
    return true;
}

static bool expect_list(struct read *read, const struct yaml_pair *pair, bool rules, bool *expects,
                        struct rule_names *names)
{
    *expects = rules ? read_rule_names(read, &pair->value, names)
                     : read_names(read, &pair->value, pair->key, names);
    return *expects;
}

static bool expect_pair(struct read *read, const struct yaml_pair *pair, struct expect_test *test)
{
    struct rule_names names = {0};
    const char *key = pair->key;
    bool ok = true;
    if (strcmp(key, "label") == 0)
        return expect_label(read, &pair->value, test);
    if (strcmp(key, "actions") == 0)
        return expect_actions(read, &pair->value, test);
    if (strcmp(key, "alert") == 0)
        return expect_alert(read, &pair->value, test);
    if (strcmp(key, "notify") == 0) {
        ok = expect_list(read, pair, false, &test->expects_notify, &names);
        test->notify = names.items, test->notify_count = names.count;
    } else if (strcmp(key, "tag") == 0) {
        ok = expect_list(read, pair, false, &test->expects_tag, &names);
        test->tag = names.items, test->tag_count = names.count;
    } else if (strcmp(key, "rules") == 0) {
        ok = expect_list(read, pair, true, &test->expects_rules, &names);
        test->rules = names.items, test->rule_count = names.count;
    } else if (strcmp(key, "undecided") == 0) {
        ok = expect_list(read, pair, true, &test->expects_undecided, &names);
        test->undecided = names.items, test->undecided_count = names.count;
    }
    return ok;
}

static void read_expect(struct read *read, const struct yaml_node *node, struct expect_test *test)
{
    static const char *const keys[] = {"label", "actions", "alert",    "notify",
                                       "tag",   "rules",   "undecided"};
    if (!read_map(read, node, READ_WORDS(keys), "in expect"))
        return;
    for (size_t i = 0; i < node->count; i++)
        expect_pair(read, &node->pairs[i], test);
}

/* tests -------------------------------------------------------------------------------------- */

static void read_one_test(struct read *read, const struct yaml_node *node, struct expect_test *test)
{
    const char *keys[EXPECT_FACT_COUNT + 2] = {"name", "expect"};
    for (unsigned i = 0; i < EXPECT_FACT_COUNT; i++)
        keys[i + 2] = fact_keys[i];
    test->line = node->line;
    test->name = "";
    facts_init(&test->facts.facts);
    if (!read_map(read, node, READ_WORDS(keys), "in a test"))
        return;
    const struct yaml_node *name = yaml_get(node, "name"), *expect = yaml_get(node, "expect");
    const struct yaml_node *now = yaml_get(node, "now");
    if (name && !fact_text(read, name, "name", &test->name))
        test->name = "";
    if (now)
        read_fact(read, EXPECT_NOW, now, &test->facts);
    for (unsigned i = 0; i < EXPECT_FACT_COUNT; i++) {
        const struct yaml_node *fact = yaml_get(node, fact_keys[i]);
        if (fact && i != EXPECT_NOW)
            read_fact(read, (enum expect_fact)i, fact, &test->facts);
    }
    if (expect)
        read_expect(read, expect, test);
    else if (read_lacks(node, "expect", READ_WORDS(keys)))
        read_error(read, read_at_node(node), "missing-key", "a test needs \"expect\"");
}

void read_tests(struct read *read, const struct yaml_node *node)
{
    struct policy *policy = read->policy;
    if (node->kind != YAML_LIST) {
        read_error(read, read_at_node(node), "wrong-kind", "\"tests\" is a list of tests");
        return;
    }
    policy->tests = read_alloc(read, node->count, sizeof *policy->tests);
    for (size_t i = 0; policy->tests && i < node->count; i++) {
        read_one_test(read, &node->items[i], &policy->tests[i]);
        policy->test_count++;
    }
}
