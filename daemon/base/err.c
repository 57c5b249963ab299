#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    enum err_retry retry;
} kinds[ERR_KIND_COUNT] = {
    [ERR_NONE] = {"none", ERR_RETRY_DONE},
#define ERR_KIND(name, word, retry) [ERR_##name] = {word, ERR_RETRY_##retry},
#include "base/kinds.def"
#undef ERR_KIND
};

static const struct {
    int number;
    enum err_kind kind;
} errnos[] = {
    {ENOMEM, ERR_MEMORY},       {ENOENT, ERR_GONE},        {ENOTDIR, ERR_GONE},
    {EEXIST, ERR_TAKEN},        {EACCES, ERR_REFUSED},     {EPERM, ERR_REFUSED},
    {EROFS, ERR_REFUSED},       {ELOOP, ERR_REFUSED},      {EXDEV, ERR_REFUSED},
    {EAGAIN, ERR_BUSY},         {EBUSY, ERR_BUSY},         {ETXTBSY, ERR_BUSY},
    {EMFILE, ERR_BUSY},         {ENFILE, ERR_BUSY},        {EFBIG, ERR_LIMIT},
    {ENOTSUP, ERR_UNSUPPORTED}, {ENOSYS, ERR_UNSUPPORTED}, {ETIMEDOUT, ERR_TIMEOUT},
};

static enum err_kind kind_of_errno(int number)
{
    for (size_t i = 0; i < sizeof errnos / sizeof *errnos; i++)
        if (errnos[i].number == number)
            return errnos[i].kind;
    return ERR_IO;
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    err->kind = kind;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

bool err_errno(struct err *err, const char *format, ...)
{
    int number = errno;
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    err->kind = kind_of_errno(number);
    int used = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof err->text) {
        char why[128];
        snprintf(err->text + used, sizeof err->text - (size_t)used, ": %s",
                 strerror_r(number, why, sizeof why));
    }
    return false;
}

bool err_add(struct err *err, const char *format, ...)
{
    if (!err)
        return false;
    char context[sizeof err->text];
    va_list args;
    va_start(args, format);
    int used = vsnprintf(context, sizeof context, format, args);
    va_end(args);
    if (used < 0)
        return false;
    if ((size_t)used < sizeof context)
        snprintf(context + used, sizeof context - (size_t)used, ": %s", err->text);
    memcpy(err->text, context, sizeof context);
    return false;
}

void err_clear(struct err *err)
{
    if (err) {
        err->kind = ERR_NONE;
        err->text[0] = '\0';
    }
}

const char *err_kind_word(enum err_kind kind)
{
    return (unsigned)kind < ERR_KIND_COUNT ? kinds[kind].word : "unknown";
}

enum err_retry err_kind_retry(enum err_kind kind)
{
    return (unsigned)kind < ERR_KIND_COUNT ? kinds[kind].retry : ERR_RETRY_NEVER;
}
