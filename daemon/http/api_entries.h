/*
 * api_entries: what the handlers of the quarantine share. For api_*.c alone.
 */
#ifndef LABELD_HTTP_API_ENTRIES_H
#define LABELD_HTTP_API_ENTRIES_H
#include "http/api_parts.h"
#include "store/entry.h"

/* One entry as lists show it. NULL when memory is out. */
json_t *api_entry_json(const struct entry *entry);

/* {"id","state","version","path","due"} and, of a release, {"restored","lost"}: what became of it.
 */
json_t *api_entry_outcome(const struct entry *entry);

/* Whether a sealed copy of it lies in the vault. */
bool api_entry_has_copy(const struct entry *entry);

/* The path where a release puts the file, or where it was. */
json_t *api_entry_path(const struct entry *entry);

#endif
