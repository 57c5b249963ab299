/* Rules of Purview: what Get-DlpComplianceRule and Get-AutoSensitivityLabelRule give, as
 * ConvertTo-Json writes it, with the policies that name their mode and label beside them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "ctl/import.h"

enum { nested_max = 12 };

typedef void take_field(struct import_rule *rule, const char *field, const json_t *value,
                        bool negated);

static void take_scope(struct import_rule *rule, const char *field, const json_t *value,
                       bool negated)
{
    char room[24];
    bool inside = strcasecmp(import_text(value, room), "InOrganization") == 0;
    if (!inside && strcasecmp(import_text(value, room), "NotInOrganization") != 0) {
        import_lose(rule, IMPORT_CONDITION, field, value, "not an access scope");
        return;
    }
    import_when(rule, "exposure",
                inside ? json_pack("{s:s}", "at_most", "organisation")
                       : json_pack("{s:s}", "at_least", "external-people"),
                negated);
    import_carry(rule, field, "exposure");
}

static void take_shared(struct import_rule *rule, const char *field, const json_t *value,
                        bool negated)
{
    (void)value;
    import_when(rule, "exposure", json_pack("{s:s}", "at_least", "internal-people"), negated);
    import_carry(rule, field, "exposure");
}

static void take_words(struct import_rule *rule, const char *field, const json_t *value,
                       bool negated)
{
    import_when(rule, "name", import_globs(rule, field, value, "*", "*"), negated);
    import_carry(rule, field, "name");
    import_lose(rule, IMPORT_REMARK, field, NULL,
                "theirs match whole words, ours any part of the name");
}

static void take_extension(struct import_rule *rule, const char *field, const json_t *value,
                           bool negated)
{
    import_when(rule, "name", import_globs(rule, field, value, "*.", ""), negated);
    import_carry(rule, field, "name");
}

static void take_creator(struct import_rule *rule, const char *field, const json_t *value,
                         bool negated)
{
    import_when(rule, "property",
                json_pack("{s:o}", "creator", import_globs(rule, field, value, "*", "*")), negated);
    import_carry(rule, field, "property");
}

/* "NAME:word,word", as they are written. */
static void take_property(struct import_rule *rule, const char *field, const json_t *value,
                          bool negated)
{
    size_t i;
    json_t *one;
    own_json json_t *list = json_is_array(value) ? NULL : json_pack("[O]", value);
    json_array_foreach(list ? list : value, i, one)
    {
        char room[24], name[80];
        const char *text = import_text(one, room);
        const char *colon = strchr(text, ':');
        own_json json_t *word = colon ? json_string(colon + 1) : NULL;
        if (!word || colon == text || colon - text >= (int)sizeof name || strchr(colon, ',')) {
            import_lose(rule, IMPORT_CONDITION, field, one, "not one NAME:WORD");
            return;
        }
        snprintf(name, sizeof name, "%.*s", (int)(colon - text), text);
        import_when(rule, "property",
                    json_pack("{s:o}", name, import_globs(rule, field, word, "*", "*")), negated);
    }
    import_carry(rule, field, "property");
}

/* "10 MB (10,485,760 bytes)", or a number. */
static void take_size(struct import_rule *rule, const char *field, const json_t *value,
                      bool negated)
{
    char room[24], text[40];
    unsigned long long bytes = 0;
    const char *given = import_text(value, room), *inner = strchr(given, '(');
    for (const char *at = inner ? inner + 1 : given; *at && bytes < 1ull << 50; at++) {
        if (*at >= '0' && *at <= '9')
            bytes = bytes * 10 + (unsigned)(*at - '0');
        else if (*at != ',')
            break;
    }
    if (!bytes || (!inner && given[strspn(given, "0123456789")])) {
        import_lose(rule, IMPORT_CONDITION, field, value, "not a size in bytes");
        return;
    }
    snprintf(text, sizeof text, "%llu", bytes + 1);
    import_when(rule, "size", json_pack("{s:s}", "at_least", text), negated);
    import_carry(rule, field, "size");
}

static void take_status(struct import_rule *rule, const char *field, bool negated,
                        const char *const *words)
{
    json_t *list = json_array();
    for (; *words; words++)
        json_array_append_new(list, json_string(*words));
    import_when(rule, "status", list, negated);
    import_carry(rule, field, "status");
}

static void take_locked(struct import_rule *rule, const char *field, const json_t *value,
                        bool negated)
{
    (void)value;
    take_status(rule, field, negated, (const char *const[]){"encrypted", NULL});
}

static void take_unsupported(struct import_rule *rule, const char *field, const json_t *value,
                             bool negated)
{
    (void)value;
    take_status(rule, field, negated, (const char *const[]){"unsupported", NULL});
}

static void take_exceeded(struct import_rule *rule, const char *field, const json_t *value,
                          bool negated)
{
    (void)value;
    take_status(rule, field, negated, (const char *const[]){"partial", "too-large", NULL});
}

static void take_unlabelled(struct import_rule *rule, const char *field, const json_t *value,
                            bool negated)
{
    (void)value;
    import_when(rule, "label", json_string("none"), negated);
    import_carry(rule, field, "label");
}

static void take_mail(struct import_rule *rule, const char *field, const json_t *value,
                      bool negated)
{
    (void)negated;
    import_lose(rule, IMPORT_CONDITION, field, value, "labeld looks at files, not at mail");
}

static void take_pattern(struct import_rule *rule, const char *field, const json_t *value,
                         bool negated)
{
    (void)negated;
    import_lose(rule, IMPORT_CONDITION, field, value,
                "a text pattern becomes a type of your own (README, Types)");
}

static void take_members(struct import_rule *rule, const char *field, const json_t *value,
                         bool negated)
{
    (void)negated;
    import_lose(rule, IMPORT_CONDITION, field, value, "groups of people are not known");
}

static void take_dates(struct import_rule *rule, const char *field, const json_t *value,
                       bool negated)
{
    (void)negated;
    import_lose(rule, IMPORT_CONDITION, field, value, "rules have no dates of beginning and end");
}

/* Conditions; each also as ExceptIf…. A name that ends in * is the beginning of several. */
static const struct {
    const char *field;
    take_field *take;
} conditions[] = {
    {"ContentContainsSensitiveInformation", import_findings},
    {"AccessScope", take_scope},
    {"ContentIsShared", take_shared},
    {"DocumentNameMatchesWords", take_words},
    {"ContentExtensionMatchesWords", take_extension},
    {"DocumentSizeOver", take_size},
    {"DocumentCreatedBy", take_creator},
    {"DocumentCreatedByMemberOf", take_members},
    {"ContentPropertyContainsWords", take_property},
    {"DocumentIsPasswordProtected", take_locked},
    {"DocumentIsUnsupported", take_unsupported},
    {"ProcessingLimitExceeded", take_exceeded},
    {"ContentIsNotLabeled", take_unlabelled},
    {"DocumentNameMatchesPatterns", take_pattern},
    {"DocumentMatchesPatterns", take_pattern},
    {"DocumentContainsWords", take_pattern},
    {"ActivationDate", take_dates},
    {"ExpiryDate", take_dates},
    {"From*", take_mail},
    {"Sender*", take_mail},
    {"Sent*", take_mail},
    {"Recipient*", take_mail},
    {"AnyOfRecipient*", take_mail},
    {"Subject*", take_mail},
    {"Header*", take_mail},
    {"Message*", take_mail},
    {"UnscannableDocument*", take_mail},
    {"Attachment*", take_mail},
    {"WithImportance", take_mail},
    {"HasSenderOverride", take_mail},
    {"DomainCountOver", take_mail},
    {"RecipientCountOver", take_mail},
};

/* Fields that say nothing of what is matched or done. */
static const char *const silent[] = {
    "Name",
    "Guid",
    "Id",
    "Identity",
    "ImmutableId",
    "ExchangeVersion",
    "Comment",
    "CreatedBy",
    "LastModifiedBy",
    "WhenCreated*",
    "WhenChanged*",
    "ObjectVersion",
    "ObjectState",
    "IsValid",
    "DistinguishedName",
    "OrganizationId",
    "OriginatingServer",
    "ObjectCategory",
    "ObjectClass",
    "ParentPolicyName",
    "Policy",
    "PolicyId",
    "PolicyName",
    "Workload",
    "LogicalWorkload",
    "Mode",
    "Disabled",
    "Priority",
    "StopPolicyProcessing",
    "ReportSeverityLevel",
    "AdvancedRule",
    "IsAdvancedRule",
    "RuleErrorAction",
    "ContentContainsSensitiveInformationExtended",
    "ExternalScenario",
    "DisplayName",
    "PSComputerName",
    "RunspaceId",
    "PSShowComputerName",
    "AdminDisplayName",
    "MasterIdentity",
    "ReadOnly",
    "CreationTimeUtc",
    "ModificationTimeUtc",
    "BlockAccessScope",
    "ApplySensitivityLabel",
    "OverwriteLabel",
    "Type",
};

static bool matches(const char *row, const char *field)
{
    size_t length = strlen(row);
    return row[length - 1] == '*' ? strncasecmp(row, field, length - 1) == 0
                                  : strcasecmp(row, field) == 0;
}

/* False: it is no condition. */
static bool take_condition(struct import_rule *rule, const char *field, const json_t *value)
{
    bool negated = strncasecmp(field, "ExceptIf", 8) == 0;
    const char *bare = negated ? field + 8 : field;
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        if (matches(conditions[i].field, bare)) {
            conditions[i].take(rule, field, value, negated);
            return true;
        }
    if (negated)
        import_lose(rule, IMPORT_CONDITION, field, value, "a condition that is not known here");
    return negated;
}

/* Actions ---------------------------------------------------------------------------------------
 */

static void act_block(struct import_rule *rule, const char *field, const json_t *policy)
{
    char room[24];
    const char *scope = import_text(import_get(policy, "BlockAccessScope"), room);
    const char *to = strcasecmp(scope, "PerAnonymousUser") == 0 ? "external-people"
                     : strcasecmp(scope, "PerUser") == 0        ? "organisation"
                                                                : "private";
    import_then(rule, "unshare", json_pack("{s:s}", "to", to));
    import_carry(rule, field, "unshare");
}

static void act_notify(struct import_rule *rule, const char *field, const json_t *value)
{
    size_t i;
    json_t *one;
    own_json json_t *targets = json_array();
    own_json json_t *list = json_is_array(value) ? NULL : json_pack("[O]", value);
    json_array_foreach(list ? list : value, i, one)
    {
        char room[24];
        const char *text = import_text(one, room);
        if (strcasecmp(text, "Owner") == 0)
            json_array_append_new(targets, json_string("owner"));
        else if (strcasecmp(text, "LastModifier") == 0)
            json_array_append_new(targets, json_string("last-editor"));
        else
            import_lose(rule, IMPORT_ACTION, field, one,
                        "name a receiver under notify: in labeld.yaml");
    }
    if (json_array_size(targets) == 0)
        return;
    import_then(rule, "notify", json_incref(targets));
    import_carry(rule, field, "notify");
}

static const struct {
    const char *field, *reason;
} lost_actions[] = {
    {"GenerateIncidentReport", "reports are not mailed; use notify"},
    {"IncidentReportContent", "reports are not mailed; use notify"},
    {"NotifyPolicyTip*", "there are no policy tips"},
    {"NotifyAllowOverride", "users do not override a rule; use exceptions"},
    {"NotifyOverride*", "users do not override a rule; use exceptions"},
    {"NotifyEmail*", "the text is message: of the rule"},
    {"NotifyEndpoint*", "there are no devices"},
    {"EndpointDlp*", "there are no devices"},
    {"EncryptRMSTemplate", "files are encrypted to age keys; use encrypt"},
    {"RemoveRMSTemplate", "labeld does not decrypt"},
    {"AlertProperties", "one alert a file and rule"},
    {"ThirdPartyAppDlp*", "only connections of labeld"},
    {"OnPremisesScanner*", "only connections of labeld"},
};

/* False: it is no action. */
static bool take_action(struct import_rule *rule, const char *field, const json_t *value,
                        const json_t *policy)
{
    if (strcasecmp(field, "BlockAccess") == 0)
        act_block(rule, field, policy);
    else if (strcasecmp(field, "NotifyUser") == 0)
        act_notify(rule, field, value);
    else if (strcasecmp(field, "GenerateAlert") == 0)
        import_carry(rule, field, "alert");
    else {
        for (size_t i = 0; i < sizeof lost_actions / sizeof *lost_actions; i++)
            if (matches(lost_actions[i].field, field)) {
                import_lose(rule, IMPORT_ACTION, field, value, lost_actions[i].reason);
                return true;
            }
        return false;
    }
    return true;
}

static void take_alert(struct import_rule *rule, const json_t *policy)
{
    char room[24];
    static const char *const words[] = {"low", "medium", "high"};
    const char *severity = import_text(import_get(policy, "ReportSeverityLevel"), room);
    const char *level = NULL;
    for (size_t i = 0; i < 3; i++)
        if (strcasecmp(words[i], severity) == 0)
            level = words[i];
    if (!level && import_is_unset(import_get(policy, "GenerateAlert")))
        return;
    import_then(rule, "alert", json_string(level ? level : "low"));
    if (level)
        import_carry(rule, "ReportSeverityLevel", "alert");
}

/* The rule that joins conditions --------------------------------------------------------------- */

static void take_node(struct import_rule *rule, const json_t *node, int depth);

/* The parts of a node, joined, as one condition. */
static void take_parts(struct import_rule *rule, const json_t *parts, const char *word, int depth)
{
    size_t i;
    json_t *one, *outer = rule->all;
    const char *key = strcasecmp(word, "Or") == 0 ? "any" : "all";
    rule->all = json_array();
    json_array_foreach(parts, i, one) if (i < IMPORT_VALUES_MAX && rule->all)
        take_node(rule, one, depth + 1);
    json_t *inner = rule->all;
    rule->all = outer;
    if (json_array_size(inner) > 0) {
        json_t *made = json_pack("{s:O}", key, inner);
        if (strcasecmp(word, "Not") == 0)
            made = json_pack("{s:o}", "not", made);
        if (!made || json_array_append_new(rule->all, made))
            rule->import->failed = true;
    }
    json_decref(inner);
}

static void take_node(struct import_rule *rule, const json_t *node, int depth)
{
    char room[24];
    const json_t *parts = import_get(node, "SubConditions");
    const char *name = json_string_value(import_get(node, "ConditionName"));
    const json_t *value = import_get(node, "Value");
    if (depth > nested_max)
        import_lose(rule, IMPORT_CONDITION, "AdvancedRule", NULL, "nested too deep");
    else if (parts)
        take_parts(rule, parts, import_text(import_get(node, "Operator"), room), depth);
    else if (!name)
        import_lose(rule, IMPORT_CONDITION, "AdvancedRule", node, "a part without a name");
    else if (strcasecmp(import_text(value, room), "false") == 0)
        import_lose(rule, IMPORT_CONDITION, name, value, "it asks for what is not so");
    else if (!take_condition(rule, name, value))
        import_lose(rule, IMPORT_CONDITION, name, value, "a condition that is not known here");
}

static void take_advanced(struct import_rule *rule, const json_t *given)
{
    struct err err = {0};
    const char *text = json_string_value(given);
    own_json json_t *json = text ? json_parse(text, strlen(text), &err) : NULL;
    const json_t *condition = import_get(json ? json : given, "Condition");
    if (!condition)
        import_lose(rule, IMPORT_CONDITION, "AdvancedRule", given, "it has no Condition");
    else
        take_node(rule, condition, 0);
}

/* Whole rules ---------------------------------------------------------------------------------- */

/* The policy that the rule is part of: its label, mode and order. */
static void take_container(struct import_rule *rule, const json_t *policy)
{
    char room[24];
    const json_t *name = import_get(policy, "ParentPolicyName");
    name = name ? name : import_get(policy, "Policy");
    const json_t *container = json_object_get(rule->import->policies, import_text(name, room));
    const json_t *mode = import_get(container ? container : policy, "Mode");
    const json_t *label = import_get(container ? container : policy, "ApplySensitivityLabel");
    bool overwrite = json_is_true(import_get(container, "OverwriteLabel"));
    rule->enforces =
        mode && strncasecmp(import_text(mode, room), "En", 2) == 0; /* Enable, Enforce */
    if (label) {
        const char *ours = import_label(rule, label);
        if (!ours)
            import_lose(rule, IMPORT_ACTION, "ApplySensitivityLabel", label,
                        "the export has no id of this label");
        else
            import_then(rule, "label",
                        overwrite ? json_pack("{s:s, s:s}", "to", ours, "override", "manual")
                                  : json_string(ours));
        if (ours)
            import_carry(rule, "ApplySensitivityLabel", "label");
    }
    if (json_is_true(import_get(policy, "StopPolicyProcessing")))
        import_lose(rule, IMPORT_REMARK, "StopPolicyProcessing", NULL,
                    "all rules count and order never matters: it leaned on order");
}

void import_purview(struct import_rule *rule, const json_t *policy)
{
    const char *field;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)policy, field, value)
    {
        bool known = import_is_unset(value);
        for (size_t i = 0; !known && i < sizeof silent / sizeof *silent; i++)
            known = matches(silent[i], field);
        if (known || take_condition(rule, field, value) || take_action(rule, field, value, policy))
            continue;
        import_lose(rule, IMPORT_CONDITION, field, value, "a field that is not known here");
    }
    if (!import_is_unset(import_get(policy, "AdvancedRule")))
        take_advanced(rule, import_get(policy, "AdvancedRule"));
    take_container(rule, policy);
    take_alert(rule, policy);
    if (json_is_true(import_get(policy, "Disabled"))) {
        import_lose(rule, IMPORT_REMARK, "Disabled", NULL, "theirs is off, so is ours");
        rule->off = true;
    }
}
