/*
 * doors: the connections that have a doorbell, and who may ring it: their signing secrets and the
 * secret parts of their paths, read once from the files that the configuration names.
 * Owns: the secrets; they are wiped when it closes.
 */
#ifndef LABELD_HTTP_DOORS_H
#define LABELD_HTTP_DOORS_H
#include "config/config.h"
#include "connect/ring.h"

struct doors;

struct door {
    const char *connection;
    uint32_t index; /* from 0, among the doors */
    struct ring_key keys[RING_KEYS];
    size_t key_count;  /* 0 = a token alone */
    const char *token; /* secret part of the path; NULL = none */
};

/* Read all secrets. NULL with err: a file is missing or holds none. */
struct doors *doors_open(const struct config *config, struct err *err);
void doors_close(struct doors *doors);

size_t doors_count(const struct doors *doors);

/* The door at what follows /hooks/: CONNECTION or CONNECTION/SECRET. NULL: there is no such
 * connection, it has no doorbell, or the secret is wrong; which of them, nobody can tell. */
const struct door *doors_find(const struct doors *doors, const char *path);

#endif
