/*
 * keyexport: a copy of the vault key for elsewhere, locked; and that it was made, on record.
 */
#ifndef LABELD_KEYEXPORT_H
#define LABELD_KEYEXPORT_H
#include "backup.h"

/* Write the locked key to the new file options->folder. ERR_CONFIG: the vault is sealed, there is
 * no key; ERR_TAKEN: that name is there. */
bool keyexport_write(const struct backup_options *options, struct err *err);

/* Put on record that the key `shown` left the machine, locked `how`; and note it for --check and
 * status. Without a database only the note. */
bool keyexport_record(const struct config *config, const char *shown, const char *how,
                      struct err *err);

#endif
