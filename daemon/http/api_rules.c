/* The rules: what passes, what is in force. */
#include <string.h>

#include "http/api_parts.h"

static const size_t work_max_bytes = 256u << 20;

bool api_rules_good(const struct api *api, const json_t *text, const struct request *request,
                    struct answer *answer)
{
    struct err err = {0};
    struct policy_problems problems = {0};
    own_arena struct arena arena = arena_new(work_max_bytes);
    const char *rules = json_string_value(text);
    (void)request;
    if (!rules || strlen(rules) != json_string_length(text)) {
        answer_problem(answer, 400, "rules: a text without NUL");
        return false;
    }
    struct policy *policy =
        gate_load(api->facts.gate, "rules.yaml", rules, &arena, &problems, &err);
    if (!policy && problems.errors)
        answer_problem(answer, 400, "the rules have %zu error%s; the first is in line %u",
                       problems.errors, problems.errors == 1 ? "" : "s", problems.items[0].line);
    else if (!policy)
        api_failed(answer, &err);
    policy_free(policy);
    return policy != NULL;
}
