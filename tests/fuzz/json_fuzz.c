#include "fuzz/target.h"

#include "base/json.h"

/* Whatever JSON arrives: no crash, and what was read as a report can be written again. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    own_json json_t *json = json_parse((const char *)bytes, length, NULL);
    if (!json)
        return 0;
    own_arena struct arena arena = arena_new(16u << 20);
    struct report report;
    if (json_report_read(json, &report, &arena, NULL)) {
        const struct json_report_facts facts = {.path = "x"};
        own_json json_t *again = json_report(&report, &facts);
        (void)again;
    }
    return 0;
}
