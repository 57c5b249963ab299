/*
 * role: what a token may do, from roles.def.
 */
#ifndef LABELD_HTTP_ROLE_H
#define LABELD_HTTP_ROLE_H
#include <stdbool.h>

enum role {
#define ROLE(name, word, viewer, compliance, reviewer, admin, sentence) ROLE_##name,
#include "http/roles.def"
#undef ROLE
    ROLE_COUNT
};

/* What a route needs: any one of these roles. */
enum role_needs {
    ROLE_NEEDS_NOBODY = 0,
    ROLE_NEEDS_VIEWER = 1u << ROLE_VIEWER,
    ROLE_NEEDS_COMPLIANCE = 1u << ROLE_COMPLIANCE,
    ROLE_NEEDS_REVIEWER = 1u << ROLE_REVIEWER,
    ROLE_NEEDS_EITHER = ROLE_NEEDS_COMPLIANCE | ROLE_NEEDS_REVIEWER,
    ROLE_NEEDS_ADMIN = 1u << ROLE_ADMIN,
};

/* Whether a role has what is needed. */
bool role_may(enum role role, enum role_needs needs);

/* Its word ("viewer"), and back; nobody is no role that can be given. */
const char *role_word(enum role role);
bool role_find(const char *word, enum role *role);

#endif
