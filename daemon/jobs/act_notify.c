#include "jobs/act.h"
#include "jobs/tell.h"

bool act_notify(struct visit *visit, const struct plan_step *step, struct visit_step *done,
                struct err *err)
{
    const char *with = NULL;
    for (size_t i = 0; i < step->name_count; i++) {
        if (!tell_is_mail(step->names[i]))
            continue;
        with = with ? arena_printf(visit->arena, "%s, %s", with, step->names[i]) : step->names[i];
        if (!with)
            return err_set(err, ERR_MEMORY, "out of memory");
    }
    if (!with)
        return true;
    struct plan_step *mail = arena_alloc(visit->arena, 1, sizeof *mail);
    done->message = arena_printf(visit->arena, "%s: not told, this version sends no mail", with);
    if (!mail || !done->message)
        return err_set(err, ERR_MEMORY, "out of memory");
    *mail = *step;
    mail->with = with;
    done->step = mail;
    done->word = "not-yet";
    done->code = "no-mail";
    return true;
}
