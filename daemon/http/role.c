#include "http/role.h"

#include <string.h>

static const struct {
    const char *word;
    unsigned is;
} roles[ROLE_COUNT] = {
#define ROLE(name, word, viewer, compliance, reviewer, admin, sentence)                            \
    [ROLE_##name] = {                                                                              \
        word, (unsigned)(viewer) << ROLE_VIEWER | (unsigned)(compliance) << ROLE_COMPLIANCE |      \
                  (unsigned)(reviewer) << ROLE_REVIEWER | (unsigned)(admin) << ROLE_ADMIN},
#include "http/roles.def"
#undef ROLE
};

bool role_may(enum role role, enum role_needs needs)
{
    return needs == ROLE_NEEDS_NOBODY ||
           ((unsigned)role < ROLE_COUNT && (roles[role].is & (unsigned)needs) != 0);
}

const char *role_word(enum role role)
{
    return (unsigned)role < ROLE_COUNT ? roles[role].word : roles[ROLE_NOBODY].word;
}

bool role_find(const char *word, enum role *role)
{
    for (int i = ROLE_VIEWER; i < ROLE_COUNT; i++) {
        if (strcmp(roles[i].word, word) != 0)
            continue;
        *role = (enum role)i;
        return true;
    }
    return false;
}
