/* File policies of Defender for Cloud Apps, as community PowerShell modules fetch them from the
 * portal. Filters are those of its Files API: {FIELD: {OPERATOR: values}}. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "ctl/import.h"

/* One filter: {field: {op: values}}. */
struct filter {
    const char *field, *op;
    const json_t *values;
    const char *ours, *before, *after; /* of its row */
    bool negated;
};

static bool is_op(const struct filter *filter, const char *op)
{
    return strcasecmp(filter->op, op) == 0;
}

static void unknown_op(struct import_rule *rule, const struct filter *filter)
{
    char text[80];
    snprintf(text, sizeof text, "the operator %.40s has no counterpart", filter->op);
    import_lose(rule, IMPORT_CONDITION, filter->field, filter->values, text);
}

static bool is_equal(struct import_rule *rule, const struct filter *filter)
{
    if (is_op(filter, "eq") || is_op(filter, "neq"))
        return true;
    unknown_op(rule, filter);
    return false;
}

/* Values that are words of ours -----------------------------------------------------------------
 */

static const char *const sharing_words[] = {"private", "internal-people organisation",
                                            "external-people", "anyone-with-link", "public"};
static const char *const type_words[] = {NULL,           "document", "spreadsheet",
                                         "presentation", "text",     "image"};

/* The words of numbered values; false when one has none. */
static bool numbered(const json_t *values, const char *const *words, size_t count, json_t *made)
{
    size_t i;
    json_t *value;
    own_json json_t *alone = json_is_array(values) ? NULL : json_pack("[O]", values);
    json_array_foreach(alone ? alone : values, i, value)
    {
        char room[24];
        const char *text = import_text(value, room);
        size_t number = *text >= '0' && *text <= '9' && !text[1] ? (size_t)(*text - '0') : count;
        if (number >= count || !words[number])
            return false;
        for (const char *at = words[number]; *at;) {
            size_t length = strcspn(at, " ");
            json_array_append_new(made, json_stringn(at, length));
            at += length + strspn(at + length, " ");
        }
    }
    return json_array_size(made) > 0;
}

static void take_sharing(struct import_rule *rule, const struct filter *filter)
{
    own_json json_t *steps = json_array();
    if (!is_equal(rule, filter))
        return;
    if (!numbered(filter->values, sharing_words, 5, steps)) {
        import_lose(rule, IMPORT_CONDITION, filter->field, filter->values, "not an access level");
        return;
    }
    import_when(rule, "exposure", json_pack("{s:O}", "is", steps), filter->negated);
    import_carry(rule, filter->field, "exposure");
}

static void take_type(struct import_rule *rule, const struct filter *filter)
{
    own_json json_t *families = json_array();
    if (!is_equal(rule, filter))
        return;
    if (!numbered(filter->values, type_words, 6, families)) {
        import_lose(rule, IMPORT_CONDITION, filter->field, filter->values,
                    "\"other\" and folders have no counterpart");
        return;
    }
    import_when(rule, "format", json_incref(families), filter->negated);
    import_carry(rule, filter->field, "format");
}

/* Texts ---------------------------------------------------------------------------------------- */

static void take_globs(struct import_rule *rule, const struct filter *filter)
{
    if (!is_equal(rule, filter))
        return;
    import_when(rule, filter->ours,
                import_globs(rule, filter->field, filter->values, filter->before, filter->after),
                filter->negated);
    import_carry(rule, filter->field, filter->ours);
}

static void take_filename(struct import_rule *rule, const struct filter *filter)
{
    bool words = is_op(filter, "text") || is_op(filter, "ntext") || is_op(filter, "contains") ||
                 is_op(filter, "ncontains");
    const char *around = words ? "*" : "";
    if (!words && !is_equal(rule, filter))
        return;
    import_when(rule, "name", import_globs(rule, filter->field, filter->values, around, around),
                filter->negated);
    import_carry(rule, filter->field, "name");
    if (words)
        import_lose(rule, IMPORT_REMARK, filter->field, NULL,
                    "theirs match whole words, ours any part of the name");
}

static void take_mime(struct import_rule *rule, const struct filter *filter)
{
    size_t i;
    json_t *value;
    char room[24];
    own_json json_t *list = json_is_array(filter->values) ? NULL : json_pack("[O]", filter->values);
    json_array_foreach(list ? list : filter->values, i,
                       value) if (!strchr(import_text(value, room), '/'))
    {
        import_lose(rule, IMPORT_CONDITION, filter->field, value, "not a MIME type");
        return;
    }
    take_globs(rule, filter);
}

/* Only the first of them: "deq" asks that all lie in these domains. */
static void take_domains(struct import_rule *rule, const struct filter *filter)
{
    json_t *globs;
    if (!is_op(filter, "deq") && !is_equal(rule, filter))
        return;
    globs = import_globs(rule, filter->field, filter->values, "*@", "");
    if (is_op(filter, "deq"))
        globs = json_pack("{s:o}", "only", globs);
    import_when(rule, "shared_with", globs, filter->negated);
    import_carry(rule, filter->field, "shared_with");
}

static void take_app(struct import_rule *rule, const struct filter *filter)
{
    size_t i;
    json_t *value;
    char room[24];
    own_json json_t *names = json_array();
    own_json json_t *list = json_is_array(filter->values) ? NULL : json_pack("[O]", filter->values);
    if (!is_equal(rule, filter))
        return;
    json_array_foreach(list ? list : filter->values, i, value)
    {
        const char *ours = import_connection(rule->import, import_text(value, room));
        if (!ours) {
            import_lose(rule, IMPORT_CONDITION, filter->field, value,
                        "which connection is it? --connection NUMBER=NAME");
            return;
        }
        json_array_append_new(names, json_string(ours));
    }
    import_when(rule, "connection", json_incref(names), filter->negated);
    import_carry(rule, filter->field, "connection");
}

/* A folder, or with what is below it; paths as the export has them. */
static void take_folder(struct import_rule *rule, const struct filter *filter)
{
    size_t i;
    json_t *value;
    char room[24];
    own_json json_t *list = json_is_array(filter->values) ? NULL : json_pack("[O]", filter->values);
    if (!is_equal(rule, filter))
        return;
    json_array_foreach(list ? list : filter->values, i, value)
    {
        const char *path = import_text(value, room);
        if (*path != '/' || strstr(path, "//")) {
            import_lose(rule, IMPORT_CONDITION, filter->field, value,
                        "the export has no path of this folder");
            return;
        }
    }
    import_when(rule, "path", import_globs(rule, filter->field, filter->values, "", filter->after),
                filter->negated);
    import_carry(rule, filter->field, "path");
}

/* Times ---------------------------------------------------------------------------------------- */

/* A time in milliseconds, as a date; NULL: it is none. */
static json_t *date_of(const json_t *value)
{
    char text[21];
    while (json_is_array(value) && json_array_size(value) == 1)
        value = json_array_get(value, 0);
    json_int_t ms = json_integer_value(value);
    if (ms <= 0 || ms > 4102444800000) /* to the year 2100 */
        return NULL;
    clock_format(ms * 1000, text);
    return json_stringn(text, 10);
}

static json_t *days_of(const json_t *value)
{
    char text[40];
    while (json_is_array(value) && json_array_size(value) == 1)
        value = json_array_get(value, 0);
    json_int_t days = json_integer_value(value);
    if (days <= 0 || days > 36500)
        return NULL;
    snprintf(text, sizeof text, "%lld days ago", (long long)days);
    return json_string(text);
}

static const json_t *end_of(const json_t *value, const char *key)
{
    while (json_is_array(value) && json_array_size(value) == 1)
        value = json_array_get(value, 0);
    return import_get(value, key);
}

static void take_time(struct import_rule *rule, const struct filter *filter)
{
    bool range = is_op(filter, "range");
    json_t *after = NULL, *before = NULL;
    if (is_op(filter, "gte") || range)
        after = date_of(range ? end_of(filter->values, "start") : filter->values);
    if (is_op(filter, "lte") || range)
        before = date_of(range ? end_of(filter->values, "end") : filter->values);
    if (is_op(filter, "gte_ndays"))
        after = days_of(filter->values);
    if (is_op(filter, "lte_ndays"))
        before = days_of(filter->values);
    if ((!after && !before) || (range && (!after || !before))) {
        import_lose(rule, IMPORT_CONDITION, filter->field, filter->values, "not a time");
        json_decref(after);
        json_decref(before);
        return;
    }
    import_when(rule, filter->ours, json_pack("{s:o*, s:o*}", "after", after, "before", before),
                false);
    import_carry(rule, filter->field, filter->ours);
}

/* Labels and what was read --------------------------------------------------------------------- */

static void take_label(struct import_rule *rule, const struct filter *filter)
{
    size_t i;
    json_t *value;
    own_json json_t *names = json_array();
    own_json json_t *list = json_is_array(filter->values) ? NULL : json_pack("[O]", filter->values);
    if (is_op(filter, "isset") || is_op(filter, "isnotset")) {
        import_when(rule, "label", json_string(is_op(filter, "isset") ? "any" : "none"), false);
        import_carry(rule, filter->field, "label");
        return;
    }
    if (!is_equal(rule, filter))
        return;
    json_array_foreach(list ? list : filter->values, i, value)
    {
        const char *name = import_label(rule, value);
        if (!name) {
            import_lose(rule, IMPORT_CONDITION, filter->field, value,
                        "the export has no id of this label");
            return;
        }
        json_array_append_new(names, json_string(name));
    }
    import_when(rule, "label", json_pack("{s:O}", "is", names), filter->negated);
    import_carry(rule, filter->field, "label");
}

/* Warnings of their content inspection: "^Azure RMS encrypted file", "Corrupt file", … */
static void take_scan(struct import_rule *rule, const struct filter *filter)
{
    size_t i;
    json_t *value;
    char room[24];
    own_json json_t *words = json_array();
    own_json json_t *list = json_is_array(filter->values) ? NULL : json_pack("[O]", filter->values);
    if (!is_equal(rule, filter))
        return;
    json_array_foreach(list ? list : filter->values, i, value)
    {
        const char *text = import_text(value, room);
        const char *status = strcasestr(text, "encrypted") ? "encrypted"
                             : strcasestr(text, "corrupt") ? "corrupt"
                                                           : NULL;
        if (!status) {
            import_lose(rule, IMPORT_CONDITION, filter->field, value, "no status of ours is it");
            return;
        }
        json_array_append_new(words, json_string(status));
    }
    import_when(rule, "status", json_incref(words), filter->negated);
    import_carry(rule, filter->field, "status");
}

/* What has no counterpart: the reason stands in the row. */
static void take_lost(struct import_rule *rule, const struct filter *filter)
{
    import_lose(rule, IMPORT_CONDITION, filter->field, filter->values, filter->ours);
}

/* A filter that leaves out what labeld never sees. */
static void take_unseen(struct import_rule *rule, const struct filter *filter)
{
    const json_t *value =
        json_is_array(filter->values) ? json_array_get(filter->values, 0) : filter->values;
    import_lose(rule, json_is_true(value) ? IMPORT_CONDITION : IMPORT_REMARK, filter->field,
                filter->values, filter->ours);
}

static const struct {
    const char *field;
    void (*take)(struct import_rule *rule, const struct filter *filter);
    const char *ours, *before, *after;
} filters[] = {
    {"sharing", take_sharing, "", "", ""},
    {"fileType", take_type, "", "", ""},
    {"service", take_app, "", "", ""},
    {"instance", take_app, "", "", ""},
    {"extension", take_globs, "name", "*.", ""},
    {"filename", take_filename, "", "", ""},
    {"mimeType", take_mime, "format", "", ""},
    {"createdDate", take_time, "created", "", ""},
    {"modifiedDate", take_time, "modified", "", ""},
    {"collaborators.users", take_globs, "shared_with", "", ""},
    {"collaborators.entity", take_globs, "shared_with", "", ""},
    {"collaborators.domains", take_domains, "", "", ""},
    {"collaborators.withDomain", take_domains, "", "", ""},
    {"collaborators.groups", take_globs, "shared_with", "", ""},
    {"owner.entity", take_globs, "owner", "", ""},
    {"owner.username", take_globs, "owner", "", ""},
    {"parentFolder", take_folder, "", "", "/*"},
    {"folders", take_folder, "", "", "/"},
    {"fileLabels", take_label, "", "", ""},
    {"fileScanLabels", take_scan, "", "", ""},
    {"owner.orgUnit", take_lost, "groups and units of owners are not known", "", ""},
    {"ownerOu", take_lost, "groups and units of owners are not known", "", ""},
    {"owner.group", take_lost, "groups and units of owners are not known", "", ""},
    {"fileId", take_lost, "ids of files are the service's own; use path", "", ""},
    {"policy", take_lost, "rules do not see what other rules matched", "", ""},
    {"quarantined", take_unseen, "what is in quarantine is no item", "", ""},
    {"trashed", take_unseen, "what is in the trash is no item", "", ""},
    {"allowDeleted", take_unseen, "what is deleted is no item", "", ""},
    {"folder", take_unseen, "folders are no items", "", ""},
    {"snapshotLastModifiedDate", take_lost, "snapshots have no counterpart", "", ""},
};

static void take_filter(struct import_rule *rule, const char *field, const char *op,
                        const json_t *values)
{
    struct filter filter = {.field = field,
                            .op = op,
                            .values = values,
                            .negated = *op == 'n' && strcasecmp(op, "ndays") != 0};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (strcasecmp(filters[i].field, field) != 0)
            continue;
        filter.ours = filters[i].ours;
        filter.before = filters[i].before;
        filter.after = filters[i].after;
        filters[i].take(rule, &filter);
        return;
    }
    import_lose(rule, IMPORT_CONDITION, field, values, "a filter that is not known here");
}

/* An object, or a text that is one. */
static void take_filters(struct import_rule *rule, const json_t *filters_given)
{
    struct err err = {0};
    const char *field, *op, *text = json_string_value(filters_given);
    json_t *ops, *values;
    own_json json_t *parsed = text ? json_parse(text, strlen(text), &err) : NULL;
    if (text && !parsed) {
        import_lose(rule, IMPORT_CONDITION, "filters", filters_given, "not JSON");
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)(parsed ? parsed : filters_given), field, ops)
    {
        if (!json_is_object(ops) || json_object_size(ops) == 0)
            import_lose(rule, IMPORT_CONDITION, field, ops, "a filter without an operator");
        json_object_foreach(ops, op, values) take_filter(rule, field, op, values);
    }
}

/* Content -------------------------------------------------------------------------------------- */

static void take_content(struct import_rule *rule, const json_t *content)
{
    static const char *const lists[] = {"sensitiveTypes", "dataTypes", "presets"};
    static const char *const lost[] = {"regex", "regexes", "excludeRegex", "keywords"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!import_is_unset(import_get(content, lists[i])))
            import_findings(rule, lists[i], import_get(content, lists[i]), false);
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
        if (!import_is_unset(import_get(content, lost[i])))
            import_lose(rule, IMPORT_CONDITION, lost[i], import_get(content, lost[i]),
                        "a text pattern becomes a type of your own (README, Types)");
}

/* Governance ----------------------------------------------------------------------------------- */

/* Several: the narrowest. */
static void act_unshare(struct import_rule *rule, const char *to)
{
    static const char *const steps[] = {"private", "organisation", "external-people",
                                        "anyone-with-link"};
    json_t *unshare = json_object_get(rule->then, "unshare");
    const char *before = json_string_value(json_object_get(unshare, "to"));
    for (size_t i = 0; before && i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(steps[i], before) == 0)
            return;
        if (strcmp(steps[i], to) == 0)
            break;
    }
    if (!unshare)
        import_then(rule, "unshare", json_pack("{s:s}", "to", to));
    else if (json_object_set_new(unshare, "to", json_string(to)))
        rule->import->failed = true;
}

static void act_notify(struct import_rule *rule, const char *target)
{
    json_t *list = json_object_get(rule->then, "notify");
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one) if (strcmp(json_string_value(one), target) == 0) return;
    if (list)
        json_array_append_new(list, json_string(target));
    else
        import_then(rule, "notify", json_pack("[s]", target));
}

static const struct {
    const char *name; /* letters alone, without "task" and "action" at the end */
    const char *action, *value, *remark;
} actions[] = {
    {"makeprivate", "unshare", "private", NULL},
    {"removeexternalusers", "unshare", "organisation", NULL},
    {"removeexternalcollaborators", "unshare", "organisation", NULL},
    {"removepublicaccess", "unshare", "external-people", NULL},
    {"removepubliclink", "unshare", "external-people", NULL},
    {"removesharedlink", "unshare", "external-people", NULL},
    {"reducepublicaccess", "unshare", "anyone-with-link", NULL},
    {"quarantine", "quarantine", NULL, NULL},
    {"adminquarantine", "quarantine", NULL, NULL},
    {"putinadminquarantine", "quarantine", NULL, NULL},
    {"userquarantine", "quarantine", "owner", "the owner is told; reviewers release"},
    {"putinuserquarantine", "quarantine", "owner", "the owner is told; reviewers release"},
    {"trash", "quarantine", NULL, "nothing is deleted by a rule: it goes into quarantine"},
    {"trashfile", "quarantine", NULL, "nothing is deleted by a rule: it goes into quarantine"},
    {"notifyowner", "notify", "owner", NULL},
    {"notifyfileowner", "notify", "owner", NULL},
    {"notifylastfileeditor", "notify", "last-editor", NULL},
    {"notifylasteditor", "notify", "last-editor", NULL},
    {"removelabel", "remove-label", NULL, NULL},
    {"removesensitivitylabel", "remove-label", NULL, NULL},
    {"applylabel", "label", NULL, NULL},
    {"applysensitivitylabel", "label", NULL, NULL},
    {"expiresharedlink", "expire_links", NULL, NULL},
    {"removecollaborator", "remove", NULL, NULL},
    {"inheritparentpermissions", "", NULL, "permissions are not inherited by labeld"},
    {"transferownership", "", NULL, "ownership is never changed"},
    {"transferfileownership", "", NULL, "ownership is never changed"},
    {"notifyspecificusers", "", NULL, "name a receiver under notify: in labeld.yaml"},
    {"notifyuser", "", NULL, "name a receiver under notify: in labeld.yaml"},
};

/* With what the action was given. */
static void act_with(struct import_rule *rule, size_t row, const char *theirs, const json_t *given)
{
    char text[200];
    const char *action = actions[row].action;
    const json_t *label = import_get(given, "label");
    const char *name = label ? import_label(rule, label) : NULL;
    json_int_t days = json_integer_value(import_get(given, "days"));
    const json_t *who = import_get(given, "collaborators");
    if (strcmp(action, "label") == 0 && name)
        import_then(rule, "label", json_string(name));
    else if (strcmp(action, "remove-label") == 0) {
        snprintf(text, sizeof text, "imported from %.120s", rule->name);
        import_then(
            rule, "label",
            json_pack("{s:s, s:b, s:s}", "to", "none", "downgrade", 1, "justification", text));
    } else if (strcmp(action, "expire_links") == 0 && days > 0 && days < 36500) {
        snprintf(text, sizeof text, "%lld days", (long long)days);
        import_then(rule, "expire_links", json_string(text));
    } else if (strcmp(action, "remove") == 0 && !import_is_unset(who)) {
        json_t *unshare = json_object_get(rule->then, "unshare");
        if (!unshare)
            import_then(rule, "unshare", unshare = json_object());
        json_object_set_new(unshare, "remove", import_globs(rule, theirs, who, "", ""));
    } else {
        import_lose(rule, IMPORT_ACTION, theirs, given, "the export does not say with what");
        return;
    }
    import_carry(rule, theirs, action);
}

static void act(struct import_rule *rule, const char *theirs, const json_t *given)
{
    char name[64];
    size_t length = 0, row = 0, count = sizeof actions / sizeof *actions;
    for (const char *at = theirs; *at && length < sizeof name - 1; at++)
        if (isalnum((unsigned char)*at))
            name[length++] = (char)tolower((unsigned char)*at);
    name[length] = '\0';
    if (length > 4 && strcmp(name + length - 4, "task") == 0)
        name[length -= 4] = '\0';
    if (length > 6 && strcmp(name + length - 6, "action") == 0)
        name[length - 6] = '\0';
    while (row < count && strcmp(actions[row].name, name) != 0)
        row++;
    const char *action = row < count ? actions[row].action : "";
    const char *remark = row < count ? actions[row].remark : "an action that is not known here";
    if (!*action) {
        import_lose(rule, IMPORT_ACTION, theirs, given, remark);
        return;
    }
    if (remark)
        import_lose(rule, IMPORT_REMARK, theirs, NULL, remark);
    if (strcmp(action, "unshare") == 0)
        act_unshare(rule, actions[row].value);
    else if (strcmp(action, "quarantine") == 0)
        import_then(rule, "quarantine", json_true());
    else if (strcmp(action, "notify") != 0) {
        act_with(rule, row, theirs, given);
        return;
    }
    if (strcmp(action, "unshare") != 0 && actions[row].value)
        act_notify(rule, actions[row].value);
    import_carry(rule, theirs, action);
}

/* Actions are texts, objects with a type, or lists by app. */
static void take_actions(struct import_rule *rule, const json_t *given, int depth)
{
    size_t i;
    const char *key;
    json_t *one;
    const json_t *type =
        import_get(given, "type") ? import_get(given, "type") : import_get(given, "actionType");
    if (json_is_string(given))
        act(rule, json_string_value(given), NULL);
    else if (json_is_string(type))
        act(rule, json_string_value(type), given);
    else if (depth > 4)
        import_lose(rule, IMPORT_ACTION, "actions", given, "nested too deep");
    else if (json_is_array(given))
        json_array_foreach(given, i, one) take_actions(rule, one, depth + 1);
    else
        json_object_foreach((json_t *)(uintptr_t)given, key, one)
            take_actions(rule, one, depth + 1);
}

static void take_severity(struct import_rule *rule, const json_t *value)
{
    char room[24];
    static const char *const words[] = {"low", "medium", "high"};
    const char *text = import_text(value, room);
    for (size_t i = 0; i < 3; i++)
        if (strcasecmp(text, words[i]) == 0 || (*text == '0' + (char)i && !text[1])) {
            import_then(rule, "alert", json_string(words[i]));
            import_carry(rule, "severity", "alert");
            return;
        }
    if (value)
        import_lose(rule, IMPORT_ACTION, "severity", value, "not low, medium or high");
}

void import_defender(struct import_rule *rule, const json_t *policy)
{
    char room[24];
    static const char *const all_actions[] = {"governanceActions", "actions", "consoleActions"};
    const json_t *enabled = import_get(policy, "enabled");
    const json_t *type = import_get(policy, "policyType");
    if (type && strcasecmp(import_text(type, room), "FILE") != 0)
        import_lose(rule, IMPORT_CONDITION, "policyType", type,
                    "only file policies are rules here");
    take_filters(rule, import_get(policy, "filters"));
    take_content(rule, import_get(policy, "contentInspection"));
    take_severity(rule, import_get(policy, "severity"));
    for (size_t i = 0; i < sizeof all_actions / sizeof *all_actions; i++)
        take_actions(rule, import_get(policy, all_actions[i]), 0);
    rule->enforces = json_is_true(enabled);
    if (enabled && !rule->enforces) {
        import_lose(rule, IMPORT_REMARK, "enabled", enabled, "theirs is off, so is ours");
        rule->off = true;
    }
}
