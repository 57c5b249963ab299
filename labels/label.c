#include "label.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/utf8.h"

/* Attributes that mean something; all others are known only as the label's own. */
enum attribute {
    ATTRIBUTE_ENABLED,
    ATTRIBUTE_SITE,
    ATTRIBUTE_METHOD,
    ATTRIBUTE_OLD_METHOD,
    ATTRIBUTE_NAME,
    ATTRIBUTE_DATE,
    ATTRIBUTE_ACTION,
    ATTRIBUTE_BITS,
    ATTRIBUTE_PARENT,
    ATTRIBUTE_REMOVED,
    ATTRIBUTE_COUNT
};

static const char *const attribute_names[ATTRIBUTE_COUNT] = {
    "Enabled",     "SiteId", "Method",  "Extended_MSFT_Method", "Name", "SetDate", "ActionId",
    "ContentBits", "Parent", "Removed",
};

enum { pairs_max_bytes = 256u << 20, value_max = 4096 };

static const char prefix[] = "MSIP_Label_";

struct pair {
    char id[GUID_LENGTH + 1];
    uint32_t order;
    enum attribute attribute;
    const char *value;
};

bool label_key(const char *key, size_t length, char id[static GUID_LENGTH + 1],
               const char **attribute)
{
    size_t at = sizeof prefix - 1;
    if (length < at || strncasecmp(key, prefix, at) != 0)
        return false;
    size_t guid = at < length && key[at] == '{' ? GUID_LENGTH + 2 : GUID_LENGTH;
    if (length < at + guid + 2 || key[at + guid] != '_' || !guid_parse(key + at, guid, id))
        return false;
    *attribute = key + at + guid + 1;
    return true;
}

bool label_is_true(const char *text, size_t length)
{
    return (length == 1 && *text == '1') || (length == 4 && strncasecmp(text, "true", 4) == 0);
}

struct label_set label_set_new(struct arena *arena)
{
    return (struct label_set){
        .arena = arena,
        .pairs = buf_new(pairs_max_bytes),
        .elements = buf_new(pairs_max_bytes),
    };
}

void label_set_fini(struct label_set *set)
{
    buf_fini(&set->pairs);
    buf_fini(&set->elements);
}

static enum attribute find_attribute(const char *name, size_t length)
{
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
        if (strlen(attribute_names[i]) == length &&
            strncasecmp(attribute_names[i], name, length) == 0)
            return (enum attribute)i;
    return ATTRIBUTE_COUNT;
}

bool label_set_property(struct label_set *set, const char *id, const char *attribute,
                        size_t attribute_length, const char *value, size_t value_length)
{
    struct pair pair = {
        .order = set->next_order++,
        .attribute = find_attribute(attribute, attribute_length),
        .value = "",
    };
    memcpy(pair.id, id, sizeof pair.id);
    if (pair.attribute != ATTRIBUTE_COUNT) {
        size_t kept =
            value_length > value_max ? utf8_cut(value, value_length, value_max) : value_length;
        pair.value = arena_strndup(set->arena, value, kept);
    }
    return pair.value && buf_append(&set->pairs, &pair, sizeof pair);
}

bool label_set_element(struct label_set *set, const struct label *label)
{
    struct label copy = *label;
    copy.store = LABEL_IN_ELEMENT;
    return buf_append(&set->elements, &copy, sizeof copy);
}

static int by_id_then_order(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    int order = memcmp(left->id, right->id, GUID_LENGTH);
    if (order != 0)
        return order;
    return left->order < right->order ? -1 : left->order > right->order;
}

static int by_tenant(const void *a, const void *b)
{
    const struct label *left = a, *right = b;
    int order = strcmp(left->site_id, right->site_id);
    if (order != 0)
        return order;
    if (left->store != right->store)
        return left->store < right->store ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

static int by_id(const void *a, const void *b)
{
    const struct label *const *left = a, *const *right = b;
    return strcmp((*left)->id, (*right)->id);
}

static bool is_one_of(const char *text, const char *a, const char *b)
{
    return strcasecmp(text, a) == 0 || strcasecmp(text, b) == 0;
}

/* What old clients wrote in place of Method. */
static const char *method_of(const char *method, const char *old)
{
    if (*method || !*old)
        return method;
    if (is_one_of(old, "Automatic", "Standard"))
        return "Standard";
    return is_one_of(old, "Manual", "Privileged") ? "Privileged" : old;
}

static uint32_t number_of(const char *text)
{
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9' && number <= UINT32_MAX; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return *text || number > UINT32_MAX ? 0 : (uint32_t)number;
}

static void tuple_of(struct label *label, const struct pair *first, const char *const *values)
{
    *label = (struct label){
        .store = LABEL_IN_PROPERTIES,
        .order = first->order,
        .name = values[ATTRIBUTE_NAME],
        .method = method_of(values[ATTRIBUTE_METHOD], values[ATTRIBUTE_OLD_METHOD]),
        .action_id = values[ATTRIBUTE_ACTION],
        .content_bits = number_of(values[ATTRIBUTE_BITS]),
        .enabled = label_is_true(values[ATTRIBUTE_ENABLED], strlen(values[ATTRIBUTE_ENABLED])),
        .removed = label_is_true(values[ATTRIBUTE_REMOVED], strlen(values[ATTRIBUTE_REMOVED])),
    };
    memcpy(label->id, first->id, sizeof label->id);
    const char *site = values[ATTRIBUTE_SITE], *parent = values[ATTRIBUTE_PARENT];
    if (!guid_parse(site, strlen(site), label->site_id))
        *label->site_id = '\0';
    if (!guid_parse(parent, strlen(parent), label->parent))
        *label->parent = '\0';
    if (!clock_parse(values[ATTRIBUTE_DATE], &label->set_date_us))
        label->set_date_us = INT64_MIN;
}

/* Tuples of sorted pairs, behind `count` elements. */
static void make_tuples(struct label_set *set)
{
    struct pair *pairs = (void *)set->pairs.bytes;
    size_t count = set->pairs.length / sizeof *pairs;
    if (count > 1)
        qsort(pairs, count, sizeof *pairs, by_id_then_order);
    for (size_t i = 0; i < count;) {
        const char *values[ATTRIBUTE_COUNT + 1];
        bool seen[ATTRIBUTE_COUNT + 1] = {false};
        const struct pair *first = &pairs[i];
        for (size_t k = 0; k <= ATTRIBUTE_COUNT; k++)
            values[k] = "";
        for (; i < count && memcmp(pairs[i].id, first->id, GUID_LENGTH) == 0; i++) {
            if (!seen[pairs[i].attribute])
                values[pairs[i].attribute] = pairs[i].value;
            seen[pairs[i].attribute] = true;
        }
        tuple_of(&set->labels[set->count++], first, values);
    }
}

bool label_set_finish(struct label_set *set)
{
    size_t elements = set->elements.length / sizeof(struct label);
    size_t most = elements + set->pairs.length / sizeof(struct pair);
    set->labels = arena_alloc(set->arena, most + 1, sizeof *set->labels);
    set->by_id = arena_alloc(set->arena, most + 1, sizeof *set->by_id);
    set->sieve = arena_alloc(set->arena, most + 1, sizeof *set->sieve);
    if (!set->labels || !set->by_id || !set->sieve || set->pairs.failed || set->elements.failed)
        return false;
    const struct label *element = (const void *)set->elements.bytes;
    for (size_t i = 0; i < elements; i++) {
        set->labels[i] = element[i];
        set->labels[i].order = (uint32_t)i;
    }
    set->count = elements;
    make_tuples(set);
    for (size_t i = elements; i < set->count; i++)
        set->labels[i].order += (uint32_t)elements;
    if (set->count > 1)
        qsort(set->labels, set->count, sizeof *set->labels, by_tenant);
    for (size_t i = 0; i < set->count; i++)
        if (set->labels[i].store == LABEL_IN_PROPERTIES)
            set->by_id[set->property_count++] = &set->labels[i];
    if (set->property_count > 1)
        qsort(set->by_id, set->property_count, sizeof *set->by_id, by_id);
    return true;
}

const struct label *label_of_property(const struct label_set *set, const char *id)
{
    struct label key = {0};
    const struct label *wanted = &key;
    memcpy(key.id, id, sizeof key.id);
    struct label **found = set->property_count ? bsearch(&wanted, set->by_id, set->property_count,
                                                         sizeof *set->by_id, by_id)
                                               : NULL;
    return found ? *found : NULL;
}

/* The labels of one tenant, next to each other. */
struct tenant {
    const struct label *first;
    size_t count;
};

static struct tenant tenant_at(const struct label_set *set, size_t at)
{
    struct tenant tenant = {.first = &set->labels[at]};
    while (at + tenant.count < set->count &&
           strcmp(set->labels[at + tenant.count].site_id, tenant.first->site_id) == 0)
        tenant.count++;
    return tenant;
}

static struct tenant tenant_of(const struct label_set *set, const char *site_id)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->labels[i].site_id, site_id) == 0)
            return tenant_at(set, i);
    return (struct tenant){0};
}

static bool is_active(const struct label *label)
{
    return label->enabled && !label->removed;
}

static int by_parent(const void *a, const void *b)
{
    const struct label *const *left = a, *const *right = b;
    return strcmp((*left)->parent, (*right)->parent);
}

static int id_against_parent(const void *key, const void *row)
{
    const struct label *const *label = row;
    return strcmp(key, (*label)->parent);
}

/* The newest active label of the properties; those named as a parent only when no other is left.
 */
static const struct label *newest(const struct tenant *tenant, struct label **named, size_t count,
                                  bool parents, size_t *candidates)
{
    const struct label *best = NULL;
    *candidates = 0;
    for (size_t i = 0; i < tenant->count; i++) {
        const struct label *label = &tenant->first[i];
        if (label->store != LABEL_IN_PROPERTIES || !is_active(label))
            continue;
        if (!parents && count && bsearch(label->id, named, count, sizeof *named, id_against_parent))
            continue;
        ++*candidates;
        if (!best || label->set_date_us > best->set_date_us)
            best = label;
    }
    return best;
}

/* Properties decide. */
static const struct label *choose_property(const struct label_set *set, const struct tenant *tenant,
                                           bool *ambiguous)
{
    size_t count = 0, candidates;
    for (size_t i = 0; i < tenant->count; i++) {
        const struct label *label = &tenant->first[i];
        if (label->store == LABEL_IN_PROPERTIES && is_active(label) && *label->parent &&
            strcmp(label->parent, label->id) != 0)
            set->sieve[count++] = &set->labels[tenant->first + i - set->labels];
    }
    if (count > 1)
        qsort(set->sieve, count, sizeof *set->sieve, by_parent);
    const struct label *best = newest(tenant, set->sieve, count, false, &candidates);
    if (!best) /* each is the other's parent */
        best = newest(tenant, set->sieve, count, true, &candidates);
    *ambiguous = candidates > 1;
    return best;
}

static const struct label *choose(const struct label_set *set, const struct tenant *tenant,
                                  bool elements_count, bool *ambiguous)
{
    *ambiguous = false;
    if (tenant->count == 0)
        return NULL;
    if (!elements_count || tenant->first->store != LABEL_IN_ELEMENT)
        return choose_property(set, tenant, ambiguous);
    *ambiguous = tenant->count > 1 && tenant->first[1].store == LABEL_IN_ELEMENT;
    return is_active(tenant->first) ? tenant->first : NULL;
}

const struct label *label_in_force(const struct label_set *set, const char *site_id,
                                   bool elements_count, bool *ambiguous)
{
    const struct tenant tenant = tenant_of(set, site_id);
    return choose(set, &tenant, elements_count, ambiguous);
}

const struct label *label_element(const struct label_set *set, const char *site_id)
{
    const struct tenant tenant = tenant_of(set, site_id);
    return tenant.count && tenant.first->store == LABEL_IN_ELEMENT ? tenant.first : NULL;
}

/* At most so many bytes of a text, cut between characters. */
static const char *cut(struct arena *arena, const char *text, size_t most)
{
    size_t length = strlen(text);
    return length <= most ? text : arena_strndup(arena, text, utf8_cut(text, length, most));
}

/* The properties of the same tenant and id, which may lend an element what it has no place for. */
static const struct label *lender(const struct label_set *set, const struct label *label)
{
    const struct label *found = label_of_property(set, label->id);
    return found && strcmp(found->site_id, label->site_id) == 0 ? found : label;
}

static bool tell(const struct label_set *set, const struct label *label, bool ambiguous,
                 struct report_label *out)
{
    const struct label *more = label->store == LABEL_IN_ELEMENT ? lender(set, label) : label;
    char date[21] = "";
    if (more->set_date_us != INT64_MIN)
        clock_format(more->set_date_us, date);
    *out = (struct report_label){
        .id = arena_strdup(set->arena, label->id),
        .name = cut(set->arena, more->name, 1024),
        .site_id = arena_strdup(set->arena, label->site_id),
        .enabled = true,
        .method = cut(set->arena, label->method, 64),
        .set_date = arena_strdup(set->arena, date),
        .action_id = cut(set->arena, more->action_id, 64),
        .content_bits = label->content_bits,
        .source = "file",
        .store = label->store == LABEL_IN_ELEMENT ? "label-info" : "custom-properties",
        .ambiguous = ambiguous,
    };
    return out->id && out->name && out->site_id && out->method && out->set_date && out->action_id;
}

struct winner {
    const struct label *label;
    bool ambiguous;
};

static int by_order(const void *a, const void *b)
{
    const struct winner *left = a, *right = b;
    return left->label->order < right->label->order ? -1 : 1;
}

bool label_list_in_force(const struct label_set *set, const char *without_elements,
                         struct report_label **labels, uint32_t *count)
{
    struct winner *winners = arena_alloc(set->arena, set->count + 1, sizeof *winners);
    size_t found = 0;
    if (!winners)
        return false;
    for (size_t i = 0; i < set->count;) {
        const struct tenant tenant = tenant_at(set, i);
        bool counts = !without_elements || strcmp(tenant.first->site_id, without_elements) != 0;
        struct winner winner = {0};
        winner.label = choose(set, &tenant, counts, &winner.ambiguous);
        if (winner.label)
            winners[found++] = winner;
        i += tenant.count;
    }
    if (found > 1)
        qsort(winners, found, sizeof *winners, by_order);
    if (found > LABEL_TENANTS_MAX)
        found = LABEL_TENANTS_MAX;
    *count = 0;
    *labels = found ? arena_alloc(set->arena, found, sizeof **labels) : NULL;
    for (size_t i = 0; i < found; i++)
        if (!*labels || !tell(set, winners[i].label, winners[i].ambiguous, &(*labels)[i]))
            return false;
    *count = (uint32_t)found;
    return true;
}

bool label_is_mine(const struct label *label, const struct label_edit *edit)
{
    if (edit->op == LABEL_REMOVE && !*edit->site_id)
        return true;
    if (*label->site_id)
        return strcasecmp(label->site_id, edit->site_id) == 0;
    if (edit->op == LABEL_SET && strcasecmp(label->id, edit->id) == 0)
        return true;
    for (uint32_t i = 0; i < edit->ours_count; i++)
        if (strcasecmp(label->id, edit->ours[i].id) == 0)
            return true;
    return false;
}

/* In UTF-16 units; SIZE_MAX for what XML cannot hold (XML 1.0, 2.2) or is not UTF-8. */
static size_t units_of(const char *text)
{
    size_t length = strlen(text), units = 0;
    for (size_t at = 0; at < length;) {
        uint32_t character = 0;
        size_t width = utf8_decode(text + at, length - at, &character);
        if (width == 0 || character < 0x20 || character == 0xFFFE || character == 0xFFFF)
            return SIZE_MAX;
        units += character > 0xFFFF ? 2 : 1;
        at += width;
    }
    return units;
}

static bool is_guid(const char *text)
{
    char guid[GUID_LENGTH + 1];
    return strlen(text) == GUID_LENGTH && guid_parse(text, GUID_LENGTH, guid);
}

const char *label_edit_fault(const struct label_edit *edit, const char **code)
{
    *code = "bad-edit";
    int64_t date;
    if (edit->op != LABEL_SET && edit->op != LABEL_REMOVE)
        return "neither setting nor removing a label was asked for";
    if ((edit->op == LABEL_SET || *edit->site_id) && !is_guid(edit->site_id))
        return "the tenant is not a GUID";
    if (edit->op == LABEL_REMOVE)
        return NULL;
    if (!is_guid(edit->id) || !is_guid(edit->action_id))
        return "the label or its action is not a GUID";
    if (strcmp(edit->method, "Standard") != 0 && strcmp(edit->method, "Privileged") != 0)
        return "the method is neither Standard nor Privileged";
    if (!clock_parse(edit->set_date, &date))
        return "the date is not a date";
    size_t units = units_of(edit->name);
    if (units == SIZE_MAX)
        return "the label's name has characters that a document cannot hold";
    if (units > LABEL_NAME_UNITS_MAX) {
        *code = "too-long";
        return "the label's name is longer than the 255 characters that Office allows";
    }
    return NULL;
}

/* A label that is there already: only a person's choice over an automatic one changes anything,
 * and then only who chose, when and by which act. */
static bool keeps(const struct label_set *set, const struct label *old,
                  const struct label_edit *edit, struct label *written)
{
    if (!old || strcmp(old->id, written->id) != 0)
        return false;
    if (strcmp(edit->method, "Privileged") != 0 || strcasecmp(old->method, "Privileged") == 0)
        return true;
    const struct label *named = old->store == LABEL_IN_ELEMENT ? lender(set, old) : old;
    if (*named->name && units_of(named->name) <= LABEL_NAME_UNITS_MAX)
        written->name = named->name;
    written->content_bits = old->content_bits;
    return false;
}

struct label_plan label_plan_for(const struct label_set *set, const struct label_edit *edit)
{
    bool ambiguous;
    struct label_plan plan = {.done = LABEL_REMOVED};
    plan.old = label_in_force(set, edit->site_id, edit->info != LABEL_INFO_OFF, &ambiguous);
    if (edit->op == LABEL_REMOVE)
        return plan;
    bool part = edit->info == LABEL_INFO_ON ||
                (edit->info == LABEL_INFO_AUTO && label_element(set, edit->site_id));
    plan.store = part ? LABEL_IN_ELEMENT : LABEL_IN_PROPERTIES;
    plan.written = (struct label){
        .name = edit->name,
        .method = edit->method,
        .action_id = edit->action_id,
        .content_bits = edit->content_bits,
        .enabled = true,
    };
    guid_parse(edit->id, strlen(edit->id), plan.written.id);
    guid_parse(edit->site_id, strlen(edit->site_id), plan.written.site_id);
    plan.done = keeps(set, plan.old, edit, &plan.written) ? LABEL_UNCHANGED : LABEL_WRITTEN;
    return plan;
}
