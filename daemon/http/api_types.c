/* Sensitive information types and bundles, as the parse hosts loaded them at start. */
#include <string.h>

#include "base/json.h"
#include "http/api_parts.h"

/* Types first, then bundles. */
static json_t *row_json(const struct type_list *types, uint32_t index)
{
    return index < types->types_count ? json_of_type(&types->types[index])
                                      : json_of_bundle(&types->bundles[index - types->types_count]);
}

void api_types_list(struct api *api, const struct request *request, struct answer *answer)
{
    struct api_page page;
    const struct type_list *types = api->facts.type_list;
    const int64_t count = (int64_t)types->types_count + types->bundles_count;
    if (!api_page(request, &page, answer))
        return;
    json_t *items = json_array();
    int64_t end = page.after < count - page.limit ? page.after + page.limit : count;
    for (int64_t i = page.after; i < end; i++)
        json_array_append_new(items, row_json(types, (uint32_t)i));
    answer->json = api_page_json(&page, items, end < count, end);
}

void api_types_get(struct api *api, const struct request *request, struct answer *answer)
{
    const struct type_list *types = api->facts.type_list;
    const char *id = request->parts[0];
    for (uint32_t i = 0; i < types->types_count && !answer->json; i++)
        if (strcmp(types->types[i].id, id) == 0)
            answer->json = json_of_type(&types->types[i]);
    for (uint32_t i = 0; i < types->bundles_count && !answer->json; i++)
        if (strcmp(types->bundles[i].name, id) == 0)
            answer->json = json_of_bundle(&types->bundles[i]);
    if (!answer->json)
        answer_problem(answer, 404, "no such type or bundle");
}
