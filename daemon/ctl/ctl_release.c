/* quarantine release, open: what needs the file's key. With a sealed vault labelctl unwraps it
 * from the entry's header with the reviewer's identity: a release sends only that. */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/newfile.h"
#include "ctl/online.h"
#include "ctl/passphrase.h"
#include "protect/keyfile.h"
#include "protect/open.h"
#include "protect/secret.h"

enum { task_tries = 40, key_text_bytes = 32 };

static const size_t header_memory = 4u << 20;

/* What both commands are asked. */
struct review {
    struct ctl_call *call;
    struct online online;
    struct limits limits;
    const char *id, *identity, *passphrase_file, *reason, *as, *output;
    uint64_t undo_for;
    bool json, links;
    json_t *entry; /* as the daemon shows it */
};

static int refuse(const struct review *review, const struct err *err)
{
    if (err->kind == ERR_USAGE || err->kind == ERR_CONFIG)
        return ctl_fail(review->call, CTL_USAGE, "%s", err->text);
    return ctl_fail(review->call, CTL_UNREADABLE, "entry %s: %s", review->id, err->text);
}

static void put_path(struct buf *path, const char *id, const char *rest)
{
    buf_puts(path, "/api/v1/quarantine/");
    online_escape(path, id);
    buf_puts(path, rest);
}

/* Keys ----------------------------------------------------------------------------------------- */

static bool ask_for_key(void *context, const char *path, char *passphrase, size_t room,
                        struct err *err)
{
    const struct review *review = context;
    own_secret char *text = passphrase_get(review->passphrase_file, path, false, err);
    if (!text)
        return false;
    snprintf(passphrase, room, "%s", text);
    return true;
}

static bool read_identity(struct review *review, struct identities *identities, struct err *err)
{
    const struct keyfile_ask ask = {.ask = ask_for_key, .context = review};
    return keyfile_read(identities, review->identity, &ask, &review->limits, err) ||
           err_add(err, "%s", review->identity);
}

/* The file key of the entry, unwrapped from its header. False: call->exit is set. */
static bool unwrap(struct review *review, const struct identities *identities,
                   uint8_t key[static AGE_FILE_KEY_BYTES])
{
    struct err err = {0};
    struct age_header header;
    own_buf struct buf path = buf_new(1024);
    own_arena struct arena arena = arena_new(header_memory + review->limits.age_header_bytes * 8);
    own_feed struct feed feed = {.fd = -1};
    own_fd int fd = io_memfd("header", &err);
    put_path(&path, review->id, "/header");
    if (fd >= 0 && !online_fetch(review->call, &review->online, buf_text(&path), fd))
        return false;
    if (fd >= 0 && feed_from_fd(&feed, fd, 0, &err) &&
        age_read(&feed, &review->limits, &arena, &header, &err) &&
        open_file_key(&header, identities, &review->limits, key, &err))
        return true;
    review->call->exit = refuse(review, &err);
    return false;
}

/* Put the file key into the body of a release. */
static bool add_file_key(struct review *review, json_t *body)
{
    struct err err = {0};
    char text[key_text_bytes];
    own_secret uint8_t *key = secret_new(AGE_FILE_KEY_BYTES, &err);
    struct identities *identities = key ? identities_new(&err) : NULL;
    bool ok = identities && read_identity(review, identities, &err);
    if (!ok)
        review->call->exit = refuse(review, &err);
    ok = ok && unwrap(review, identities, key);
    if (ok) {
        sodium_bin2base64(text, sizeof text, key, AGE_FILE_KEY_BYTES,
                          sodium_base64_VARIANT_ORIGINAL);
        json_object_set_new(body, "file_key", json_string(text));
        sodium_memzero(text, sizeof text);
    }
    identities_free(identities);
    return ok;
}

/* release -------------------------------------------------------------------------------------- */

static bool get_entry(struct review *review)
{
    own_buf struct buf path = buf_new(1024);
    put_path(&path, review->id, "");
    review->entry = online_get(review->call, &review->online, buf_text(&path));
    return review->entry != NULL;
}

static json_t *list_of(const json_t *answer, const char *key)
{
    json_t *list = json_object_get(answer, key);
    return json_is_array(list) ? json_incref(list) : json_array();
}

static int print_released(const struct review *review, const json_t *answer)
{
    FILE *out = review->call->out;
    size_t i;
    json_t *row;
    json_t *restored = json_object_get(answer, "restored");
    if (review->json)
        return answer_json(review->call, out,
                           json_pack("{s:s, s:s, s:O, s:o, s:o}", "id", online_text(answer, "id"),
                                     "state", online_text(answer, "state"), "path",
                                     json_object_get(answer, "path"), "restored",
                                     list_of(answer, "restored"), "lost", list_of(answer, "lost")));
    fprintf(out, "%s: %s", online_text(answer, "id"), online_text(answer, "state"));
    if (*online_text(answer, "due"))
        fprintf(out, ", not before %s: labelctl quarantine undo %s", online_text(answer, "due"),
                online_text(answer, "id"));
    else
        fputs(json_array_size(restored) ? " to " : ": under way to ", out);
    if (!*online_text(answer, "due"))
        ctl_put(out, online_text(answer, "path"));
    json_array_foreach(restored, i, row)
        fprintf(out, "%s%s", i ? ", " : "; restored ", json_string_value(row));
    fputc('\n', out);
    json_array_foreach(json_object_get(answer, "lost"), i, row)
    {
        fprintf(out, "  not restored: %s: ", online_text(row, "what"));
        ctl_put(out, online_text(row, "why"));
        fputc('\n', out);
    }
    return CTL_OK;
}

/* With the reason of the daemon's worker, and another name where one is taken. */
static int print_refused(const struct review *review, const json_t *problem)
{
    FILE *to = review->call->err;
    const char *error = online_text(problem, "error"), *name = online_text(problem, "suggestion");
    int code = online_refused(review->call, problem);
    if (*error) {
        fputs("labelctl: ", to);
        ctl_put(to, error);
        fputc('\n', to);
    }
    if (*name) {
        fprintf(to, "labelctl: this name is free: labelctl quarantine release %s --as \"/",
                review->id);
        ctl_put(to, name);
        fputs("\"\n", to);
    }
    return code;
}

static int send_release(struct review *review, json_t *body)
{
    long status = 0;
    own_buf struct buf path = buf_new(1024);
    put_path(&path, review->id, review->undo_for ? "/release" : "/release?wait=30");
    review->online.version = online_number(review->entry, "version");
    own_json json_t *answer =
        online_try(review->call, &review->online, "POST", buf_text(&path), body, &status);
    if (!answer)
        return review->call->exit;
    return status < 300 ? print_released(review, answer) : print_refused(review, answer);
}

static int release(struct review *review)
{
    if (!get_entry(review))
        return review->call->exit;
    json_t *body = online_reason(review->reason);
    if (review->as)
        json_object_set_new(body, "path", json_text(review->as));
    if (review->links)
        json_object_set_new(body, "links", json_true());
    if (review->undo_for)
        json_object_set_new(body, "undo_for", json_integer((json_int_t)review->undo_for));
    if (!review->identity || add_file_key(review, body))
        return send_release(review, body);
    json_decref(body);
    return review->call->exit;
}

int ctl_quarantine_release(struct ctl_call *call)
{
    struct review review = {.call = call, .limits = limits_default()};
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(review.online),
        {"as", CTL_TEXT, &review.as, "PATH", "put it there instead: /folder/name"},
        {"links", CTL_FLAG, &review.links, NULL, "its links too, where the service has links"},
        {"identity", CTL_TEXT, &review.identity, "FILE",
         "your key (labelctl key new), for a vault that only reviewers open; it stays here"},
        {"passphrase-file", CTL_TEXT, &review.passphrase_file, "FILE",
         "the passphrase of that key, in the first line of FILE, instead of asking for it"},
        {"reason", CTL_TEXT, &review.reason, "TEXT", "why, for the record"},
        {"undo-for", CTL_NUMBER, &review.undo_for, "SECONDS", "wait so long; undo takes it back"},
        {"json", CTL_FLAG, &review.json, NULL, "{\"id\",\"state\",\"path\",\"restored\",\"lost\"}"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    review.id = call->argv[0];
    int code = release(&review);
    json_decref(review.entry);
    return code;
}

/* open ----------------------------------------------------------------------------------------- */

/* Have a worker seal the copy anew, to a key that was made for this alone. */
static json_t *ask_task(struct review *review, const struct identities *identities)
{
    char recipient[RECIPIENTS_TEXT_BYTES];
    identities_recipient(identities, 0, recipient);
    json_t *body = online_reason(review->reason);
    json_object_set_new(body, "kind", json_string("open"));
    json_object_set_new(body, "input",
                        json_pack("{s:s, s:s}", "id", review->id, "recipient", recipient));
    json_t *task = online_send(review->call, &review->online, "POST", "/api/v1/tasks", body);
    for (int i = 0; task && i < task_tries; i++) {
        const char *state = online_text(task, "state");
        if (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0)
            break;
        own_buf struct buf path = buf_new(256);
        buf_printf(&path, "/api/v1/tasks/%s?wait=30", online_text(task, "id"));
        json_decref(task);
        task = online_get(review->call, &review->online, buf_text(&path));
    }
    return task;
}

static bool fetch_task(struct review *review, const struct identities *identities, int fd)
{
    own_json json_t *task = ask_task(review, identities);
    own_buf struct buf content = buf_new(256), one = buf_new(256);
    if (!task)
        return false;
    if (strcmp(online_text(task, "state"), "done") != 0) {
        review->call->exit = ctl_fail(review->call, CTL_UNREACHABLE, "entry %s: %s", review->id,
                                      *online_text(task, "error") ? online_text(task, "error")
                                                                  : "the daemon takes too long");
        return false;
    }
    buf_printf(&one, "/api/v1/tasks/%s", online_text(task, "id"));
    buf_printf(&content, "%s/content", buf_text(&one));
    bool ok = online_fetch(review->call, &review->online, buf_text(&content), fd);
    json_decref(online_send(review->call, &review->online, "DELETE", buf_text(&one), NULL));
    return ok;
}

/* The sealed copy into `fd`, and what opens it. False: call->exit is set. */
static bool fetch(struct review *review, struct identities *identities, int fd)
{
    struct err err = {0};
    own_buf struct buf path = buf_new(1024);
    if (review->identity ? read_identity(review, identities, &err)
                         : identities_generate(identities, &err)) {
        put_path(&path, review->id, "/content");
        return review->identity ? online_fetch(review->call, &review->online, buf_text(&path), fd)
                                : fetch_task(review, identities, fd);
    }
    review->call->exit = refuse(review, &err);
    return false;
}

/* Decrypt, compare with the digest of what was taken away, and only then give it its name. */
static bool keep(struct review *review, const struct identities *identities, int sealed,
                 struct newfile *file, struct err *err)
{
    struct stream_facts facts;
    char sha256[2 * DIGEST_BYTES + 1];
    const struct stream_options how = {.hashed = true};
    if (lseek(sealed, 0, SEEK_SET) < 0)
        return err_errno(err, "reading the sealed copy");
    if (!open_file(sealed, identities, &review->limits, &how, file->fd, &facts, err))
        return false;
    sodium_bin2hex(sha256, sizeof sha256, facts.sha256, sizeof facts.sha256);
    if (strcmp(sha256, online_text(review->entry, "sha256")) != 0)
        return err_set(err, ERR_CORRUPT, "this is not the file that was taken away");
    return newfile_keep(file, 0600, err);
}

static int open_entry(struct review *review)
{
    struct err err = {0};
    own_newfile struct newfile file = {.fd = -1}, sealed = {.fd = -1};
    if (!newfile_open(&file, review->output, &err) || !newfile_nameless(&sealed, &err))
        return refuse(review, &err);
    struct identities *identities = identities_new(&err);
    int code = CTL_OK;
    if (!identities)
        code = refuse(review, &err);
    else if (!get_entry(review) || !fetch(review, identities, sealed.fd))
        code = review->call->exit;
    else if (!keep(review, identities, sealed.fd, &file, &err))
        code = refuse(review, &err);
    identities_free(identities);
    if (code != CTL_OK)
        return code;
    if (review->json)
        return answer_json(review->call, review->call->out,
                           json_pack("{s:s, s:o, s:O, s:O}", "id", review->id, "output",
                                     json_text(review->output), "size",
                                     json_object_get(review->entry, "size"), "sha256",
                                     json_object_get(review->entry, "sha256")));
    ctl_put(review->call->out, review->output);
    fprintf(review->call->out, ": entry %s, %lld bytes; it stays in quarantine\n", review->id,
            online_number(review->entry, "size"));
    return CTL_OK;
}

int ctl_quarantine_open(struct ctl_call *call)
{
    struct review review = {.call = call, .limits = limits_default()};
    const struct ctl_option options[] = {
        ONLINE_OPTIONS(review.online),
        {"output", CTL_TEXT, &review.output, "OUT", "where to write it (0600, never over a file)"},
        {"identity", CTL_TEXT, &review.identity, "FILE",
         "your key (labelctl key new), for a vault that only reviewers open; it stays here"},
        {"passphrase-file", CTL_TEXT, &review.passphrase_file, "FILE",
         "the passphrase of that key, in the first line of FILE, instead of asking for it"},
        {"reason", CTL_TEXT, &review.reason, "TEXT", "why, for the record"},
        {"json", CTL_FLAG, &review.json, NULL, "{\"id\",\"output\",\"size\",\"sha256\"}"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    if (!review.output)
        return ctl_fail(call, CTL_USAGE, "where to? --output OUT");
    review.id = call->argv[0];
    int code = open_entry(&review);
    json_decref(review.entry);
    return code;
}
