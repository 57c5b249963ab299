/*
 * scanner_cache: compiled Hyperscan databases in a file.
 * Used only if the folder and the file belong to the caller and nobody else may write them,
 * because nothing authenticates a database.
 */
#ifndef LABELD_CLASSIFIERS_SCANNER_CACHE_H
#define LABELD_CLASSIFIERS_SCANNER_CACHE_H
#include <hs.h>
#include <stdbool.h>
#include <stdint.h>

enum { scanner_cache_databases = 2 };

/* Read both databases. False: not there, not to be trusted, or of another engine or processor. */
bool scanner_cache_read(const char *dir, const uint8_t key[static 32],
                        hs_database_t *databases[static scanner_cache_databases]);

/* Write them, whole or not at all, readable by the owner only. A cache that cannot be written is
 * no error: the next start compiles again. */
void scanner_cache_write(const char *dir, const uint8_t key[static 32],
                         hs_database_t *const databases[static scanner_cache_databases]);

#endif
