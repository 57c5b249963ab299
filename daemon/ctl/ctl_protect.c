/* protect, unprotect: files sealed to age recipients, and back. */
#include "ctl/ctl.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "ctl/answer.h"
#include "ctl/newfile.h"
#include "ctl/passphrase.h"
#include "protect/keyfile.h"
#include "protect/open.h"
#include "protect/seal.h"
#include "protect/secret.h"

static const char extension[] = ".age";

/* One file on its way from `path` to `output`. */
struct passage {
    struct ctl_call *call;
    struct limits limits;
    const char *path, *output;
    const char *passphrase_file;
    bool json, to_stdout;
    int in;
    struct stat st; /* of `in` */
    char beside[PATH_MAX];
    struct newfile file; /* what becomes `output`, unless it is standard output */
};

/* Answers: not into the document. */
static FILE *answers(const struct passage *passage)
{
    return passage->to_stdout ? passage->call->err : passage->call->out;
}

static int refuse(const struct passage *passage, const struct err *err)
{
    if (err->kind == ERR_USAGE || err->kind == ERR_CONFIG)
        return ctl_fail(passage->call, CTL_USAGE, "%s", err->text);
    return answer_refusal(passage->call, answers(passage), passage->path, passage->json,
                          err_kind_word(err->kind), err->text);
}

static bool open_input(struct passage *passage, struct err *err)
{
    bool standard = strcmp(passage->path, "-") == 0;
    passage->in = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                           : open(passage->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (passage->in < 0 || fstat(passage->in, &passage->st) < 0)
        return err_errno(err, "opening");
    if (!standard && !S_ISREG(passage->st.st_mode))
        return err_set(err, ERR_REFUSED, "not a regular file");
    return true;
}

/* Nobody gets more rights to the new file than to the one it was made from. */
static mode_t output_mode(const struct passage *passage)
{
    return S_ISREG(passage->st.st_mode) ? passage->st.st_mode & 0777 : 0600;
}

/* Where it goes: --output, standard output for standard input, else beside the file. False: usage.
 */
static bool choose_output(struct passage *passage, bool sealing, struct err *err)
{
    size_t length = strlen(passage->path);
    size_t tail = sizeof extension - 1;
    if (!passage->output && strcmp(passage->path, "-") == 0)
        passage->output = "-";
    passage->to_stdout = passage->output && strcmp(passage->output, "-") == 0;
    if (passage->output)
        return true;
    bool sealed = length > tail && strcmp(passage->path + length - tail, extension) == 0;
    if (!sealing && !sealed)
        return err_set(err, ERR_USAGE, "%s does not end in .age; say where to write with --output",
                       passage->path);
    int written =
        sealing ? snprintf(passage->beside, PATH_MAX, "%s%s", passage->path, extension)
                : snprintf(passage->beside, PATH_MAX, "%.*s", (int)(length - tail), passage->path);
    passage->output = passage->beside;
    return written < PATH_MAX || err_set(err, ERR_USAGE, "the path is too long");
}

static void passage_fini(struct passage *passage)
{
    newfile_drop(&passage->file);
    if (passage->in >= 0)
        close(passage->in);
}

/* protect ------------------------------------------------------------------------------------- */

struct protect {
    struct passage passage;
    struct ctl_list to, to_files;
    bool passphrase, armor, verify;
};

static bool add_passphrase(const struct protect *protect, struct recipients *to, struct err *err)
{
    own_secret char *passphrase =
        passphrase_get(protect->passage.passphrase_file, protect->passage.path, true, err);
    return passphrase && recipients_set_passphrase(to, passphrase, RECIPIENTS_WORK_FACTOR, err);
}

static bool add_all(const struct protect *protect, struct recipients *to, struct err *err)
{
    for (size_t i = 0; i < protect->to.count; i++)
        if (!recipients_add(to, protect->to.items[i], err))
            return err_add(err, "--to %.24s", protect->to.items[i]);
    for (size_t i = 0; i < protect->to_files.count; i++)
        if (!recipients_add_file(to, protect->to_files.items[i], err))
            return err_add(err, "--to-file");
    if ((protect->passphrase || protect->passage.passphrase_file) &&
        !add_passphrase(protect, to, err))
        return false;
    return recipients_count(to) ||
           err_set(err, ERR_USAGE, "protect needs --to AGE-RECIPIENT (age1…), or --passphrase");
}

static int answer_sealed(const struct protect *protect, const struct recipients *to,
                         const struct seal_facts *facts)
{
    const struct passage *passage = &protect->passage;
    char sha256[2 * DIGEST_BYTES + 1];
    sodium_bin2hex(sha256, sizeof sha256, facts->sha256, sizeof facts->sha256);
    if (passage->json)
        return answer_json(
            passage->call, answers(passage),
            json_pack("{s:o, s:o, s:I, s:I, s:s, s:I, s:b}", "path", json_text(passage->path),
                      "output", json_text(passage->output), "size", (json_int_t)facts->plain_bytes,
                      "sealed_size", (json_int_t)facts->sealed_bytes, "sha256", sha256,
                      "recipients", (json_int_t)recipients_count(to), "verified", protect->verify));
    if (passage->to_stdout)
        return CTL_OK;
    size_t count = recipients_count(to);
    ctl_put(passage->call->out, passage->output);
    if (protect->passphrase || passage->passphrase_file)
        fputs(": sealed with a passphrase\n", passage->call->out);
    else
        fprintf(passage->call->out, ": sealed to %zu recipient%s\n", count, count == 1 ? "" : "s");
    return CTL_OK;
}

static bool seal_it(const struct protect *protect, const struct recipients *to,
                    struct seal_facts *facts, struct err *err)
{
    const struct passage *passage = &protect->passage;
    const struct seal_options options = {
        .armored = protect->armor,
        .hashed = passage->json || protect->verify,
        .sized = S_ISREG(passage->st.st_mode) && strcmp(passage->path, "-") != 0,
        .plain_bytes = (uint64_t)passage->st.st_size,
    };
    int out = passage->to_stdout ? STDOUT_FILENO : passage->file.fd;
    struct seal *seal = seal_file(passage->in, to, &passage->limits, &options, out, facts, err);
    bool ok = seal && (!protect->verify || seal_verify(seal, out, err));
    seal_free(seal);
    return ok;
}

static int protect_to(struct protect *protect, const struct recipients *to)
{
    struct passage *passage = &protect->passage;
    struct err err = {0};
    struct seal_facts facts;
    if (passage->to_stdout && !protect->armor && isatty(STDOUT_FILENO))
        return ctl_fail(passage->call, CTL_USAGE,
                        "sealed bytes are not for a terminal; use --output OUT or --armor");
    bool ok = open_input(passage, &err) &&
              (passage->to_stdout || newfile_open(&passage->file, passage->output, &err)) &&
              seal_it(protect, to, &facts, &err) &&
              (passage->to_stdout || newfile_keep(&passage->file, output_mode(passage), &err));
    return ok ? answer_sealed(protect, to, &facts) : refuse(passage, &err);
}

int ctl_protect(struct ctl_call *call)
{
    struct protect protect = {
        .passage = {.call = call, .limits = limits_default(), .in = -1, .file = {.fd = -1}}};
    struct passage *passage = &protect.passage;
    const struct ctl_option options[] = {
        {"to", CTL_LIST, &protect.to, "AGE-RECIPIENT", "a public key (age1…); may be repeated"},
        {"to-file", CTL_LIST, &protect.to_files, "FILE", "public keys, one a line, # comments"},
        {"passphrase", CTL_FLAG, &protect.passphrase, NULL,
         "instead: a passphrase, asked for twice on the terminal"},
        {"passphrase-file", CTL_TEXT, &passage->passphrase_file, "FILE",
         "instead: the passphrase in the first line of FILE"},
        {"output", CTL_TEXT, &passage->output, "OUT",
         "write there (default: FILE.age; - = stdout)"},
        {"armor", CTL_FLAG, &protect.armor, NULL, "as text (PEM) instead of binary"},
        {"verify", CTL_FLAG, &protect.verify, NULL, "read the sealed copy back and compare"},
        {"json", CTL_FLAG, &passage->json, NULL, "the result as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    struct err err = {0};
    passage->path = call->argv[0];
    if (!choose_output(passage, true, &err))
        return refuse(passage, &err);
    if (protect.verify && passage->to_stdout)
        return ctl_fail(call, CTL_USAGE, "--verify cannot read standard output back");
    struct recipients *to = recipients_new(&err);
    int code = to && add_all(&protect, to, &err) ? protect_to(&protect, to) : refuse(passage, &err);
    recipients_free(to);
    passage_fini(passage);
    return code;
}

/* unprotect ----------------------------------------------------------------------------------- */

/* A key file's passphrase. */
static bool ask_for_key(void *context, const char *path, char *passphrase, size_t room,
                        struct err *err)
{
    const struct passage *passage = context;
    own_secret char *text = passphrase_get(passage->passphrase_file, path, false, err);
    if (!text)
        return false;
    snprintf(passphrase, room, "%s", text);
    return true;
}

static bool add_identities(struct passage *passage, const struct ctl_list *files,
                           struct identities *identities, struct err *err)
{
    const struct keyfile_ask ask = {.ask = ask_for_key, .context = passage};
    for (size_t i = 0; i < files->count; i++)
        if (!keyfile_read(identities, files->items[i], &ask, &passage->limits, err))
            return err_add(err, "%s", files->items[i]);
    if (files->count)
        return true;
    own_secret char *passphrase =
        passphrase_get(passage->passphrase_file, passage->path, false, err);
    return passphrase && identities_set_passphrase(identities, passphrase, err);
}

/* Whether a file with a name asks for a key rather than for a passphrase. */
static bool wants_key(const struct passage *passage)
{
    own_arena struct arena arena = arena_new(8u << 20);
    own_feed struct feed feed = {.fd = -1};
    struct age_header header;
    return S_ISREG(passage->st.st_mode) && feed_from_fd(&feed, passage->in, 0, NULL) &&
           age_read(&feed, &passage->limits, &arena, &header, NULL) &&
           !age_stanza_is(&header.stanzas[0], "scrypt");
}

/* Only when all of it was good does anything of it reach a name or the next program. */
static bool deliver(struct passage *passage, const struct stream_facts *facts, struct err *err)
{
    if (!passage->to_stdout)
        return newfile_keep(&passage->file, output_mode(passage), err);
    return io_copy(passage->file.fd, 0, facts->plain_bytes, STDOUT_FILENO, err);
}

static int answer_opened(const struct passage *passage, const struct stream_facts *facts)
{
    char sha256[2 * DIGEST_BYTES + 1];
    sodium_bin2hex(sha256, sizeof sha256, facts->sha256, sizeof facts->sha256);
    if (passage->json)
        return answer_json(passage->call, answers(passage),
                           json_pack("{s:o, s:o, s:I, s:s}", "path", json_text(passage->path),
                                     "output", json_text(passage->output), "size",
                                     (json_int_t)facts->plain_bytes, "sha256", sha256));
    if (passage->to_stdout)
        return CTL_OK;
    ctl_put(passage->call->out, passage->output);
    fprintf(passage->call->out, ": opened, %llu bytes\n", (unsigned long long)facts->plain_bytes);
    return CTL_OK;
}

static int unprotect_by(struct passage *passage, const struct identities *identities)
{
    struct err err = {0};
    struct stream_facts facts;
    const struct stream_options how = {.hashed = passage->json};
    bool ok = (passage->to_stdout ? newfile_nameless(&passage->file, &err)
                                  : newfile_open(&passage->file, passage->output, &err)) &&
              open_file(passage->in, identities, &passage->limits, &how, passage->file.fd, &facts,
                        &err) &&
              deliver(passage, &facts, &err);
    return ok ? answer_opened(passage, &facts) : refuse(passage, &err);
}

int ctl_unprotect(struct ctl_call *call)
{
    struct passage passage = {
        .call = call, .limits = limits_default(), .in = -1, .file = {.fd = -1}};
    struct ctl_list keys = {0};
    const struct ctl_option options[] = {
        {"identity", CTL_LIST, &keys, "KEY",
         "a file with a secret key, locked or not; without it a passphrase is asked for"},
        {"passphrase-file", CTL_TEXT, &passage.passphrase_file, "FILE",
         "the passphrase of KEY, or of FILE, in the first line of FILE"},
        {"output", CTL_TEXT, &passage.output, "OUT",
         "write there (default: FILE without .age; - = stdout)"},
        {"json", CTL_FLAG, &passage.json, NULL, "the result as JSON"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, 1, 1))
        return call->exit;
    struct err err = {0};
    passage.path = call->argv[0];
    if (!choose_output(&passage, false, &err))
        return refuse(&passage, &err);
    int code;
    struct identities *identities = identities_new(&err);
    if (!identities || !open_input(&passage, &err))
        code = refuse(&passage, &err);
    else if (!keys.count && wants_key(&passage))
        code = ctl_fail(call, CTL_USAGE, "%s is sealed to a key: unprotect needs --identity KEY",
                        passage.path);
    else if (!add_identities(&passage, &keys, identities, &err))
        code = refuse(&passage, &err);
    else
        code = unprotect_by(&passage, identities);
    identities_free(identities);
    passage_fini(&passage);
    return code;
}
