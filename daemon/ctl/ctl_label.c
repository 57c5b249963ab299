#include "ctl/ctl.h"

#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/guid.h"
#include "base/io.h"
#include "base/own.h"
#include "base/place.h"
#include "ctl/answer.h"
#include "ctl/source.h"
#include "policy/policy.h"
#include "protect/recipients.h"

static const size_t work_max_bytes = 32u << 20;
static const int64_t settle_us = 20000; /* connectors' 2 s are for a daemon; here a person waits */
enum { justification_max = 1000, parent_max = PATH_MAX, settle_tries = 60 };

/* One change of one file. */
struct change {
    struct ctl_call *call;
    struct parser *parser;
    struct limits limits;
    struct arena arena;
    struct policy *policy; /* --rules, or NULL */

    const char *path, *label, *site, *name, *method, *justification, *output, *rules;
    bool json, allow_signed;
    bool document_on_stdout;

    struct label_edit edit;
    struct label_result result;
};

/* Answers ------------------------------------------------------------------------------------ */

static int refuse_err(struct ctl_call *call, const char *path, bool json, const struct err *err)
{
    return answer_refusal(call, call->out, path, json, err_kind_word(err->kind), err->text);
}

/* Where the answer goes: not into the document. */
static FILE *answers(const struct change *change)
{
    return change->document_on_stdout ? change->call->err : change->call->out;
}

static int refuse_change(const struct change *change, const char *code, const char *message)
{
    return answer_refusal(change->call, answers(change), change->path, change->json, code, message);
}

static int refuse_change_err(const struct change *change, const struct err *err)
{
    return refuse_change(change, err_kind_word(err->kind), err->text);
}

static void print_label(FILE *out, const struct report_label *label)
{
    fputs("  ", out);
    ctl_put(out, *label->name ? label->name : "(no name)");
    fprintf(out, "  %s  ", label->id);
    ctl_put(out, *label->method ? label->method : "no method");
    fprintf(out, "%s%s  tenant %s%s%s\n", *label->set_date ? ", " : "", label->set_date,
            *label->site_id ? label->site_id : "unknown", label->is_protected ? "  protected" : "",
            label->ambiguous ? "  ambiguous" : "");
}

/* get ---------------------------------------------------------------------------------------- */

static int get_one(struct ctl_call *call, struct parser *parser, const char *path, bool json)
{
    const struct limits limits = limits_default();
    own_arena struct arena arena = arena_new(work_max_bytes);
    struct err err = {0};
    struct source source;
    struct label_result result = {0};
    if (!source_open(&source, path, &limits, &err))
        return refuse_err(call, path, json, &err);
    bool ok = parser_labels(parser, source.fd, &limits, &arena, &result, &err);
    source_close(&source);
    if (!ok)
        return refuse_err(call, path, json, &err);
    if (result.done == LABEL_REFUSED && strcmp(result.code, "unsupported") != 0)
        return answer_refusal(call, call->out, path, json, result.code, result.message);
    if (json)
        return answer_json(call, call->out,
                           json_pack("{s:o, s:o}", "path", json_text(path), "labels",
                                     json_labels(result.labels, result.labels_count)));
    ctl_put(call->out, path);
    fputs(result.labels_count ? "\n" : "  no label\n", call->out);
    for (uint32_t i = 0; i < result.labels_count; i++)
        print_label(call->out, &result.labels[i]);
    return CTL_OK;
}

int ctl_label_get(struct ctl_call *call)
{
    bool json = false;
    const struct ctl_option options[] = {
        {"json", CTL_FLAG, &json, NULL, "{\"path\", \"labels\"} a line"},
    };
    if (!ctl_parse(call, options, 1, 1, INT_MAX))
        return call->exit;
    struct parser *parser = ctl_parser(call, NULL, 1);
    if (!parser)
        return CTL_USAGE;
    int code = CTL_OK;
    for (int i = 0; i < call->argc; i++) {
        int one = get_one(call, parser, call->argv[i], json);
        code = one > code ? one : code;
    }
    parser_close(parser);
    return code;
}

/* What to write ------------------------------------------------------------------------------ */

static const char *lower_guid(struct arena *arena, const char *text)
{
    char guid[GUID_LENGTH + 1];
    return text && guid_parse(text, strlen(text), guid) ? arena_strdup(arena, guid) : NULL;
}

static bool load_rules(struct change *change)
{
    struct policy_problems problems = {0};
    struct err err = {0};
    const struct policy_world world = {.now_us = clock_now_us(),
                                       .max_bytes = change->limits.rules_bytes,
                                       .recipient = recipients_check,
                                       .max_rules = change->limits.rules_count};
    change->policy = policy_load(change->rules, &world, &change->arena, &problems, &err);
    for (size_t i = 0; i < problems.count; i++)
        if (problems.items[i].severity == POLICY_ERROR)
            fprintf(change->call->err, "%s:%u:%u: error: %s\n", problems.items[i].file,
                    problems.items[i].line, problems.items[i].column, problems.items[i].message);
    if (!change->policy && err.kind != ERR_NONE)
        ctl_fail(change->call, CTL_USAGE, "%s", err.text);
    return change->policy != NULL;
}

/* All our labels, so that those in stores that name no tenant are recognised. */
static bool list_ours(struct change *change)
{
    size_t count = 0;
    const struct policy_label *labels =
        change->policy ? policy_labels(change->policy, &count) : NULL;
    size_t extra = change->policy || !change->edit.id ? 0 : 1; /* a removal has none */
    change->edit.ours = arena_alloc(&change->arena, count + extra + 1, sizeof *change->edit.ours);
    if (!change->edit.ours)
        return false;
    for (size_t i = 0; i < count; i++)
        change->edit.ours[i].id = labels[i].id;
    if (extra)
        change->edit.ours[0].id = change->edit.id;
    change->edit.ours_count = (uint32_t)(count + extra);
    return true;
}

static bool resolve_site(struct change *change)
{
    const char *site = change->site     ? lower_guid(&change->arena, change->site)
                       : change->policy ? policy_site(change->policy)
                                        : NULL;
    if (change->site && !site) {
        ctl_fail(change->call, CTL_USAGE, "--site \"%s\" is not a GUID", change->site);
        return false;
    }
    if (!site && change->edit.op == LABEL_SET) {
        ctl_fail(change->call, CTL_USAGE,
                 "which tenant? give --site GUID, or --rules FILE with a `site:`");
        return false;
    }
    change->edit.site_id = site ? site : "";
    change->edit.info = change->policy ? policy_label_info(change->policy) : LABEL_INFO_AUTO;
    return true;
}

static bool resolve_label(struct change *change)
{
    struct label_edit *edit = &change->edit;
    const struct policy_label *known =
        change->policy ? policy_label_find(change->policy, change->label) : NULL;
    if (known && known->group) {
        ctl_fail(change->call, CTL_USAGE, "\"%s\" is a group of labels; choose one below it",
                 known->name);
        return false;
    }
    const char *guid = lower_guid(&change->arena, change->label);
    if (!known && (change->policy || !guid)) {
        ctl_fail(change->call, CTL_USAGE,
                 change->policy ? "no label \"%s\" in %s"
                                : "\"%s\" is not a GUID; a name needs --rules FILE%s",
                 change->label, change->policy ? change->rules : "");
        return false;
    }
    edit->id = known ? known->id : guid;
    edit->name = change->name ? change->name : known ? known->msip_name : guid;
    return true;
}

static bool resolve_method(struct change *change)
{
    if (strcasecmp(change->method, "standard") == 0)
        change->edit.method = "Standard";
    else if (strcasecmp(change->method, "privileged") == 0)
        change->edit.method = "Privileged";
    else
        ctl_fail(change->call, CTL_USAGE, "--method is standard or privileged, not \"%s\"",
                 change->method);
    return change->edit.method != NULL;
}

static bool stamp(struct change *change)
{
    char date[21];
    char action[GUID_LENGTH + 1];
    uint8_t random[16];
    clock_format(clock_now_us(), date);
    randombytes_buf(random, sizeof random);
    guid_format(random, action);
    change->edit.set_date = arena_strdup(&change->arena, date);
    change->edit.action_id = arena_strdup(&change->arena, action);
    return change->edit.set_date && change->edit.action_id;
}

/* Characters, not bytes: those that begin one in UTF-8. */
static size_t count_characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

static bool resolve(struct change *change)
{
    size_t said = change->justification ? count_characters(change->justification) : 1;
    if (said == 0 || said > justification_max) {
        ctl_fail(change->call, CTL_USAGE, "--justification is 1 to %d characters",
                 justification_max);
        return false;
    }
    change->edit.allow_signed = change->allow_signed;
    return (!change->rules || load_rules(change)) && resolve_site(change) &&
           (change->edit.op != LABEL_SET || (resolve_label(change) && resolve_method(change))) &&
           stamp(change) && list_ours(change);
}

/* Lowering a label needs a reason ------------------------------------------------------------ */

static const struct policy_label *present_label(const struct change *change,
                                                const struct label_result *present)
{
    for (uint32_t i = 0; i < present->labels_count; i++)
        if (strcmp(present->labels[i].site_id, change->edit.site_id) == 0)
            return policy_label_find(change->policy, present->labels[i].id);
    return NULL;
}

/* False after the refusal `downgrade` was printed; labels.md: the names of both labels. */
static bool may_lower(struct change *change, int file)
{
    struct label_result present = {0};
    struct err err = {0};
    if (!change->policy || change->justification)
        return true;
    if (!parser_labels(change->parser, file, &change->limits, &change->arena, &present, &err) ||
        present.done == LABEL_REFUSED)
        return true; /* the change itself will say why the file cannot be read */
    const struct policy_label *from = present_label(change, &present);
    const struct policy_label *to =
        change->edit.op == LABEL_SET ? policy_label_find(change->policy, change->edit.id) : NULL;
    if (!from || (to && to->priority >= from->priority))
        return true;
    char message[600];
    snprintf(message, sizeof message,
             "this lowers the label from \"%s\" to \"%s\"; say why with --justification TEXT",
             from->name, to ? to->name : "none");
    refuse_change(change, "downgrade", message);
    return false;
}

/* Carrying it out ---------------------------------------------------------------------------- */

/* RELABEL, then VERIFY by a fresh process. False with err; a refusal is in change->result. */
static bool relabel(struct change *change, int file, int out, struct err *err)
{
    struct label_result *result = &change->result;
    if (!parser_relabel(change->parser, PARSE_LIVE, file, out, &change->edit, &change->limits,
                        &change->arena, result, err))
        return false;
    if (result->done != LABEL_WRITTEN && result->done != LABEL_REMOVED)
        return true;
    struct label_result seen = {0};
    if (!parser_verify(change->parser, PARSE_LIVE, file, out, &change->edit, &change->limits,
                       &change->arena, &seen, err))
        return false;
    if (seen.done != LABEL_VERIFIED)
        return err_set(err, ERR_HOSTILE, "the changed file does not verify: %s", seen.message);
    return true;
}

static bool was_written(const struct change *change)
{
    return change->result.done == LABEL_WRITTEN || change->result.done == LABEL_REMOVED;
}

static int answer(struct change *change)
{
    const struct label_result *result = &change->result;
    if (result->done == LABEL_REFUSED)
        return refuse_change(change, result->code, result->message);
    const char *word = result->done == LABEL_WRITTEN   ? "set"
                       : result->done == LABEL_REMOVED ? "removed"
                                                       : "unchanged";
    FILE *to = answers(change);
    if (change->json) {
        json_t *json = json_pack("{s:o, s:s, s:o}", "path", json_text(change->path), "result", word,
                                 "labels", json_labels(result->labels, result->labels_count));
        if (json && change->justification)
            json_object_set_new(json, "justification", json_text(change->justification));
        return answer_json(change->call, to, json);
    }
    fprintf(to, "%s: %s\n", change->path, word);
    for (uint32_t i = 0; i < result->labels_count; i++)
        print_label(to, &result->labels[i]);
    return CTL_OK;
}

/* The file as it shall be: the new bytes, or the old ones when nothing had to change. */
static bool copy_to(int from, int to, struct err *err)
{
    struct stat st;
    if (fstat(from, &st) < 0)
        return err_errno(err, "looking at the new file");
    return io_copy(from, 0, (uint64_t)st.st_size, to, err);
}

/* A new file beside the output, renamed over it once it is whole. `path` leads to no link. */
static bool write_new(int from, const char *path, struct err *err)
{
    char temporary[PATH_MAX];
    snprintf(temporary, sizeof temporary, "%s.labelctl-%d", path, (int)getpid());
    own_fd int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return err_errno(err, "making %s", path);
    if (copy_to(from, file, err) && fsync(file) == 0 && rename(temporary, path) == 0)
        return true;
    if (err->kind == ERR_NONE)
        err_errno(err, "writing %s", path);
    unlink(temporary);
    return false;
}

/* A link is followed, and what is no regular file (a device, a pipe) is written to as it is. */
static bool write_output(int from, const char *output, struct err *err)
{
    char real[PATH_MAX];
    struct stat st;
    if (stat(output, &st) < 0)
        return write_new(from, output, err);
    if (S_ISDIR(st.st_mode))
        return err_set(err, ERR_USAGE, "--output %s is a folder", output);
    if (S_ISREG(st.st_mode))
        return realpath(output, real) ? write_new(from, real, err)
                                      : err_errno(err, "opening %s", output);
    own_fd int file = open(output, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return (file >= 0 || err_errno(err, "opening %s", output)) && copy_to(from, file, err);
}

/* The new bytes, or the old ones when nothing had to change, to where they were asked for. */
static int give(struct change *change, int from, const char *output)
{
    struct err err = {0};
    bool ok = change->document_on_stdout ? copy_to(from, STDOUT_FILENO, &err)
                                         : write_output(from, output, &err);
    return ok ? answer(change) : refuse_change_err(change, &err);
}

/* The input is read, changed in memory, and only then given out. */
static int change_source(struct change *change, int file, const char *output)
{
    struct err err = {0};
    own_fd int made = io_memfd("labelled", &err);
    if (made < 0)
        return refuse_change_err(change, &err);
    if (!may_lower(change, file))
        return CTL_UNREADABLE;
    if (!relabel(change, file, made, &err))
        return refuse_change_err(change, &err);
    if (change->result.done == LABEL_REFUSED)
        return answer(change);
    return give(change, was_written(change) ? made : file, output);
}

/* FILE - or --output: the result goes elsewhere. */
static int change_elsewhere(struct change *change, const char *output)
{
    struct err err = {0};
    struct source source;
    if (!source_open(&source, change->path, &change->limits, &err))
        return refuse_change_err(change, &err);
    int code = source.too_large ? refuse_change(change, "limit", "the file is too large")
                                : change_source(change, source.fd, output);
    source_close(&source);
    return code;
}

/* Put the new bytes in the file's place; base/place.h says how no edit is lost. A program that
 * began to write while we did keeps us waiting. */
static bool put_in_place(struct place *place, struct err *err)
{
    struct place_version made;
    if (!place_ready(place, &made, err) || !place_exchange(place, err))
        return false;
    bool settled = place_settle(place, settle_us, err);
    for (int i = 0; !settled && err->kind == ERR_BUSY && i < settle_tries; i++)
        settled = place_settle(place, settle_us, err);
    if (!settled && err->kind == ERR_BUSY)
        return err_set(err, ERR_BUSY,
                       "labelled, but another program still writes to the version before; it is "
                       "kept as %s",
                       place_private_name(place));
    return settled;
}

static int change_in(struct change *change, int folder, const char *name)
{
    struct err err = {0};
    struct place_version version;
    own_fd int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (file < 0 || fstat(file, &st) < 0) {
        err_errno(&err, "opening");
        return refuse_change_err(change, &err);
    }
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > change->limits.fetch_bytes)
        return refuse_change(change, S_ISREG(st.st_mode) ? "limit" : "unsupported",
                             S_ISREG(st.st_mode) ? "the file is too large" : "not a regular file");
    if (!may_lower(change, file))
        return CTL_UNREADABLE;
    struct place *place = NULL;
    bool ok = place_version_of(file, &version, &err) &&
              (place = place_open(folder, name, file, &version, &err)) != NULL &&
              relabel(change, file, place_output(place), &err) &&
              (!was_written(change) || put_in_place(place, &err));
    if (place)
        place_close(place);
    return ok ? answer(change) : refuse_change_err(change, &err);
}

static int change_in_place(struct change *change)
{
    struct err err = {0};
    char real[PATH_MAX];
    if (!realpath(change->path, real)) {
        err_errno(&err, "opening");
        return refuse_change_err(change, &err);
    }
    char *slash = strrchr(real, '/');
    const char *name = slash + 1;
    char parent[parent_max];
    snprintf(parent, sizeof parent, "%.*s", slash == real ? 1 : (int)(slash - real), real);
    own_fd int folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        err_errno(&err, "opening %s", parent);
        return refuse_change_err(change, &err);
    }
    return change_in(change, folder, name);
}

static int run(struct change *change)
{
    int code = CTL_USAGE;
    change->path = change->call->argv[0];
    change->arena = arena_new(work_max_bytes);
    if (sodium_init() < 0)
        return ctl_fail(change->call, CTL_USAGE, "no source of random numbers");
    if (resolve(change) && (change->parser = ctl_parser(change->call, NULL, 1))) {
        if (!change->output && strcmp(change->path, "-") == 0)
            change->output = "-";
        change->document_on_stdout = change->output && strcmp(change->output, "-") == 0;
        code = change->output ? change_elsewhere(change, change->output) : change_in_place(change);
        parser_close(change->parser);
    }
    policy_free(change->policy);
    arena_fini(&change->arena);
    return code;
}

int ctl_label_set(struct ctl_call *call)
{
    struct change change = {.call = call, .limits = limits_default(), .method = "privileged"};
    const struct ctl_option options[] = {
        {"label", CTL_TEXT, &change.label, "NAME|GUID", "the label; a name needs --rules"},
        {"rules", CTL_TEXT, &change.rules, "FILE", "the rules file that defines the labels"},
        {"site", CTL_TEXT, &change.site, "GUID", "the tenant (default: `site:` of the rules)"},
        {"name", CTL_TEXT, &change.name, "TEXT", "the name written beside a GUID"},
        {"method", CTL_TEXT, &change.method, "METHOD",
         "privileged (a person, default) or standard"},
        {"justification", CTL_TEXT, &change.justification, "TEXT", "why a label is lowered"},
        {"output", CTL_TEXT, &change.output, "OUT", "write there instead of in place; - = stdout"},
        {"allow-signed", CTL_FLAG, &change.allow_signed, NULL, "break a digital signature"},
        {"json", CTL_FLAG, &change.json, NULL, "the result as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    if (!change.label)
        return ctl_fail(call, CTL_USAGE, "label set needs --label NAME or GUID");
    change.edit.op = LABEL_SET;
    return run(&change);
}

int ctl_label_remove(struct ctl_call *call)
{
    struct change change = {.call = call, .limits = limits_default()};
    const struct ctl_option options[] = {
        {"rules", CTL_TEXT, &change.rules, "FILE", "the rules file that defines the labels"},
        {"site", CTL_TEXT, &change.site, "GUID", "only this tenant's label (default: every one's)"},
        {"justification", CTL_TEXT, &change.justification, "TEXT", "why the label is removed"},
        {"output", CTL_TEXT, &change.output, "OUT", "write there instead of in place; - = stdout"},
        {"allow-signed", CTL_FLAG, &change.allow_signed, NULL, "break a digital signature"},
        {"json", CTL_FLAG, &change.json, NULL, "the result as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    change.edit.op = LABEL_REMOVE;
    return run(&change);
}
