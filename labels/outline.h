/*
 * outline: where the root element of an XML part and each of its children begin and end, in
 * bytes, so that a part can be edited as text with all other bytes kept.
 * Only for a part that xml.h has read without complaint (well-formed, no document type): the scan
 * then needs no grammar beyond quotes, comments, CDATA and instructions (XML 1.0, 2.4 to 3.1).
 * Owns: the list of children; the text stays the caller's.
 */
#ifndef LABELD_LABELS_OUTLINE_H
#define LABELD_LABELS_OUTLINE_H
#include "base/buf.h"

/* A child of the root: [start, end), its start tag [start, tag_end). */
struct outline_child {
    size_t start, tag_end, end;
};

struct outline {
    const char *text;
    size_t length;
    size_t root;         /* of the root's start tag */
    size_t root_tag_end; /* behind its > */
    size_t root_close;   /* of its end tag; root_tag_end when `empty` */
    bool empty;          /* <root/> */
    const char *name;    /* of the root as written, with its prefix */
    size_t name_length;
    size_t prefix_length; /* of that, with the colon; 0 = none */
    struct buf children;  /* struct outline_child */
};

enum outline_result {
    OUTLINE_OK,
    OUTLINE_ENCODING, /* not UTF-8: it can be read but not edited as text */
    OUTLINE_BROKEN,   /* not what the XML parser saw */
    OUTLINE_NO_MEMORY
};

#define own_outline __attribute__((cleanup(outline_fini)))

/* Scan. outline_fini in any case. */
enum outline_result outline_read(struct outline *outline, const char *text, size_t length);
void outline_fini(struct outline *outline);

size_t outline_count(const struct outline *outline);
const struct outline_child *outline_child(const struct outline *outline, size_t index);

/* The value of an attribute without prefix or with one (as written) in the tag at `start`, as
 * written between its quotes. False when there is none. */
bool outline_attribute(const struct outline *outline, size_t start, const char *name, size_t *value,
                       size_t *value_length);

/* The prefix (without colon; length 0 for the default namespace) that the root's start tag
 * declares for a namespace. False when it declares none. */
bool outline_prefix(const struct outline *outline, const char *space, const char **prefix,
                    size_t *length);

/* A text that is copied with changes: bytes are kept up to a place, skipped up to a place, or
 * put. `out` holds what came so far. A failed append shows in out->failed. */
struct outline_patch {
    const struct outline *outline;
    struct buf *out;
    size_t at; /* in the old text */
};

void outline_keep_to(struct outline_patch *patch, size_t place);
void outline_skip_to(struct outline_patch *patch, size_t place);

/* Keep up to the end of the root's content, where new children go; an empty root is opened. */
void outline_keep_to_close(struct outline_patch *patch);

/* Keep the rest, behind outline_keep_to_close and what was put there. */
void outline_keep_rest(struct outline_patch *patch);

#endif
