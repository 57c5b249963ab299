#include "rules_world.h"

#include <stdio.h>
#include <string.h>

static struct type_info types[] = {
    {.id = "card-amex", .parent = "credit-card"},
    {.id = "card-visa", .parent = "credit-card"},
    {.id = "card-visa-debit", .parent = "card-visa"},
    {.id = "credit-card", .parent = ""},
    {.id = "de-kvnr", .parent = ""},
    {.id = "es-dni", .parent = ""},
    {.id = "iban", .parent = ""},
    {.id = "icd-10-cm", .parent = ""},
    {.id = "medical-record-number", .parent = ""},
    {.id = "private-key-pem", .parent = ""},
    {.id = "uk-nhs", .parent = ""},
    {.id = "us-mbi", .parent = ""},
    {.id = "us-npi", .parent = ""},
    {.id = "us-ssn", .parent = ""},
};

static struct report_name gdpr[] = {{"es-dni"}, {"iban"}};
static struct report_name pci[] = {{"credit-card"}};
static struct report_name secrets[] = {{"private-key-pem"}};

static struct type_bundle bundles[] = {
    {.name = "GDPR personal data", .members = gdpr, .members_count = 2},
    {.name = "PCI", .members = pci, .members_count = 1},
    {.name = "Secrets", .members = secrets, .members_count = 1},
};

static const struct type_list list = {
    .types = types,
    .types_count = sizeof types / sizeof *types,
    .bundles = bundles,
    .bundles_count = sizeof bundles / sizeof *bundles,
};

const struct type_list *rules_world_types(void)
{
    return &list;
}

struct policy *rules_world_parse(const char *text, struct arena *arena,
                                 struct policy_problems *problems)
{
    static const char *const targets[] = {"soc"};
    static const char *const connections[] = {"team", "finance"};
    const struct policy_world world = {
        .types = &list,
        .targets = targets,
        .target_count = 1,
        .connections = connections,
        .connection_count = 2,
        .now_us = RULES_WORLD_NOW,
    };
    struct err err = {0};
    return policy_parse("rules.yaml", text, strlen(text), &world, arena, problems, &err);
}

const char *rules_world_print(const struct policy_problems *problems, struct arena *arena)
{
    const char *all = "";
    for (size_t i = 0; i < problems->count; i++) {
        const struct policy_problem *problem = &problems->items[i];
        all = arena_printf(arena, "%s%u:%u: %s: %s [%s]\n", all, problem->line, problem->column,
                           problem->severity == POLICY_ERROR ? "error" : "warning",
                           problem->message, problem->code);
        if (!all)
            return "out of memory";
    }
    return all;
}
