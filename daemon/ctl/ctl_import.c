/* rules import: policies of other products as a rules file. */
#include <string.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/own.h"
#include "ctl/ctl.h"
#include "ctl/import.h"
#include "ctl/newfile.h"

static bool read_file(struct import *import, const char *path, struct err *err)
{
    size_t length;
    own_free char *bytes = io_read_file(path, IMPORT_FILE_MAX, &length, err);
    return bytes && import_read(import, bytes, length, err);
}

static int refuse(struct ctl_call *call, const char *path, const struct err *err)
{
    return ctl_fail(call, err->kind == ERR_TAKEN ? CTL_USAGE : CTL_UNREADABLE, "%s: %s", path,
                    err->text);
}

static bool put(struct ctl_call *call, const char *output, const struct buf *yaml, struct err *err)
{
    own_newfile struct newfile file = {.fd = -1};
    if (!output)
        return fwrite(yaml->bytes, 1, yaml->length, call->out) == yaml->length ||
               err_errno(err, "writing");
    return newfile_open(&file, output, err) &&
           (io_write(file.fd, yaml->bytes, yaml->length) || err_errno(err, "writing")) &&
           newfile_keep(&file, 0644, err);
}

static int import_files(struct ctl_call *call, struct import *import, const char *output)
{
    struct err err = {0};
    const struct limits limits = limits_default();
    own_buf struct buf yaml = buf_new(limits.rules_bytes), told = buf_new(IMPORT_FILE_MAX);
    if (!import_init(import, &err))
        return ctl_fail(call, CTL_UNREADABLE, "%s", err.text);
    for (int i = 0; i < call->argc; i++)
        if (!read_file(import, call->argv[i], &err))
            return refuse(call, call->argv[i], &err);
    if (!import_write(import, &yaml, &told, &err))
        return refuse(call, call->argv[0], &err);
    if (!put(call, output, &yaml, &err))
        return refuse(call, output ? output : "-", &err);
    for (char *line = told.bytes, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        *next++ = '\0';
        ctl_put(call->err, line);
        fputc('\n', call->err);
    }
    return CTL_OK;
}

int ctl_rules_import(struct ctl_call *call)
{
    const char *output = NULL;
    struct ctl_list connections = {0};
    struct import import = {0};
    const struct ctl_option options[] = {
        {"output", CTL_TEXT, &output, "FILE", "write the rules there, a new file"},
        {"connection", CTL_LIST, &connections, "THEIRS=OURS",
         "an app's number is this connection; may be repeated"},
        {"keep-modes", CTL_FLAG, &import.keep_modes, NULL,
         "what acts there acts here; without it every rule simulates"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1000))
        return call->exit;
    import.connections = connections.items;
    import.connection_count = connections.count;
    int code = import_files(call, &import, output);
    import_fini(&import);
    return code;
}
