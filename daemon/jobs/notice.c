#include "jobs/notice.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/formats.h"
#include "base/json.h"

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_text(text) : json_null();
}

static json_t *level_or_null(int level)
{
    return level < 0 ? json_null() : json_string(alert_level_word((enum alert_level)level));
}

static json_t *findings_json(const struct report *report)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < report->findings_count; i++) {
        const struct report_finding *finding = &report->findings[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:s, s:I, s:I}", "type", json_text(finding->type),
                                        "confidence", report_confidence_word(finding->confidence),
                                        "count", (json_int_t)finding->count, "unique",
                                        (json_int_t)finding->unique_count));
    }
    return list;
}

static json_t *rules_json(const struct notice *notice)
{
    json_t *list = json_array();
    for (size_t i = 0; i < notice->rule_count; i++) {
        const struct notice_rule *rule = &notice->rules[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "rule", json_text(rule->name),
                                              "message", text_or_null(rule->message), "alert",
                                              level_or_null(rule->level)));
    }
    return list;
}

static json_t *actions_json(const struct notice *notice)
{
    json_t *list = json_array();
    for (size_t i = 0; i < notice->action_count; i++) {
        const struct notice_action *action = &notice->actions[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "do", action->what, "with",
                                              text_or_null(action->with), "outcome",
                                              text_or_null(action->outcome), "code",
                                              text_or_null(action->code)));
    }
    return list;
}

static int highest(const struct notice *notice)
{
    int level = -1;
    for (size_t i = 0; i < notice->rule_count; i++)
        level = notice->rules[i].level > level ? notice->rules[i].level : level;
    return level;
}

static json_t *data_json(const struct notice *notice)
{
    char id[24];
    const struct report *report = notice->report;
    snprintf(id, sizeof id, "%" PRId64, notice->item);
    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
                     "s:o, s:o}",
                     "item", id, "connection", json_text(notice->connection), "path",
                     json_text(notice->path), "owner", text_or_null(notice->owner), "exposure",
                     notice->exposure, "status", report_status_word(report->status), "reason",
                     text_or_null(report->reason), "format", formats_row(report->format)->word,
                     "findings", findings_json(report), "label", text_or_null(notice->label),
                     "level", level_or_null(highest(notice)), "rules", rules_json(notice),
                     "outcome", text_or_null(notice->outcome), "code", text_or_null(notice->code),
                     "message", text_or_null(notice->message), "actions", actions_json(notice),
                     "revision", text_or_null(notice->revision));
}

bool notice_write(const struct notice *notice, struct buf *out)
{
    char when[21];
    clock_format(notice->at_us, when);
    own_json json_t *json =
        json_pack("{s:s, s:s, s:o}", "type", highest(notice) < 0 ? "labeld.action" : "labeld.alert",
                  "timestamp", when, "data", data_json(notice));
    return json && json_write(json, out);
}
