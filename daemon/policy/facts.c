#include "policy/facts.h"

#include <string.h>
#include <strings.h>

static const char *const exposure_words[FACTS_EXPOSURE_COUNT] = {
    [FACTS_PRIVATE] = "private",
    [FACTS_INTERNAL_PEOPLE] = "internal-people",
    [FACTS_ORGANISATION] = "organisation",
    [FACTS_EXTERNAL_PEOPLE] = "external-people",
    [FACTS_ANYONE_WITH_LINK] = "anyone-with-link",
    [FACTS_PUBLIC] = "public",
    [FACTS_EXPOSURE_UNKNOWN] = "unknown",
};

static const char *const change_words[] = {
    [FACTS_UNCHANGED] = "none",
    [FACTS_LOWERED] = "lowered",
    [FACTS_REMOVED] = "removed",
    [FACTS_RAISED] = "raised",
};

const char *facts_exposure_word(enum facts_exposure exposure)
{
    return exposure < FACTS_EXPOSURE_COUNT ? exposure_words[exposure] : NULL;
}

bool facts_exposure_find(const char *word, enum facts_exposure *exposure)
{
    for (unsigned i = 0; i < FACTS_EXPOSURE_COUNT; i++) {
        if (strcmp(exposure_words[i], word) != 0)
            continue;
        *exposure = (enum facts_exposure)i;
        return true;
    }
    return false;
}

const char *facts_label_change_word(enum facts_label_change change)
{
    return change <= FACTS_RAISED ? change_words[change] : NULL;
}

bool facts_label_change_find(const char *word, enum facts_label_change *change)
{
    for (unsigned i = 0; i <= FACTS_RAISED; i++) {
        if (strcmp(change_words[i], word) != 0)
            continue;
        *change = (enum facts_label_change)i;
        return true;
    }
    return false;
}

/* Whether the labels listed are all there are. */
static bool labels_readable(const struct report *report)
{
    return !report->labels_unread &&
           (report->status == REPORT_OK || report->status == REPORT_PARTIAL ||
            report->status == REPORT_UNSUPPORTED);
}

static void take_labels(struct facts *facts, const struct report *report, const char *site)
{
    facts->label_kind = labels_readable(report) ? FACTS_LABEL_NONE : FACTS_LABEL_UNREAD;
    for (uint32_t i = 0; i < report->labels_count; i++) {
        const struct report_label *label = &report->labels[i];
        if (!label->enabled)
            continue;
        if (!site || strcasecmp(label->site_id, site) != 0) {
            facts->foreign_label = true;
            continue;
        }
        facts->label_kind = FACTS_LABEL_OURS;
        facts->label_id = label->id;
        bool manual = strcasecmp(label->method, "Privileged") == 0;
        facts->set_by = manual ? FACTS_MANUAL : FACTS_AUTOMATIC;
    }
}

void facts_init(struct facts *facts)
{
    *facts = (struct facts){
        .path = "/test",
        .exposure = FACTS_EXPOSURE_UNKNOWN,
        .format = FORMAT_TXT,
        .mime = formats_row(FORMAT_TXT)->mime,
        .properties_known = true,
    };
}

void facts_from_report(struct facts *facts, const struct report *report, uint64_t size,
                       const char *site)
{
    facts_init(facts);
    facts->path = NULL;
    facts->format = report->format;
    facts->mime = report->mime;
    facts->size = size;
    facts->status = report->status;
    facts->findings = report->findings;
    facts->finding_count = report->findings_count;
    facts->properties = report->properties;
    facts->property_count = report->properties_count;
    facts->properties_known = report->status == REPORT_OK || report->status == REPORT_PARTIAL;
    take_labels(facts, report, site);
}
