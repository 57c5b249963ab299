/*
 * reference: the fixed Hyperscan database that scanning is measured against (386 keywords and 16
 * anchors, scan_reference.def), whatever labeld's own looks like.
 * Owns: the database and its scratch, until reference_close.
 */
#ifndef LABELD_TESTS_REFERENCE_H
#define LABELD_TESTS_REFERENCE_H
#include <hs.h>
#include <stdbool.h>
#include <stddef.h>

enum { reference_block = 256 << 10 }; /* bytes that are scanned at once */

struct reference {
    hs_database_t *database;
    hs_scratch_t *scratch;
};

/* False after a message on stderr. */
bool reference_open(struct reference *reference);
void reference_close(struct reference *reference);

/* A bare hs_scan of the text, block by block; hits are only counted. */
void reference_scan(const struct reference *reference, const char *text, size_t length);

#endif
