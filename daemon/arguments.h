/*
 * arguments: what labeld was started for.
 */
#ifndef LABELD_ARGUMENTS_H
#define LABELD_ARGUMENTS_H
#include "vaultkey.h"

enum arguments_mode {
    ARGUMENTS_RUN,
    ARGUMENTS_CHECK,
    ARGUMENTS_PRINT,
    ARGUMENTS_BACKUP,
    ARGUMENTS_RESTORE,
    ARGUMENTS_EXPORT,
};

enum { ARGUMENTS_WRONG = 2, ARGUMENTS_RECIPIENTS_MAX = 64 };

struct arguments {
    enum arguments_mode mode;
    const char *config, *target; /* target: of backup, restore, export */
    const char *to[ARGUMENTS_RECIPIENTS_MAX];
    size_t to_count;
    struct vaultkey_lock lock; /* without `to` */
    const char *key_file;
    bool without_key;
};

/* Read them; texts are borrowed from argv. -1: go on; else the exit code, everything is said. */
int arguments_read(int argc, char **argv, struct arguments *arguments);

#endif
