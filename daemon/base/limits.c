#include "base/limits.h"

#include <string.h>

/* A name such as text_bytes is written text-bytes by people; both are found by limits_find. */
static const struct limits_row rows[] = {
#define LIMIT(name, standard, least, most, unit, sentence)                                         \
    {#name, unit, sentence, standard, least, most, offsetof(struct limits, name)},
#include "base/limits.def"
#undef LIMIT
};

struct limits limits_default(void)
{
    return (struct limits){
#define LIMIT(name, standard, least, most, unit, sentence) .name = standard,
#include "base/limits.def"
#undef LIMIT
    };
}

const struct limits_row *limits_rows(size_t *count)
{
    *count = sizeof rows / sizeof *rows;
    return rows;
}

static bool same_name(const char *row, const char *name)
{
    for (; *row && *name; row++, name++)
        if (*row != *name && !(*row == '_' && *name == '-'))
            return false;
    return *row == *name;
}

const struct limits_row *limits_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (same_name(rows[i].name, name))
            return &rows[i];
    return NULL;
}

bool limits_set(struct limits *limits, const struct limits_row *row, uint64_t value)
{
    if (value < row->least || value > row->most)
        return false;
    memcpy((char *)limits + row->offset, &value, sizeof value);
    return true;
}

uint64_t limits_get(const struct limits *limits, const struct limits_row *row)
{
    uint64_t value;
    memcpy(&value, (const char *)limits + row->offset, sizeof value);
    return value;
}
