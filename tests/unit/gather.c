#include "gather.h"

#include <string.h>

#include "base/utf8.h"

static bool on_part(void *context, const char *path, bool table)
{
    struct gather *gather = context;
    if (*path || table)
        buf_printf(&gather->text, "[%s%s]", path, table ? "|" : "");
    return true;
}

static bool on_text(void *context, const char *text, size_t length)
{
    struct gather *gather = context;
    gather->pieces++;
    if (gather->stop_after > 0 && gather->pieces > gather->stop_after)
        gather->late = true;
    if (length == 0 || !utf8_valid(text, length))
        gather->torn = true;
    buf_append(&gather->text, text, length);
    return gather->stop_after == 0 || gather->pieces < gather->stop_after;
}

void gather_init(struct gather *gather)
{
    memset(gather, 0, sizeof *gather);
    gather->limits = limits_default();
    gather->arena = arena_new(1u << 20);
    gather->text = buf_new(512u << 20);
}

void gather_fini(struct gather *gather)
{
    arena_fini(&gather->arena);
    buf_fini(&gather->text);
}

const char *gather_read(struct gather *gather, const void *bytes, size_t length)
{
    const struct format_input input = {.bytes = bytes, .length = length};
    struct format_reading reading = {
        .limits = &gather->limits,
        .arena = &gather->arena,
        .sink = {gather, on_part, on_text},
        .report = &gather->report,
        .cpu_deadline_us = gather->cpu_deadline_us,
    };
    buf_reset(&gather->text);
    gather->pieces = 0;
    gather->torn = false;
    gather->late = false;
    gather->report = (struct report){0};
    gather->ok = format_read(&reading, &input);
    return buf_text(&gather->text);
}
