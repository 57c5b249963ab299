#include "ooxml_edit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ooxml_index.h"

enum { names_tried = 100, ids_most = 64, properties_written = 7 };

static const char fmtid[] = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}";
static const char info_type[] = "application/vnd.ms-office.classificationlabels+xml";
static const char custom_type[] =
    "application/vnd.openxmlformats-officedocument.custom-properties+xml";

/* How a part that is not there yet comes to be. */
static const struct {
    const char *first_name; /* with a number when an orphan has it */
    const char *type;
} new_parts[OOXML_PARTS] = {
    [OOXML_CUSTOM] = {"docProps/custom.xml", custom_type},
    [OOXML_INFO] = {"docMetadata/LabelInfo.xml", info_type},
};

/* Text in XML: what would end it is written as references. */
static void put_escaped(struct buf *out, const char *text)
{
    for (const char *c = text; *c; c++)
        switch (*c) {
        case '&': buf_puts(out, "&amp;"); break;
        case '<': buf_puts(out, "&lt;"); break;
        case '>': buf_puts(out, "&gt;"); break;
        case '"': buf_puts(out, "&quot;"); break;
        default: buf_putc(out, *c); break;
        }
}

static enum ooxml_outcome broken(struct ooxml_stores *stores, enum ooxml_part_id id,
                                 enum outline_result result)
{
    if (result == OUTLINE_NO_MEMORY)
        return OOXML_NO_MEMORY;
    return ooxml_stores_refuse(stores, "damaged",
                               result == OUTLINE_ENCODING
                                   ? "a part to be edited is not UTF-8: %s"
                                   : "a part to be edited is not what it seems: %s",
                               id == OOXML_CUSTOM ? "the custom properties"
                               : id == OOXML_INFO ? "the label part"
                               : id == OOXML_RELS ? "_rels/.rels"
                                                  : "[Content_Types].xml");
}

/* The outline of a part that is there, whose root must have `children` as the XML parser saw. */
static enum ooxml_outcome outline_of(struct ooxml_stores *stores, enum ooxml_part_id id,
                                     size_t children, struct outline *outline)
{
    struct ooxml_part *part = &stores->parts[id];
    if (part->duplicate)
        return ooxml_stores_refuse(stores, "damaged",
                                   "two entries of the package have the name of a part to edit");
    enum outline_result result = outline_read(outline, buf_text(&part->bytes), part->bytes.length);
    if (result != OUTLINE_OK)
        return broken(stores, id, result);
    if (part->foreign || outline_count(outline) != children)
        return broken(stores, id, OUTLINE_BROKEN);
    return OOXML_DONE;
}

/* Custom properties -------------------------------------------------------------------------- */

/* How the values of properties are written in a part. */
struct dialect {
    const char *prefix, *value_prefix;
    int prefix_length, value_prefix_length;
    const char *declared; /* namespace to declare at each value, or NULL */
};

static struct dialect dialect_of(const struct outline *outline)
{
    const char *prefix;
    size_t length;
    bool strict = outline_prefix(outline, ooxml_custom_space[1], &prefix, &length);
    struct dialect dialect = {
        .prefix = outline->name,
        .prefix_length = (int)outline->prefix_length,
        .value_prefix = "vt",
        .value_prefix_length = 2,
        .declared = ooxml_value_space[strict],
    };
    if (outline_prefix(outline, ooxml_value_space[strict], &prefix, &length)) {
        dialect.value_prefix = prefix;
        dialect.value_prefix_length = (int)length;
        dialect.declared = NULL;
    }
    return dialect;
}

static void put_property(struct buf *out, const struct dialect *dialect, uint32_t pid,
                         const char *id, const char *attribute, const char *value)
{
    int p = dialect->prefix_length, v = dialect->value_prefix_length;
    const char *colon = v ? ":" : "";
    buf_printf(out, "<%.*sproperty fmtid=\"%s\" pid=\"%u\" name=\"MSIP_Label_%s_%s\">", p,
               dialect->prefix, fmtid, pid, id, attribute);
    buf_printf(out, "<%.*s%slpwstr", v, dialect->value_prefix, colon);
    if (dialect->declared)
        buf_printf(out, " xmlns:vt=\"%s\"", dialect->declared);
    buf_putc(out, '>');
    put_escaped(out, value);
    buf_printf(out, "</%.*s%slpwstr></%.*sproperty>", v, dialect->value_prefix, colon, p,
               dialect->prefix);
}

static void put_label(struct buf *out, const struct dialect *dialect, uint32_t pid,
                      const struct label *label, const char *set_date)
{
    char bits[16];
    snprintf(bits, sizeof bits, "%u", label->content_bits);
    const struct {
        const char *attribute, *value;
    } rows[properties_written] = {
        {"Enabled", "true"},   {"SetDate", set_date},      {"Method", label->method},
        {"Name", label->name}, {"SiteId", label->site_id}, {"ActionId", label->action_id},
        {"ContentBits", bits},
    };
    for (size_t i = 0; i < properties_written; i++)
        put_property(out, dialect, pid + (uint32_t)i, label->id, rows[i].attribute, rows[i].value);
}

static const struct ooxml_property *property_at(const struct ooxml_stores *stores, size_t index)
{
    return (const struct ooxml_property *)(const void *)stores->content.properties.bytes + index;
}

static bool is_old_name(const struct ooxml_stores *stores, const struct label_edit *edit,
                        const struct label_plan *plan, const char *name)
{
    struct report_label *labels = NULL;
    uint32_t count = 0;
    bool all = edit->op == LABEL_REMOVE && !*edit->site_id;
    const char *without = edit->info == LABEL_INFO_OFF ? edit->site_id : NULL;
    if (!*name || (!all && !plan->old) ||
        !label_list_in_force(&stores->content.set, without, &labels, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if ((all || strcmp(labels[i].site_id, plan->old->site_id) == 0) &&
            strcmp(labels[i].name, name) == 0)
            return true;
    return false;
}

bool ooxml_edit_cuts(const struct ooxml_stores *stores, const struct label_edit *edit,
                     const struct label_plan *plan, const struct ooxml_property *property)
{
    if (property->sensitivity)
        return is_old_name(stores, edit, plan, property->sensitivity);
    const struct label *label =
        *property->id ? label_of_property(&stores->content.set, property->id) : NULL;
    return label && label_is_mine(label, edit);
}

/* The old text without what is cut; how much that was, and the highest pid that stays. */
static size_t cut_properties(struct ooxml_stores *stores, const struct label_edit *edit,
                             const struct label_plan *plan, struct outline_patch *patch,
                             uint32_t *highest)
{
    size_t cuts = 0;
    const char *last = "";
    bool last_cut = false;
    *highest = 1;
    for (size_t i = 0; i < outline_count(patch->outline); i++) {
        const struct ooxml_property *property = property_at(stores, i);
        if (!*property->id || strcmp(property->id, last) != 0)
            last_cut = ooxml_edit_cuts(stores, edit, plan, property);
        last = property->id;
        if (!last_cut) {
            *highest = property->pid > *highest ? property->pid : *highest;
            continue;
        }
        const struct outline_child *child = outline_child(patch->outline, i);
        outline_keep_to(patch, child->start);
        outline_skip_to(patch, child->end);
        cuts++;
    }
    return cuts;
}

static enum ooxml_outcome edit_custom(struct ooxml_stores *stores, const struct label_edit *edit,
                                      const struct label_plan *plan, struct ooxml_edit *made)
{
    struct buf *out = &made->bytes[OOXML_CUSTOM];
    bool writes = plan->done == LABEL_WRITTEN && plan->store == LABEL_IN_PROPERTIES;
    size_t children = stores->content.properties.length / sizeof(struct ooxml_property);
    if (stores->parts[OOXML_CUSTOM].foreign && !writes)
        return OOXML_DONE;
    own_outline struct outline outline = {0};
    enum ooxml_outcome outcome = outline_of(stores, OOXML_CUSTOM, children, &outline);
    if (outcome != OOXML_DONE)
        return outcome;
    struct outline_patch patch = {.outline = &outline, .out = out};
    uint32_t highest;
    size_t cuts = cut_properties(stores, edit, plan, &patch, &highest);
    if (cuts == 0 && !writes)
        return OOXML_DONE;
    if (writes && highest > INT32_MAX - properties_written)
        return ooxml_stores_refuse(stores, "damaged", "no number (pid) is left for a property");
    if (writes) {
        const struct dialect dialect = dialect_of(&outline);
        outline_keep_to_close(&patch);
        put_label(out, &dialect, highest + 1, &plan->written, edit->set_date);
        outline_keep_rest(&patch);
    } else {
        outline_keep_to(&patch, outline.length);
    }
    made->changed[OOXML_CUSTOM] = true;
    return OOXML_DONE;
}

static void make_custom(struct ooxml_stores *stores, const struct label_edit *edit,
                        const struct label_plan *plan, struct buf *out)
{
    const struct dialect dialect = {.prefix = "", .value_prefix = "vt", .value_prefix_length = 2};
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n"
               "<Properties xmlns=\"%s\" xmlns:vt=\"%s\">",
               ooxml_custom_space[stores->is_strict], ooxml_value_space[stores->is_strict]);
    put_label(out, &dialect, 2, &plan->written, edit->set_date);
    buf_puts(out, "</Properties>");
}

/* The label part ----------------------------------------------------------------------------- */

static void put_element(struct buf *out, const char *prefix, int prefix_length,
                        const struct label *label)
{
    buf_printf(out,
               "<%.*slabel id=\"{%s}\" enabled=\"1\" method=\"%s\" siteId=\"{%s}\" "
               "contentBits=\"%u\" removed=\"0\" />",
               prefix_length, prefix, label->id, label->method, label->site_id,
               label->content_bits);
}

/* Whether an element goes away, or is replaced. */
static bool cuts_element(const struct label_edit *edit, const struct label_plan *plan,
                         const struct ooxml_element *element)
{
    if (!element->is_label || !label_is_mine(&element->label, edit))
        return false;
    /* An element that says "removed" is what keeps clients from bringing the label back. */
    return plan->done == LABEL_WRITTEN || !element->label.removed;
}

static enum ooxml_outcome edit_info(struct ooxml_stores *stores, const struct label_edit *edit,
                                    const struct label_plan *plan, struct ooxml_edit *made)
{
    struct buf *out = &made->bytes[OOXML_INFO];
    const struct ooxml_element *elements = (const void *)stores->content.elements.bytes;
    size_t count = stores->content.elements.length / sizeof *elements, cuts = 0;
    bool writes = plan->done == LABEL_WRITTEN && plan->store == LABEL_IN_ELEMENT;
    if (stores->parts[OOXML_INFO].foreign && !writes)
        return OOXML_DONE;
    own_outline struct outline outline = {0};
    enum ooxml_outcome outcome = outline_of(stores, OOXML_INFO, count, &outline);
    if (outcome != OOXML_DONE)
        return outcome;
    struct outline_patch patch = {.outline = &outline, .out = out};
    int prefix_length = (int)outline.prefix_length;
    bool written = !writes;
    for (size_t i = 0; i < count; i++) {
        const struct outline_child *child = outline_child(&outline, i);
        bool cut = cuts_element(edit, plan, &elements[i]);
        if (!cut && (written || !elements[i].is_extension_list))
            continue;
        outline_keep_to(&patch, child->start);
        if (!written)
            put_element(out, outline.name, prefix_length, &plan->written);
        written = true;
        if (cut)
            outline_skip_to(&patch, child->end);
        cuts += cut;
    }
    if (cuts == 0 && !writes)
        return OOXML_DONE;
    if (!written) {
        outline_keep_to_close(&patch);
        put_element(out, outline.name, prefix_length, &plan->written);
        outline_keep_rest(&patch);
    } else {
        outline_keep_to(&patch, outline.length);
    }
    made->changed[OOXML_INFO] = true;
    return OOXML_DONE;
}

static void make_info(const struct label_plan *plan, struct buf *out)
{
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>"
               "<clbl:labelList xmlns:clbl=\"%s\">",
               ooxml_info_space);
    put_element(out, "clbl:", 5, &plan->written);
    buf_puts(out, "</clbl:labelList>");
}

/* A new part: its name, its type, its relationship ------------------------------------------- */

static bool is_plain_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-/";
    size_t length = strlen(name);
    return length > 0 && strspn(name, letters) == length && name[length - 1] != '/';
}

/* The name that a dangling relationship promises, or the usual one, unless an orphan has it. */
static enum ooxml_outcome name_part(struct ooxml_stores *stores, enum ooxml_part_id id)
{
    struct ooxml_part *part = &stores->parts[id];
    if (*part->name)
        return is_plain_name(part->name)
                   ? OOXML_DONE
                   : ooxml_stores_refuse(stores, "damaged",
                                         "a relationship leads to a part that is not there");
    snprintf(part->name, sizeof part->name, "%s", new_parts[id].first_name);
    for (unsigned i = 1; zipdir_find(&stores->dir, part->name, NULL) != ZIPDIR_NONE; i++) {
        if (i > names_tried)
            return ooxml_stores_refuse(stores, "damaged", "all names for a label part are taken");
        const char *dot = strrchr(new_parts[id].first_name, '.');
        int stem = (int)(dot - new_parts[id].first_name);
        snprintf(part->name, sizeof part->name, "%.*s%u%s", stem, new_parts[id].first_name, i, dot);
    }
    return OOXML_DONE;
}

static enum ooxml_outcome add_type(struct ooxml_stores *stores, enum ooxml_part_id id,
                                   struct ooxml_edit *made)
{
    struct ooxml_part *types = &stores->parts[OOXML_TYPES];
    struct ooxml_index index;
    enum ooxml_outcome outcome = ooxml_stores_load(stores, OOXML_TYPES);
    if (outcome == OOXML_DONE)
        outcome = ooxml_index_type(stores, stores->parts[id].name, &index);
    if (outcome != OOXML_DONE)
        return outcome;
    types->foreign = index.foreign;
    own_outline struct outline outline = {0};
    outcome = outline_of(stores, OOXML_TYPES, index.children, &outline);
    if (outcome != OOXML_DONE)
        return outcome;
    struct buf *out = &made->bytes[OOXML_TYPES];
    struct outline_patch patch = {.outline = &outline, .out = out};
    size_t value = 0, length = 0;
    if (index.found == SIZE_MAX) {
        outline_keep_to_close(&patch);
        buf_printf(out, "<%.*sOverride PartName=\"/%s\" ContentType=\"%s\"/>",
                   (int)outline.prefix_length, outline.name, stores->parts[id].name,
                   new_parts[id].type);
        outline_keep_rest(&patch);
    } else if (strcasecmp(index.type, new_parts[id].type) == 0) {
        return OOXML_DONE;
    } else if (outline_attribute(&outline, outline_child(&outline, index.found)->start,
                                 "ContentType", &value, &length)) {
        outline_keep_to(&patch, value);
        buf_puts(out, new_parts[id].type);
        outline_skip_to(&patch, value + length);
        outline_keep_to(&patch, outline.length);
    } else {
        return broken(stores, OOXML_TYPES, OUTLINE_BROKEN);
    }
    made->changed[OOXML_TYPES] = true;
    return OOXML_DONE;
}

static enum ooxml_outcome add_relation(struct ooxml_stores *stores, enum ooxml_part_id id,
                                       struct ooxml_edit *made)
{
    struct ooxml_index index;
    unsigned number = 1;
    while (number <= ids_most && stores->used_ids >> (number - 1) & 1)
        number++;
    if (number > ids_most)
        return ooxml_stores_refuse(stores, "damaged", "no relationship Id is left");
    enum ooxml_outcome outcome = ooxml_index_relations(stores, &index);
    if (outcome != OOXML_DONE)
        return outcome;
    stores->parts[OOXML_RELS].foreign = index.foreign;
    own_outline struct outline outline = {0};
    outcome = outline_of(stores, OOXML_RELS, index.children, &outline);
    if (outcome != OOXML_DONE)
        return outcome;
    struct buf *out = &made->bytes[OOXML_RELS];
    struct outline_patch patch = {.outline = &outline, .out = out};
    outline_keep_to_close(&patch);
    buf_printf(out, "<%.*sRelationship Id=\"rIdLbl%u\" Type=\"%s\" Target=\"%s\"/>",
               (int)outline.prefix_length, outline.name, number,
               id == OOXML_INFO ? ooxml_info_relation : ooxml_custom_relation[stores->is_strict],
               stores->parts[id].name);
    outline_keep_rest(&patch);
    made->changed[OOXML_RELS] = true;
    return OOXML_DONE;
}

static enum ooxml_outcome add_part(struct ooxml_stores *stores, const struct label_edit *edit,
                                   const struct label_plan *plan, enum ooxml_part_id id,
                                   struct ooxml_edit *made)
{
    bool related = *stores->parts[id].name;
    enum ooxml_outcome outcome = name_part(stores, id);
    if (outcome == OOXML_DONE)
        outcome = add_type(stores, id, made);
    if (outcome == OOXML_DONE && !related)
        outcome = add_relation(stores, id, made);
    if (outcome != OOXML_DONE)
        return outcome;
    if (id == OOXML_CUSTOM)
        make_custom(stores, edit, plan, &made->bytes[id]);
    else
        make_info(plan, &made->bytes[id]);
    made->changed[id] = made->added[id] = true;
    return OOXML_DONE;
}

/* The whole ---------------------------------------------------------------------------------- */

/* A relationship to one of the other parts that an edit changes. */
static bool coincide(const struct ooxml_stores *stores)
{
    for (size_t a = 0; a < OOXML_PARTS; a++)
        for (size_t b = a + 1; b < OOXML_PARTS; b++)
            if (stores->parts[a].entry != ZIPDIR_NONE &&
                stores->parts[a].entry == stores->parts[b].entry)
                return true;
    return false;
}

/* Appends were not checked one by one; and what was written must be readable again. */
static enum ooxml_outcome check_room(struct ooxml_stores *stores, const struct ooxml_edit *made)
{
    for (size_t i = 0; i < OOXML_PARTS; i++) {
        const struct buf *bytes = &made->bytes[i];
        if (bytes->failed && bytes->length + 4096 < bytes->max)
            return OOXML_NO_MEMORY;
        if (bytes->failed || bytes->length > stores->limits->label_part_bytes)
            return ooxml_stores_refuse(stores, "bomb",
                                       "a part would grow over %llu bytes by the label",
                                       (unsigned long long)stores->limits->label_part_bytes);
    }
    return OOXML_DONE;
}

enum ooxml_outcome ooxml_edit_make(struct ooxml_stores *stores, const struct label_edit *edit,
                                   const struct label_plan *plan, struct ooxml_edit *made)
{
    static const struct {
        enum ooxml_part_id id;
        enum label_store store;
        enum ooxml_outcome (*edit)(struct ooxml_stores *, const struct label_edit *,
                                   const struct label_plan *, struct ooxml_edit *);
    } rows[] = {
        {OOXML_CUSTOM, LABEL_IN_PROPERTIES, edit_custom},
        {OOXML_INFO, LABEL_IN_ELEMENT, edit_info},
    };
    *made = (struct ooxml_edit){.done = LABEL_UNCHANGED};
    for (size_t i = 0; i < OOXML_PARTS; i++)
        made->bytes[i] = buf_new((size_t)stores->limits->label_part_bytes + 8192);
    if (plan->done == LABEL_UNCHANGED)
        return OOXML_DONE;
    if (coincide(stores))
        return ooxml_stores_refuse(stores, "damaged", "two relationships lead to one part");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool there = stores->parts[rows[i].id].entry != ZIPDIR_NONE;
        bool writes = plan->done == LABEL_WRITTEN && plan->store == rows[i].store;
        enum ooxml_outcome outcome = OOXML_DONE;
        if (there)
            outcome = rows[i].edit(stores, edit, plan, made);
        else if (writes)
            outcome = add_part(stores, edit, plan, rows[i].id, made);
        if (outcome != OOXML_DONE)
            return outcome;
        if (made->changed[rows[i].id])
            made->done = plan->done;
    }
    return check_room(stores, made);
}

void ooxml_edit_close(struct ooxml_edit *made)
{
    for (size_t i = 0; i < OOXML_PARTS; i++)
        buf_fini(&made->bytes[i]);
}
