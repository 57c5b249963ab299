/* key new, key show: a reviewer's secret key, in a file that a passphrase locks. */
#include "ctl/ctl.h"

#include <string.h>

#include "ctl/answer.h"
#include "ctl/newfile.h"
#include "ctl/passphrase.h"
#include "protect/keyfile.h"
#include "protect/secret.h"

/* What both commands are asked. */
struct key {
    struct ctl_call *call;
    const char *path, *passphrase_file;
    bool json;
};

static int refuse(const struct key *key, const struct err *err)
{
    if (err->kind == ERR_USAGE || err->kind == ERR_CONFIG)
        return ctl_fail(key->call, CTL_USAGE, "%s: %s", key->path, err->text);
    return answer_refusal(key->call, key->call->out, key->path, key->json, err_kind_word(err->kind),
                          err->text);
}

static int answer_keys(const struct key *key, const struct identities *identities)
{
    int code = CTL_OK;
    for (size_t i = 0; i < identities_count(identities) && code == CTL_OK; i++) {
        char recipient[RECIPIENTS_TEXT_BYTES];
        identities_recipient(identities, i, recipient);
        if (key->json)
            code = answer_json(
                key->call, key->call->out,
                json_pack("{s:o, s:s}", "path", json_text(key->path), "recipient", recipient));
        else
            fprintf(key->call->out, "%s\n", recipient);
    }
    return code;
}

static bool parse(struct key *key)
{
    const struct ctl_option options[] = {
        {"passphrase-file", CTL_TEXT, &key->passphrase_file, "FILE",
         "the passphrase in the first line of FILE, instead of asking for it"},
        {"json", CTL_FLAG, &key->json, NULL, "{\"path\", \"recipient\"}"},
    };
    if (!ctl_parse(key->call, options, sizeof options / sizeof *options, 1, 1))
        return false;
    key->path = key->call->argv[0];
    return true;
}

static bool make_key(const struct key *key, struct identities *identities, struct err *err)
{
    own_newfile struct newfile file = {.fd = -1};
    if (!newfile_open(&file, key->path, err))
        return false;
    own_secret char *passphrase = passphrase_get(key->passphrase_file, key->path, true, err);
    return passphrase && identities_generate(identities, err) &&
           keyfile_write(identities, passphrase, RECIPIENTS_WORK_FACTOR, file.fd, err) &&
           newfile_keep(&file, 0600, err);
}

int ctl_key_new(struct ctl_call *call)
{
    struct key key = {.call = call};
    struct err err = {0};
    if (!parse(&key))
        return call->exit;
    struct identities *identities = identities_new(&err);
    int code = identities && make_key(&key, identities, &err) ? answer_keys(&key, identities)
                                                              : refuse(&key, &err);
    identities_free(identities);
    return code;
}

static bool ask(void *context, const char *path, char *passphrase, size_t room, struct err *err)
{
    const struct key *key = context;
    own_secret char *text = passphrase_get(key->passphrase_file, path, false, err);
    if (!text)
        return false;
    snprintf(passphrase, room, "%s", text);
    return true;
}

int ctl_key_show(struct ctl_call *call)
{
    struct key key = {.call = call};
    const struct limits limits = limits_default();
    struct err err = {0};
    if (!parse(&key))
        return call->exit;
    struct identities *identities = identities_new(&err);
    bool ok = identities &&
              keyfile_read(identities, key.path, &(struct keyfile_ask){.ask = ask, .context = &key},
                           &limits, &err);
    int code = ok ? answer_keys(&key, identities) : refuse(&key, &err);
    identities_free(identities);
    return code;
}
