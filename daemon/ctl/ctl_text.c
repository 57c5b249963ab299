#include "ctl/ctl.h"

#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "ctl/source.h"

/* Copy the text that a parse process wrote into `file` to stdout. */
static bool print_text(struct ctl_call *call, int file, struct err *err)
{
    own_free char *block = mem_alloc(64 * 1024);
    if (!block)
        return err_set(err, ERR_MEMORY, "out of memory");
    uint64_t at = 0;
    for (;;) {
        ssize_t got = io_read_at(file, block, 64 * 1024, at);
        if (got < 0)
            return err_errno(err, "reading the text");
        if (got == 0)
            return true;
        fwrite(block, 1, (size_t)got, call->out);
        at += (uint64_t)got;
    }
}

static int show(struct ctl_call *call, struct parser *parser, const char *path, const char *part,
                const struct limits *limits)
{
    own_arena struct arena arena = arena_new(1u << 20);
    struct err err = {0};
    struct source source;
    if (!source_open(&source, path, limits, &err))
        return ctl_fail(call, CTL_UNREADABLE, "%s: %s", path, err.text);
    own_fd int text = io_memfd("text", &err);
    struct text_result result = {0};
    bool ok = text >= 0 && !source.too_large &&
              parser_text(parser, source.fd, part, text, limits, &arena, &result, &err) &&
              print_text(call, text, &err);
    bool too_large = source.too_large;
    source_close(&source);
    if (too_large)
        return ctl_fail(call, CTL_UNREADABLE, "%s: over %llu bytes", path,
                        (unsigned long long)limits->fetch_bytes);
    if (!ok)
        return ctl_fail(call, CTL_UNREADABLE, "%s: %s", path, err.text);
    if (*part && !result.part_found)
        return ctl_fail(call, CTL_UNREADABLE,
                        "%s has no part \"%s\"; labelctl inspect --json names the parts", path,
                        part);
    if (result.status == REPORT_OK)
        return CTL_OK;
    fprintf(call->err, "labelctl: %s: %s%s%s\n", path, report_status_word(result.status),
            *result.reason ? ", " : "", result.reason);
    return result.status == REPORT_PARTIAL || result.status == REPORT_UNSUPPORTED ? CTL_OK
                                                                                  : CTL_UNREADABLE;
}

int ctl_text(struct ctl_call *call)
{
    const char *part = "";
    struct ctl_list given = {0};
    struct limits limits = limits_default();
    const struct ctl_option options[] = {
        {"part", CTL_TEXT, &part, "PART", "only this part, as inspect names it under \"where\""},
        CTL_LIMIT(&given),
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    if (!ctl_limits(call, &given, &limits))
        return CTL_USAGE;
    struct parser *parser = ctl_parser(call, NULL, 1);
    if (!parser)
        return CTL_USAGE;
    int code = show(call, parser, call->argv[0], part, &limits);
    parser_close(parser);
    return code;
}
