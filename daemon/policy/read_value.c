#include "policy/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define SECOND_US 1000000ll
#define HOUR_US   (3600 * SECOND_US)
#define DAY_US    (24 * HOUR_US)

/* Units of rules.md, section 2; months and years are fixed lengths there. */
static const struct {
    const char *word;
    uint64_t size;
} span_units[] =
    {
        {"hour", HOUR_US},      {"day", DAY_US},        {"week", 7 * DAY_US},
        {"month", 30 * DAY_US}, {"year", 365 * DAY_US},
},
  size_units[] = {
      {"B", 1},          {"kB", 1000},      {"MB", 1000000},   {"GB", 1000000000},
      {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30},
};

/* "12 rest": the number, and where the rest begins. NULL: not so. Bounded so that any unit fits
 * into 63 bits. */
static const char *leading_number(const char *text, uint64_t *number)
{
    uint64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9'; c++) {
        value = value * 10 + (uint64_t)(*c - '0');
        if (value > 100000)
            return NULL;
    }
    if (c == text)
        return NULL;
    while (*c == ' ')
        c++;
    *number = value;
    return c;
}

/* "days", "day": the unit's size with and without s; what stands behind it must be `tail`. */
static bool span_of(const char *text, const char *tail, int64_t *us)
{
    uint64_t number;
    const char *rest = leading_number(text, &number);
    for (size_t i = 0; rest && i < sizeof span_units / sizeof *span_units; i++) {
        size_t length = strlen(span_units[i].word);
        if (strncmp(rest, span_units[i].word, length) != 0)
            continue;
        const char *after = rest + length + (rest[length] == 's');
        *us = (int64_t)(number * span_units[i].size);
        return strcmp(after, tail) == 0;
    }
    return false;
}

bool read_span(struct read *read, const struct yaml_node *node, int64_t *us)
{
    const char *text = read_text(read, node, "expire_links");
    if (!text)
        return false;
    if (span_of(text, "", us))
        return true;
    return read_error(read, read_at_node(node), "bad-span",
                      "\"%.80s\" is not a span of time; write 7 days (hours, days, weeks, months "
                      "or years)",
                      text);
}

/* Digits alone are bytes. */
static bool plain_bytes(const char *text, uint64_t *bytes)
{
    uint64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9' && value < (1ull << 50); c++)
        value = value * 10 + (uint64_t)(*c - '0');
    *bytes = value;
    return c > text && !*c;
}

bool read_size(struct read *read, const struct yaml_node *node, uint64_t *bytes)
{
    const char *text = read_text(read, node, "size");
    if (!text)
        return false;
    uint64_t number;
    const char *rest = leading_number(text, &number);
    for (size_t i = 0; rest && i < sizeof size_units / sizeof *size_units; i++) {
        if (strcmp(rest, size_units[i].word) != 0)
            continue;
        *bytes = number * size_units[i].size;
        return true;
    }
    if (plain_bytes(text, bytes))
        return true;
    return read_error(read, read_at_node(node), "bad-size",
                      "\"%.80s\" is not a size; write 10 MB (B, kB, MB, GB, KiB, MiB or GiB)",
                      text);
}

bool read_instant(struct read *read, const struct yaml_node *node, struct rule_instant *instant)
{
    const char *text = node->kind == YAML_SCALAR ? node->text : "";
    *instant = (struct rule_instant){.given = true};
    if (span_of(text, " ago", &instant->us)) {
        instant->ago = true;
        return true;
    }
    if (clock_parse(text, &instant->us))
        return true;
    return read_error(read, read_at_node(node), "bad-time",
                      "\"%.80s\" is not a time; write %.20s days ago, or a date such as "
                      "2026-06-30",
                      text, strspn(text, "0123456789") == strlen(text) && *text ? text : "180");
}

/* A path glob that cannot match, or matches less than its author thinks. */
static bool check_path(struct read *read, const struct yaml_node *node)
{
    const char *text = node->text;
    if (text[0] != '/' && strncmp(text, "**/", 3) != 0) {
        bool loose = !strchr(text, '/') && !glob_is_literal(text);
        const char *better = read_printf(read, "%s%s", loose ? "**/" : "/", text);
        return read_unknown(read, read_at_node(node), "path-anchor", better,
                            "a path begins with \"/\" or \"**/\"");
    }
    const char *last = strrchr(text, '/') + 1;
    if (*last && !strchr(last, '.') && glob_is_literal(text))
        read_warn(read, read_at_node(node), "path-one-file",
                  "\"%.200s\" is one file of that name; for all below it write \"%.200s/\"", text,
                  text);
    return true;
}

static bool read_glob(struct read *read, const struct yaml_node *node, bool path, struct glob *glob)
{
    const char *text = read_text(read, node, path ? "path" : "pattern");
    if (!text || (path && !check_path(read, node)))
        return false;
    if (strlen(text) > GLOB_MAX_BYTES)
        return read_error(read, read_at_node(node), "too-long",
                          "a pattern may have at most %d bytes", GLOB_MAX_BYTES);
    return glob_compile(glob, text, path, read->arena) || read_no_memory(read);
}

bool read_globs(struct read *read, const struct yaml_node *node, bool path,
                struct rule_globs *globs)
{
    size_t count;
    const struct yaml_node *items = read_items(node, &count);
    struct glob *made = read_alloc(read, count, sizeof *made);
    bool ok = made != NULL;
    for (size_t i = 0; made && i < count; i++)
        ok = read_glob(read, &items[i], path, &made[i]) && ok;
    *globs = (struct rule_globs){made, count};
    if (ok && count == 0)
        return read_error(read, read_at_node(node), "empty", "an empty list matches nothing");
    return ok;
}

/* The names of all labels, for suggestions. */
static struct read_words label_words(struct read *read)
{
    size_t count = read_listens(read) ? read->policy->label_count : 0;
    const char **words = read_alloc(read, count, sizeof *words);
    for (size_t i = 0; words && i < count; i++)
        words[i] = read->policy->labels[i].name;
    return (struct read_words){words, words ? count : 0};
}

const struct policy_label *read_any_label(struct read *read, const struct yaml_node *node)
{
    const char *text = read_text(read, node, "label");
    if (!text)
        return NULL;
    for (size_t i = 0; i < read->policy->label_count; i++)
        if (strcmp(read->policy->labels[i].name, text) == 0)
            return &read->policy->labels[i];
    read_unknown(read, read_at_node(node), "unknown-label", read_suggest(text, label_words(read)),
                 "unknown label \"%.80s\"", text);
    return NULL;
}

const struct policy_label *read_label(struct read *read, const struct yaml_node *node)
{
    const struct policy_label *label = read_any_label(read, node);
    if (!label || !label->group)
        return label;
    char members[600] = "";
    size_t used = 0, length = strlen(label->name);
    const struct policy_label *all = read->policy->labels, *end = all + read->policy->label_count;
    for (const struct policy_label *l = label + 1; l < end && used < sizeof members; l++) {
        if (strncmp(l->name, label->name, length) != 0 || l->name[length] != '/')
            break;
        bool last = l + 1 == end || strncmp(l[1].name, label->name, length) != 0 ||
                    l[1].name[length] != '/';
        used += (size_t)snprintf(members + used, sizeof members - used, "%s%s",
                                 used == 0 ? ""
                                 : last    ? " or "
                                           : ", ",
                                 l->name);
    }
    read_error(read, read_at_node(node), "group-label", "\"%s\" is a group of labels; choose %s",
               label->name, members);
    return NULL;
}
