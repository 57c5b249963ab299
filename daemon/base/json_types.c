/* Sensitive information types as JSON: the same in labelctl and in the API. */
#include "base/json.h"

static json_t *names(const struct report_name *items, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(items[i].text));
    return array;
}

json_t *json_of_type(const struct type_info *type)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:I}", "id", type->id,
                     "name", type->name, "category", type->category, "regions", type->regions,
                     "parent", type->parent, "origin", type->origin, "find",
                     names(type->finds, type->finds_count), "keywords",
                     names(type->keywords, type->keywords_count), "check",
                     names(type->checks, type->checks_count), "sources", type->sources, "examples",
                     (json_int_t)type->examples);
}

json_t *json_of_bundle(const struct type_bundle *bundle)
{
    return json_pack("{s:s, s:o}", "bundle", bundle->name, "members",
                     names(bundle->members, bundle->members_count));
}
