/*
 * digest: SHA-256 in hex of a rules file, and of what one rule in it says.
 */
#ifndef LABELD_POLICY_DIGEST_H
#define LABELD_POLICY_DIGEST_H
#include "base/yaml.h"

enum { DIGEST_HEX_BYTES = 65 };

/* Of bytes. False: no memory. */
bool digest_text(const char *text, size_t length, char hex[static DIGEST_HEX_BYTES]);

/* Of the keys and values of a tree in their order: the same however they are laid out, with
 * whatever comments. False: no memory. */
bool digest_node(const struct yaml_node *node, char hex[static DIGEST_HEX_BYTES]);

#endif
