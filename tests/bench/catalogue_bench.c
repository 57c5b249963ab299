/* How long the rules take over a whole catalogue: a store with N items is made (one in three with
 * findings, one in ten shared, some with properties), then decided: by the templates alone (what
 * an apply counts), and beside other rules in force (what a simulation shows), on one core and on
 * all. Bare: the same rows read and not decided. The best of all rounds.
 * Run: catalogue_bench [ITEMS [ROUNDS [FOLDER]]]; 0 rounds: the store is left there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/own.h"
#include "jobs/simulate.h"
#include "store/item.h"

enum { batch = 5000 };

struct bench {
    char folder[4096];
    struct store *store;
    struct policy *policy, *now;
    uint64_t items;
    struct arena arena;
};

struct making {
    const struct bench *bench;
    uint64_t from;
};

static struct policy *load(struct bench *bench, const char *path)
{
    static struct type_info types[64];
    static struct type_list list;
    static const char *const ids[] = {
        "credit-card",     "card-visa",    "es-dni", "iban",    "uk-nhs",
        "icd-10-cm",       "us-mbi",       "us-npi", "de-kvnr", "medical-record-number",
        "private-key-pem", "email-address"};
    static struct report_name gdpr[] = {{"es-dni"}, {"iban"}}, pci[] = {{"credit-card"}},
                              secrets[] = {{"private-key-pem"}};
    static struct type_bundle bundles[] = {
        {.name = "GDPR personal data", .members = gdpr, .members_count = 2},
        {.name = "PCI", .members = pci, .members_count = 1},
        {.name = "Secrets", .members = secrets, .members_count = 1}};
    struct policy_problems problems;
    struct err err = {0};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        types[i] = (struct type_info){.id = ids[i], .parent = i == 1 ? "credit-card" : ""};
    list = (struct type_list){.types = types,
                              .types_count = sizeof ids / sizeof *ids,
                              .bundles = bundles,
                              .bundles_count = 3};
    const struct policy_world world = {.types = &list};
    struct policy *policy = policy_load(path, &world, &bench->arena, &problems, &err);
    if (!policy)
        fprintf(stderr, "%s: %s\n", path, problems.count ? problems.items[0].message : err.text);
    return policy;
}

/* Making the catalogue ------------------------------------------------------------------------- */

static void fill_report(uint64_t n, struct report *report, struct report_finding *findings,
                        struct report_variant *variant, struct report_property *property)
{
    static const char *const found[] = {"credit-card", "es-dni",          "iban",         "uk-nhs",
                                        "icd-10-cm",   "private-key-pem", "email-address"};
    *report = (struct report){.status = n % 97 ? REPORT_OK : REPORT_ENCRYPTED, .mime = ""};
    uint32_t count = n % 3 ? 0 : 1 + n % 2;
    for (uint32_t i = 0; i < count; i++)
        findings[i] = (struct report_finding){.type = found[(n / 3 + i) % 7],
                                              .confidence = (enum report_confidence)(n % 3 ? 0 : 2),
                                              .count = (uint32_t)(1 + n % 40),
                                              .unique_count = (uint32_t)(1 + n % 20)};
    if (count && strcmp(findings[0].type, "credit-card") == 0) {
        *variant = (struct report_variant){"card-visa", 1, 1};
        findings[0].variants = variant;
        findings[0].variants_count = 1;
    }
    *property = (struct report_property){"creator", "somebody"};
    report->findings = findings;
    report->findings_count = count;
    report->properties = property;
    report->properties_count = n % 4 == 0;
}

static bool add_item(struct db *db, uint64_t n, struct err *err)
{
    static const char *const folders[] = {"Finance/2026", "Sales/North", "Personnel", "Projects/A"};
    char path[128], key[64];
    struct item item;
    struct report report;
    struct report_finding findings[2] = {0};
    struct report_variant variant;
    struct report_property property;
    snprintf(path, sizeof path, "/%s/team-%u/report-%llu.docx", folders[n % 4],
             (unsigned)(n / 1000 % 500), (unsigned long long)n);
    snprintf(key, sizeof key, "%llu", (unsigned long long)n);
    fill_report(n, &report, findings, &variant, &property);
    item_init(&item, "team", key);
    item.path = path;
    item.version = "1795478400000000-18211-1234567";
    item.size = 1000 + n % 1000000;
    item.owner = "anna@example.com";
    item.exposure = (int)(n % 10 ? FACTS_PRIVATE : FACTS_ANYONE_WITH_LINK);
    item.sharing_known = true;
    item.shared_with = n % 10 ? "[]" : "[\"anyone-with-link\",\"partner@example.net\"]";
    item.status = report.status;
    item.format = FORMAT_DOCX;
    item.mime = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    item.label_kind = n % 5 ? FACTS_LABEL_NONE : FACTS_LABEL_OURS;
    item.label_id = n % 5 ? NULL : "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11";
    item.label_site = "3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10";
    item.created_us = item.modified_us = item.shared_us = 1700000000000000 + (int64_t)n * 1000000;
    item.outcome = "none";
    item.revision = "0000000000000000000000000000000000000000000000000000000000000000";
    item.examined_us = item.decided_us = 1795478400000000;
    return item_save(db, &item, err) && item_findings(db, item.id, &report, err);
}

static bool add_batch(struct db *db, void *context, struct err *err)
{
    const struct making *making = context;
    for (uint64_t n = making->from; n < making->from + batch && n < making->bench->items; n++)
        if (!add_item(db, n, err))
            return false;
    return true;
}

static bool make(struct bench *bench, struct err *err)
{
    bench->store = store_open(bench->folder, err);
    struct making making = {.bench = bench};
    const struct store_unit unit = {add_batch, &making};
    for (; bench->store && making.from < bench->items; making.from += batch)
        if (!store_write(bench->store, STORE_COMMITTED, unit, err))
            return false;
    return bench->store != NULL;
}

/* Measuring ------------------------------------------------------------------------------------ */

static bool read_only(struct bench *bench, unsigned threads, bool beside, uint64_t *fresh,
                      struct err *err)
{
    bool found = true;
    struct stock stock;
    struct stock_item item;
    own_arena struct arena arena = arena_new(16u << 20);
    struct db *db = store_reader(bench->store, err);
    (void)threads;
    (void)beside;
    *fresh = 0;
    bool ok = db && stock_open(&stock, db, stock_part(0, 1), err);
    while (ok && found) {
        arena_reset(&arena);
        ok = stock_next(&stock, &arena, &item, &found, err);
    }
    store_reader_done(bench->store, db);
    return ok;
}

static bool decide(struct bench *bench, unsigned threads, bool beside, uint64_t *fresh,
                   struct err *err)
{
    FILE *file = tmpfile();
    struct difference difference = {.fd = file ? fileno(file) : -1};
    const struct simulate simulate = {.store = bench->store,
                                      .with = {.policy = bench->policy,
                                               .now = beside ? bench->now : NULL,
                                               .now_us = 1795478400000000},
                                      .difference = beside ? &difference : NULL,
                                      .threads = threads};
    struct tally *tally = simulate_run(&simulate, err);
    *fresh = 0;
    for (size_t i = 0; tally && i < tally->rule_count; i++)
        *fresh += tally->rules[i].would_act;
    bool ok = tally != NULL;
    tally_free(tally);
    if (file)
        fclose(file);
    return ok;
}

static const struct way {
    const char *name;
    bool (*run)(struct bench *, unsigned, bool, uint64_t *, struct err *);
    unsigned threads;
    bool beside;
} ways[] = {
    {"rows read, not decided, 1 core", read_only, 1, false},
    {"decided, 1 core", decide, 1, false},
    {"decided, all cores", decide, 0, false},
    {"simulation beside other rules, 1 core", decide, 1, true},
    {"simulation beside other rules, all cores", decide, 0, true},
};

static int64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool measure(struct bench *bench, unsigned rounds, struct err *err)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int64_t best = INT64_MAX, cpu = INT64_MAX;
        uint64_t acts = 0;
        for (unsigned round = 0; round < rounds; round++) {
            int64_t begun = clock_steady_us(), spent = cpu_us();
            if (!ways[i].run(bench, ways[i].threads, ways[i].beside, &acts, err))
                return false;
            int64_t took = clock_steady_us() - begun;
            spent = cpu_us() - spent;
            best = took < best ? took : best;
            cpu = spent < cpu ? spent : cpu;
        }
        printf("%-42s %8.3f s  cpu %7.3f s, %5.2f us an item  would act %llu\n", ways[i].name,
               (double)best / 1e6, (double)cpu / 1e6, (double)cpu / (double)bench->items,
               (unsigned long long)acts);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct rusage usage;
    struct bench bench = {.arena = arena_new(64u << 20)};
    bench.items = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 3;
    snprintf(bench.folder, sizeof bench.folder, "%s/labeld-catalogue-XXXXXX",
             argc > 3 ? argv[3] : "/tmp");
    bench.policy = load(&bench, SOURCE_DIR "/samples/rules/templates.yaml");
    bench.now = load(&bench, SOURCE_DIR "/samples/rules/identity-outside.yaml");
    if (!bench.items || !bench.policy || !bench.now || !mkdtemp(bench.folder))
        return 2;
    int64_t begun = clock_steady_us();
    bool ok = make(&bench, &err);
    printf("%llu items made in %.1f s\n", (unsigned long long)bench.items,
           (double)(clock_steady_us() - begun) / 1e6);
    ok = ok && measure(&bench, rounds, &err);
    getrusage(RUSAGE_SELF, &usage);
    printf("most memory: %ld MiB\n", usage.ru_maxrss / 1024);
    if (!ok)
        fprintf(stderr, "catalogue_bench: %s\n", err.text);
    if (bench.store)
        store_close(bench.store);
    if (rounds == 0) {
        printf("kept in %s\n", bench.folder);
        bench.folder[0] = '\0';
    }
    char command[4200];
    snprintf(command, sizeof command, "rm -rf %s", bench.folder);
    if (bench.folder[0] && system(command) != 0)
        ok = false;
    policy_free(bench.policy);
    policy_free(bench.now);
    arena_fini(&bench.arena);
    return ok ? 0 : 1;
}
