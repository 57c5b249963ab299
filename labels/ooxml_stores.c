#include "ooxml_stores.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    notes_max_bytes = 512u << 20,
    matches_max = 16, /* relationships of one kind that are looked at */
    attribute_max = 2048,
};

const char *const ooxml_custom_space[2] = {
    "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties",
    "http://purl.oclc.org/ooxml/officeDocument/customProperties",
};
const char *const ooxml_value_space[2] = {
    "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes",
    "http://purl.oclc.org/ooxml/officeDocument/docPropsVTypes",
};
const char *const ooxml_custom_relation[2] = {
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties",
    "http://purl.oclc.org/ooxml/officeDocument/relationships/customProperties",
};
const char ooxml_info_space[] = "http://schemas.microsoft.com/office/2020/mipLabelMetadata";
const char ooxml_info_relation[] =
    "http://schemas.microsoft.com/office/2020/02/relationships/classificationlabels";
const char ooxml_types_space[] = "http://schemas.openxmlformats.org/package/2006/content-types";
const char ooxml_rels_space[] = "http://schemas.openxmlformats.org/package/2006/relationships";

static const char signature_relation[] =
    "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin";
static const char strict_start[] = "http://purl.oclc.org/ooxml/";

/* Types of values that a property of ours may have (labels of old clients vary). */
static const char *const value_types[] = {"lpwstr", "lpstr", "bstr", "bool", "i4", "filetime"};

enum ooxml_outcome ooxml_stores_refuse(struct ooxml_stores *stores, const char *code,
                                       const char *format, ...)
{
    char text[400];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    stores->code = code;
    stores->message = arena_strdup(stores->arena, text);
    return stores->message ? OOXML_REFUSED : OOXML_NO_MEMORY;
}

/* Names come from the file: only plain ones are repeated in a message. */
static const char *plain(const char *name)
{
    for (const char *c = name; *c; c++)
        if (*c < ' ' || *c > '~' || c - name > 120)
            return "a part of the package";
    return name;
}

static enum ooxml_outcome outcome_of(struct ooxml_stores *stores, enum zipdir_result result,
                                     const char *part)
{
    switch (result) {
    case ZIPDIR_OK: return OOXML_DONE;
    case ZIPDIR_NO_MEMORY: return OOXML_NO_MEMORY;
    case ZIPDIR_ENTRIES:
        return ooxml_stores_refuse(stores, "bomb", "the package has more than %llu entries",
                                   (unsigned long long)stores->limits->archive_entries);
    case ZIPDIR_TOO_LARGE:
        return ooxml_stores_refuse(stores, "bomb", "%s is over %llu bytes", plain(part),
                                   (unsigned long long)stores->limits->label_part_bytes);
    case ZIPDIR_DAMAGED:
    case ZIPDIR_OVERLAP: break;
    }
    return ooxml_stores_refuse(stores, "damaged", "the package is damaged: %s%s%s",
                               stores->dir.fault ? stores->dir.fault : "it cannot be read",
                               *part ? ": " : "", *part ? plain(part) : "");
}

enum ooxml_outcome ooxml_stores_xml(struct ooxml_stores *stores, enum xml_result result,
                                    const char *part)
{
    switch (result) {
    case XML_OK: return OOXML_DONE;
    case XML_STOPPED:
    case XML_NO_MEMORY: return OOXML_NO_MEMORY; /* our handlers stop only for want of it */
    case XML_DOCTYPE:
        return ooxml_stores_refuse(stores, "xml-dtd", "%s has a document type declaration",
                                   plain(part));
    case XML_DEPTH:
        return ooxml_stores_refuse(stores, "bomb", "%s nests elements too deeply", plain(part));
    case XML_MALFORMED: break;
    }
    return ooxml_stores_refuse(stores, "damaged", "%s is not well-formed XML", plain(part));
}

enum ooxml_outcome ooxml_stores_load(struct ooxml_stores *stores, enum ooxml_part_id id)
{
    struct ooxml_part *part = &stores->parts[id];
    const struct zipdir_entry *entry = &stores->dir.entries[part->entry];
    if (entry->flags & 1)
        return ooxml_stores_refuse(stores, "encrypted", "%s is encrypted", plain(part->name));
    part->bytes = buf_new((size_t)stores->limits->label_part_bytes);
    return outcome_of(stores, zipdir_load(&stores->dir, part->entry, &part->bytes), part->name);
}

/* Relationships ------------------------------------------------------------------------------ */

struct relations {
    struct ooxml_stores *stores;
    unsigned matches[OOXML_PARTS];
    size_t depth;
};

/* An attribute as a string; "" when it is absent, NULL when it is too long. */
static const char *string_of(const struct xml_element *element, const char *name,
                             char out[static attribute_max])
{
    const struct xml_attribute *attribute = xml_find(element, name, NULL);
    size_t length = attribute ? (size_t)(attribute->end - attribute->value) : 0;
    if (length >= attribute_max)
        return NULL;
    if (length)
        memcpy(out, attribute->value, length);
    out[length] = '\0';
    return out;
}

static void note_id(struct ooxml_stores *stores, const struct xml_element *element)
{
    char id[attribute_max];
    if (!string_of(element, "Id", id) || strncmp(id, "rIdLbl", 6) != 0)
        return;
    unsigned number = 0;
    const char *at = id + 6;
    while (*at >= '0' && *at <= '9' && number < 100)
        number = number * 10 + (unsigned)(*at++ - '0');
    if (!*at && id[6] != '0' && number >= 1 && number <= 64)
        stores->used_ids |= UINT64_C(1) << (number - 1);
}

/* The first target of its kind counts, one that exists before one that does not. */
static void note_target(struct relations *relations, enum ooxml_part_id id, const char *target)
{
    struct ooxml_stores *stores = relations->stores;
    struct ooxml_part *part = &stores->parts[id];
    char name[OPC_NAME_MAX];
    if (part->entry != ZIPDIR_NONE || relations->matches[id]++ >= matches_max ||
        !opc_resolve("", target, name) || !*name)
        return;
    bool duplicate = false;
    size_t entry = zipdir_find(&stores->dir, name, &duplicate);
    if (*part->name && entry == ZIPDIR_NONE)
        return;
    memcpy(part->name, name, sizeof name);
    part->entry = entry;
    part->duplicate = duplicate;
}

static bool is_either(const char *type, const char *const pair[2])
{
    return strcmp(type, pair[0]) == 0 || strcmp(type, pair[1]) == 0;
}

static bool start_relation(void *context, const struct xml_element *element)
{
    struct relations *relations = context;
    struct ooxml_stores *stores = relations->stores;
    char type[attribute_max], target[attribute_max], mode[attribute_max];
    if (relations->depth++ != 1 ||
        !xml_is(element->name, element->space, "Relationship", ooxml_rels_space, NULL))
        return true;
    note_id(stores, element);
    if (!string_of(element, "Type", type) || !string_of(element, "Target", target) ||
        !string_of(element, "TargetMode", mode) || strcmp(mode, "External") == 0)
        return true;
    if (is_either(type, ooxml_custom_relation))
        note_target(relations, OOXML_CUSTOM, target);
    else if (strcmp(type, ooxml_info_relation) == 0)
        note_target(relations, OOXML_INFO, target);
    else if (strcmp(type, signature_relation) == 0)
        stores->is_signed = true;
    else if (strncmp(type, strict_start, sizeof strict_start - 1) == 0 &&
             strstr(type, "/officeDocument"))
        stores->is_strict = true;
    return true;
}

static bool end_relation(void *context, const char *name, const char *space)
{
    struct relations *relations = context;
    (void)name;
    (void)space;
    relations->depth--;
    return true;
}

static enum ooxml_outcome read_relations(struct ooxml_stores *stores)
{
    struct relations relations = {.stores = stores};
    const struct xml_handler handler = {.start = start_relation, .end = end_relation};
    const struct buf *bytes = &stores->parts[OOXML_RELS].bytes;
    return ooxml_stores_xml(
        stores,
        xml_read(buf_text(bytes), bytes->length, &handler, &relations, stores->limits->xml_depth),
        "_rels/.rels");
}

/* Custom properties -------------------------------------------------------------------------- */

struct properties {
    struct ooxml_content *content;
    size_t depth;
    bool foreign;
    bool is_property, in_value;
    bool sensitivity_seen; /* of two properties of one name the first counts */
    char id[GUID_LENGTH + 1];
    char attribute[attribute_max]; /* of the label, or the property's name */
    uint32_t pid;
    struct buf value;
};

static uint32_t pid_of(const struct xml_element *element)
{
    char text[attribute_max];
    uint64_t number = 0;
    const char *at = string_of(element, "pid", text);
    if (!at || !*at)
        return 0;
    for (; *at >= '0' && *at <= '9' && number <= UINT32_MAX; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return *at || number > INT32_MAX ? 0 : (uint32_t)number;
}

static void begin_property(struct properties *state, const struct xml_element *element)
{
    char name[attribute_max];
    const char *attribute;
    state->is_property = xml_is(element->name, element->space, "property", ooxml_custom_space[0],
                                ooxml_custom_space[1]);
    state->pid = state->is_property ? pid_of(element) : 0;
    *state->id = '\0';
    *state->attribute = '\0';
    buf_reset(&state->value);
    if (!state->is_property || !string_of(element, "name", name))
        return;
    if (!label_key(name, strlen(name), state->id, &attribute)) {
        *state->id = '\0';
        attribute = name;
    }
    memcpy(state->attribute, attribute, strlen(attribute) + 1);
}

static bool start_property(void *context, const struct xml_element *element)
{
    struct properties *state = context;
    switch (state->depth++) {
    case 0:
        state->foreign = !xml_is(element->name, element->space, "Properties", ooxml_custom_space[0],
                                 ooxml_custom_space[1]);
        break;
    case 1: begin_property(state, element); break;
    case 2:
        for (size_t i = 0; i < sizeof value_types / sizeof *value_types; i++)
            state->in_value |= xml_is(element->name, element->space, value_types[i],
                                      ooxml_value_space[0], ooxml_value_space[1]);
        break;
    default: break;
    }
    return true;
}

static bool text_property(void *context, const char *text, size_t length)
{
    struct properties *state = context;
    if (!state->in_value || state->depth != 3 || !*state->attribute)
        return true;
    return buf_append(&state->value, text, length);
}

static bool finish_property(struct properties *state)
{
    struct ooxml_content *content = state->content;
    struct ooxml_property note = {.pid = state->pid};
    const char *value = buf_text(&state->value);
    memcpy(note.id, state->id, sizeof note.id);
    if (!*note.id && !state->sensitivity_seen && strcasecmp(state->attribute, "Sensitivity") == 0) {
        state->sensitivity_seen = true;
        note.sensitivity = arena_strdup(content->set.arena, value);
        if (!note.sensitivity)
            return false;
    }
    if (*note.id && !state->foreign &&
        !label_set_property(&content->set, note.id, state->attribute, strlen(state->attribute),
                            value, state->value.length))
        return false;
    return buf_append(&content->properties, &note, sizeof note);
}

static bool end_property(void *context, const char *name, const char *space)
{
    struct properties *state = context;
    (void)name;
    (void)space;
    state->depth--;
    if (state->depth == 2)
        state->in_value = false;
    return state->depth != 1 || finish_property(state);
}

static enum ooxml_outcome read_custom(struct ooxml_stores *stores, const struct buf *bytes,
                                      struct ooxml_content *content, bool *foreign)
{
    struct properties state = {.content = content, .value = buf_new(bytes->length + 1)};
    const struct xml_handler handler = {
        .start = start_property, .end = end_property, .text = text_property};
    enum xml_result result =
        xml_read(buf_text(bytes), bytes->length, &handler, &state, stores->limits->xml_depth);
    buf_fini(&state.value);
    if (foreign)
        *foreign = state.foreign;
    return ooxml_stores_xml(stores, result, stores->parts[OOXML_CUSTOM].name);
}

/* The label part ----------------------------------------------------------------------------- */

struct elements {
    struct ooxml_content *content;
    size_t depth;
    bool foreign;
};

static void guid_of(const struct xml_element *element, const char *name,
                    char out[static GUID_LENGTH + 1])
{
    const struct xml_attribute *attribute = xml_find(element, name, NULL);
    if (!attribute ||
        !guid_parse(attribute->value, (size_t)(attribute->end - attribute->value), out))
        *out = '\0';
}

static bool flag_of(const struct xml_element *element, const char *name)
{
    const struct xml_attribute *attribute = xml_find(element, name, NULL);
    return attribute &&
           label_is_true(attribute->value, (size_t)(attribute->end - attribute->value));
}

static bool read_label(const struct xml_element *element, struct arena *arena, struct label *label)
{
    char bits[attribute_max], method[attribute_max];
    const char *said = string_of(element, "method", method);
    *label = (struct label){
        .name = "",
        .action_id = "",
        .method = arena_strdup(arena, said ? said : ""),
        .set_date_us = INT64_MIN,
        .store = LABEL_IN_ELEMENT,
        .enabled = flag_of(element, "enabled"),
        .removed = flag_of(element, "removed"),
    };
    guid_of(element, "id", label->id);
    guid_of(element, "siteId", label->site_id);
    const char *at = string_of(element, "contentBits", bits);
    for (; at && *at >= '0' && *at <= '9' && label->content_bits < 1u << 24; at++)
        label->content_bits = label->content_bits * 10 + (uint32_t)(*at - '0');
    return label->method != NULL;
}

static bool start_element(void *context, const struct xml_element *element)
{
    struct elements *state = context;
    struct ooxml_content *content = state->content;
    if (state->depth == 0)
        state->foreign =
            !xml_is(element->name, element->space, "labelList", ooxml_info_space, NULL);
    if (state->depth++ != 1)
        return true;
    struct ooxml_element note = {
        .is_label = xml_is(element->name, element->space, "label", ooxml_info_space, NULL),
        .is_extension_list =
            xml_is(element->name, element->space, "extLst", ooxml_info_space, NULL),
    };
    if (note.is_label && !read_label(element, content->set.arena, &note.label))
        return false;
    if (note.is_label && !state->foreign && *note.label.id &&
        !label_set_element(&content->set, &note.label))
        return false;
    return buf_append(&content->elements, &note, sizeof note);
}

static bool end_element(void *context, const char *name, const char *space)
{
    struct elements *state = context;
    (void)name;
    (void)space;
    state->depth--;
    return true;
}

static enum ooxml_outcome read_info(struct ooxml_stores *stores, const struct buf *bytes,
                                    struct ooxml_content *content, bool *foreign)
{
    struct elements state = {.content = content};
    const struct xml_handler handler = {.start = start_element, .end = end_element};
    enum xml_result result =
        xml_read(buf_text(bytes), bytes->length, &handler, &state, stores->limits->xml_depth);
    if (foreign)
        *foreign = state.foreign;
    return ooxml_stores_xml(stores, result, stores->parts[OOXML_INFO].name);
}

enum ooxml_outcome ooxml_stores_read(struct ooxml_stores *stores, const struct buf *custom,
                                     const struct buf *info, struct ooxml_content *content,
                                     bool foreign[2])
{
    *content = (struct ooxml_content){
        .set = label_set_new(stores->arena),
        .properties = buf_new(notes_max_bytes),
        .elements = buf_new(notes_max_bytes),
    };
    enum ooxml_outcome outcome = OOXML_DONE;
    if (custom)
        outcome = read_custom(stores, custom, content, foreign ? &foreign[0] : NULL);
    if (outcome == OOXML_DONE && info)
        outcome = read_info(stores, info, content, foreign ? &foreign[1] : NULL);
    if (outcome == OOXML_DONE && !label_set_finish(&content->set))
        outcome = OOXML_NO_MEMORY;
    return outcome;
}

void ooxml_content_close(struct ooxml_content *content)
{
    label_set_fini(&content->set);
    buf_fini(&content->properties);
    buf_fini(&content->elements);
}

/* The whole ---------------------------------------------------------------------------------- */

/* A part of a fixed name. */
static bool find_fixed(struct ooxml_stores *stores, enum ooxml_part_id id, const char *name)
{
    struct ooxml_part *part = &stores->parts[id];
    snprintf(part->name, sizeof part->name, "%s", name);
    part->entry = zipdir_find(&stores->dir, name, &part->duplicate);
    return part->entry != ZIPDIR_NONE;
}

static enum ooxml_outcome load_stores(struct ooxml_stores *stores)
{
    struct ooxml_part *custom = &stores->parts[OOXML_CUSTOM], *info = &stores->parts[OOXML_INFO];
    enum ooxml_outcome outcome = OOXML_DONE;
    bool foreign[2] = {false, false};
    if (custom->entry != ZIPDIR_NONE)
        outcome = ooxml_stores_load(stores, OOXML_CUSTOM);
    if (outcome == OOXML_DONE && info->entry != ZIPDIR_NONE)
        outcome = ooxml_stores_load(stores, OOXML_INFO);
    if (outcome == OOXML_DONE)
        outcome = ooxml_stores_read(stores, custom->entry == ZIPDIR_NONE ? NULL : &custom->bytes,
                                    info->entry == ZIPDIR_NONE ? NULL : &info->bytes,
                                    &stores->content, foreign);
    custom->foreign = foreign[0];
    info->foreign = foreign[1];
    return outcome;
}

enum ooxml_outcome ooxml_stores_open(struct ooxml_stores *stores, const struct format_input *input,
                                     const struct limits *limits, struct arena *arena)
{
    *stores = (struct ooxml_stores){.limits = limits, .arena = arena};
    for (size_t i = 0; i < OOXML_PARTS; i++)
        stores->parts[i].entry = ZIPDIR_NONE;
    enum ooxml_outcome outcome = outcome_of(
        stores, zipdir_open(&stores->dir, input->bytes, input->length, limits->archive_entries),
        "");
    if (outcome != OOXML_DONE)
        return outcome;
    if (!find_fixed(stores, OOXML_TYPES, "[Content_Types].xml"))
        return ooxml_stores_refuse(stores, "not-opc", "the package has no [Content_Types].xml");
    if (!find_fixed(stores, OOXML_RELS, "_rels/.rels"))
        return ooxml_stores_refuse(stores, "not-opc", "the package has no _rels/.rels");
    outcome = ooxml_stores_load(stores, OOXML_RELS);
    if (outcome == OOXML_DONE)
        outcome = read_relations(stores);
    return outcome == OOXML_DONE ? load_stores(stores) : outcome;
}

void ooxml_stores_close(struct ooxml_stores *stores)
{
    ooxml_content_close(&stores->content);
    for (size_t i = 0; i < OOXML_PARTS; i++)
        buf_fini(&stores->parts[i].bytes);
    zipdir_close(&stores->dir);
}
