#include "type_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

static char folder[] = "/tmp/labeld-types-XXXXXX";
static bool made;
static char path[64];

const char *type_files_make(const char *yaml)
{
    if (!made)
        made = mkdtemp(folder) != NULL;
    snprintf(path, sizeof path, "%s/t.yaml", folder);
    if (!made || !io_write_file(path, yaml, strlen(yaml), 0600, NULL))
        abort();
    return folder;
}

void type_files_remove(void)
{
    if (!made)
        return;
    unlink(path);
    rmdir(folder);
}

struct classifier *type_files_open(const char *yaml, struct buf *problems)
{
    const char *dirs[] = {type_files_make(yaml)};
    struct err err = {0};
    const struct classifier_options options = {
        .type_dirs = dirs, .type_dir_count = 1, .run_examples = true};
    return classifier_open(&options, problems, &err);
}

bool type_files_classify(const struct classifier *classifier, const char *text, size_t length,
                         bool table, size_t step, struct arena *arena, struct report *report)
{
    const struct limits limits = limits_default();
    struct classify *classify = classify_open(classifier, &limits);
    bool ok = classify && classify_part(classify, "", table);
    for (size_t at = 0; ok && at < length;) {
        size_t size = step && step < length - at ? step : length - at;
        ok = classify_text(classify, text + at, size);
        at += size;
    }
    ok = ok && classify_finish(classify, arena, report);
    classify_close(classify);
    return ok;
}

const char *type_files_told(const struct report *report, struct arena *arena)
{
    char *line = arena_strdup(arena, "");
    for (uint32_t i = 0; i < report->findings_count; i++) {
        const struct report_finding *f = &report->findings[i];
        line = arena_printf(arena, "%s%s%s:%s:%u/%u", line, i ? " " : "", f->type,
                            report_confidence_word(f->confidence), f->count, f->unique_count);
        for (uint32_t k = 0; k < f->variants_count; k++)
            line = arena_printf(arena, "%s+%s:%u", line, f->variants[k].type, f->variants[k].count);
        for (uint32_t k = 0; k < f->alternatives_count; k++)
            line = arena_printf(arena, "%s~%s", line, f->alternatives[k].text);
    }
    return line;
}
