#include "rulesfile.h"

#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/own.h"
#include "policy/digest.h"
#include "store/revision.h"

static const size_t work_max_bytes = 256u << 20;

static void put_problems(const struct policy_problems *problems, struct buf *out)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct policy_problem *one = &problems->items[i];
        buf_printf(out, "%s:%u:%u: %s: %s\n", one->file, one->line, one->column,
                   one->severity == POLICY_ERROR ? "error" : "warning", one->message);
    }
}

/* A text through the gate: no errors, and with tests none that fails. */
static struct policy *pass(const struct rulesfile_options *options, const char *name,
                           const char *text, bool with_tests, struct buf *messages, struct err *err)
{
    own_arena struct arena arena = arena_new(work_max_bytes);
    struct policy_problems problems;
    struct policy *policy = gate_load(options->gate, name, text, &arena, &problems, err);
    put_problems(&problems, messages);
    if (!policy || !with_tests || gate_test(policy, name, clock_now_us(), &arena, err))
        return policy;
    policy_free(policy);
    return NULL;
}

/* What the store knows, and what stands in the file. */
struct present {
    struct revision in_force;
    struct revision_file last; /* as it was last read */
    char *text;                /* of the file; "" = the configuration names none; NULL = unread */
    char digest[65];           /* of it; "" = none */
};

static bool read_store(const struct rulesfile_options *options, struct arena *arena,
                       struct present *present, struct err *err)
{
    struct db *db = store_reader(options->store, err);
    bool ok = db && revision_in_force(db, arena, &present->in_force, err) &&
              revision_file(db, arena, &present->last, err);
    if (db)
        store_reader_done(options->store, db);
    return ok;
}

static bool read_file(const struct rulesfile_options *options, struct present *present,
                      struct err *err)
{
    size_t length = 0;
    *present->digest = '\0';
    present->text =
        options->path
            ? io_read_file(options->path, (size_t)options->gate->limits->rules_bytes, &length, err)
            : mem_strdup("");
    if (!present->text || !options->path)
        return present->text != NULL;
    if (strlen(present->text) != length)
        return err_set(err, ERR_CONFIG, "%s: not a text: it holds a NUL", options->path);
    return digest_text(present->text, length, present->digest) ||
           err_set(err, ERR_MEMORY, "%s: out of memory", options->path);
}

static bool is_due(const struct present *present)
{
    return present->in_force.number == 0 || *present->last.problem ||
           strcmp(present->digest, present->last.digest) != 0;
}

/* The outcome of the gate, on record before it takes effect. */
struct outcome {
    struct revision revision;
    struct revision_file file;
};

static bool record_passed(struct db *db, void *context, struct err *err)
{
    struct outcome *outcome = context;
    return revision_file_passed(db, outcome->file.digest, err) &&
           revision_add(db, &outcome->revision, err);
}

static bool record_refused(struct db *db, void *context, struct err *err)
{
    const struct outcome *outcome = context;
    return revision_file_refused(db, &outcome->file, clock_now_us(), err);
}

/* A file that was read goes through the gate and into the store. */
static struct policy *take(const struct rulesfile_options *options, const struct present *present,
                           struct buf *messages, struct err *err)
{
    struct policy *policy = pass(options, options->path, present->text, true, messages, err);
    struct outcome outcome = {.file = {.digest = present->digest, .problem = err->text}};
    const struct store_unit refused = {record_refused, &outcome},
                            passed = {record_passed, &outcome};
    if (!policy) {
        store_write(options->store, STORE_COMMITTED, refused, NULL);
        return NULL;
    }
    outcome.revision = (struct revision){.digest = policy_revision(policy),
                                         .origin = REVISION_FILE,
                                         .author = "labeld",
                                         .at_us = clock_now_us(),
                                         .text = present->text};
    if (store_write(options->store, STORE_COMMITTED, passed, err))
        return policy;
    policy_free(policy);
    return NULL;
}

bool rulesfile_reload(const struct rulesfile_options *options, struct buf *problems,
                      struct policy **policy, struct err *err)
{
    own_arena struct arena arena = arena_new(work_max_bytes);
    struct present present = {0};
    *policy = NULL;
    bool ok = read_store(options, &arena, &present, err) && read_file(options, &present, err);
    if (ok && is_due(&present)) {
        *policy = take(options, &present, problems, err);
        ok = *policy != NULL;
    }
    mem_free(present.text);
    return ok;
}

struct policy *rulesfile_start(const struct rulesfile_options *options, struct arena *arena,
                               struct buf *problems, const char **problem, struct err *err)
{
    own_arena struct arena work = arena_new(work_max_bytes);
    struct present present = {0};
    struct policy *policy = NULL;
    struct err why = {0};
    *problem = NULL;
    if (!rulesfile_reload(options, problems, &policy, &why) || policy) {
        if (policy)
            return policy;
        *problem = arena_printf(arena, "%s; the last good rules stay in force", why.text);
    }
    if (!read_store(options, &work, &present, err))
        return NULL;
    if (present.in_force.number == 0) {
        *err = why;
        return NULL;
    }
    policy = pass(options, "the rules in force", present.in_force.text, false, problems, err);
    if (!policy && *problem)
        err_add(err, "%s", why.text);
    return policy;
}

struct policy *rulesfile_check(const struct rulesfile_options *options, struct buf *problems,
                               struct err *err)
{
    struct present present = {0};
    struct policy *policy = NULL;
    if (read_file(options, &present, err))
        policy = pass(options, options->path, present.text, true, problems, err);
    mem_free(present.text);
    return policy;
}
