#include "base/json.h"

#include <string.h>

#include "base/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

static json_t *base64(const char *text)
{
    size_t length = strlen(text);
    own_buf struct buf out = buf_new(length * 2 + 8);
    return buf_base64(&out, text, length) ? json_string(buf_text(&out)) : NULL;
}

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

json_t *json_labels(const struct report_label *labels, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; array && i < count; i++) {
        const struct report_label *label = &labels[i];
        json_t *row = json_pack("{s:s, s:o, s:o, s:b, s:o, s:o, s:s, s:s}", "id", label->id, "name",
                                text_or_null(label->name), "site_id", text_or_null(label->site_id),
                                "enabled", label->enabled, "method", text_or_null(label->method),
                                "set_date", text_or_null(label->set_date), "source", label->source,
                                "store", label->store);
        if (row && *label->action_id)
            json_object_set_new(row, "action_id", json_string(label->action_id));
        if (row && label->content_bits)
            json_object_set_new(row, "content_bits", json_integer(label->content_bits));
        if (row && label->is_protected)
            json_object_set_new(row, "protected", json_true());
        if (row && label->ambiguous)
            json_object_set_new(row, "ambiguous", json_true());
        if (!row || json_array_append_new(array, row) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *places(const struct report_finding *finding)
{
    json_t *array = json_array();
    for (uint32_t i = 0; array && i < finding->where_count; i++) {
        const struct report_place *place = &finding->where[i];
        json_array_append_new(array, json_pack("{s:s, s:I, s:I}", "part", place->part, "offset",
                                               (json_int_t)place->offset, "length",
                                               (json_int_t)place->length));
    }
    return array;
}

static void add_variants(json_t *row, const struct report_finding *finding)
{
    json_t *variants = json_object();
    for (uint32_t i = 0; i < finding->variants_count; i++) {
        const struct report_variant *variant = &finding->variants[i];
        json_object_set_new(variants, variant->type,
                            json_pack("{s:I, s:I}", "count", (json_int_t)variant->count, "unique",
                                      (json_int_t)variant->unique_count));
    }
    json_object_set_new(row, "variants", variants);
}

static void add_alternatives(json_t *row, const struct report_finding *finding)
{
    json_t *names = json_array();
    for (uint32_t i = 0; i < finding->alternatives_count; i++)
        json_array_append_new(names, json_string(finding->alternatives[i].text));
    json_object_set_new(row, "alternatives", names);
}

static json_t *findings(const struct report *report)
{
    json_t *array = json_array();
    for (uint32_t i = 0; array && i < report->findings_count; i++) {
        const struct report_finding *finding = &report->findings[i];
        json_t *row =
            json_pack("{s:s, s:s, s:I, s:I}", "type", finding->type, "confidence",
                      report_confidence_word(finding->confidence), "count",
                      (json_int_t)finding->count, "unique", (json_int_t)finding->unique_count);
        if (!row) {
            json_decref(array);
            return NULL;
        }
        if (finding->at_least)
            json_object_set_new(row, "at_least", json_true());
        if (finding->variants_count)
            add_variants(row, finding);
        if (finding->alternatives_count)
            add_alternatives(row, finding);
        json_object_set_new(row, "where", places(finding));
        json_array_append_new(array, row);
    }
    return array;
}

static void hex(const uint8_t *bytes, size_t count, char *out)
{
    for (size_t i = 0; i < count; i++) {
        *out++ = hex_digits[bytes[i] >> 4];
        *out++ = hex_digits[bytes[i] & 15];
    }
    *out = '\0';
}

static void add_properties(json_t *json, const struct report *report)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < report->properties_count; i++)
        json_object_set_new(object, report->properties[i].name,
                            json_string(report->properties[i].value));
    json_object_set_new(json, "properties", object);
}

static bool any_set(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i])
            return true;
    return false;
}

json_t *json_report(const struct report *report, const struct json_report_facts *facts)
{
    char digest[65];
    json_t *json = json_object();
    if (!json)
        return NULL;
    json_object_set_new(json, "path", json_text(facts->path));
    if (!utf8_valid(facts->path, strlen(facts->path)))
        json_object_set_new(json, "path_base64", base64(facts->path));
    json_object_set_new(json, "size", json_integer((json_int_t)facts->size));
    if (facts->sha256)
        hex(facts->sha256, 32, digest);
    json_object_set_new(json, "sha256", facts->sha256 ? json_string(digest) : json_null());
    json_object_set_new(json, "mime", json_string(report->mime));
    json_object_set_new(json, "format", json_string(formats_row(report->format)->word));
    json_object_set_new(json, "status", json_string(report_status_word(report->status)));
    json_object_set_new(json, "reason", text_or_null(report->reason));
    json_object_set_new(json, "labels", json_labels(report->labels, report->labels_count));
    if (report->labels_unread)
        json_object_set_new(json, "labels_unread", json_true());
    json_object_set_new(json, "findings", findings(report));
    json_object_set_new(json, "text_bytes", json_integer((json_int_t)report->text_bytes));
    if (any_set(report->text_digest, sizeof report->text_digest)) {
        hex(report->text_digest, sizeof report->text_digest, digest);
        json_object_set_new(json, "text_digest", json_string(digest));
    }
    if (report->properties_count)
        add_properties(json, report);
    return json;
}

/* Reading ------------------------------------------------------------------------------------ */

static const char *copied(struct arena *arena, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    const char *copy = arena_strdup(arena, text ? text : "");
    return copy ? copy : "";
}

static uint32_t counted(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value < 0 ? 0 : value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static bool flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* Room for the items of an array; NULL when it is empty, missing or memory is out. */
static void *room(struct arena *arena, const json_t *array, size_t bytes, uint32_t *count)
{
    size_t items = json_array_size(array);
    void *list = items ? arena_alloc(arena, items, bytes) : NULL;
    *count = list ? (uint32_t)items : 0;
    return list;
}

static void read_labels(const json_t *array, struct report *report, struct arena *arena)
{
    report->labels = room(arena, array, sizeof *report->labels, &report->labels_count);
    for (uint32_t i = 0; i < report->labels_count; i++) {
        const json_t *row = json_array_get(array, i);
        report->labels[i] = (struct report_label){
            .id = copied(arena, row, "id"),
            .name = copied(arena, row, "name"),
            .site_id = copied(arena, row, "site_id"),
            .enabled = flag(row, "enabled"),
            .method = copied(arena, row, "method"),
            .set_date = copied(arena, row, "set_date"),
            .action_id = copied(arena, row, "action_id"),
            .content_bits = counted(row, "content_bits"),
            .source = copied(arena, row, "source"),
            .store = copied(arena, row, "store"),
            .is_protected = flag(row, "protected"),
            .ambiguous = flag(row, "ambiguous"),
        };
    }
}

static void read_variants(const json_t *object, struct report_finding *finding, struct arena *arena)
{
    size_t count = json_object_size(object);
    finding->variants = count ? arena_alloc(arena, count, sizeof *finding->variants) : NULL;
    if (!finding->variants)
        return;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        const char *copy = arena_strdup(arena, name);
        finding->variants[finding->variants_count++] = (struct report_variant){
            .type = copy ? copy : "",
            .count = counted(value, "count"),
            .unique_count = counted(value, "unique"),
        };
    }
}

static void read_lists(const json_t *row, struct report_finding *finding, struct arena *arena)
{
    const json_t *where = json_object_get(row, "where");
    finding->where = room(arena, where, sizeof *finding->where, &finding->where_count);
    for (uint32_t i = 0; i < finding->where_count; i++) {
        const json_t *place = json_array_get(where, i);
        finding->where[i] = (struct report_place){
            .part = copied(arena, place, "part"),
            .offset = (uint64_t)json_integer_value(json_object_get(place, "offset")),
            .length = counted(place, "length"),
        };
    }
    const json_t *names = json_object_get(row, "alternatives");
    finding->alternatives =
        room(arena, names, sizeof *finding->alternatives, &finding->alternatives_count);
    for (uint32_t i = 0; i < finding->alternatives_count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const char *copy = arena_strdup(arena, name ? name : "");
        finding->alternatives[i].text = copy ? copy : "";
    }
    read_variants(json_object_get(row, "variants"), finding, arena);
}

static bool read_findings(const json_t *array, struct report *report, struct arena *arena)
{
    report->findings = room(arena, array, sizeof *report->findings, &report->findings_count);
    for (uint32_t i = 0; i < report->findings_count; i++) {
        const json_t *row = json_array_get(array, i);
        struct report_finding *finding = &report->findings[i];
        finding->type = copied(arena, row, "type");
        finding->count = counted(row, "count");
        finding->unique_count = counted(row, "unique");
        finding->at_least = flag(row, "at_least");
        if (!report_confidence_find(copied(arena, row, "confidence"), &finding->confidence))
            return false;
        read_lists(row, finding, arena);
    }
    return true;
}

static void read_properties(const json_t *object, struct report *report, struct arena *arena)
{
    size_t count = json_object_size(object);
    report->properties = count ? arena_alloc(arena, count, sizeof *report->properties) : NULL;
    if (!report->properties)
        return;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        const char *copy = arena_strdup(arena, name);
        report->properties[report->properties_count++] = (struct report_property){
            .name = copy ? copy : "",
            .value = copied(arena, object, name),
        };
    }
}

static int nibble(char c)
{
    const char *at = c ? strchr(hex_digits, c) : NULL;
    return at ? (int)(at - hex_digits) : -1;
}

static void read_digest(const json_t *json, struct report *report)
{
    const char *text = json_string_value(json_object_get(json, "text_digest"));
    if (!text || strlen(text) != 2 * sizeof report->text_digest)
        return;
    for (size_t i = 0; i < sizeof report->text_digest; i++) {
        int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
        report->text_digest[i] = (uint8_t)(high < 0 || low < 0 ? 0 : high << 4 | low);
    }
}

bool json_report_read(const json_t *json, struct report *report, struct arena *arena,
                      struct err *err)
{
    memset(report, 0, sizeof *report);
    if (!json_is_object(json) ||
        !report_status_find(copied(arena, json, "status"), &report->status) ||
        !formats_find(copied(arena, json, "format"), &report->format))
        return err_set(err, ERR_CORRUPT, "a stored report lacks its status or format");
    report->reason = copied(arena, json, "reason");
    report->mime = copied(arena, json, "mime");
    report->needs = "";
    report->text_bytes = (uint64_t)json_integer_value(json_object_get(json, "text_bytes"));
    report->labels_unread = flag(json, "labels_unread");
    read_digest(json, report);
    read_labels(json_object_get(json, "labels"), report, arena);
    read_properties(json_object_get(json, "properties"), report, arena);
    if (!read_findings(json_object_get(json, "findings"), report, arena))
        return err_set(err, ERR_CORRUPT, "a stored report has a finding without confidence");
    return true;
}
