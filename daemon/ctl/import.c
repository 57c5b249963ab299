#include "ctl/import.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"

enum { name_max = 120, depth_max = 24 };

bool import_init(struct import *import, struct err *err)
{
    import->labels = json_array();
    import->policies = json_object();
    import->rules = json_array();
    import->notes = json_array();
    import->names = json_object();
    return (import->names && import->labels && import->policies && import->rules &&
            import->notes) ||
           err_set(err, ERR_MEMORY, "out of memory");
}

void import_fini(struct import *import)
{
    json_decref(import->labels);
    json_decref(import->policies);
    json_decref(import->rules);
    json_decref(import->notes);
    json_decref(import->names);
}

/* Reading ------------------------------------------------------------------------------------- */

/* UTF-16 with its mark, as `>` of Windows PowerShell writes it. NULL: none, or memory is out. */
static char *from_utf16(const unsigned char *bytes, size_t length, size_t *made)
{
    bool big = bytes[0] == 0xfe;
    char *text = mem_alloc(length * 2 + 1);
    *made = 0;
    for (size_t i = 2; text && i + 1 < length; i += 2) {
        uint32_t c = (uint32_t)bytes[i + !big] << 8 | bytes[i + big];
        if (c >= 0xd800 && c < 0xdc00 && i + 3 < length) {
            uint32_t low = (uint32_t)bytes[i + 2 + !big] << 8 | bytes[i + 2 + big];
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        }
        *made += utf8_encode(c, text + *made);
    }
    return text;
}

static json_t *parse(const char *bytes, size_t length, struct err *err)
{
    const unsigned char *start = (const unsigned char *)bytes;
    own_free char *converted = NULL;
    if (length > IMPORT_FILE_MAX) {
        err_set(err, ERR_LIMIT, "over %d MiB", IMPORT_FILE_MAX >> 20);
        return NULL;
    }
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        return json_parse(bytes + 3, length - 3, err);
    if (length < 2 ||
        !((start[0] == 0xff && start[1] == 0xfe) || (start[0] == 0xfe && start[1] == 0xff)))
        return json_parse(bytes, length, err);
    converted = from_utf16(start, length, &length);
    if (converted)
        return json_parse(converted, length, err);
    err_set(err, ERR_MEMORY, "out of memory");
    return NULL;
}

/* A Purview policy holds mode and label of the rules that name it. */
static bool is_container(const json_t *object)
{
    return !import_get(object, "filters") && !import_get(object, "policyType") &&
           !import_get(object, "AdvancedRule") && !import_get(object, "ParentPolicyName") &&
           !import_get(object, "Policy") &&
           (import_get(object, "ApplySensitivityLabel") ||
            import_get(object, "SharePointLocation") || import_get(object, "OneDriveLocation")) &&
           import_get(object, "Mode");
}

static bool is_defender(const json_t *object)
{
    return import_get(object, "filters") || import_get(object, "policyType");
}

/* Named once, and not too long. `names`: each name that is taken, with the last number after it. */
static json_t *unique_name(struct import *import, const json_t *policy)
{
    char room[24], base[name_max], name[name_max + 16];
    const char *theirs = import_text(import_get(policy, "name"), room);
    size_t length = utf8_cut(theirs, strlen(theirs), name_max - 16);
    snprintf(base, sizeof base, "%.*s", (int)length, theirs);
    if (!*base)
        snprintf(base, sizeof base, "Imported policy");
    snprintf(name, sizeof name, "%s", base);
    json_int_t number = json_integer_value(json_object_get(import->names, base));
    while (json_object_get(import->names, name))
        snprintf(name, sizeof name, "%s (%d)", base, (int)++number + 1);
    if (json_object_set_new(import->names, name, json_integer(0)) ||
        json_object_set_new(import->names, base, json_integer(number)))
        import->failed = true;
    return json_string(name);
}

/* A rule without an action is none: a word to find what it matched. */
static void complete(struct import_rule *rule, json_t *made)
{
    size_t count = json_array_size(rule->all);
    json_t *when = count == 0   ? json_string("always")
                   : count == 1 ? json_incref(json_array_get(rule->all, 0))
                                : json_pack("{s:O}", "all", rule->all);
    if (json_object_size(rule->then) == 0) {
        import_lose(rule, IMPORT_REMARK, "actions", NULL,
                    "none is left; the rule only tags what it matches");
        import_then(rule, "tag", json_pack("[s]", "imported"));
    }
    const char *mode = rule->off                                    ? "off"
                       : rule->enforces && rule->import->keep_modes ? "enforce"
                                                                    : "simulate";
    if (json_object_set_new(made, "about", json_pack("s++", "imported from a ", rule->from, "")) ||
        json_object_set_new(made, "mode", json_string(mode)) ||
        json_object_set_new(made, "when", when) || json_object_set(made, "then", rule->then))
        rule->import->failed = true;
}

static bool add_policy(struct import *import, const json_t *policy, struct err *err)
{
    json_t *name = unique_name(import, policy);
    json_t *made = json_pack("{s:o}", "name", name);
    bool defender = is_defender(policy);
    struct import_rule rule = {.import = import,
                               .name = made ? json_string_value(name) : "",
                               .from = defender ? "Defender file policy" : "Purview rule",
                               .all = json_array(),
                               .then = json_object(),
                               .carried = json_array(),
                               .lost = json_array()};
    bool ok = made && rule.all && rule.then && rule.carried && rule.lost;
    if (ok) {
        (defender ? import_defender : import_purview)(&rule, policy);
        complete(&rule, made);
        ok = json_array_append(import->rules, made) == 0 &&
             json_array_append_new(import->notes,
                                   json_pack("{s:s, s:s, s:O, s:O, s:O}", "name", rule.name, "from",
                                             rule.from, "mode", json_object_get(made, "mode"),
                                             "carried", rule.carried, "lost", rule.lost)) == 0;
    }
    json_decref(made);
    json_decref(rule.all);
    json_decref(rule.then);
    json_decref(rule.carried);
    json_decref(rule.lost);
    return (ok && !import->failed) || err_set(err, ERR_MEMORY, "out of memory");
}

/* First the containers, which the rules beside them name. */
static bool add_list(struct import *import, const json_t *list, struct err *err)
{
    size_t i;
    json_t *one;
    char room[24];
    if (json_array_size(list) + json_array_size(import->rules) > IMPORT_POLICIES_MAX)
        return err_set(err, ERR_LIMIT, "more than %d policies", IMPORT_POLICIES_MAX);
    json_array_foreach(list, i, one)
    {
        if (!json_is_object(one))
            return err_set(err, ERR_CORRUPT, "policy %zu is no object", i + 1);
        if (is_container(one) &&
            json_object_set(import->policies, import_text(import_get(one, "name"), room), one))
            return err_set(err, ERR_MEMORY, "out of memory");
    }
    json_array_foreach(list, i,
                       one) if (!is_container(one) && !add_policy(import, one, err)) return false;
    return true;
}

bool import_read(struct import *import, const char *bytes, size_t length, struct err *err)
{
    own_json json_t *json = parse(bytes, length, err);
    if (!json)
        return false;
    const json_t *list =
        import_get(json, "data") ? import_get(json, "data") : import_get(json, "value");
    if (json_is_array(json))
        return add_list(import, json, err);
    if (json_is_array(list))
        return add_list(import, list, err);
    own_json json_t *alone = json_pack("[O]", json);
    if (!json_is_object(json) || !import_get(json, "name"))
        return err_set(err, ERR_CORRUPT, "no policy: neither a list nor an object with a name");
    return alone ? add_list(import, alone, err) : err_set(err, ERR_MEMORY, "out of memory");
}

/* Writing: a flow form that is read aloud ------------------------------------------------------ */

static bool is_plain(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char others[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. ";
    size_t length = strlen(text);
    if (!length || !strchr(letters, *text) || strspn(text, others) != length ||
        text[length - 1] == ' ')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return false;
    return true;
}

static void put_text(struct buf *out, const char *text)
{
    if (is_plain(text)) {
        buf_puts(out, text);
        return;
    }
    size_t rest = strlen(text), length;
    buf_putc(out, '"');
    for (const char *at = text; *at; at += length, rest -= length) {
        uint32_t c = 0xfffd;
        length = utf8_decode(at, rest, &c);
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", (char)c);
        else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
                 (c >= 0xfdd0 && c < 0x10000))
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_append(out, at, length);
        length = length ? length : 1;
    }
    buf_putc(out, '"');
}

static void put_flow(struct buf *out, const json_t *json, int depth)
{
    size_t i = 0;
    const char *key, *comma = "";
    json_t *value;
    if (depth > depth_max)
        out->failed = true;
    else if (json_is_string(json))
        put_text(out, json_string_value(json));
    else if (json_is_integer(json))
        buf_printf(out, "%lld", (long long)json_integer_value(json));
    else if (json_is_boolean(json))
        buf_puts(out, json_is_true(json) ? "true" : "false");
    if (depth > depth_max)
        return;
    if (json_is_array(json)) {
        buf_putc(out, '[');
        json_array_foreach(json, i, value)
        {
            buf_puts(out, i ? ", " : "");
            put_flow(out, value, depth + 1);
        }
        buf_putc(out, ']');
    }
    if (json_is_object(json)) {
        buf_puts(out, "{ ");
        json_object_foreach((json_t *)(uintptr_t)json, key, value)
        {
            buf_puts(out, comma);
            put_text(out, key);
            buf_puts(out, ": ");
            put_flow(out, value, depth + 1);
            comma = ", ";
        }
        buf_puts(out, " }");
    }
}

static void put_rule(struct buf *yaml, const json_t *rule)
{
    const char *key, *lead = "  - ";
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)rule, key, value)
    {
        buf_printf(yaml, "%s%s: ", lead, key);
        put_flow(yaml, value, 0);
        buf_putc(yaml, '\n');
        lead = "    ";
    }
}

static void put_list(struct buf *told, const char *word, const json_t *list)
{
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one) buf_printf(told, "  %-9s %s\n", word, json_string_value(one));
}

static void put_notes(struct buf *told, const json_t *notes)
{
    size_t i;
    const json_t *note;
    json_array_foreach(notes, i, note)
    {
        buf_printf(told, "%s (%s): %s\n", json_string_value(json_object_get(note, "name")),
                   json_string_value(json_object_get(note, "from")),
                   json_string_value(json_object_get(note, "mode")));
        put_list(told, "carried", json_object_get(note, "carried"));
        put_list(told, "lost", json_object_get(note, "lost"));
    }
}

bool import_write(const struct import *import, struct buf *yaml, struct buf *told, struct err *err)
{
    size_t i;
    const json_t *one;
    if (json_array_size(import->rules) == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no policy in it");
    buf_puts(yaml,
             "# Imported by labelctl rules import. Look at each rule, then say what it expects "
             "under tests:.\n");
    if (json_array_size(import->labels) > 0)
        buf_puts(yaml,
                 "# Labels stand as they were met: put them in order, lowest first.\nlabels:\n");
    json_array_foreach(import->labels, i, one) put_rule(yaml, one);
    buf_puts(yaml, "rules:\n");
    json_array_foreach(import->rules, i, one) put_rule(yaml, one);
    put_notes(told, import->notes);
    return (!yaml->failed && !told->failed) ||
           err_set(err, ERR_LIMIT, "the rules are larger than a rules file may be: import fewer");
}
