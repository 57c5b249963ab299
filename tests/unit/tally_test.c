/* The catalogue's narrow rows give the same decisions as the reports that they were made from, and
 * what a simulation counts is what these decisions say. */
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "check.h"
#include "jobs/known.h"
#include "jobs/simulate.h"
#include "policy/explain.h"
#include "rules_world.h"
#include "store/item.h"

enum { items = 600, people_most = 3 };

static const char site[] = "3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10";
static const char other_site[] = "11111111-2222-4333-8444-555555555555";
static const char general[] = "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11";

static char folder[64];
static uint64_t random_state = 42;

static unsigned draw(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

/* Items, each from a report ----------------------------------------------------------------------
 */

static void fill_findings(struct report *report, struct arena *arena)
{
    static const char *const types[] = {"credit-card", "de-kvnr", "es-dni",          "iban",
                                        "icd-10-cm",   "uk-nhs",  "private-key-pem", "gone-type"};
    report->findings = arena_alloc(arena, 8 * 3 + 1, sizeof *report->findings);
    for (unsigned i = 0; i < 8; i++)
        for (unsigned level = 0; level < 3; level++) {
            if (draw(6))
                continue;
            struct report_finding *finding = &report->findings[report->findings_count++];
            *finding = (struct report_finding){.type = types[i],
                                               .confidence = (enum report_confidence)level,
                                               .unique_count = 1 + draw(12),
                                               .at_least = draw(8) == 0};
            finding->count = finding->unique_count + draw(9);
            if (i != 0 || draw(2))
                continue;
            finding->variants = arena_alloc(arena, 2, sizeof *finding->variants);
            finding->variants_count = 2;
            finding->variants[0] = (struct report_variant){"card-visa", 1, 1};
            finding->variants[1] = (struct report_variant){"test-number", 1 + draw(2), 1};
        }
}

static void fill_labels(struct report *report, struct arena *arena)
{
    report->labels = arena_alloc(arena, 2, sizeof *report->labels);
    if (draw(3) == 0)
        report->labels[report->labels_count++] =
            (struct report_label){.id = general,
                                  .name = "General",
                                  .site_id = site,
                                  .enabled = true,
                                  .method = draw(2) ? "Standard" : "Privileged",
                                  .set_date = "",
                                  .action_id = "",
                                  .source = "file",
                                  .store = "custom-properties"};
    if (draw(4) == 0)
        report->labels[report->labels_count++] =
            (struct report_label){.id = "99999999-2222-4333-8444-555555555555",
                                  .name = "Theirs",
                                  .site_id = other_site,
                                  .enabled = true,
                                  .method = "Standard",
                                  .set_date = "",
                                  .action_id = "",
                                  .source = "file",
                                  .store = "custom-properties"};
    report->labels_unread = draw(12) == 0;
}

static void fill_report(struct report *report, struct arena *arena)
{
    *report = (struct report){.status = draw(5) ? REPORT_OK
                                                : (enum report_status)draw(REPORT_STATUS_COUNT),
                              .reason = "",
                              .needs = "",
                              .format = draw(2) ? FORMAT_DOCX : FORMAT_ZIP,
                              .mime = "application/zip"};
    fill_findings(report, arena);
    fill_labels(report, arena);
    report->properties = arena_alloc(arena, 2, sizeof *report->properties);
    report->properties_count = draw(3);
    for (unsigned i = 0; i < report->properties_count; i++)
        report->properties[i] =
            (struct report_property){i ? "Client" : "client", draw(2) ? "ACME" : "Other"};
}

/* What a visit knows of the surroundings. */
static void fill_facts(struct facts *facts, const struct report *report, struct arena *arena)
{
    static const char *const people[] = {"anna@example.com", "Max \"M\" <max@partner.example.net>",
                                         "anyone-with-link"};
    facts_from_report(facts, report, 100 + draw(9000), site);
    facts->path = arena_printf(arena, "/%s/%u.docx", draw(2) ? "Finance" : "Größe", draw(1000));
    facts->connection = draw(2) ? "team" : "finance";
    facts->owner = draw(3) ? "Anna <anna@example.com>" : NULL;
    facts->exposure = (enum facts_exposure)draw(FACTS_EXPOSURE_COUNT);
    facts->sharing_known = draw(4) != 0;
    facts->shared_with = people;
    facts->shared_with_count = draw(people_most + 1);
    facts->created = (struct facts_time){draw(2) != 0, RULES_WORLD_NOW - draw(400) * 86400000000ll};
    facts->modified = (struct facts_time){true, RULES_WORLD_NOW - draw(400) * 86400000000ll};
    facts->shared = (struct facts_time){draw(4) != 0, RULES_WORLD_NOW - draw(200) * 86400000000ll};
    facts->label_change = (enum facts_label_change)draw(4);
    facts->previous_id = draw(2) ? "e7f2a6c8-4b15-4a9e-9c3d-8a5b7d6e2f05" : NULL;
}

struct made {
    struct item item;
    struct report report;
    struct facts facts;
    char *json;
};

static void fill_item(struct made *made, struct arena *arena)
{
    struct item *item = &made->item;
    const struct facts *facts = &made->facts;
    own_json json_t *people = json_array();
    own_buf struct buf text = buf_new(4096);
    item_init(item, facts->connection, arena_printf(arena, "%u", draw(1u << 30)));
    for (size_t i = 0; i < facts->shared_with_count; i++)
        json_array_append_new(people, json_text(facts->shared_with[i]));
    assert_true(json_write(people, &text));
    item->shared_with = arena_strdup(arena, buf_text(&text));
    item->path = facts->path;
    item->version = "v";
    item->size = facts->size;
    item->owner = facts->owner;
    item->exposure = (int)facts->exposure;
    item->sharing_known = facts->sharing_known;
    item->status = made->report.status;
    item->format = made->report.format;
    item->mime = made->report.mime;
    item->label_kind = facts->label_kind;
    item->label_id = facts->label_kind == FACTS_LABEL_OURS ? facts->label_id : NULL;
    item->label_site = site;
    item->foreign_label = facts->foreign_label;
    item->set_by = facts->set_by;
    item->label_change = facts->label_change;
    item->previous_id = facts->previous_id;
    item->created_us = facts->created.known ? facts->created.us : ITEM_NO_TIME;
    item->modified_us = facts->modified.us;
    item->shared_us = facts->shared.known ? facts->shared.us : ITEM_NO_TIME;
    item->outcome = "none";
    item->examined_us = 1;
}

static bool save(struct db *db, void *context, struct err *err)
{
    struct made *made = context;
    return item_save(db, &made->item, err) &&
           item_findings(db, made->item.id, &made->report, err) &&
           item_report_save(db, made->item.id, made->json, err);
}

static struct store *make(struct made *made, struct arena *arena)
{
    struct err err = {0};
    snprintf(folder, sizeof folder, "/tmp/labeld-tally-XXXXXX");
    assert_non_null(mkdtemp(folder));
    struct store *store = store_open(folder, &err);
    assert_non_null(store);
    for (size_t i = 0; i < items; i++) {
        struct json_report_facts report_facts = {.path = "/x", .size = 1};
        own_buf struct buf text = buf_new(1u << 20);
        fill_report(&made[i].report, arena);
        fill_facts(&made[i].facts, &made[i].report, arena);
        fill_item(&made[i], arena);
        own_json json_t *json = json_report(&made[i].report, &report_facts);
        assert_true(json && json_write(json, &text));
        made[i].json = arena_strdup(arena, buf_text(&text));
        const struct store_unit unit = {save, &made[i]};
        if (!store_write(store, i + 1 == items ? STORE_COMMITTED : STORE_RAN, unit, &err))
            fail_msg("%s", err.text);
    }
    return store;
}

static void close_and_remove(struct store *store)
{
    static const char *const files[] = {"labeld.db", "labeld.db-wal", "labeld.db-shm"};
    store_close(store);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* Rules that ask for every fact. */
#define LABELS                                                                                     \
    "labels:\n  - { name: General, id: 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11 }\n"                   \
    "  - { name: Secret, id: e7f2a6c8-4b15-4a9e-9c3d-8a5b7d6e2f05 }\n"
#define RULES                                                                                      \
    "rules:\n"                                                                                     \
    "  - { name: Cards, when: { findings: { type: credit-card, at_least: 3 } },\n"                 \
    "      then: { label: Secret, notify: [soc] }, mode: enforce }\n"                              \
    "  - { name: Visa, when: { findings: { type: card-visa, count: all, confidence: high } },\n"   \
    "      then: { tag: [visa] } }\n"                                                              \
    "  - { name: Outside, when: { exposure: { at_least: external-people }, not: { shared_with: "   \
    "{ only: '*@example.com' } } }, then: { unshare: { to: organisation, else: quarantine } } }\n" \
    "  - { name: Old, when: { shared: { before: 90 days ago }, modified: { before: 6 months ago "  \
    "} }, then: { expire_links: 7 days, alert: high }, mode: enforce }\n"                          \
    "  - { name: Kinds, when: { findings: { type: [uk-nhs, icd-10-cm, de-kvnr], kinds: 2 } }, "    \
    "then: { quarantine: true, alert: high }, mode: enforce }\n"                                   \
    "  - { name: Folder, when: { path: /finance/, owner: '*@example.com', size: { at_least: 1 kB " \
    "} }, then: { tag: [money] }, mode: enforce }\n"                                               \
    "  - { name: Client, when: { property: { CLIENT: acme } }, then: { alert: low } }\n"           \
    "  - { name: Locked, when: { any: [{ status: [encrypted, hostile] }, { label: foreign }] }, "  \
    "then: { alert: medium } }\n"                                                                  \
    "  - { name: Lowered, when: { label_change: [lowered, removed] }, then: { label: { to: "       \
    "previous, override: manual } }, mode: enforce }\n"
#define SITE       "site: 3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10\n"
#define OTHER_SITE "site: 11111111-2222-4333-8444-555555555555\n"

static struct policy *load(const char *text, struct arena *arena)
{
    struct policy_problems problems;
    struct policy *policy = rules_world_parse(text, arena, &problems);
    if (!policy)
        fail_msg("%s", rules_world_print(&problems, arena));
    return policy;
}

static char *decided(const struct policy *policy, const struct facts *facts, struct arena *arena)
{
    struct plan plan;
    assert_true(plan_for(policy, facts, RULES_WORLD_NOW, true, arena, &plan));
    const struct explain explain = {
        .policy = policy, .facts = facts, .plan = &plan, .path = "", .rules_file = "", .all = true};
    own_json json_t *json = explain_json(&explain);
    own_buf struct buf text = buf_new(1u << 20);
    json_object_del(json, "facts"); /* findings in another order */
    assert_true(json_write(json, &text));
    return arena_strdup(arena, buf_text(&text));
}

static const struct made *made_by_id(const struct made *made, int64_t id)
{
    for (size_t i = 0; i < items; i++)
        if (made[i].item.id == id)
            return &made[i];
    return NULL;
}

static void check_decisions(struct store *store, const struct made *made, const char *text,
                            const char *tenant)
{
    struct err err = {0};
    own_arena struct arena arena = arena_new(256u << 20);
    struct policy *policy = load(text, &arena);
    struct db *db = store_reader(store, &err);
    struct stock stock;
    size_t seen = 0;
    for (unsigned part = 0; part < 8; part++) {
        bool found = true;
        assert_true(stock_open(&stock, db, stock_part(part, 8), &err));
        while (found) {
            struct stock_item item;
            struct facts facts;
            if (!stock_next(&stock, &arena, &item, &found, &err))
                fail_msg("%s", err.text);
            if (!found)
                break;
            const struct made *from = made_by_id(made, item.id);
            struct facts whole = from->facts, labels;
            facts_from_report(&labels, &from->report, whole.size, tenant);
            whole.label_kind = labels.label_kind;
            whole.label_id = labels.label_id;
            whole.set_by = labels.set_by;
            whole.foreign_label = labels.foreign_label;
            assert_true(known_facts(db, &item, policy, &arena, &facts, &err));
            assert_string_equal(decided(policy, &facts, &arena), decided(policy, &whole, &arena));
            seen++;
        }
        stock_close(&stock);
    }
    assert_int_equal(seen, items);
    store_reader_done(store, db);
    policy_free(policy);
}

static void test_narrow_rows_decide_as_reports(void **state)
{
    (void)state;
    own_arena struct arena arena = arena_new(64u << 20);
    struct made *made = arena_alloc(&arena, items, sizeof *made);
    struct store *store = make(made, &arena);
    check_decisions(store, made, SITE LABELS RULES, site);
    check_decisions(store, made, OTHER_SITE LABELS RULES, other_site);
    close_and_remove(store);
}

/* What is counted -------------------------------------------------------------------------------
 */

static uint64_t change_of(const struct tally *tally, const char *text, bool enforced)
{
    uint32_t number = intern_find(&tally->changes, text);
    if (number == INTERN_NONE)
        return 0;
    return enforced ? tally->counts[number].if_enforced : tally->counts[number].items;
}

struct counted {
    uint64_t matched, cards, secret, quarantine, quarantine_enforced;
};

static bool would(const struct plan_steps *steps, enum plan_do what)
{
    for (size_t i = 0; i < steps->count; i++)
        if (steps->steps[i].what == what)
            return true;
    return false;
}

static struct counted count_slowly(const struct policy *policy, const struct made *made)
{
    struct counted counted = {0};
    for (size_t i = 0; i < items; i++) {
        struct plan plan;
        own_arena struct arena arena = arena_new(1u << 20);
        assert_true(plan_for(policy, &made[i].facts, RULES_WORLD_NOW, false, &arena, &plan));
        counted.matched += plan.rules[0].state == PLAN_MATCHED;
        counted.quarantine += would(&plan.plan, PLAN_QUARANTINE);
        counted.quarantine_enforced += would(&plan.would, PLAN_QUARANTINE);
        for (size_t k = 0; k < plan.plan.count; k++)
            counted.secret += plan.plan.steps[k].what == PLAN_LABEL &&
                              strcmp(plan.plan.steps[k].with, "Secret") == 0;
    }
    return counted;
}

static struct tally *run(struct store *store, const struct policy *policy, const struct policy *now,
                         unsigned threads, struct difference *difference)
{
    struct err err = {0};
    const struct simulate simulate = {
        .store = store,
        .with = {.policy = policy, .now = now, .now_us = RULES_WORLD_NOW},
        .difference = difference,
        .threads = threads};
    struct tally *tally = simulate_run(&simulate, &err);
    if (!tally)
        fail_msg("%s", err.text);
    return tally;
}

struct reading {
    int64_t last;
    uint64_t rows, distinct;
    int64_t stop_at;
};

static bool read_row(void *context, const struct difference_row *row)
{
    struct reading *reading = context;
    assert_true(row->item >= reading->last);
    reading->distinct += row->item != reading->last;
    reading->last = row->item;
    reading->rows++;
    return reading->rows != 100;
}

static void check_difference(int fd, const struct tally *tally)
{
    struct err err = {0};
    struct reading all = {0}, page = {0};
    while (page.rows % 100 == 0) {
        uint64_t before = page.rows;
        assert_true(difference_read(fd, page.last, read_row, &page, &err));
        if (page.rows == before)
            break;
        page.rows = page.rows % 100 ? 1 : 0; /* whole pages go on */
        all.distinct = page.distinct;
    }
    assert_true(all.distinct > 0 && all.distinct <= tally->items);
}

static void test_counts_are_those_of_the_plans(void **state)
{
    (void)state;
    own_arena struct arena arena = arena_new(64u << 20);
    struct made *made = arena_alloc(&arena, items, sizeof *made);
    struct store *store = make(made, &arena);
    struct policy *policy = load(SITE LABELS RULES, &arena),
                  *same = load(SITE LABELS RULES, &arena);
    FILE *file = tmpfile();
    struct difference difference = {.fd = fileno(file)};
    struct tally *tally = run(store, policy, NULL, 3, &difference);
    struct counted slowly = count_slowly(policy, made);
    assert_int_equal(tally->items, items);
    assert_int_equal(tally->rules[0].matched, slowly.matched);
    assert_int_equal(change_of(tally, "+ quarantine", false), slowly.quarantine);
    assert_int_equal(change_of(tally, "+ quarantine", true), slowly.quarantine_enforced);
    assert_int_equal(change_of(tally, "+ label Secret", false), slowly.secret);
    assert_int_equal(tally->rules[0].sample_count, TALLY_SAMPLES);
    check_difference(difference.fd, tally);

    struct tally *alone = run(store, policy, NULL, 1, NULL);
    for (size_t i = 0; i < tally->rule_count; i++)
        assert_memory_equal(&tally->rules[i], &alone->rules[i], sizeof tally->rules[i]);
    struct tally *none = run(store, policy, same, 2, NULL);
    for (uint32_t i = 0; i < none->changes.count; i++)
        assert_int_equal(none->counts[i].items, 0);
    fclose(file);
    tally_free(tally);
    tally_free(alone);
    tally_free(none);
    policy_free(policy);
    policy_free(same);
    close_and_remove(store);
}

static void test_the_share_of_the_brake(void **state)
{
    (void)state;
    static const struct {
        struct ruleset_brake brake;
        uint64_t fresh, items;
        bool too_much;
    } cases[] = {
        {{.items = 1000, .share = 10}, 1000, 100, false},
        {{.items = 1000, .share = 10}, 1001, 100, true},
        {{.items = 1000, .share = 10}, 1001, 100000, false},
        {{.items = 1000, .share = 10}, 10001, 100000, true},
        {{.items = 0, .share = 0}, 0, 10, false},
        {{.items = 0, .share = 0}, 1, 10, true},
        {{.items = 5, .share = 3}, 6, 10, true},
        {{.off = true}, UINT64_MAX, 1, false},
        {{.items = 1, .share = 100}, UINT64_MAX / 2, UINT64_MAX, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (simulate_is_too_much(&cases[i].brake, cases[i].fresh, cases[i].items) !=
            cases[i].too_much)
            fail_msg("case %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_narrow_rows_decide_as_reports),
        cmocka_unit_test(test_counts_are_those_of_the_plans),
        cmocka_unit_test(test_the_share_of_the_brake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
