#include "base/report.h"

#include <stddef.h>
#include <string.h>

static const char *const statuses[REPORT_STATUS_COUNT] = {
    [REPORT_OK] = "ok",
    [REPORT_PARTIAL] = "partial",
    [REPORT_ENCRYPTED] = "encrypted",
    [REPORT_CORRUPT] = "corrupt",
    [REPORT_UNSUPPORTED] = "unsupported",
    [REPORT_TOO_LARGE] = "too-large",
    [REPORT_HOSTILE] = "hostile",
    [REPORT_CRASHED] = "crashed",
};

static const char *const confidences[REPORT_CONFIDENCE_COUNT] = {
    [REPORT_LOW] = "low",
    [REPORT_MEDIUM] = "medium",
    [REPORT_HIGH] = "high",
};

const char *report_status_word(enum report_status status)
{
    return (unsigned)status < REPORT_STATUS_COUNT ? statuses[status] : NULL;
}

const char *report_confidence_word(enum report_confidence confidence)
{
    return (unsigned)confidence < REPORT_CONFIDENCE_COUNT ? confidences[confidence] : NULL;
}

static bool find(const char *const *words, unsigned count, const char *word, unsigned *index)
{
    for (*index = 0; *index < count; (*index)++)
        if (strcmp(words[*index], word) == 0)
            return true;
    return false;
}

bool report_status_find(const char *word, enum report_status *status)
{
    unsigned index;
    if (!find(statuses, REPORT_STATUS_COUNT, word, &index))
        return false;
    *status = (enum report_status)index;
    return true;
}

bool report_confidence_find(const char *word, enum report_confidence *confidence)
{
    unsigned index;
    if (!find(confidences, REPORT_CONFIDENCE_COUNT, word, &index))
        return false;
    *confidence = (enum report_confidence)index;
    return true;
}
