#include "base/formats.h"

#include <string.h>

static const struct formats_row rows[FORMAT_COUNT] = {
#define FORMAT(id, word, mime, family, labelable) [FORMAT_##id] = {word, mime, family, labelable},
#include "base/formats.def"
#undef FORMAT
};

const struct formats_row *formats_row(enum format_id id)
{
    return &rows[(unsigned)id < FORMAT_COUNT ? id : FORMAT_UNKNOWN];
}

bool formats_find(const char *word, enum format_id *id)
{
    for (unsigned i = 0; i < FORMAT_COUNT; i++)
        if (strcmp(rows[i].word, word) == 0) {
            *id = (enum format_id)i;
            return true;
        }
    return false;
}
