#include "policy/explain.h"

#include <string.h>

#include "base/clock.h"
#include "policy/why.h"

enum { widest = 72 };

/* The option that gives the fact behind a condition. */
static const struct {
    const char *condition, *option;
} options[] = {
    {"exposure", "--exposure"}, {"shared_with", "--shared-with"}, {"connection", "--connection"},
    {"owner", "--owner"},       {"created", "--created"},         {"modified", "--modified"},
    {"shared", "--shared"},
};

const char *explain_hint(const struct explain *explain, const struct plan_node *node)
{
    if (!explain->hints || strcmp(node->have, WHY_NOT_KNOWN) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strcmp(options[i].condition, node->condition) == 0)
            return options[i].option;
    return NULL;
}

/* Widths in characters ----------------------------------------------------------------------- */

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static size_t width_of(const struct plan_node *node, unsigned indent)
{
    size_t width = node->condition && *node->want
                       ? indent + strlen(node->condition) + 2 + characters(node->want)
                       : 0;
    for (size_t i = 0; i < node->of_count; i++) {
        size_t inner = width_of(&node->of[i], indent + 2);
        width = inner > width ? inner : width;
    }
    return width;
}

/* The outermost `all` goes without saying: its parts stand at the margin. */
static bool is_plain_all(const struct plan_node *when)
{
    return when->op && strcmp(when->op, "all") == 0;
}

static size_t width_of_rule(const struct plan_node *when)
{
    size_t width = is_plain_all(when) ? 0 : width_of(when, 0);
    for (size_t i = 0; is_plain_all(when) && i < when->of_count; i++) {
        size_t part = width_of(&when->of[i], 0);
        width = part > width ? part : width;
    }
    return width;
}

static bool shown_whole(const struct explain *explain, const struct plan_rule *rule)
{
    return rule->mode != PLAN_OFF &&
           (rule->state == PLAN_MATCHED || rule->state == PLAN_UNDECIDED || explain->all);
}

/* The column of `have`, the same for the whole text. */
static size_t column_of(const struct explain *explain)
{
    size_t column = 0;
    for (size_t i = 0; i < explain->plan->rule_count; i++) {
        const struct plan_rule *rule = &explain->plan->rules[i];
        size_t width = shown_whole(explain, rule) && rule->when ? width_of_rule(rule->when) : 0;
        column = width > column ? width : column;
    }
    return column < widest ? column : widest;
}

static void pad(struct buf *out, size_t from, size_t to)
{
    for (; from < to; from++)
        buf_putc(out, ' ');
}

/* The file ----------------------------------------------------------------------------------- */

static void put_number(struct buf *out, unsigned long long number)
{
    if (number >= 1000) {
        put_number(out, number / 1000);
        buf_printf(out, ",%03llu", number % 1000);
    } else {
        buf_printf(out, "%llu", number);
    }
}

static const char *label_word(const struct explain *explain)
{
    const struct facts *facts = explain->facts;
    if (facts->label_kind == FACTS_LABEL_UNREAD)
        return "not readable";
    if (facts->label_kind == FACTS_LABEL_NONE)
        return "none";
    const struct policy_label *label =
        facts->label_id ? policy_label_find(explain->policy, facts->label_id) : NULL;
    return label ? label->name : "unknown";
}

static void put_file(const struct explain *explain, struct buf *out)
{
    const struct facts *facts = explain->facts;
    buf_printf(out, "%s  %s, ", explain->path, formats_row(facts->format)->word);
    put_number(out, facts->size);
    buf_printf(out, " bytes, %s; label %s; exposure %s\n", report_status_word(facts->status),
               label_word(explain), facts_exposure_word(facts->exposure));
    for (size_t i = 0; i < facts->finding_count; i++) {
        const struct report_finding *finding = &facts->findings[i];
        buf_printf(out, "  found  %s ", finding->type);
        put_number(out, finding->count);
        buf_puts(out, " (");
        put_number(out, finding->unique_count);
        buf_printf(out, " different%s), %s\n", finding->at_least ? " or more" : "",
                   report_confidence_word(finding->confidence));
    }
    if (facts->finding_count == 0)
        buf_puts(out, "  found  nothing\n");
    buf_putc(out, '\n');
}

/* Rules -------------------------------------------------------------------------------------- */

static const char *mark(enum plan_truth is)
{
    return is == PLAN_TRUE ? "yes" : is == PLAN_FALSE ? "no " : "?  ";
}

static void put_node(const struct explain *explain, const struct plan_node *node, size_t column,
                     unsigned indent, struct buf *out)
{
    buf_printf(out, "  %s  ", mark(node->is));
    pad(out, 0, indent);
    if (node->condition) {
        bool wants = *node->want && strcmp(node->condition, node->want) != 0;
        buf_printf(out, "%s%s%s", node->condition, wants ? ": " : "", wants ? node->want : "");
        size_t used = indent + strlen(node->condition) + (wants ? 2 + characters(node->want) : 0);
        const char *hint = explain_hint(explain, node);
        if (*node->have)
            pad(out, used, column);
        if (*node->have)
            buf_printf(out, "   %s%s%s", node->have, hint ? ", give " : "", hint ? hint : "");
        buf_putc(out, '\n');
        return;
    }
    buf_printf(out, "%s%s%s\n", node->op, node->name ? ": " : "", node->name ? node->name : "");
    for (size_t i = 0; i < node->of_count; i++)
        put_node(explain, &node->of[i], column, indent + 2, out);
}

static void put_when(const struct explain *explain, const struct plan_node *when, size_t column,
                     struct buf *out)
{
    if (!is_plain_all(when)) {
        put_node(explain, when, column, 0, out);
        return;
    }
    for (size_t i = 0; i < when->of_count; i++)
        put_node(explain, &when->of[i], column, 0, out);
}

/* The first condition that made it false. */
static const struct plan_node *culprit(const struct plan_node *node)
{
    if (node->condition)
        return node;
    bool is_not = strcmp(node->op, "not") == 0;
    for (size_t i = 0; i < node->of_count; i++)
        if (node->of[i].is == (is_not ? PLAN_TRUE : PLAN_FALSE))
            return is_not && !node->of[i].condition ? NULL : culprit(&node->of[i]);
    return NULL;
}

static void put_no_match(const struct plan_rule *rule, struct buf *out)
{
    const struct plan_node *node = rule->when ? culprit(rule->when) : NULL;
    buf_printf(out, "NO MATCH   %s", rule->name);
    if (node) {
        const char *have = node->have;
        if (strncmp(have, "found ", 6) == 0)
            have += 6;
        buf_printf(out, " (%s: %s)", node->condition, have);
    }
    buf_putc(out, '\n');
}

static void put_does(const struct plan_rule *rule, struct buf *out)
{
    buf_puts(out, rule->mode == PLAN_ENFORCE ? "  does " : "  would ");
    for (size_t i = 0; i < rule->then_count; i++)
        buf_printf(out, "%s%s", i ? " · " : "", rule->does[i]);
    buf_putc(out, '\n');
}

static void put_exception(const struct plan_exception *exception, struct buf *out)
{
    char until[21];
    clock_format(exception->until_us, until);
    buf_printf(out, "  by \"%s\" until %.10s, %s: %s\n", exception->name, until, exception->owner,
               exception->reason);
}

static void put_rule(const struct explain *explain, const struct plan_rule *rule, size_t column,
                     struct buf *out)
{
    static const char *const heads[] = {
        [PLAN_NOT_MATCHED] = "NO MATCH",
        [PLAN_UNDECIDED] = "UNDECIDED",
        [PLAN_MATCHED] = "MATCHED",
        [PLAN_EXCEPTED] = "EXCEPTED",
    };
    const char *head = rule->mode == PLAN_OFF ? "OFF" : heads[rule->state];
    if (rule->state == PLAN_NOT_MATCHED && rule->mode != PLAN_OFF && !explain->all) {
        put_no_match(rule, out);
        return;
    }
    buf_printf(out, "%-10s %s   %s   %s:%u\n", head, rule->name, plan_mode_word(rule->mode),
               explain->rules_file, rule->line);
    if (rule->exception)
        put_exception(rule->exception, out);
    if (shown_whole(explain, rule) && rule->when)
        put_when(explain, rule->when, column, out);
    if (rule->state == PLAN_MATCHED)
        put_does(rule, out);
}

static void put_rules(const struct explain *explain, struct buf *out)
{
    static const enum plan_state order[] = {PLAN_MATCHED, PLAN_EXCEPTED, PLAN_UNDECIDED,
                                            PLAN_NOT_MATCHED};
    size_t column = column_of(explain);
    for (size_t s = 0; s < sizeof order / sizeof *order; s++)
        for (size_t i = 0; i < explain->plan->rule_count; i++)
            if (explain->plan->rules[i].state == order[s])
                put_rule(explain, &explain->plan->rules[i], column, out);
    buf_putc(out, '\n');
}

/* Steps -------------------------------------------------------------------------------------- */

static void put_operand(enum plan_do what, const char *with, struct buf *out)
{
    bool to = what == PLAN_UNSHARE && strncmp(with, "remove ", 7) != 0;
    buf_printf(out, "%s%s%s%s", plan_do_word(what), *with ? " " : "", to && *with ? "to " : "",
               with);
}

static void put_step(const struct explain *explain, const struct plan_step *step, struct buf *out)
{
    put_operand(step->what, step->with, out);
    if (step->what == PLAN_LABEL)
        buf_printf(out, " (was %s)", label_word(explain));
}

static bool same_step(const struct plan_step *a, const struct plan_step *b)
{
    return a->what == b->what && strcmp(a->with, b->with) == 0;
}

static bool among(const struct plan_step *step, const struct plan_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same_step(step, &steps[i]))
            return true;
    return false;
}

/* The steps that `but` does not have, each once. How many. */
static size_t put_steps(const struct explain *explain, const struct plan_steps *steps,
                        const struct plan_steps *but, struct buf *out)
{
    size_t put = 0;
    for (size_t i = 0; i < steps->count; i++) {
        const struct plan_step *step = &steps->steps[i];
        if ((but && among(step, but->steps, but->count)) || among(step, steps->steps, i))
            continue;
        buf_puts(out, put++ ? " · " : "");
        put_step(explain, step, out);
    }
    return put;
}

static void put_left_out(const struct plan_steps *steps, struct buf *out)
{
    for (size_t i = 0; i < steps->left_out_count; i++) {
        const struct plan_left_out *left = &steps->left_out[i];
        buf_puts(out, "left out ");
        put_operand(left->what, left->with, out);
        buf_printf(out, ": %s (", left->reason);
        for (size_t k = 0; k < left->rule_count; k++)
            buf_printf(out, "%s%s", k ? ", " : "", left->rules[k]);
        buf_puts(out, ")\n");
    }
}

static void put_next(const struct plan *plan, struct buf *out)
{
    char due[21];
    if (plan->due_us == 0) {
        buf_puts(out, "next     no time condition is due\n");
        return;
    }
    clock_format(plan->due_us, due);
    buf_printf(out, "next     decided again on %s\n", due);
}

bool explain_text(const struct explain *explain, struct buf *out)
{
    const struct plan *plan = explain->plan;
    put_file(explain, out);
    put_rules(explain, out);
    buf_puts(out, "plan     ");
    if (put_steps(explain, &plan->plan, NULL, out) == 0)
        buf_puts(out, "nothing to do");
    buf_putc(out, '\n');
    put_left_out(&plan->plan, out);
    buf_puts(out, "would    ");
    buf_puts(out, put_steps(explain, &plan->would, &plan->plan, out)
                      ? " if all rules were enforced\n"
                      : "nothing more if all rules were enforced\n");
    put_next(plan, out);
    return !out->failed;
}
