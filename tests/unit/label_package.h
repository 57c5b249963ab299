/*
 * label_package: small Office packages for tests of labels, and an edit carried out on one.
 * Owns: the new file of a package_change.
 */
#ifndef LABELD_TESTS_LABEL_PACKAGE_H
#define LABELD_TESTS_LABEL_PACKAGE_H
#include "format.h"
#include "zip_builder.h"

#define LABEL_A  "11111111-2222-4333-8444-555555555555"
#define LABEL_B  "22222222-3333-4444-8555-666666666666"
#define SITE_A   "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
#define SITE_B   "bbbbbbbb-cccc-4ddd-8eee-ffffffffffff"
#define ACTION_A "0f0e0d0c-0b0a-4908-8706-050403020100"

/* Texts of the parts; NULL: the usual one for types and rels, no part for the others. */
struct label_package {
    const char *types, *rels, *custom, *info;
    bool strict; /* in the usual rels */
    bool signature;
};

/* Add the parts, a main part and a stored image to an archive; the caller ends it. */
void label_package_add(struct zip_builder *zip, const struct label_package *package);

/* A property as Office writes it. */
#define PROPERTY(pid, name, value)                                                                 \
    "<property fmtid=\"{D5CDD505-2E9C-101B-9397-08002B2CF9AE}\" pid=\"" pid "\" name=\"" name      \
    "\"><vt:lpwstr>" value "</vt:lpwstr></property>"

/* The root of a custom properties part around `content`. */
#define PROPERTIES(content)                                                                        \
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n<Properties "                \
    "xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/custom-properties\" "           \
    "xmlns:vt=\"http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes\">" content   \
    "</Properties>"

/* The root of a label part around `content`, and one element. */
#define LABEL_LIST(content)                                                                        \
    "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?><clbl:labelList "                \
    "xmlns:clbl=\"http://schemas.microsoft.com/office/2020/mipLabelMetadata\">" content            \
    "</clbl:labelList>"
#define LABEL_ELEMENT(id, enabled, method, site, removed)                                          \
    "<clbl:label id=\"{" id "}\" enabled=\"" enabled "\" method=\"" method "\" siteId=\"{" site    \
    "}\" contentBits=\"0\" removed=\"" removed "\" />"

/* A label that sets LABEL_A of SITE_A, Standard, named Internal. */
struct label_edit label_package_edit(void);

/* One edit of one archive, with its check. */
struct label_change {
    struct arena arena;
    struct label_result result, verified;
    char *bytes; /* the new file; NULL when nothing was written */
    size_t length;
    bool ok; /* relabel returned true */
};
void label_change_fini(struct label_change *change);
#define own_label_change __attribute__((cleanup(label_change_fini)))

/* Relabel into a memfd and, when something was written, verify. */
void label_change_make(struct label_change *change, const void *bytes, size_t length,
                       const struct label_edit *edit, const struct limits *limits);

/* The content of a member of an archive as a string in the arena, NULL when there is none. */
char *label_package_member(struct arena *arena, const void *bytes, size_t length, const char *name);

#endif
