#include "policy/read.h"

#include <string.h>

static const char *const action_words[] = {"label",      "unshare", "expire_links", "encrypt",
                                           "quarantine", "alert",   "notify",       "tag"};
static const char *const alert_words[] = {"low", "medium", "high"};

/* label -------------------------------------------------------------------------------------- */

static bool label_target(struct read *read, const struct yaml_node *node, struct rule_then *then)
{
    const char *text = node->kind == YAML_SCALAR ? node->text : "";
    if (strcmp(text, "none") == 0)
        then->label.target = RULE_TO_NONE;
    else if (strcmp(text, "previous") == 0)
        then->label.target = RULE_TO_PREVIOUS;
    else
        then->label.label = read_label(read, node);
    return then->label.target != RULE_TO_LABEL || then->label.label;
}

static bool justified(struct read *read, struct read_at at, const struct rule_then *then)
{
    if (then->label.justification)
        return true;
    if (then->label.downgrade)
        return read_error(read, at, "needs-justification",
                          "downgrade needs \"justification\": one sentence for the audit log");
    if (then->label.target == RULE_TO_NONE)
        return read_error(read, at, "needs-justification",
                          "label none needs \"justification\": one sentence for the audit log");
    return true;
}

static struct read_at key_of(const struct yaml_node *map, const char *key, struct read_at fallback)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->pairs[i].key, key) == 0)
            return read_at_key(&map->pairs[i]);
    return fallback;
}

static bool label_mapping(struct read *read, const struct yaml_node *node, struct rule_then *then)
{
    static const char *const keys[] = {"to", "override", "downgrade", "justification"};
    static const char *const overrides[] = {"manual"};
    read_map(read, node, READ_WORDS(keys), "in label");
    const struct yaml_node *to = yaml_get(node, "to"), *override = yaml_get(node, "override");
    const struct yaml_node *downgrade = yaml_get(node, "downgrade");
    const struct yaml_node *justification = yaml_get(node, "justification");
    if (!to)
        return read_error(read, read_at_node(node), "missing-key",
                          "label needs \"to\": a label, none or previous");
    unsigned chosen;
    bool ok = label_target(read, to, then);
    ok = (!override || read_choice(read, override, "override", READ_WORDS(overrides), &chosen)) &&
         ok;
    then->label.override_manual = override != NULL;
    ok = (!downgrade || read_bool(read, downgrade, "downgrade", &then->label.downgrade)) && ok;
    if (justification)
        then->label.justification = read_text(read, justification, "justification");
    struct read_at at = key_of(node, then->label.downgrade ? "downgrade" : "to", read_at_node(to));
    ok = (justification || justified(read, at, then)) && ok;
    if (ok && then->label.target == RULE_TO_NONE && !then->label.downgrade)
        read_warn(read, read_at_node(to), "never-acts",
                  "label none takes no label away without \"downgrade: true\"");
    return ok;
}

static bool then_label(struct read *read, const struct yaml_pair *pair, struct rule_then *then)
{
    if (pair->value.kind == YAML_MAP)
        return label_mapping(read, &pair->value, then);
    return label_target(read, &pair->value, then) && justified(read, read_at_key(pair), then);
}

/* unshare ------------------------------------------------------------------------------------ */

static bool unshare_step(struct read *read, const struct yaml_node *node, struct rule_then *then)
{
    enum facts_exposure step;
    const char *text = read_text(read, node, "to");
    if (!text)
        return false;
    if (!facts_exposure_find(text, &step) || step >= FACTS_EXPOSURE_UNKNOWN) {
        const char *near = read_suggest(text, read_steps);
        return read_error(read, read_at_node(node), "bad-step",
                          "\"%.80s\" is not an exposure step%s%s%s (private, internal-people, "
                          "organisation, external-people, anyone-with-link, public)",
                          text, near ? "; did you mean \"" : "", near ? near : "",
                          near ? "\"?" : "");
    }
    then->unshare.to = step;
    then->unshare.bounded = true;
    return true;
}

static bool then_unshare(struct read *read, const struct yaml_pair *pair, struct rule_then *then)
{
    static const char *const keys[] = {"to", "remove", "else"};
    static const char *const others[] = {"quarantine"};
    const struct yaml_node *node = &pair->value;
    if (node->kind != YAML_MAP)
        return read_error(read, read_at_node(node), "wrong-kind",
                          "unshare needs a step: { to: %.40s }",
                          node->kind == YAML_SCALAR && *node->text ? node->text : "organisation");
    read_map(read, node, READ_WORDS(keys), "in unshare");
    const struct yaml_node *to = yaml_get(node, "to"), *remove = yaml_get(node, "remove");
    const struct yaml_node *other = yaml_get(node, "else");
    unsigned chosen;
    if (!to && !remove)
        return read_error(read, read_at_node(node), "missing-key",
                          "unshare needs \"to\": a step, or \"remove\": names");
    bool ok = !to || unshare_step(read, to, then);
    ok = (!remove || read_globs(read, remove, false, &then->unshare.remove)) && ok;
    ok = (!other || read_choice(read, other, "else", READ_WORDS(others), &chosen)) && ok;
    then->unshare.else_quarantine = other != NULL;
    return ok;
}

/* The rest ----------------------------------------------------------------------------------- */

static bool then_expire_links(struct read *read, const struct yaml_pair *pair,
                              struct rule_then *then)
{
    then->span_text = pair->value.text;
    return read_span(read, &pair->value, &then->span_us);
}

/* Each name of a list must be known; NULL words = not checked. */
static bool names_known(struct read *read, const struct yaml_node *node, struct read_words words,
                        const char *code, const char *what)
{
    size_t count;
    const struct yaml_node *items = read_items(node, &count);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        const char *text = items[i].kind == YAML_SCALAR ? items[i].text : "";
        bool known = false;
        for (size_t k = 0; k < words.count; k++)
            known = known || strcmp(words.items[k], text) == 0;
        if (!known)
            ok = read_unknown(read, read_at_node(&items[i]), code, read_suggest(text, words),
                              "unknown %s \"%.80s\"", what, text);
    }
    return ok;
}

static bool then_encrypt(struct read *read, const struct yaml_pair *pair, struct rule_then *then)
{
    struct read_words words = {read->groups, read->group_count};
    return read_names(read, &pair->value, "encrypt", &then->encrypt) &&
           names_known(read, &pair->value, words, "unknown-group", "recipients group") &&
           (then->encrypt.count || read_error(read, read_at_node(&pair->value), "empty",
                                              "encrypt needs a recipients group"));
}

static bool then_quarantine(struct read *read, const struct yaml_pair *pair, struct rule_then *then)
{
    bool wanted = false;
    (void)then;
    if (!read_bool(read, &pair->value, "quarantine", &wanted))
        return false;
    return wanted || read_error(read, read_at_node(&pair->value), "bad-word",
                                "write quarantine: true, or leave it out");
}

static bool then_alert(struct read *read, const struct yaml_pair *pair, struct rule_then *then)
{
    return read_choice(read, &pair->value, "alert", READ_WORDS(alert_words), &then->alert_level);
}

static bool then_notify(struct read *read, const struct yaml_pair *pair, struct rule_then *then)
{
    if (!read_names(read, &pair->value, "notify", &then->notify))
        return false;
    if (then->notify.count == 0)
        return read_error(read, read_at_node(&pair->value), "empty", "notify needs a target");
    const struct policy_world *world = read->world;
    if (!world->targets)
        return true;
    const char **words = read_alloc(read, world->target_count + 2, sizeof *words);
    if (!words)
        return false;
    words[0] = "owner";
    words[1] = "last-editor";
    for (size_t i = 0; i < world->target_count; i++)
        words[i + 2] = world->targets[i];
    return names_known(read, &pair->value, (struct read_words){words, world->target_count + 2},
                       "unknown-target", "target");
}

static bool then_tag(struct read *read, const struct yaml_pair *pair, struct rule_then *then)
{
    return read_names(read, &pair->value, "tag", &then->tag) &&
           (then->tag.count ||
            read_error(read, read_at_node(&pair->value), "empty", "tag needs a word"));
}

static const struct {
    const char *word;
    enum plan_do what;
    bool (*read)(struct read *read, const struct yaml_pair *pair, struct rule_then *then);
} actions[] = {
    {"label", PLAN_LABEL, then_label},
    {"unshare", PLAN_UNSHARE, then_unshare},
    {"expire_links", PLAN_EXPIRE_LINKS, then_expire_links},
    {"encrypt", PLAN_ENCRYPT, then_encrypt},
    {"quarantine", PLAN_QUARANTINE, then_quarantine},
    {"alert", PLAN_ALERT, then_alert},
    {"notify", PLAN_NOTIFY, then_notify},
    {"tag", PLAN_TAG, then_tag},
};

static bool read_action(struct read *read, const struct yaml_node *map,
                        const struct yaml_pair *pair, struct rule_then *then)
{
    if (pair->value.kind == YAML_SCALAR && !*pair->value.text && !map->flow)
        return read_error(read, read_at_key(pair), "missing-value", "\"%.80s\" needs a value",
                          pair->key);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].word, pair->key) != 0)
            continue;
        then->has[actions[i].what] = true;
        return actions[i].read(read, pair, then);
    }
    if (read_stray_key(read, map, pair))
        return false;
    return read_unknown(read, read_at_key(pair), "unknown-action",
                        read_suggest(pair->key, READ_WORDS(action_words)),
                        "unknown action \"%.80s\"", pair->key);
}

/* What stands ill together ------------------------------------------------------------------- */

static bool asks(const struct rule_when *when, enum rule_op op)
{
    if (when->op == op)
        return true;
    for (size_t i = 0; i < when->of_count; i++)
        if (asks(&when->of[i], op))
            return true;
    return false;
}

/* A `format` that must hold and allows only formats without a place for a label. */
static bool unlabelable(const struct rule_when *when)
{
    if (when->op == RULE_ALL || when->op == RULE_IS) {
        for (size_t i = 0; i < when->of_count; i++)
            if (unlabelable(&when->of[i]))
                return true;
        return false;
    }
    if (when->op != RULE_FORMAT || when->format.mime.count)
        return false;
    for (unsigned i = 0; i < FORMAT_COUNT; i++)
        if ((when->format.formats[i / 64] >> (i % 64) & 1) &&
            formats_row((enum format_id)i)->labelable)
            return false;
    return true;
}

static bool check_together(struct read *read, const struct yaml_node *node, const struct rule *rule)
{
    const struct rule_then *then = &rule->then;
    struct read_at at = read_at_node(node);
    bool sealed = then->has[PLAN_QUARANTINE];
    if (sealed && then->has[PLAN_ENCRYPT])
        return read_error(read, key_of(node, "quarantine", at), "conflict",
                          "a rule cannot both encrypt and quarantine; the quarantined copy is "
                          "sealed anyway");
    if (!rule->when)
        return true;
    if (then->label.target == RULE_TO_PREVIOUS && !asks(rule->when, RULE_LABEL_CHANGE))
        return read_error(read, key_of(node, "label", at), "needs-label-change",
                          "label previous needs \"label_change\" in \"when\": it is the label "
                          "that was lost");
    if (sealed && then->has[PLAN_UNSHARE] && !then->unshare.else_quarantine)
        read_warn(read, key_of(node, "unshare", at), "covered",
                  "quarantine covers unshare; write \"else: quarantine\" in unshare instead if "
                  "quarantine is meant for what cannot be unshared");
    if (then->has[PLAN_LABEL] && unlabelable(rule->when))
        read_warn(read, key_of(node, "label", at), "not-labelable",
                  "none of the formats in \"format\" carries a label");
    if (sealed && !then->has[PLAN_ALERT] && !then->has[PLAN_NOTIFY])
        read_warn(read, key_of(node, "quarantine", at), "silent",
                  "quarantine without alert or notify: nobody is told");
    return true;
}

static const char *names_text(struct read *read, const char *word, const struct rule_names *names)
{
    const char *text = word;
    for (size_t i = 0; i < names->count; i++)
        text = read_printf(read, "%s%s%s", text, i ? ", " : " ", names->items[i]);
    return text;
}

static const char *unshare_text(struct read *read, const struct rule_then *then)
{
    const char *text = then->unshare.bounded ? read_printf(read, "unshare to %s",
                                                           facts_exposure_word(then->unshare.to))
                                             : "unshare";
    for (size_t i = 0; i < then->unshare.remove.count; i++)
        text = read_printf(read, "%s, remove %s", text, then->unshare.remove.items[i].text);
    return then->unshare.else_quarantine ? read_printf(read, "%s, else quarantine", text) : text;
}

static const char *label_text(struct read *read, const struct rule_then *then)
{
    static const char *const targets[] = {"", "none", "previous"};
    return read_printf(read, "label %s",
                       then->label.label ? then->label.label->name : targets[then->label.target]);
}

/* An action as explain shows it. */
static const char *action_text(struct read *read, const struct rule_then *then, enum plan_do what)
{
    switch (what) {
    case PLAN_LABEL: return label_text(read, then);
    case PLAN_UNSHARE: return unshare_text(read, then);
    case PLAN_EXPIRE_LINKS: return read_printf(read, "expire_links %s", then->span_text);
    case PLAN_ENCRYPT: return names_text(read, "encrypt", &then->encrypt);
    case PLAN_ALERT: return read_printf(read, "alert %s", alert_words[then->alert_level]);
    case PLAN_NOTIFY: return names_text(read, "notify", &then->notify);
    case PLAN_TAG: return names_text(read, "tag", &then->tag);
    default: return plan_do_word(what);
    }
}

static bool collect_words(struct read *read, struct rule *rule)
{
    const char **words = read_alloc(read, PLAN_DO_COUNT, sizeof *words);
    const char **texts = read_alloc(read, PLAN_DO_COUNT, sizeof *texts);
    if (!words || !texts)
        return false;
    rule->then_words = words;
    rule->then_texts = texts;
    for (unsigned i = 0; i < PLAN_DO_COUNT; i++) {
        if (!rule->then.has[i])
            continue;
        words[rule->then_count] = plan_do_word((enum plan_do)i);
        texts[rule->then_count++] = action_text(read, &rule->then, (enum plan_do)i);
    }
    return true;
}

bool read_then(struct read *read, const struct yaml_node *node, struct rule *rule)
{
    if (node->kind != YAML_MAP || node->count == 0)
        return read_error(read, read_at_node(node), "no-action",
                          "\"then\" needs an action, for example then: { alert: high }");
    bool ok = true;
    for (size_t i = 0; i < node->count; i++)
        ok = read_action(read, node, &node->pairs[i], &rule->then) && ok;
    return ok && check_together(read, node, rule) && collect_words(read, rule);
}
