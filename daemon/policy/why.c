#include "policy/why.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"

static const char *const op_words[RULE_OP_COUNT] = {
    [RULE_ALWAYS] = "always", [RULE_ALL] = "all", [RULE_ANY] = "any",
    [RULE_NOT] = "not",       [RULE_IS] = "is",
#define CONDITION(id, word) [RULE_##id] = word,
#include "policy/conditions.def"
#undef CONDITION
};

static const char *text_or_unknown(const char *text)
{
    return text ? text : WHY_NOT_KNOWN;
}

static const char *have_findings(struct verdict *verdict, const struct rule_when *when)
{
    const struct facts *facts = verdict->facts;
    struct verdict_count count = verdict_count(verdict, &when->findings);
    const char *open = "";
    if (count.open)
        open = facts->status == REPORT_OK
                   ? " or more"
                   : arena_printf(verdict->arena, ", file not fully read (%s)",
                                  report_status_word(facts->status));
    const char *kinds = !when->findings.kinds ? "" : count.number == 1 ? " kind" : " kinds";
    return open ? arena_printf(verdict->arena, "found %llu%s%s", (unsigned long long)count.number,
                               kinds, open)
                : NULL;
}

static const char *have_people(struct verdict *verdict)
{
    enum { most = 8 };
    const struct facts *facts = verdict->facts;
    const char *text = facts->shared_with_count ? facts->shared_with[0] : "nobody";
    if (!facts->sharing_known)
        return WHY_NOT_KNOWN;
    for (size_t i = 1; text && i < facts->shared_with_count && i < most; i++)
        text = arena_printf(verdict->arena, "%s, %s", text, facts->shared_with[i]);
    if (text && facts->shared_with_count > most)
        text =
            arena_printf(verdict->arena, "%s and %zu more", text, facts->shared_with_count - most);
    return text;
}

static const char *have_name(const struct facts *facts)
{
    const char *path = facts->path ? facts->path : "";
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char *have_format(struct verdict *verdict)
{
    const struct facts *facts = verdict->facts;
    const char *word = formats_row(facts->format)->word;
    return facts->mime && *facts->mime ? arena_printf(verdict->arena, "%s (%s)", word, facts->mime)
                                       : word;
}

static const char *have_time(struct verdict *verdict, enum rule_op op)
{
    const struct facts *facts = verdict->facts;
    const struct facts_time *time = op == RULE_CREATED    ? &facts->created
                                    : op == RULE_MODIFIED ? &facts->modified
                                                          : &facts->shared;
    char text[21];
    if (!time->known)
        return WHY_NOT_KNOWN;
    clock_format(time->us, text);
    return arena_strdup(verdict->arena, text);
}

static const char *have_label(struct verdict *verdict)
{
    const struct facts *facts = verdict->facts;
    const char *foreign = facts->foreign_label ? ", and one of another tenant" : "";
    if (facts->label_kind == FACTS_LABEL_UNREAD)
        return "could not be read";
    if (facts->label_kind == FACTS_LABEL_NONE)
        return arena_printf(verdict->arena, "none%s", foreign);
    const struct policy_label *label =
        facts->label_id ? policy_label_find(verdict->policy, facts->label_id) : NULL;
    return arena_printf(verdict->arena, "%s, set %s%s",
                        label ? label->name : "a label of ours that is not in \"labels\"",
                        facts->set_by == FACTS_MANUAL ? "by a person" : "automatically", foreign);
}

/* Values of properties stay untold: they are the file's content. */
static const char *have_property(enum plan_truth is)
{
    return is == PLAN_TRUE      ? "so"
           : is == PLAN_UNKNOWN ? WHY_NOT_KNOWN
                                : "absent or of another value";
}

static const char *have(struct verdict *verdict, const struct rule_when *when, enum plan_truth is)
{
    const struct facts *facts = verdict->facts;
    switch (when->op) {
    case RULE_FINDINGS: return have_findings(verdict, when);
    case RULE_EXPOSURE:
        return facts->exposure == FACTS_EXPOSURE_UNKNOWN ? WHY_NOT_KNOWN
                                                         : facts_exposure_word(facts->exposure);
    case RULE_SHARED_WITH: return have_people(verdict);
    case RULE_PATH: return facts->path ? facts->path : "";
    case RULE_NAME: return have_name(facts);
    case RULE_CONNECTION: return text_or_unknown(facts->connection);
    case RULE_OWNER: return text_or_unknown(facts->owner);
    case RULE_FORMAT: return is == PLAN_UNKNOWN ? WHY_NOT_KNOWN : have_format(verdict);
    case RULE_SIZE:
        return arena_printf(verdict->arena, "%llu bytes", (unsigned long long)facts->size);
    case RULE_CREATED:
    case RULE_MODIFIED:
    case RULE_SHARED: return have_time(verdict, when->op);
    case RULE_LABEL: return have_label(verdict);
    case RULE_LABEL_CHANGE: return facts_label_change_word(facts->label_change);
    case RULE_STATUS: return report_status_word(facts->status);
    case RULE_PROPERTY: return have_property(is);
    default: return "";
    }
}

static bool fill(struct verdict *verdict, const struct rule_when *when, struct plan_node *node)
{
    *node = (struct plan_node){.is = verdict_of(verdict, when), .line = when->line};
    if (when->of_count == 0) {
        node->condition = op_words[when->op];
        node->want = when->want;
        node->have = have(verdict, when, node->is);
        return node->have != NULL;
    }
    struct plan_node *of = arena_alloc(verdict->arena, when->of_count, sizeof *of);
    node->op = op_words[when->op];
    node->name = when->name;
    node->of = of;
    node->of_count = when->of_count;
    for (size_t i = 0; of && i < when->of_count; i++)
        if (!fill(verdict, &when->of[i], &of[i]))
            return false;
    return of != NULL;
}

const struct plan_node *why_node(struct verdict *verdict, const struct rule_when *when)
{
    struct plan_node *node = arena_alloc(verdict->arena, 1, sizeof *node);
    return node && fill(verdict, when, node) ? node : NULL;
}
