#include "ooxml_label.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ooxml_edit.h"
#include "ooxml_index.h"
#include "splice.h"

/* What a store that cannot be read is in a report. */
static const struct {
    const char *code;
    enum report_status status;
    const char *reason;
} unread[] = {
    {"damaged", REPORT_CORRUPT, "label-store"}, {"bomb", REPORT_PARTIAL, "label-part-bytes"},
    {"xml-dtd", REPORT_HOSTILE, "dtd"},         {"encrypted", REPORT_ENCRYPTED, "zip-entry"},
    {"not-opc", REPORT_CORRUPT, "not-opc"},
};

bool ooxml_label_read(struct format_reading *reading, const struct format_input *input)
{
    own_ooxml_stores struct ooxml_stores stores;
    struct report *report = reading->report;
    enum ooxml_outcome outcome = ooxml_stores_open(&stores, input, reading->limits, reading->arena);
    if (outcome == OOXML_NO_MEMORY)
        return false;
    if (outcome == OOXML_DONE)
        return label_list_in_force(&stores.content.set, NULL, &report->labels,
                                   &report->labels_count);
    report->labels_unread = true;
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
        if (strcmp(unread[i].code, stores.code) == 0)
            format_gap(reading, unread[i].status, unread[i].reason);
    return true;
}

/* A planned change of one package. */
struct change {
    struct ooxml_stores stores;
    struct label_plan plan;
    struct ooxml_edit made;
    struct report_label *labels; /* in force afterwards */
    uint32_t label_count;
};

static void change_close(struct change *change)
{
    ooxml_edit_close(&change->made);
    ooxml_stores_close(&change->stores);
}
#define own_change __attribute__((cleanup(change_close)))

/* Why a package that can be read is not to be changed. */
static enum ooxml_outcome admit(struct ooxml_stores *stores, const struct label_edit *edit)
{
    const char *code;
    const char *fault = label_edit_fault(edit, &code);
    if (fault)
        return ooxml_stores_refuse(stores, code, "%s", fault);
    if (zipdir_encrypted(&stores->dir))
        return ooxml_stores_refuse(stores, "encrypted", "an entry of the package is encrypted");
    if (stores->is_signed && !edit->allow_signed)
        return ooxml_stores_refuse(stores, "signed",
                                   "the document is digitally signed; a new label would break "
                                   "the signature");
    return OOXML_DONE;
}

static const char *without_elements(const struct label_edit *edit)
{
    return edit->info == LABEL_INFO_OFF ? edit->site_id : NULL;
}

/* Whether the label in force for the edit's tenant is what was planned. */
static bool reads_as_planned(const struct label_set *set, const struct label_edit *edit,
                             const struct label_plan *plan)
{
    bool ambiguous;
    const struct label *now =
        label_in_force(set, plan->written.site_id, edit->info != LABEL_INFO_OFF, &ambiguous);
    if (edit->op == LABEL_REMOVE)
        return *edit->site_id
                   ? !label_in_force(set, edit->site_id, edit->info != LABEL_INFO_OFF, &ambiguous)
                   : true;
    return now && strcmp(now->id, plan->written.id) == 0 &&
           (plan->done == LABEL_UNCHANGED ||
            (now->store == plan->store && strcmp(now->method, plan->written.method) == 0));
}

/* The text that a part will have, NULL when it will not be there. */
static const struct buf *text_after(const struct change *change, enum ooxml_part_id id)
{
    if (change->made.changed[id])
        return &change->made.bytes[id];
    return change->stores.parts[id].entry == ZIPDIR_NONE ? NULL : &change->stores.parts[id].bytes;
}

/* Read what was made: the labels in force afterwards, and whether the edit had its effect. */
static enum ooxml_outcome read_again(struct change *change, const struct label_edit *edit)
{
    struct ooxml_stores *stores = &change->stores;
    own_ooxml_content struct ooxml_content content;
    enum ooxml_outcome outcome = ooxml_stores_read(stores, text_after(change, OOXML_CUSTOM),
                                                   text_after(change, OOXML_INFO), &content, NULL);
    if (outcome != OOXML_DONE)
        return outcome;
    if (!reads_as_planned(&content.set, edit, &change->plan))
        return ooxml_stores_refuse(stores, "damaged",
                                   "another tenant's label has the same id, or the label parts "
                                   "contradict themselves");
    return label_list_in_force(&content.set, without_elements(edit), &change->labels,
                               &change->label_count)
               ? OOXML_DONE
               : OOXML_NO_MEMORY;
}

static enum ooxml_outcome prepare(struct change *change, const struct format_input *input,
                                  const struct label_edit *edit, const struct limits *limits,
                                  struct arena *arena)
{
    *change = (struct change){0};
    enum ooxml_outcome outcome = ooxml_stores_open(&change->stores, input, limits, arena);
    if (outcome == OOXML_DONE)
        outcome = admit(&change->stores, edit);
    if (outcome != OOXML_DONE)
        return outcome;
    change->plan = label_plan_for(&change->stores.content.set, edit);
    outcome = ooxml_edit_make(&change->stores, edit, &change->plan, &change->made);
    return outcome == OOXML_DONE ? read_again(change, edit) : outcome;
}

/* The changed package to a sink. */
static bool send(const struct change *change, const struct splice_sink *sink, struct err *err)
{
    struct splice_part parts[OOXML_PARTS];
    size_t count = 0;
    for (size_t i = 0; i < OOXML_PARTS; i++) {
        if (!change->made.changed[i])
            continue;
        const struct ooxml_part *part = &change->stores.parts[i];
        parts[count++] = (struct splice_part){
            .entry = change->made.added[i] ? ZIPDIR_NONE : part->entry,
            .name = part->name,
            .bytes = buf_text(&change->made.bytes[i]),
            .length = change->made.bytes[i].length,
        };
    }
    return splice_zip(&change->stores.dir, parts, count, sink, err);
}

static void tell(struct label_result *result, enum label_done done, const char *code,
                 const char *message)
{
    result->done = done;
    result->code = code;
    result->message = message;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "labelling a package: out of memory");
}

bool ooxml_label_relabel(const struct format_input *input, const struct label_edit *edit,
                         const struct limits *limits, int out, struct arena *arena,
                         struct label_result *result, struct err *err)
{
    own_change struct change change;
    enum ooxml_outcome outcome = prepare(&change, input, edit, limits, arena);
    if (outcome == OOXML_NO_MEMORY)
        return no_memory(err);
    if (outcome == OOXML_REFUSED) {
        tell(result, LABEL_REFUSED, change.stores.code, change.stores.message);
        return true;
    }
    tell(result, change.made.done, "", "");
    result->labels = change.labels;
    result->labels_count = change.label_count;
    if (change.made.done == LABEL_UNCHANGED)
        return true;
    struct splice_writer writer = {.bytes = input->bytes, .in = input->fd, .out = out};
    const struct splice_sink sink = splice_to_file(&writer);
    return send(&change, &sink, err);
}

/* Verifying ---------------------------------------------------------------------------------- */

/* Whether `after` is byte for byte what the change makes of `before`. */
static bool is_expected(const struct change *change, const struct format_input *before,
                        const struct format_input *after, struct err *err)
{
    struct splice_comparer comparer = {
        .before = before->bytes, .after = after->bytes, .after_length = after->length};
    const struct splice_sink sink = splice_to_compare(&comparer);
    if (change->made.done == LABEL_UNCHANGED) {
        if (!sink.copy(&comparer, 0, before->length, err))
            return false;
    } else if (!send(change, &sink, err)) {
        return false;
    }
    return comparer.at == after->length ||
           err_set(err, ERR_HOSTILE, "the new file is longer than it must be");
}

/* Two lists of children, of which those that an edit may touch are left out, must be equal. */
struct kept {
    const struct outline *outline;
    const struct ooxml_stores *stores;
    const struct label_plan *plan; /* of the old package: what it cuts; NULL for the new one */
    size_t at;
};

/* Whether a child of the custom properties is not the edit's business. */
static bool is_other(const struct kept *kept, const struct label_edit *edit, size_t index)
{
    const struct ooxml_property *property =
        (const struct ooxml_property *)(const void *)kept->stores->content.properties.bytes + index;
    if (kept->plan)
        return !ooxml_edit_cuts(kept->stores, edit, kept->plan, property);
    const struct label *label =
        *property->id ? label_of_property(&kept->stores->content.set, property->id) : NULL;
    return !label || !label_is_mine(label, edit);
}

static const struct outline_child *next_other(struct kept *kept, const struct label_edit *edit)
{
    while (kept->at < outline_count(kept->outline))
        if (is_other(kept, edit, kept->at++))
            return outline_child(kept->outline, kept->at - 1);
    return NULL;
}

static bool same_bytes(const struct outline *a, const struct outline_child *left,
                       const struct outline *b, const struct outline_child *right)
{
    size_t length = left->end - left->start;
    return length == right->end - right->start &&
           memcmp(a->text + left->start, b->text + right->start, length) == 0;
}

static bool same_others(struct kept *before, struct kept *after, const struct label_edit *edit)
{
    for (;;) {
        const struct outline_child *left = next_other(before, edit);
        const struct outline_child *right = next_other(after, edit);
        if (!left || !right)
            return !left && !right;
        if (!same_bytes(before->outline, left, after->outline, right))
            return false;
    }
}

static bool pid_is_unique(const struct ooxml_stores *stores, const struct label_edit *edit)
{
    const struct ooxml_property *list = (const void *)stores->content.properties.bytes;
    size_t count = stores->content.properties.length / sizeof *list;
    size_t first = count > 7 ? count - 7 : 0; /* ours were appended */
    for (size_t i = first; i < count; i++) {
        if (strcasecmp(list[i].id, edit->id) != 0)
            continue;
        for (size_t k = 0; k < i; k++)
            if (list[k].pid == list[i].pid)
                return false;
    }
    return true;
}

/* The other properties of both packages, which must be the same, and unique numbers. */
static const char *compare_properties(const struct change *change, const struct ooxml_stores *after,
                                      const struct label_edit *edit)
{
    const struct buf *old = &change->stores.parts[OOXML_CUSTOM].bytes;
    const struct buf *new = &after->parts[OOXML_CUSTOM].bytes;
    own_outline struct outline old_outline = {0};
    own_outline struct outline new_outline = {0};
    if (!change->made.changed[OOXML_CUSTOM])
        return NULL; /* the bytes are the same, that was seen */
    if ((!change->made.added[OOXML_CUSTOM] &&
         outline_read(&old_outline, buf_text(old), old->length) != OUTLINE_OK) ||
        outline_read(&new_outline, buf_text(new), new->length) != OUTLINE_OK)
        return "the custom properties cannot be compared";
    struct kept left = {.outline = &old_outline, .stores = &change->stores, .plan = &change->plan};
    struct kept right = {.outline = &new_outline, .stores = after};
    if (!same_others(&left, &right, edit))
        return "another property has changed";
    if (change->plan.done == LABEL_WRITTEN && !pid_is_unique(after, edit))
        return "two properties have one number";
    return NULL;
}

static bool same_label(const struct report_label *a, const struct report_label *b)
{
    return strcmp(a->id, b->id) == 0 && strcmp(a->site_id, b->site_id) == 0 &&
           strcmp(a->name, b->name) == 0 && strcmp(a->method, b->method) == 0 &&
           strcmp(a->set_date, b->set_date) == 0 && strcmp(a->action_id, b->action_id) == 0 &&
           a->content_bits == b->content_bits && strcmp(a->store, b->store) == 0;
}

static const char *compare_labels(const struct change *change, const struct report_label *labels,
                                  uint32_t count)
{
    if (count != change->label_count)
        return "the labels in force are not those that were planned";
    for (uint32_t i = 0; i < count; i++)
        if (!same_label(&labels[i], &change->labels[i]))
            return "a label in force is not as it was planned";
    return NULL;
}

/* Every tenant that the edit is not about has the label that it had. */
static bool same_tenants(struct change *change, const struct label_edit *edit)
{
    struct report_label *old = NULL;
    uint32_t count = 0, seen = 0;
    if (edit->op == LABEL_REMOVE && !*edit->site_id)
        return change->label_count == 0;
    if (!label_list_in_force(&change->stores.content.set, without_elements(edit), &old, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!*old[i].site_id || strcasecmp(old[i].site_id, edit->site_id) == 0)
            continue;
        bool found = false;
        for (uint32_t k = 0; k < change->label_count && !found; k++)
            found = same_label(&old[i], &change->labels[k]);
        if (!found && change->label_count < LABEL_TENANTS_MAX)
            return false;
        seen += found;
    }
    return seen <= change->label_count;
}

/* No Override, Default or Id twice, unless that was so before. */
static enum ooxml_outcome check_index(struct change *change, struct ooxml_stores *after,
                                      const char **fault)
{
    struct ooxml_index old, new;
    enum ooxml_outcome outcome = OOXML_DONE;
    if (change->made.changed[OOXML_TYPES]) {
        outcome = ooxml_stores_load(after, OOXML_TYPES);
        if (outcome == OOXML_DONE)
            outcome = ooxml_index_type(after, NULL, &new);
        if (outcome == OOXML_DONE)
            outcome = ooxml_index_type(&change->stores, NULL, &old);
        if (outcome == OOXML_DONE && new.duplicates && !old.duplicates)
            *fault = "a content type is declared twice";
    }
    if (outcome == OOXML_DONE && change->made.changed[OOXML_RELS]) {
        outcome = ooxml_index_relations(after, &new);
        if (outcome == OOXML_DONE)
            outcome = ooxml_index_relations(&change->stores, &old);
        if (outcome == OOXML_DONE &&
            (new.children != old.children + 1 || (new.duplicates && !old.duplicates)))
            *fault = "the relationships are not as planned";
    }
    return outcome;
}

/* Read the new package by itself and compare what it says. `fault`: NULL = nothing. */
static enum ooxml_outcome judge(struct change *change, struct ooxml_stores *after,
                                const struct label_edit *edit, const char **fault)
{
    struct report_label *labels = NULL;
    uint32_t count = 0;
    const struct label_set *set = &after->content.set;
    if (!label_list_in_force(set, without_elements(edit), &labels, &count))
        return OOXML_NO_MEMORY;
    *fault = compare_labels(change, labels, count);
    if (!*fault && !reads_as_planned(set, edit, &change->plan))
        *fault = "the label does not read as planned";
    if (!*fault && !same_tenants(change, edit))
        *fault = "another tenant's label has changed";
    if (!*fault)
        *fault = compare_properties(change, after, edit);
    return *fault ? OOXML_DONE : check_index(change, after, fault);
}

static bool differs(struct label_result *result, struct arena *arena, const char *message)
{
    message = arena_strdup(arena, message);
    tell(result, LABEL_DIFFERS, "differs", message ? message : "");
    return message != NULL;
}

bool ooxml_label_verify(const struct format_input *before, const struct format_input *after,
                        const struct label_edit *edit, const struct limits *limits,
                        struct arena *arena, struct label_result *result, struct err *err)
{
    own_change struct change change;
    own_ooxml_stores struct ooxml_stores stores = {0};
    struct err why = {0};
    const char *fault = NULL;
    enum ooxml_outcome outcome = prepare(&change, before, edit, limits, arena);
    if (outcome == OOXML_NO_MEMORY)
        return no_memory(err);
    if (outcome == OOXML_REFUSED) {
        tell(result, LABEL_DIFFERS, change.stores.code, change.stores.message);
        return true;
    }
    if (!is_expected(&change, before, after, &why)) {
        if (why.kind == ERR_MEMORY)
            return no_memory(err);
        return differs(result, arena, why.text) || no_memory(err);
    }
    outcome = ooxml_stores_open(&stores, after, limits, arena);
    if (outcome == OOXML_DONE)
        outcome = judge(&change, &stores, edit, &fault);
    if (outcome == OOXML_NO_MEMORY)
        return no_memory(err);
    if (outcome == OOXML_REFUSED || fault)
        return differs(result, arena, fault ? fault : "the new package cannot be read") ||
               no_memory(err);
    tell(result, LABEL_VERIFIED, "", "");
    result->labels = change.labels;
    result->labels_count = change.label_count;
    return true;
}
