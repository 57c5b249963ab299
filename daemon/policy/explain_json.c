#include "policy/explain.h"

#include "base/clock.h"
#include "base/json.h"

/* Put a value that was just made; a NULL value marks the object as failed. */
static void put(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value ? value : json_null());
}

static json_t *text_or_null(const char *text)
{
    return text ? json_text(text) : json_null();
}

static json_t *texts(const char *const *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_text(items[i]));
    return array;
}

static json_t *instant(bool known, int64_t us)
{
    char text[21];
    if (!known)
        return json_null();
    clock_format(us, text);
    return json_string(text);
}

/* Facts -------------------------------------------------------------------------------------- */

static json_t *findings_json(const struct facts *facts)
{
    json_t *types = json_object();
    for (size_t i = 0; i < facts->finding_count; i++) {
        const struct report_finding *finding = &facts->findings[i];
        const char *confidence = report_confidence_word(finding->confidence);
        json_t *type = json_object_get(types, finding->type);
        if (!type) {
            put(types, finding->type, json_object());
            type = json_object_get(types, finding->type);
        }
        json_int_t before = json_integer_value(json_object_get(type, confidence));
        put(type, confidence, json_integer(before + (json_int_t)finding->unique_count));
    }
    return types;
}

static json_t *properties_json(const struct facts *facts)
{
    json_t *properties = json_object();
    for (size_t i = 0; i < facts->property_count; i++) {
        json_t *name = json_text(facts->properties[i].name);
        if (name)
            put(properties, json_string_value(name), json_text(facts->properties[i].value));
        json_decref(name);
    }
    return properties;
}

static const char *label_name(const struct policy *policy, const char *id)
{
    const struct policy_label *label = id ? policy_label_find(policy, id) : NULL;
    return label ? label->name : "unknown";
}

static json_t *label_json(const struct explain *explain)
{
    const struct facts *facts = explain->facts;
    if (facts->label_kind == FACTS_LABEL_UNREAD)
        return json_null();
    if (facts->label_kind == FACTS_LABEL_OURS)
        return json_text(label_name(explain->policy, facts->label_id));
    return json_string(facts->foreign_label ? "foreign" : "none");
}

static json_t *facts_json(const struct explain *explain)
{
    const struct facts *facts = explain->facts;
    json_t *json = json_object();
    put(json, "path", text_or_null(facts->path));
    put(json, "connection", text_or_null(facts->connection));
    put(json, "owner", text_or_null(facts->owner));
    put(json, "exposure", json_string(facts_exposure_word(facts->exposure)));
    put(json, "shared_with",
        facts->sharing_known ? texts(facts->shared_with, facts->shared_with_count) : json_null());
    put(json, "format", json_string(formats_row(facts->format)->word));
    put(json, "size", json_integer((json_int_t)facts->size));
    put(json, "status", json_string(report_status_word(facts->status)));
    put(json, "label", label_json(explain));
    put(json, "set_by", json_string(facts->set_by == FACTS_MANUAL ? "manual" : "automatic"));
    put(json, "label_change", json_string(facts_label_change_word(facts->label_change)));
    put(json, "previous",
        facts->previous_id ? json_text(label_name(explain->policy, facts->previous_id))
                           : json_null());
    put(json, "created", instant(facts->created.known, facts->created.us));
    put(json, "modified", instant(facts->modified.known, facts->modified.us));
    put(json, "shared", instant(facts->shared.known, facts->shared.us));
    put(json, "property", properties_json(facts));
    put(json, "findings", findings_json(facts));
    return json;
}

/* Rules -------------------------------------------------------------------------------------- */

static json_t *node_json(const struct explain *explain, const struct plan_node *node)
{
    static const char *const truths[] = {"false", "unknown", "true"};
    json_t *json = json_object();
    put(json, "is", json_string(truths[node->is]));
    if (node->condition) {
        const char *hint = explain_hint(explain, node);
        put(json, "condition", json_string(node->condition));
        put(json, "line", json_integer(node->line));
        put(json, "want", json_text(node->want));
        put(json, "have",
            hint ? json_sprintf("%s, give %s", node->have, hint) : json_text(node->have));
        return json;
    }
    put(json, "op", json_string(node->op));
    if (node->name)
        put(json, "name", json_text(node->name));
    json_t *of = json_array();
    for (size_t i = 0; i < node->of_count; i++)
        json_array_append_new(of, node_json(explain, &node->of[i]));
    put(json, "of", of);
    return json;
}

static json_t *exception_json(const struct plan_exception *exception)
{
    char until[21];
    if (!exception)
        return json_null();
    clock_format(exception->until_us, until);
    until[10] = '\0';
    json_t *json = json_object();
    put(json, "name", json_text(exception->name));
    put(json, "origin", json_text(exception->origin));
    put(json, "until", json_string(until));
    put(json, "owner", json_text(exception->owner));
    put(json, "reason", json_text(exception->reason));
    return json;
}

static json_t *rule_json(const struct explain *explain, const struct plan_rule *rule)
{
    json_t *json = json_object();
    put(json, "name", json_text(rule->name));
    put(json, "line", json_integer(rule->line));
    put(json, "mode", json_string(plan_mode_word(rule->mode)));
    put(json, "held", json_boolean(rule->held));
    put(json, "state", json_string(plan_state_word(rule->state)));
    put(json, "exception", exception_json(rule->exception));
    put(json, "when", rule->when ? node_json(explain, rule->when) : json_null());
    put(json, "then", texts(rule->then, rule->then_count));
    return json;
}

/* Plans -------------------------------------------------------------------------------------- */

static json_t *label_step_json(const struct explain *explain, const struct plan_step *step)
{
    json_t *json = json_object();
    put(json, "to", json_text(step->with));
    put(json, "from", label_json(explain));
    put(json, "rules", texts(step->rules, step->rule_count));
    return json;
}

json_t *explain_steps_json(const struct explain *explain, const struct plan_steps *steps)
{
    json_t *json = json_object(), *actions = json_array(), *left_out = json_array();
    put(json, "label", json_null());
    for (size_t i = 0; i < steps->count; i++) {
        const struct plan_step *step = &steps->steps[i];
        json_t *action = json_object();
        put(action, "do", json_string(plan_do_word(step->what)));
        put(action, "with", json_text(step->with));
        put(action, "rules", texts(step->rules, step->rule_count));
        json_array_append_new(actions, action);
        if (step->what == PLAN_LABEL)
            put(json, "label", label_step_json(explain, step));
    }
    for (size_t i = 0; i < steps->left_out_count; i++) {
        const struct plan_left_out *left = &steps->left_out[i];
        json_t *out = json_object();
        put(out, "do", json_string(plan_do_word(left->what)));
        put(out, "reason", json_text(left->reason));
        put(out, "rules", texts(left->rules, left->rule_count));
        json_array_append_new(left_out, out);
    }
    put(json, "actions", actions);
    put(json, "left_out", left_out);
    return json;
}

json_t *explain_json(const struct explain *explain)
{
    const struct plan *plan = explain->plan;
    json_t *json = json_object(), *rules = json_array();
    put(json, "path", json_text(explain->path));
    put(json, "revision", json_text(plan->revision));
    put(json, "types_revision", text_or_null(explain->types_revision));
    put(json, "now", instant(true, plan->now_us));
    put(json, "due", instant(plan->due_us != 0, plan->due_us));
    put(json, "facts", facts_json(explain));
    for (size_t i = 0; i < plan->rule_count; i++)
        json_array_append_new(rules, rule_json(explain, &plan->rules[i]));
    put(json, "rules", rules);
    put(json, "plan", explain_steps_json(explain, &plan->plan));
    put(json, "would", explain_steps_json(explain, &plan->would));
    return json;
}
