#include "policy/expect.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "policy/read.h"

const struct expect_test *expect_tests(const struct policy *policy, size_t *count)
{
    *count = policy->test_count;
    return policy->tests;
}

/* Facts ------------------------------------------------------------------------------------- */

void expect_overlay(struct facts *facts, const struct expect_facts *given)
{
    const struct facts *from = &given->facts;
#define TAKE(fact, field)                                                                          \
    if (given->given[fact])                                                                        \
    facts->field = from->field
    TAKE(EXPECT_FINDINGS, findings);
    TAKE(EXPECT_FINDINGS, finding_count);
    TAKE(EXPECT_PATH, path);
    TAKE(EXPECT_CONNECTION, connection);
    TAKE(EXPECT_OWNER, owner);
    TAKE(EXPECT_EXPOSURE, exposure);
    TAKE(EXPECT_SHARED_WITH, shared_with);
    TAKE(EXPECT_SHARED_WITH, shared_with_count);
    TAKE(EXPECT_SHARED_WITH, sharing_known);
    TAKE(EXPECT_FORMAT, format);
    TAKE(EXPECT_FORMAT, mime);
    TAKE(EXPECT_SIZE, size);
    TAKE(EXPECT_STATUS, status);
    TAKE(EXPECT_LABEL, label_kind);
    TAKE(EXPECT_LABEL, label_id);
    TAKE(EXPECT_LABEL, foreign_label);
    TAKE(EXPECT_SET_BY, set_by);
    TAKE(EXPECT_LABEL_CHANGE, label_change);
    TAKE(EXPECT_PREVIOUS, previous_id);
    TAKE(EXPECT_CREATED, created);
    TAKE(EXPECT_MODIFIED, modified);
    TAKE(EXPECT_SHARED, shared);
    TAKE(EXPECT_PROPERTY, properties);
    TAKE(EXPECT_PROPERTY, property_count);
#undef TAKE
    if (given->given[EXPECT_STATUS])
        facts->properties_known = from->status == REPORT_OK || from->status == REPORT_PARTIAL;
}

static bool fact_of(const char *word, enum expect_fact *fact)
{
    static const char *const words[] = {
#define FACT(id, word) word,
#include "policy/facts.def"
#undef FACT
    };
    for (unsigned i = 0; i < EXPECT_FACT_COUNT; i++) {
        if (strcmp(words[i], word) != 0)
            continue;
        *fact = (enum expect_fact)i;
        return true;
    }
    return false;
}

/* "a, b" as a list of texts. */
static bool split(const char *text, struct arena *arena, struct yaml_node *list)
{
    size_t most = 1;
    for (const char *c = text; *c; c++)
        most += *c == ',';
    *list = (struct yaml_node){.kind = YAML_LIST};
    list->items = arena_alloc(arena, most, sizeof *list->items);
    for (const char *at = text; list->items && *at;) {
        at += strspn(at, " ,");
        size_t length = strcspn(at, ",");
        char *item = arena_strndup(arena, at, length);
        if (!item)
            return false;
        if (length)
            list->items[list->count++] = (struct yaml_node){.kind = YAML_SCALAR, .text = item};
        at += length;
    }
    return list->items != NULL;
}

bool expect_read(const struct policy *policy, const char *word, const char *text, int64_t now_us,
                 struct arena *arena, struct expect_facts *given, struct err *err)
{
    enum expect_fact fact;
    struct policy view = *policy;
    const struct policy_world world = {0};
    struct yaml_node node = {.kind = YAML_SCALAR, .text = text, .quoted = true};
    if (!fact_of(word, &fact) || fact == EXPECT_FINDINGS || fact == EXPECT_PROPERTY)
        return err_set(err, ERR_USAGE, "\"%s\" is not a fact that can be given here", word);
    struct read *read = arena_alloc(arena, 1, sizeof *read);
    if (!read || (fact == EXPECT_SHARED_WITH && !split(text, arena, &node)))
        return err_set(err, ERR_MEMORY, "out of memory");
    *read = (struct read){.policy = &view,
                          .arena = arena,
                          .world = &world,
                          .file = "",
                          .now_us = now_us,
                          .messages = arena};
    if (read_fact(read, fact, &node, given))
        return true;
    given->given[fact] = false;
    return err_set(err, ERR_USAGE, "%s",
                   read->problem_count ? read->problems[0].message : "out of memory");
}

/* Running ------------------------------------------------------------------------------------ */

static void put_list(struct buf *out, const char *const *items, size_t count)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i ? ", " : "", items[i]);
    buf_putc(out, ']');
}

static void differ(struct buf *out, const char *what)
{
    buf_printf(out, "%s%s: wanted ", out->length ? "; " : "", what);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two sorted lists. */
static void compare_lists(struct buf *out, const char *what, const char *const *wanted,
                          size_t wanted_count, const char *const *got, size_t got_count)
{
    bool same = wanted_count == got_count;
    for (size_t i = 0; same && i < got_count; i++)
        same = strcmp(wanted[i], got[i]) == 0;
    if (same)
        return;
    differ(out, what);
    put_list(out, wanted, wanted_count);
    buf_puts(out, ", got ");
    put_list(out, got, got_count);
}

static void compare_label(struct buf *out, const struct policy *policy, const struct facts *facts,
                          const struct expect_test *test, const struct plan *plan)
{
    const struct policy_label *got = plan_label_after(policy, facts, &plan->plan);
    if (got == test->label)
        return;
    differ(out, "label");
    buf_printf(out, "%s, got %s", test->label ? test->label->name : "none",
               got ? got->name : "none");
}

static void compare_actions(struct buf *out, const struct expect_test *test,
                            const struct plan_steps *steps)
{
    const char *wanted[PLAN_DO_COUNT], *got[PLAN_DO_COUNT];
    size_t wanted_count = 0, got_count = 0;
    bool same = true;
    for (size_t i = 0; i < test->action_count && i < PLAN_DO_COUNT; i++)
        wanted[wanted_count++] = plan_do_word(test->actions[i]);
    for (size_t i = 0; i < steps->count; i++)
        if (steps->steps[i].what <= PLAN_QUARANTINE)
            got[got_count++] = plan_do_word(steps->steps[i].what);
    same = wanted_count == got_count && wanted_count == test->action_count;
    for (size_t i = 0; same && i < got_count; i++)
        same = strcmp(wanted[i], got[i]) == 0;
    if (same)
        return;
    differ(out, "actions");
    put_list(out, wanted, wanted_count);
    buf_puts(out, ", got ");
    put_list(out, got, got_count);
}

static void compare_alert(struct buf *out, const struct expect_test *test,
                          const struct plan_steps *steps)
{
    static const char *const words[] = {"none", "low", "medium", "high"};
    int highest = -1;
    for (size_t i = 0; i < steps->count; i++)
        if (steps->steps[i].what == PLAN_ALERT && (int)steps->steps[i].alert_level > highest)
            highest = (int)steps->steps[i].alert_level;
    if (highest == test->alert)
        return;
    differ(out, "alert");
    buf_printf(out, "%s, got %s", words[test->alert + 1], words[highest + 1]);
}

static void compare_names(struct buf *out, enum plan_do what, const char *const *wanted,
                          size_t wanted_count, const struct plan_steps *steps)
{
    const struct plan_step *found = NULL;
    for (size_t i = 0; i < steps->count; i++)
        if (steps->steps[i].what == what)
            found = &steps->steps[i];
    compare_lists(out, plan_do_word(what), wanted, wanted_count, found ? found->names : NULL,
                  found ? found->name_count : 0);
}

static bool compare_rules(struct buf *out, const char *what, enum plan_state state,
                          struct rule_names wanted, const struct plan *plan, struct arena *arena)
{
    const char **got = arena_alloc(arena, plan->rule_count + 1, sizeof *got);
    size_t count = 0;
    if (!got)
        return false;
    for (size_t i = 0; i < plan->rule_count; i++)
        if (plan->rules[i].state == state)
            got[count++] = plan->rules[i].name;
    qsort(got, count, sizeof *got, by_text);
    compare_lists(out, what, wanted.items, wanted.count, got, count);
    return true;
}

static bool compare(struct buf *out, const struct policy *policy, const struct facts *facts,
                    const struct expect_test *test, const struct plan *plan, struct arena *arena)
{
    bool ok = true;
    if (test->expects_label)
        compare_label(out, policy, facts, test, plan);
    if (test->expects_actions)
        compare_actions(out, test, &plan->plan);
    if (test->expects_alert)
        compare_alert(out, test, &plan->plan);
    if (test->expects_notify)
        compare_names(out, PLAN_NOTIFY, test->notify, test->notify_count, &plan->plan);
    if (test->expects_tag)
        compare_names(out, PLAN_TAG, test->tag, test->tag_count, &plan->plan);
    if (test->expects_rules)
        ok = compare_rules(out, "rules", PLAN_MATCHED,
                           (struct rule_names){test->rules, test->rule_count}, plan, arena);
    if (test->expects_undecided)
        ok = compare_rules(out, "undecided", PLAN_UNDECIDED,
                           (struct rule_names){test->undecided, test->undecided_count}, plan,
                           arena) &&
             ok;
    return ok;
}

bool expect_run(const struct policy *policy, const struct expect_test *test,
                const struct facts *facts, int64_t now_us, struct arena *arena, struct plan *plan,
                const char **mismatch)
{
    const struct plan_options options = {.now_us = now_us, .explain = true, .all_enforced = true};
    own_buf struct buf text = buf_new(64 * 1024);
    *mismatch = NULL;
    if (!plan_as(policy, facts, &options, arena, plan) ||
        !compare(&text, policy, facts, test, plan, arena))
        return false;
    if (text.length == 0)
        return true;
    *mismatch = arena_strdup(arena, buf_text(&text));
    return *mismatch != NULL;
}
