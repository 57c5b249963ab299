/*
 * ooxml: which Office package a zip is, by the content type of its main part (ECMA-376).
 */
#ifndef LABELD_LABELS_FORMATS_OOXML_H
#define LABELD_LABELS_FORMATS_OOXML_H
#include "opc.h"

/* The format and the main part of an open package; FORMAT_UNKNOWN and PACKAGE_NONE when it is
 * none. False: memory is out. */
bool ooxml_identify(struct opc *opc, enum format_id *id, size_t *main);

/* Whether that name and content type are XML that belongs to the package. */
bool ooxml_is_xml(const char *name, const char *type);

#endif
