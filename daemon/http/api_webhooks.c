#include "http/api_parts.h"
#include "http/hooks.h"

/* How webhooks ended: those that were taken, and those that were not by code and by reason. */
json_t *api_webhooks_json(const struct api *api)
{
    struct hooks_numbers numbers;
    hooks_numbers(api->facts.hooks, &numbers);
    json_t *reasons = json_object(), *codes = json_object();
    for (int i = HOOKS_REPEATED + 1; i < HOOKS_END_COUNT; i++) {
        char code[12];
        snprintf(code, sizeof code, "%u", hooks_end_status((enum hooks_end)i));
        json_int_t count = (json_int_t)numbers.ends[i];
        json_int_t before = json_integer_value(json_object_get(codes, code));
        if (count == 0)
            continue;
        json_object_set_new(codes, code, json_integer(before + count));
        json_object_set_new(reasons, hooks_end_word((enum hooks_end)i), json_integer(count));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:b}", "doors", (json_int_t)numbers.doors,
                     "accepted", (json_int_t)numbers.ends[HOOKS_ACCEPTED], "paths",
                     (json_int_t)numbers.jobs, "repeated", (json_int_t)numbers.ends[HOOKS_REPEATED],
                     "refused", codes, "reasons", reasons, "flight_bytes",
                     (json_int_t)numbers.flight_bytes, "realtime", api_is_realtime(api));
}

bool api_is_realtime(const struct api *api)
{
    struct hooks_numbers hooks;
    struct store_numbers store;
    hooks_numbers(api->facts.hooks, &hooks);
    store_numbers(api->facts.store, &store);
    return hooks.realtime && store.realtime;
}
