#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/guid.h"
#include "base/own.h"
#include "base/utf8.h"
#include "ctl/import.h"

enum { text_bytes = 512, value_bytes = 120, glob_max = 400 };

/* Their built-in types and ours; several of ours stand apart by spaces. */
static const struct {
    const char *name, *guid, *ours;
} types[] = {
#define IMPORT_TYPE(name, guid, ours) {name, guid, ours},
#include "ctl/import.def"
#undef IMPORT_TYPE
};

/* Values --------------------------------------------------------------------------------------- */

const json_t *import_get(const json_t *object, const char *key)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name,
                        value) if (strcasecmp(name, key) == 0) return json_is_null(value)
        ? NULL
        : value;
    return NULL;
}

bool import_is_unset(const json_t *value)
{
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0) ||
           (json_is_string(value) &&
            (!*json_string_value(value) || strcasecmp(json_string_value(value), "None") == 0));
}

const char *import_text(const json_t *value, char room[static 24])
{
    static const char *const keys[] = {"name", "displayName", "label", "email", "path", "id"};
    for (size_t i = 0; json_is_object(value) && i < sizeof keys / sizeof *keys; i++) {
        const json_t *member = import_get(value, keys[i]);
        if (json_is_string(member) || json_is_integer(member)) {
            value = member;
            break;
        }
    }
    if (json_is_string(value))
        return json_string_value(value);
    snprintf(room, 24, "%s", "");
    if (json_is_integer(value))
        snprintf(room, 24, "%lld", (long long)json_integer_value(value));
    if (json_is_boolean(value))
        snprintf(room, 24, "%s", json_is_true(value) ? "true" : "false");
    return room;
}

/* A value as it is told: short, on one line, nothing that a terminal obeys. */
static void tell_value(const json_t *value, char text[static value_bytes])
{
    own_buf struct buf whole = buf_new(1 << 20);
    char room[24];
    const char *from = json_is_array(value) && json_array_size(value) == 1
                           ? import_text(json_array_get(value, 0), room)
                           : import_text(value, room);
    if (!*from && value && json_write(value, &whole))
        from = buf_text(&whole);
    size_t length = utf8_cut(from, strlen(from), value_bytes - 8);
    snprintf(text, value_bytes, "%.*s%s", (int)length, from, from[length] ? "…" : "");
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
}

/* Telling -------------------------------------------------------------------------------------- */

static void add_text(struct import_rule *rule, json_t *list, const char *text)
{
    if (json_array_append_new(list, json_text(text)))
        rule->import->failed = true;
}

void import_carry(struct import_rule *rule, const char *field, const char *ours)
{
    char text[text_bytes];
    snprintf(text, sizeof text, "%s as %s", field, ours);
    add_text(rule, rule->carried, text);
}

void import_lose(struct import_rule *rule, enum import_loss loss, const char *field,
                 const json_t *value, const char *reason)
{
    char text[text_bytes], shown[value_bytes];
    tell_value(value, shown);
    snprintf(text, sizeof text, "%s%s%s%s: %s%s", field, value ? " \"" : "", value ? shown : "",
             value ? "\"" : "", reason, loss == IMPORT_CONDITION ? "; the rule is off" : "");
    add_text(rule, rule->lost, text);
    rule->off = rule->off || loss == IMPORT_CONDITION;
}

/* A list of nothing, or a mapping to one: what was lost has been told. */
static bool is_empty(json_t *operand)
{
    void *first = json_object_iter(operand);
    const json_t *list = first ? json_object_iter_value(first) : operand;
    return json_is_array(list) && json_array_size(list) == 0;
}

void import_when(struct import_rule *rule, const char *condition, json_t *operand, bool negated)
{
    if (is_empty(operand)) {
        json_decref(operand);
        return;
    }
    json_t *one = json_pack("{s:o}", condition, operand);
    if (negated)
        one = json_pack("{s:o}", "not", one);
    if (!one || json_array_append_new(rule->all, one))
        rule->import->failed = true;
}

void import_then(struct import_rule *rule, const char *action, json_t *operand)
{
    if (json_object_set_new(rule->then, action, operand))
        rule->import->failed = true;
}

/* Texts as globs ------------------------------------------------------------------------------- */

static json_t *glob(const char *text, const char *before, const char *after)
{
    own_buf struct buf out = buf_new(4096);
    buf_puts(&out, before);
    for (const char *at = text; *at; at++) {
        if (strchr("*?\\", *at))
            buf_putc(&out, '\\');
        buf_putc(&out, *at);
    }
    buf_puts(&out, after);
    return out.failed ? NULL : json_string(buf_text(&out));
}

json_t *import_globs(struct import_rule *rule, const char *field, const json_t *values,
                     const char *before, const char *after)
{
    size_t i;
    json_t *value;
    json_t *made = json_array();
    own_json json_t *alone = json_is_array(values) ? NULL : json_pack("[O]", values);
    json_array_foreach(alone ? alone : values, i, value)
    {
        char room[24];
        const char *text = import_text(value, room);
        if (!*text || strlen(text) > glob_max || i >= IMPORT_VALUES_MAX)
            import_lose(rule, IMPORT_CONDITION, field, value, "not a text, or too long a one");
        else if (json_array_append_new(made, glob(text, before, after)))
            rule->import->failed = true;
    }
    return made;
}

const char *import_connection(const struct import *import, const char *theirs)
{
    size_t length = strlen(theirs);
    for (size_t i = 0; i < import->connection_count; i++) {
        const char *pair = import->connections[i];
        if (strncasecmp(pair, theirs, length) == 0 && pair[length] == '=')
            return pair + length + 1;
    }
    return NULL;
}

/* Labels --------------------------------------------------------------------------------------- */

static const char *find_label(const struct import *import, const char *key, const char *text)
{
    size_t i;
    const json_t *one;
    json_array_foreach(import->labels, i,
                       one) if (strcasecmp(json_string_value(json_object_get(one, key)), text) ==
                                0) return json_string_value(json_object_get(one, "name"));
    return NULL;
}

/* A name that is none of another label, and may be one. */
static json_t *label_name(const struct import *import, const char *theirs, const char *id)
{
    char name[100];
    size_t length = utf8_cut(theirs, strlen(theirs), 80);
    snprintf(name, sizeof name, "%.*s", (int)length, theirs);
    for (char *at = name; *at; at++)
        if (*at == '/' || *at == '\\' || (unsigned char)*at < 0x20)
            *at = '-';
    if (!*name || strcasecmp(theirs, id) == 0)
        snprintf(name, sizeof name, "Label %.8s", id);
    if (find_label(import, "name", name))
        snprintf(name + strlen(name), sizeof name - strlen(name), " %.8s", id);
    return json_string(name);
}

const char *import_label(struct import_rule *rule, const json_t *value)
{
    static const char *const ids[] = {"guid", "id", "immutableId"};
    struct import *import = rule->import;
    char room[24], id[GUID_LENGTH + 1] = "";
    const char *text = import_text(value, room);
    for (size_t i = 0; json_is_object(value) && !*id && i < sizeof ids / sizeof *ids; i++) {
        const char *given = json_string_value(import_get(value, ids[i]));
        if (given && !guid_parse(given, strlen(given), id))
            *id = '\0';
    }
    if (!*id && !guid_parse(text, strlen(text), id))
        return find_label(import, "name", text);
    const char *known = find_label(import, "id", id);
    if (known)
        return known;
    json_t *label = json_pack("{s:o, s:s}", "name", label_name(import, text, id), "id", id);
    if (!label || json_array_append_new(import->labels, label)) {
        import->failed = true;
        return NULL;
    }
    return json_string_value(json_object_get(label, "name"));
}

/* Findings ------------------------------------------------------------------------------------- */

static const char *find_type(const json_t *value)
{
    char room[24];
    static const char *const keys[] = {"name", "id", "displayName"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const char *text = json_is_object(value) ? import_text(import_get(value, keys[k]), room)
                                                 : import_text(value, room);
        for (size_t i = 0; *text && i < sizeof types / sizeof *types; i++)
            if (strcasecmp(types[i].name, text) == 0 || strcasecmp(types[i].guid, text) == 0)
                return types[i].ours;
    }
    return NULL;
}

/* A number, as such or as a text; `none` when it is not there. */
static json_int_t number_of(const json_t *object, const char *key, json_int_t none)
{
    const json_t *value = import_get(object, key);
    const char *text = json_string_value(value);
    if (text && *text) {
        char *end;
        long long number = strtoll(text, &end, 10);
        return *end || number > 1000000000 ? none : number;
    }
    return json_is_integer(value) && json_integer_value(value) < 1000000000
               ? json_integer_value(value)
               : none;
}

static const char *confidence_of(const json_t *value)
{
    const char *word = json_string_value(import_get(value, "confidenceLevel"));
    json_int_t least = number_of(value, "minConfidence", -1);
    static const char *const words[] = {"low", "medium", "high"};
    for (size_t i = 0; word && i < 3; i++)
        if (strcasecmp(words[i], word) == 0)
            return words[i];
    return least < 0 ? NULL : least < 75 ? "low" : least < 85 ? "medium" : "high";
}

static json_t *type_list(const char *names)
{
    json_t *list = json_array();
    while (*names) {
        size_t length = strcspn(names, " ");
        json_array_append_new(list, json_stringn(names, length));
        names += length + strspn(names + length, " ");
    }
    return list;
}

/* One type as {"findings": …}; NULL after telling what is lost. */
static json_t *one_type(struct import_rule *rule, const char *field, const json_t *value)
{
    const char *ours = find_type(value), *confidence = confidence_of(value);
    json_int_t least = number_of(value, "minCount", 1), most = number_of(value, "maxCount", -1);
    if (json_is_string(value) && strncmp(json_string_value(value), "@{", 2) == 0) {
        import_lose(rule, IMPORT_CONDITION, field, value,
                    "cut off by ConvertTo-Json; export with -Depth 20");
        return NULL;
    }
    if (!ours) {
        import_lose(rule, IMPORT_CONDITION, field, value,
                    import_get(value, "classifierType") || import_get(value, "classifierId")
                        ? "trained classifiers have no counterpart"
                        : "no built-in type of ours is it; write one (README, Types)");
        return NULL;
    }
    if (number_of(value, "maxConfidence", 100) < 100)
        import_lose(rule, IMPORT_CONDITION, field, import_get(value, "maxConfidence"),
                    "a highest confidence has no counterpart");
    json_t *operand = json_pack("{s:o}", "type", type_list(ours));
    if (least != 1 && least >= 0)
        json_object_set_new(operand, "at_least", json_integer(least));
    if (most > 0 && most >= least)
        json_object_set_new(operand, "at_most", json_integer(most));
    if (confidence)
        json_object_set_new(operand, "confidence", json_string(confidence));
    return json_pack("{s:o}", "findings", operand);
}

static bool is_all(const json_t *group)
{
    const char *word = json_string_value(import_get(group, "operator"));
    return word && strcasecmp(word, "And") == 0;
}

static json_t *joined(json_t *parts, bool all)
{
    json_t *made = NULL;
    if (json_array_size(parts) == 1)
        made = json_incref(json_array_get(parts, 0));
    else if (json_array_size(parts) > 1)
        made = json_pack("{s:O}", all ? "all" : "any", parts);
    json_decref(parts);
    return made;
}

/* Types, and labels beside them, of one group. NULL: nothing is left. */
static json_t *one_group(struct import_rule *rule, const char *field, const json_t *group)
{
    size_t i;
    json_t *value, *parts = json_array();
    const json_t *list = import_get(group, "sensitivetypes");
    json_array_foreach(json_is_array(group) ? group : list, i, value)
    {
        json_t *one = i < IMPORT_VALUES_MAX ? one_type(rule, field, value) : NULL;
        if (one)
            json_array_append_new(parts, one);
    }
    json_array_foreach(import_get(group, "labels"), i, value)
    {
        const char *label = i < IMPORT_VALUES_MAX ? import_label(rule, value) : NULL;
        if (label)
            json_array_append_new(parts, json_pack("{s:{s:s}}", "label", "is", label));
        else
            import_lose(rule, IMPORT_CONDITION, field, value, "the export has no id of this label");
    }
    return joined(parts, is_all(group));
}

void import_findings(struct import_rule *rule, const char *field, const json_t *value, bool negated)
{
    size_t i, k;
    json_t *item, *group, *parts = json_array(), *plain = json_array();
    own_json json_t *alone = json_is_array(value) ? NULL : json_pack("[O]", value);
    bool all = false;
    json_array_foreach(alone ? alone : value, i, item)
    {
        const json_t *groups = import_get(item, "groups");
        all = all || (groups && is_all(item));
        if (!groups)
            json_array_append(plain, item);
        json_array_foreach(groups, k, group)
        {
            json_t *one = k < IMPORT_VALUES_MAX ? one_group(rule, field, group) : NULL;
            if (one)
                json_array_append_new(parts, one);
        }
    }
    if (json_array_size(plain) > 0) {
        json_t *one = one_group(rule, field, plain);
        if (one)
            json_array_append_new(parts, one);
    }
    json_decref(plain);
    json_t *made = joined(parts, all);
    if (!made)
        return;
    import_carry(rule, field, "findings");
    if (negated)
        made = json_pack("{s:o}", "not", made);
    if (!made || json_array_append_new(rule->all, made))
        rule->import->failed = true;
}
