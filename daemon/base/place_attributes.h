/*
 * place_attributes: what belongs to a file beside its bytes and must come along when it is
 * replaced: owner, mode, ACL, extended attributes.
 */
#ifndef LABELD_BASE_PLACE_ATTRIBUTES_H
#define LABELD_BASE_PLACE_ATTRIBUTES_H
#include "base/err.h"

/* Copy owner, mode, POSIX ACL (system.posix_acl_access) and all user.*, security.* and trusted.*
 * attributes that this user can read. ERR_REFUSED when the owner, the mode, the ACL or a user.*
 * attribute cannot be kept. */
bool place_attributes_copy(int from, int to, struct err *err);

/* Whether user.* attributes can be set on this file. */
bool place_attributes_possible(int fd);

#endif
