#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "policy/digest.h"
#include "policy/read.h"

/* Most memory a loaded policy may take: with the largest rules file a fraction of it. */
enum { max_policy_bytes = 512 << 20 };

/* All types that the parse hosts know, and who is whose child. */
static bool load_types(struct read *read)
{
    const struct type_list *list = read->world->types;
    struct policy *policy = read->policy;
    if (!list)
        return true;
    for (uint32_t i = 0; i < list->types_count; i++) {
        const char *id = arena_strdup(&policy->arena, list->types[i].id);
        if (!id || intern_add(&policy->types, id, &policy->arena) == INTERN_NONE)
            return read_no_memory(read);
    }
    uint32_t *parents = read_alloc(read, policy->types.count, sizeof *parents);
    if (!parents)
        return false;
    for (uint32_t i = 0; i < policy->types.count; i++)
        parents[i] = INTERN_NONE;
    for (uint32_t i = 0; i < list->types_count; i++)
        parents[intern_find(&policy->types, list->types[i].id)] =
            intern_find(&policy->types, list->types[i].parent);
    read->parents = parents;
    return true;
}

static void tell_yaml(struct read *read, const struct yaml_problem *problem)
{
    struct read_at at = {problem->line, problem->column};
    if (problem->fault == YAML_ALIAS)
        read_error(read, at, "quote-star", "a value that begins with * must be quoted: '*%.100s'",
                   problem->word);
    else if (problem->fault == YAML_MEMORY)
        read_no_memory(read);
    else
        read_error(read, at, problem->fault == YAML_EMPTY ? "empty" : "yaml", "%s",
                   problem->message);
}

static int by_place(const void *a, const void *b)
{
    const struct policy_problem *left = a, *right = b;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    if (left->column != right->column)
        return left->column < right->column ? -1 : 1;
    return strcmp(left->code, right->code);
}

/* Hand the messages on, in the order of the file. */
static bool hand_problems(struct read *read, struct policy_problems *problems)
{
    struct policy_problem *items =
        arena_alloc(read->messages, read->problem_count + 1, sizeof *items);
    if (!items)
        return false;
    *problems = (struct policy_problems){.items = items, .count = read->problem_count};
    if (read->problem_count)
        memcpy(items, read->problems, read->problem_count * sizeof *items);
    qsort(items, problems->count, sizeof *items, by_place);
    for (size_t i = 0; i < problems->count; i++) {
        problems->errors += items[i].severity == POLICY_ERROR;
        problems->warnings += items[i].severity == POLICY_WARNING;
    }
    return true;
}

static int by_exception_name(const void *a, const void *b)
{
    return strcmp(((const struct rule_exception *)a)->shown.name,
                  ((const struct rule_exception *)b)->shown.name);
}

static void read_text_into(struct read *read, const char *text, size_t length)
{
    struct yaml_problem problem;
    if (length > read->world->max_bytes) {
        read_error(read, (struct read_at){1, 1}, "limit",
                   "the file is larger than the limit rules-bytes allows (%llu bytes)",
                   (unsigned long long)read->world->max_bytes);
        return;
    }
    const struct yaml_node *root = yaml_parse_twice(text, length, read->arena, &problem);
    if (!root)
        tell_yaml(read, &problem);
    else if (load_types(read)) {
        read_duplicates(read, root);
        read_file(read, root);
    }
}

/* A world without limits has the standard ones. */
static struct policy_world with_limits(const struct policy_world *world)
{
    const struct limits limits = limits_default();
    struct policy_world whole = *world;
    if (whole.max_bytes == 0)
        whole.max_bytes = limits.rules_bytes;
    if (whole.max_rules == 0)
        whole.max_rules = limits.rules_count;
    return whole;
}

static struct policy *new_policy(const char *text, size_t length)
{
    struct policy *policy = mem_zalloc(1, sizeof *policy);
    if (!policy)
        return NULL;
    policy->arena = arena_new(max_policy_bytes);
    if (digest_text(text, length, policy->revision))
        return policy;
    policy_free(policy);
    return NULL;
}

struct policy *policy_parse(const char *name, const char *text, size_t length,
                            const struct policy_world *world, struct arena *arena,
                            struct policy_problems *problems, struct err *err)
{
    const struct policy_world whole = with_limits(world);
    struct policy *policy = new_policy(text, length);
    struct read *read = policy ? mem_zalloc(1, sizeof *read) : NULL;
    *problems = (struct policy_problems){0};
    if (!read) {
        policy_free(policy);
        err_set(err, ERR_MEMORY, "%s: out of memory", name);
        return NULL;
    }
    read->policy = policy;
    read->arena = &policy->arena;
    read->world = &whole;
    read->file = arena_strdup(arena, name);
    read->now_us = whole.now_us ? whole.now_us : clock_now_us();
    read->messages = arena;
    read->default_mode = PLAN_SIMULATE;
    read->confidence = REPORT_MEDIUM;
    read->brake = (struct ruleset_brake){.items = 1000, .share = 10};
    read_text_into(read, text, length);
    bool ok = hand_problems(read, problems) && read->file && !read->no_memory;
    size_t errors = read->errors;
    mem_free(read);
    if (ok && errors == 0) {
        if (policy->exception_count)
            qsort(policy->exceptions, policy->exception_count, sizeof *policy->exceptions,
                  by_exception_name);
        return policy;
    }
    policy_free(policy);
    if (!ok)
        err_set(err, ERR_MEMORY, "%s: out of memory", name);
    return NULL;
}

struct policy *policy_load(const char *path, const struct policy_world *world, struct arena *arena,
                           struct policy_problems *problems, struct err *err)
{
    size_t length = 0;
    *problems = (struct policy_problems){0};
    own_free char *text = io_read_file(path, (size_t)with_limits(world).max_bytes, &length, err);
    if (!text)
        return NULL;
    return policy_parse(path, text, length, world, arena, problems, err);
}

struct policy *policy_empty(struct err *err)
{
    struct policy *policy = new_policy("", 0);
    if (!policy)
        err_set(err, ERR_MEMORY, "the empty policy: out of memory");
    return policy;
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    arena_fini(&policy->arena);
    mem_free(policy);
}

const char *policy_revision(const struct policy *policy)
{
    return policy->revision;
}

const char *policy_rule_digest(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (strcmp(policy->rules[i].name, name) == 0)
            return policy->rules[i].digest;
    return NULL;
}

const struct policy_group *policy_group_find(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->group_count; i++)
        if (strcmp(policy->groups[i].name, name) == 0)
            return &policy->groups[i];
    return NULL;
}

const char *policy_site(const struct policy *policy)
{
    return policy->site;
}

enum label_info policy_label_info(const struct policy *policy)
{
    return policy->info;
}

const struct policy_label *policy_label_find(const struct policy *policy, const char *name_or_id)
{
    for (size_t i = 0; i < policy->label_count; i++)
        if (strcasecmp(policy->labels[i].id, name_or_id) == 0)
            return &policy->labels[i];
    for (size_t i = 0; i < policy->label_count; i++)
        if (strcmp(policy->labels[i].name, name_or_id) == 0)
            return &policy->labels[i];
    return NULL;
}

const struct policy_label *policy_labels(const struct policy *policy, size_t *count)
{
    *count = policy->label_count;
    return policy->labels;
}
