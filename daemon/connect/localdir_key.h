/*
 * localdir_key: the keys of items in a folder: paths below the root; bytes that are not UTF-8 and
 * backslashes are escaped in them (\xHH, \\), so that a key is always text and leads back to the
 * same file. Pure, for the ring also knows them.
 */
#ifndef LABELD_CONNECT_LOCALDIR_KEY_H
#define LABELD_CONNECT_LOCALDIR_KEY_H
#include "base/arena.h"
#include "base/err.h"

/* A raw path below the root as a key, and back. NULL: memory, or not a key. */
char *localdir_key(struct arena *arena, const char *path);
char *localdir_path(struct arena *arena, const char *key);

/* Why localdir_path said NULL: ERR_GONE, no file can have this key; or ERR_MEMORY. Always false. */
bool localdir_no_path(const char *key, struct err *err);

/* Whether a text from outside is a key: relative, in its one form, without a way out. NULL, or
 * what is wrong with it ("has a part . or .."). */
const char *localdir_key_fault(const char *key);

#endif
