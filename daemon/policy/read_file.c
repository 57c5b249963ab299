#include "policy/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "policy/digest.h"

#define DAY_US (24 * 3600 * 1000000ll)

static const char *const mode_words[] = {"off", "simulate", "enforce"};

/* brake -------------------------------------------------------------------------------------- */

static void read_share(struct read *read, const struct yaml_node *node, unsigned *share)
{
    const char *text = read_text(read, node, "share");
    if (!text)
        return;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || strcmp(text + digits, "%") != 0)
        read_error(read, read_at_node(node), "bad-number", "\"%.80s\" is not a share; write 10%%",
                   text);
    else
        *share = (unsigned)strtoul(text, NULL, 10);
}

/* What is silent stays as it was: the defaults. */
static void read_brake(struct read *read, const struct yaml_node *node, struct ruleset_brake *brake)
{
    static const char *const keys[] = {"items", "per", "share"};
    static const char *const pers[] = {"hour", "day"};
    unsigned per;
    if (node->kind == YAML_SCALAR && strcmp(node->text, "off") == 0) {
        read_warn(read, read_at_node(node), "no-brake",
                  "without a brake a mistake in this rule reaches every file");
        brake->off = true;
        return;
    }
    if (!read_map(read, node, READ_WORDS(keys), "in brake"))
        return;
    brake->off = false;
    if (yaml_get(node, "items"))
        read_number(read, yaml_get(node, "items"), "items", &brake->items);
    if (yaml_get(node, "per") &&
        read_choice(read, yaml_get(node, "per"), "per", READ_WORDS(pers), &per))
        brake->per_day = per == 1;
    if (yaml_get(node, "share"))
        read_share(read, yaml_get(node, "share"), &brake->share);
}

/* Top ---------------------------------------------------------------------------------------- */

static void read_defaults(struct read *read, const struct yaml_node *node)
{
    static const char *const keys[] = {"mode", "confidence", "count", "brake"};
    static const char *const counts[] = {"unique", "all"};
    unsigned chosen;
    if (!read_map(read, node, READ_WORDS(keys), "in defaults"))
        return;
    const struct yaml_node *mode = yaml_get(node, "mode");
    const struct yaml_node *confidence = yaml_get(node, "confidence");
    const struct yaml_node *count = yaml_get(node, "count");
    if (mode && read_choice(read, mode, "mode", READ_WORDS(mode_words), &chosen))
        read->default_mode = (enum plan_mode)chosen;
    if (confidence)
        read_confidence(read, confidence, &read->confidence);
    if (count && read_choice(read, count, "count", READ_WORDS(counts), &chosen))
        read->every = chosen == 1;
    if (yaml_get(node, "brake"))
        read_brake(read, yaml_get(node, "brake"), &read->brake);
}

static void read_file_mode(struct read *read, const struct yaml_node *node)
{
    static const char *const words[] = {"enforce", "simulate"};
    unsigned chosen = 0;
    if (read_choice(read, node, "mode", READ_WORDS(words), &chosen))
        read->policy->simulate = chosen == 1;
}

/* A bundle may not take the name of a type or shipped bundle: rules would change their meaning. */
static void read_bundles(struct read *read, const struct yaml_node *node)
{
    if (node->kind != YAML_MAP) {
        read_error(read, read_at_node(node), "wrong-kind",
                   "\"bundles\" is a mapping: { NAME: [type, …] }");
        return;
    }
    const struct type_list *types = read->world->types;
    for (size_t i = 0; i < node->count; i++) {
        bool taken = types && intern_find(&read->policy->types, node->pairs[i].key) != INTERN_NONE;
        for (uint32_t k = 0; types && k < types->bundles_count; k++)
            taken = taken || strcmp(types->bundles[k].name, node->pairs[i].key) == 0;
        if (taken)
            read_error(read, read_at_key(&node->pairs[i]), "duplicate-name",
                       "\"%.80s\" is a type or bundle that comes with labeld; names must differ",
                       node->pairs[i].key);
    }
    read->bundles = node;
    for (size_t i = 0; i < node->count; i++) {
        struct rule_types unused;
        read_types(read, &node->pairs[i].value, &unused);
    }
}

static void check_recipient(struct read *read, const struct yaml_node *node, const char *text)
{
    struct err why = {0};
    if (strncmp(text, "age1", 4) != 0)
        read_error(read, read_at_node(node), "bad-recipient",
                   "a recipient is an age public key, which begins with age1");
    else if (read->world->recipient && !read->world->recipient(text, &why))
        read_error(read, read_at_node(node), "bad-recipient", "%.200s", why.text);
}

static void read_group(struct read *read, const struct yaml_pair *pair, struct policy_group *group)
{
    size_t count;
    const struct yaml_node *items = read_items(&pair->value, &count);
    const char **keys = read_alloc(read, count, sizeof *keys);
    for (size_t i = 0; keys && i < count; i++) {
        keys[i] = read_text(read, &items[i], "recipients");
        if (keys[i])
            check_recipient(read, &items[i], keys[i]);
    }
    *group = (struct policy_group){pair->key, keys, keys ? count : 0};
}

static void read_recipients(struct read *read, const struct yaml_node *node)
{
    if (node->kind != YAML_MAP) {
        read_error(read, read_at_node(node), "wrong-kind",
                   "\"recipients\" is a mapping: { NAME: [age1…] }");
        return;
    }
    const char **names = read_alloc(read, node->count, sizeof *names);
    struct policy_group *groups = read_alloc(read, node->count, sizeof *groups);
    for (size_t i = 0; names && groups && i < node->count; i++) {
        names[i] = node->pairs[i].key;
        read_group(read, &node->pairs[i], &groups[i]);
    }
    read->groups = names;
    read->group_count = names ? node->count : 0;
    read->policy->groups = groups;
    read->policy->group_count = groups && names ? node->count : 0;
}

static void read_conditions(struct read *read, const struct yaml_node *node)
{
    struct policy *policy = read->policy;
    if (node->kind != YAML_MAP) {
        read_error(read, read_at_node(node), "wrong-kind",
                   "\"conditions\" is a mapping: { NAME: { exposure: … } }");
        return;
    }
    policy->conditions = read_alloc(read, node->count, sizeof *policy->conditions);
    for (size_t i = 0; policy->conditions && i < node->count; i++) {
        struct rule_condition *entry = &policy->conditions[i];
        /* one that has mistakes keeps its name, so that those who use it are not blamed */
        read_when(read, &node->pairs[i].value, &entry->when);
        entry->name = node->pairs[i].key;
        policy->condition_count++;
    }
}

/* rules -------------------------------------------------------------------------------------- */

static const char *const rule_keys[] = {"name",  "when",    "then", "mode",
                                        "about", "message", "brake"};

static bool rule_name(struct read *read, const struct yaml_node *node, struct rule *rule)
{
    const struct yaml_node *name = yaml_get(node, "name");
    if (!name)
        return read_lacks(node, "name", READ_WORDS(rule_keys)) &&
               read_error(read, read_at_node(node), "missing-key", "a rule needs a \"name\"");
    rule->name = read_text(read, name, "name");
    if (!rule->name)
        return false;
    size_t characters = 0;
    for (const char *c = rule->name; *c; c++)
        characters += ((unsigned char)*c & 0xc0) != 0x80;
    if (characters > 120)
        return read_error(read, read_at_node(name), "too-long",
                          "a rule's name has at most 120 characters");
    if (intern_find(&read->rule_names, rule->name) == INTERN_NONE)
        return intern_add(&read->rule_names, rule->name, read->arena) != INTERN_NONE ||
               read_no_memory(read);
    for (const struct rule *other = read->policy->rules; other < rule; other++)
        if (other->name && strcmp(other->name, rule->name) == 0)
            return read_error(read, read_at_node(name), "duplicate-name",
                              "rule \"%s\" is defined already in line %u; names must differ",
                              rule->name, other->line);
    return true;
}

static void rule_texts(struct read *read, const struct yaml_node *node, struct rule *rule)
{
    const struct yaml_node *mode = yaml_get(node, "mode"), *about = yaml_get(node, "about");
    const struct yaml_node *message = yaml_get(node, "message"), *brake = yaml_get(node, "brake");
    unsigned chosen = read->default_mode;
    if (mode)
        read_choice(read, mode, "mode", READ_WORDS(mode_words), &chosen);
    rule->mode = (enum plan_mode)chosen;
    if (about)
        rule->about = read_text(read, about, "about");
    if (message)
        rule->message = read_text(read, message, "message");
    rule->brake = read->brake;
    if (brake)
        read_brake(read, brake, &rule->brake);
}

/* All rules together: named conditions could otherwise make each of many rules expensive. */
static void weigh_rules(struct read *read, const struct rule *rule)
{
    enum { most = 1000000 };
    bool told = read->cost > most;
    read->cost += rule->when ? rule->when->cost : 0;
    if (read->cost > most && !told)
        read_error(read, (struct read_at){rule->line, 1}, "too-large",
                   "the rules up to here hold more than %d conditions, counting those behind "
                   "\"is\" each time",
                   most);
}

static const char *rule_digest(struct read *read, const struct yaml_node *node)
{
    char *hex = read_alloc(read, DIGEST_HEX_BYTES, 1);
    if (!hex || digest_node(node, hex))
        return hex;
    read_no_memory(read);
    return NULL;
}

static void read_rule(struct read *read, const struct yaml_node *node, struct rule *rule)
{
    rule->line = node->line;
    if (!read_map(read, node, READ_WORDS(rule_keys), "in a rule"))
        return;
    rule->digest = rule_digest(read, node);
    rule_name(read, node, rule);
    rule_texts(read, node, rule);
    const struct yaml_node *when = yaml_get(node, "when"), *then = yaml_get(node, "then");
    struct rule_when *read_into = read_alloc(read, 1, sizeof *read_into);
    const char *name = rule->name ? rule->name : "";
    if (read_lacks(node, "when", READ_WORDS(rule_keys)))
        read_error(read, read_at_node(node), "missing-key",
                   "rule \"%s\" has no \"when\"; for every file write \"when: always\"", name);
    else if (when && read_into && read_when(read, when, read_into))
        rule->when = read_into;
    weigh_rules(read, rule);
    if (read_lacks(node, "then", READ_WORDS(rule_keys)))
        read_error(read, read_at_node(node), "missing-key", "rule \"%s\" has no \"then\"", name);
    else if (then)
        read_then(read, then, rule);
}

static void read_rules(struct read *read, const struct yaml_node *node)
{
    struct policy *policy = read->policy;
    if (node->kind != YAML_LIST) {
        read_error(read, read_at_node(node), "wrong-kind", "\"rules\" is a list of rules");
        return;
    }
    if (node->count > read->world->max_rules) {
        read_error(read, read_at_node(node), "limit",
                   "%zu rules are more than the limit rules-count allows (%llu)", node->count,
                   (unsigned long long)read->world->max_rules);
        return;
    }
    policy->rules = read_alloc(read, node->count, sizeof *policy->rules);
    for (size_t i = 0; policy->rules && i < node->count; i++) {
        read_rule(read, &node->items[i], &policy->rules[i]);
        policy->rule_count++;
    }
}

/* exceptions --------------------------------------------------------------------------------- */

static bool exception_until(struct read *read, const struct yaml_node *node,
                            struct rule_exception *exception)
{
    const char *text = read_text(read, node, "until");
    if (!text)
        return false;
    if (strlen(text) != 10 || !clock_parse(text, &exception->shown.until_us))
        return read_error(read, read_at_node(node), "bad-time",
                          "\"%.80s\" is not a date; write it as 2027-03-31", text);
    exception->end_us = exception->shown.until_us + DAY_US;
    int64_t left = exception->end_us - read->now_us;
    const char *name = exception->shown.name ? exception->shown.name : "";
    if (left <= 0)
        read_warn(read, read_at_node(node), "exception-ended", "exception \"%s\" ended on %s", name,
                  text);
    else if (left <= 14 * DAY_US)
        read_warn(read, read_at_node(node), "exception-ends", "exception \"%s\" ends on %s", name,
                  text);
    else if (left > 400 * DAY_US)
        read_warn(read, read_at_node(node), "exception-long",
                  "exception \"%s\" lasts more than 400 days", name);
    return true;
}

static struct read_words rule_words(struct read *read)
{
    return (struct read_words){read->rule_names.names,
                               read_listens(read) ? read->rule_names.count : 0};
}

bool read_rule_names(struct read *read, const struct yaml_node *node, struct rule_names *names)
{
    if (!read_names(read, node, "rules", names))
        return false;
    size_t count;
    const struct yaml_node *items = read_items(node, &count);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        if (intern_find(&read->rule_names, items[i].text) == INTERN_NONE)
            ok = read_unknown(read, read_at_node(&items[i]), "unknown-rule",
                              read_suggest(items[i].text, rule_words(read)),
                              "unknown rule \"%.120s\"", items[i].text);
    }
    return ok;
}

static bool exception_rules(struct read *read, const struct yaml_node *node,
                            struct rule_exception *exception)
{
    if (node->kind == YAML_SCALAR && strcmp(node->text, "every") == 0)
        return true;
    return read_rule_names(read, node, &exception->rules) &&
           (exception->rules.count || read_error(read, read_at_node(node), "empty",
                                                 "\"rules\" needs a rule's name, or every"));
}

static const char *const exception_keys[] = {"name",  "rules", "when",  "reason",
                                             "owner", "until", "ignore"};

static void exception_needs(struct read *read, const struct yaml_node *node, const char *name)
{
    static const char *const needed[] = {"rules", "when", "reason", "owner"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (read_lacks(node, needed[i], READ_WORDS(exception_keys)))
            read_error(read, read_at_node(node), "missing-key",
                       "exception \"%.120s\" has no \"%s\"", name, needed[i]);
    if (read_lacks(node, "until", READ_WORDS(exception_keys)))
        read_error(read, read_at_node(node), "no-end",
                   "exception \"%.120s\" has no \"until\"; every exception ends some day, "
                   "for example until: 2027-03-31",
                   name);
}

static void exception_owner(struct read *read, const struct yaml_node *node,
                            struct rule_exception *exception)
{
    const char *text = exception->shown.owner = read_text(read, node, "owner");
    const char *at = text ? strchr(text, '@') : NULL;
    if (text && (!at || at == text || !at[1] || strchr(at + 1, '@') || strchr(text, ' ')))
        read_error(read, read_at_node(node), "bad-address",
                   "\"%.80s\" is not a mail address; an exception's owner is a person who can be "
                   "asked",
                   text);
}

static void exception_parts(struct read *read, const struct yaml_node *node,
                            struct rule_exception *exception)
{
    const struct yaml_node *rules = yaml_get(node, "rules"), *when = yaml_get(node, "when");
    const struct yaml_node *reason = yaml_get(node, "reason"), *owner = yaml_get(node, "owner");
    const struct yaml_node *until = yaml_get(node, "until");
    struct rule_when *read_into = read_alloc(read, 1, sizeof *read_into);
    exception->when = read_into;
    if (rules)
        exception_rules(read, rules, exception);
    if (when && read_into)
        read_when(read, when, read_into);
    if (reason)
        exception->shown.reason = read_text(read, reason, "reason");
    if (owner)
        exception_owner(read, owner, exception);
    if (until)
        exception_until(read, until, exception);
}

static void read_exception(struct read *read, const struct yaml_node *node,
                           struct rule_exception *exception)
{
    if (!read_map(read, node, READ_WORDS(exception_keys), "in an exception"))
        return;
    const struct yaml_node *name = yaml_get(node, "name");
    exception->line = node->line;
    exception->shown.origin = "file";
    if (read_lacks(node, "name", READ_WORDS(exception_keys)))
        read_error(read, read_at_node(node), "missing-key", "an exception needs a \"name\"");
    exception->shown.name = name ? read_text(read, name, "name") : NULL;
    const char *text = exception->shown.name ? exception->shown.name : "";
    for (struct rule_exception *e = read->policy->exceptions; name && e < exception; e++)
        if (e->shown.name && strcmp(e->shown.name, text) == 0)
            read_error(read, read_at_node(name), "duplicate-name",
                       "exception \"%.120s\" is defined already in line %u; names must differ",
                       text, e->line);
    exception_needs(read, node, text);
    exception_parts(read, node, exception);
    const struct yaml_node *ignore = yaml_get(node, "ignore");
    exception->ignores = ignore != NULL;
    if (ignore)
        read_types(read, ignore, &exception->ignore);
}

static void read_exceptions(struct read *read, const struct yaml_node *node)
{
    struct policy *policy = read->policy;
    if (node->kind != YAML_LIST) {
        read_error(read, read_at_node(node), "wrong-kind", "\"exceptions\" is a list");
        return;
    }
    policy->exceptions = read_alloc(read, node->count, sizeof *policy->exceptions);
    for (size_t i = 0; policy->exceptions && i < node->count; i++) {
        read_exception(read, &node->items[i], &policy->exceptions[i]);
        policy->exception_count++;
    }
}

/* The file ----------------------------------------------------------------------------------- */

static void read_site_key(struct read *read, const struct yaml_node *node)
{
    read_site(read, node);
}

/* In the order of reading: what others name comes first. */
static const struct {
    const char *key;
    void (*read)(struct read *read, const struct yaml_node *node);
} sections[] = {
    {"site", read_site_key},         {"mode", read_file_mode},  {"defaults", read_defaults},
    {"labels", read_labels},         {"bundles", read_bundles}, {"recipients", read_recipients},
    {"conditions", read_conditions}, {"rules", read_rules},     {"exceptions", read_exceptions},
    {"tests", read_tests},
};

static bool collect_tested(struct read *read, struct intern *tested)
{
    const struct policy *policy = read->policy;
    for (size_t t = 0; t < policy->test_count; t++)
        for (size_t k = 0; k < policy->tests[t].rule_count; k++)
            if (intern_add(tested, policy->tests[t].rules[k], read->arena) == INTERN_NONE)
                return read_no_memory(read);
    return true;
}

/* The key that says so: `mode`, or the name of a rule that is enforced by default. */
static void warn_untested(struct read *read, const struct yaml_node *node, const char *name)
{
    const char *key = yaml_get(node, "mode") ? "mode" : "name";
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->pairs[i].key, key) == 0)
            read_warn(read, read_at_key(&node->pairs[i]), "untested",
                      "rule \"%s\" is enforced, but no test expects it under \"rules\"", name);
}

static void untested(struct read *read, const struct yaml_node *rules)
{
    const struct policy *policy = read->policy;
    struct intern tested = {0};
    if (policy->simulate || !collect_tested(read, &tested))
        return;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        if (rule->mode == PLAN_ENFORCE && rule->name &&
            intern_find(&tested, rule->name) == INTERN_NONE)
            warn_untested(read, &rules->items[i], rule->name);
    }
}

void read_file(struct read *read, const struct yaml_node *root)
{
    static const char *const keys[] = {"labels",     "rules",   "site",       "mode",
                                       "defaults",   "bundles", "conditions", "recipients",
                                       "exceptions", "tests"};
    if (!read_map(read, root, READ_WORDS(keys), "in the file"))
        return;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const struct yaml_node *node = yaml_get(root, sections[i].key);
        if (node)
            sections[i].read(read, node);
    }
    const struct yaml_node *labels = yaml_get(root, "labels"), *rules = yaml_get(root, "rules");
    if (!labels && read_lacks(root, "rules", READ_WORDS(keys)) &&
        read_lacks(root, "labels", READ_WORDS(keys)))
        read_error(read, read_at_node(root), "missing-key",
                   "a rules file needs \"labels\" or \"rules\"");
    if (labels && !yaml_get(root, "site"))
        read_warn(read, read_at_node(labels), "no-site",
                  "without \"site\", the tenant's GUID, Office shows no label of this file");
    if (rules)
        untested(read, rules);
}
