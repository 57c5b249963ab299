/*
 * label: the model of sensitivity labels in a file, whatever stores hold them: one tuple for each
 * label id, which of them is in force for each tenant, and what an edit has to do about them
 * ([MS-OFFCRYPTO] 2.6.3; MIP SDK, "Metadata").
 * Owns: nothing; tuples and texts live in the arena of their set.
 */
#ifndef LABELD_LABELS_LABEL_H
#define LABELD_LABELS_LABEL_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/guid.h"
#include "base/report.h"

enum {
    LABEL_TENANTS_MAX = 64,    /* labels in force that are told of one file */
    LABEL_NAME_UNITS_MAX = 255 /* Office's limit of a property's value, in UTF-16 units */
};

enum label_store { LABEL_IN_ELEMENT, LABEL_IN_PROPERTIES };

/* One label of one tenant, as a store has it. Texts are never NULL. */
struct label {
    char id[GUID_LENGTH + 1];
    char site_id[GUID_LENGTH + 1]; /* "" = tenant unknown */
    char parent[GUID_LENGTH + 1];  /* of old clients; "" = none */
    const char *name;
    const char *method; /* Standard, Privileged, or what stands there */
    const char *action_id;
    int64_t set_date_us; /* INT64_MIN when it is absent or not a date */
    uint32_t content_bits;
    enum label_store store;
    uint32_t order; /* in the file, over both stores, elements first */
    bool enabled, removed;
};

/* All labels of a file while they are gathered, then sorted. */
struct label_set {
    struct arena *arena;
    struct buf pairs;     /* properties not yet made into tuples */
    struct label *labels; /* sorted by tenant; elements before properties, then by order */
    struct label **by_id; /* those of the properties */
    struct label **sieve; /* room for label_choose */
    size_t count, property_count;
    struct buf elements;
    uint32_t next_order;
};

/* Whether `key` is MSIP_Label_<guid>_<attribute>, ASCII case ignored, the GUID in braces or not.
 * Writes the GUID in lower case; *attribute is the rest of the key and ends with it. */
bool label_key(const char *key, size_t length, char id[static GUID_LENGTH + 1],
               const char **attribute);

/* true or 1 in any case. */
bool label_is_true(const char *text, size_t length);

/* An empty set; label_set_fini frees what the arena does not. */
struct label_set label_set_new(struct arena *arena);
void label_set_fini(struct label_set *set);
#define own_label_set __attribute__((cleanup(label_set_fini)))

/* One custom property whose key label_key accepted. The first one of a name counts.
 * False: memory is out. */
bool label_set_property(struct label_set *set, const char *id, const char *attribute,
                        size_t attribute_length, const char *value, size_t value_length);

/* One element of a label part; `label` is copied, its texts must live in the arena. */
bool label_set_element(struct label_set *set, const struct label *label);

/* All are there: make the tuples. Once, before what follows. False: memory is out. */
bool label_set_finish(struct label_set *set);

/* The tuple that the properties of a label id make, or NULL. */
const struct label *label_of_property(const struct label_set *set, const char *id);

/* The label in force for a tenant ("": the unknown one), or NULL. *ambiguous: others were passed
 * over. `elements_count`: false for a tenant that is known not to use label parts. */
const struct label *label_in_force(const struct label_set *set, const char *site_id,
                                   bool elements_count, bool *ambiguous);

/* The element that decides for a tenant, removed or not, or NULL. */
const struct label *label_element(const struct label_set *set, const char *site_id);

/* The labels in force of all tenants, in the order of the file, at most LABEL_TENANTS_MAX, into
 * a list in the arena. `without_elements`: the tenant whose elements do not count, or NULL.
 * False: memory is out. */
bool label_list_in_force(const struct label_set *set, const char *without_elements,
                         struct report_label **labels, uint32_t *count);

/* Whether an edit is about this label: our tenant's; without a tenant one of our ids; everyone's
 * when the edit removes without naming a tenant. */
bool label_is_mine(const struct label *label, const struct label_edit *edit);

/* What an edit comes to. */
struct label_plan {
    enum label_done done;    /* LABEL_WRITTEN or LABEL_UNCHANGED; LABEL_REMOVED: cut what is ours */
    enum label_store store;  /* where to write */
    struct label written;    /* what to write */
    const struct label *old; /* in force for the tenant before, or NULL */
};

/* Judge the edit itself: NULL when it can be carried out, else what is wrong with it, and the
 * refusal code. */
const char *label_edit_fault(const struct label_edit *edit, const char **code);

/* Plan an edit that has no fault. */
struct label_plan label_plan_for(const struct label_set *set, const struct label_edit *edit);

#endif
