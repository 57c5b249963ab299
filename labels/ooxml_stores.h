/*
 * ooxml_stores: the label stores of an Office package: custom properties (ECMA-376 part 1, 22.3)
 * and the label part ([MS-OFFCRYPTO] 2.6), found by the package's relationships only.
 * Owns: the directory, the loaded parts, their outlines; labels live in the caller's arena.
 */
#ifndef LABELD_LABELS_OOXML_STORES_H
#define LABELD_LABELS_OOXML_STORES_H
#include "format.h"
#include "label.h"
#include "opc.h"
#include "outline.h"
#include "zipdir.h"

/* The parts that an edit may change. */
enum ooxml_part_id {
    OOXML_TYPES,  /* [Content_Types].xml */
    OOXML_RELS,   /* _rels/.rels */
    OOXML_CUSTOM, /* the target of the custom-properties relationship */
    OOXML_INFO,   /* the target of the classificationlabels relationship */
    OOXML_PARTS
};

struct ooxml_part {
    char name[OPC_NAME_MAX]; /* "" when no relationship names one */
    size_t entry;            /* ZIPDIR_NONE: it is not there */
    bool duplicate;          /* a second entry has the same name */
    bool foreign;            /* its root is not what its relationship promises */
    struct buf bytes;
};

/* What one child of the custom properties' root is. */
struct ooxml_property {
    char id[GUID_LENGTH + 1]; /* of the label it is about; "" = none */
    uint32_t pid;             /* 0 when it has none */
    const char *sensitivity;  /* its value when it is the plain property of that name, else NULL */
};

/* What one child of the label part's root is. */
struct ooxml_element {
    bool is_label, is_extension_list;
    struct label label;
};

/* What the two stores say. */
struct ooxml_content {
    struct label_set set;
    struct buf properties; /* struct ooxml_property, one for each child */
    struct buf elements;   /* struct ooxml_element, the same */
};

struct ooxml_stores {
    const struct limits *limits;
    struct arena *arena;
    struct zipdir dir;
    struct ooxml_part parts[OOXML_PARTS];
    struct ooxml_content content;
    bool is_strict, is_signed;
    uint64_t used_ids;   /* bit n: a relationship has the Id rIdLbl(n + 1) */
    const char *code;    /* refusal; NULL = none */
    const char *message; /* in words */
};

enum ooxml_outcome { OOXML_DONE, OOXML_REFUSED, OOXML_NO_MEMORY };

/* Find and read both stores. OOXML_REFUSED: code and message are set. Close in any case. */
enum ooxml_outcome ooxml_stores_open(struct ooxml_stores *stores, const struct format_input *input,
                                     const struct limits *limits, struct arena *arena);
void ooxml_stores_close(struct ooxml_stores *stores);
#define own_ooxml_stores __attribute__((cleanup(ooxml_stores_close)))

/* Set the refusal; always OOXML_REFUSED. */
enum ooxml_outcome ooxml_stores_refuse(struct ooxml_stores *stores, const char *code,
                                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Load an entry into part->bytes, at most limits.label_part_bytes. */
enum ooxml_outcome ooxml_stores_load(struct ooxml_stores *stores, enum ooxml_part_id id);

/* Read the two stores from bytes (NULL: the part is not there) into `content`, which is new;
 * close it in any case. `foreign` (may be NULL) gets whether the roots are of another kind. */
enum ooxml_outcome ooxml_stores_read(struct ooxml_stores *stores, const struct buf *custom,
                                     const struct buf *info, struct ooxml_content *content,
                                     bool foreign[2]);
void ooxml_content_close(struct ooxml_content *content);
#define own_ooxml_content __attribute__((cleanup(ooxml_content_close)))

/* Turn what the XML parser said into an outcome, naming the part. */
enum ooxml_outcome ooxml_stores_xml(struct ooxml_stores *stores, enum xml_result result,
                                    const char *part);

/* Namespaces and relationship types. [0] Transitional, [1] Strict. */
extern const char *const ooxml_custom_space[2];
extern const char *const ooxml_value_space[2];
extern const char *const ooxml_custom_relation[2];
extern const char ooxml_info_space[];
extern const char ooxml_info_relation[];
extern const char ooxml_types_space[];
extern const char ooxml_rels_space[];

#endif
