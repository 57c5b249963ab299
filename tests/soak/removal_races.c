/*
 * removal_races: a person saves a file while labeld copies it under the lease (the copy stands for
 * the sealed one) and takes it away, again and again. An edit that succeeded is in place
 * afterwards, or kept beside, or in the copy of a file that was taken away; and a file that is
 * gone is in the copy. Arguments: races, seed. Prints what happened; exit 1 when one was lost.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "base/removal.h"
#include "races.h"

enum { copying_most_us = 300, settle_most_us = 5000 };

enum { TAKEN, CONFLICTS, KEPT, UNDONE, BUSY };

/* What labeld has of the file that was taken away last, a pair each; "" = nothing. */
static _Thread_local char copy[RACE_READ_BYTES];

static bool same_as_copy(void *context, int file, struct err *err)
{
    char now[RACE_READ_BYTES] = {0};
    (void)context;
    return io_read_at(file, now, sizeof now - 1, 0) >= 0 ? strcmp(now, copy) == 0
                                                         : err_errno(err, "reading");
}

static bool read_copy(int file, struct err *err)
{
    ssize_t length = io_read_at(file, copy, sizeof copy - 1, 0);
    copy[length < 0 ? 0 : length] = 0;
    return length >= 0 || err_errno(err, "reading");
}

static void settle(struct race *race, const char *private_name, const struct place_version *version)
{
    bool settled;
    struct err err;
    enum removal_end end = REMOVAL_NOT_MADE;
    const struct removal_check check = {same_as_copy, NULL};
    do {
        err = (struct err){0};
        race_pause(race, settle_most_us);
        settled =
            removal_settle(race->folder, race->name, private_name, version, &check, &end, &err);
    } while (!settled && err.kind == ERR_BUSY);
    if (settled && end == REMOVAL_DONE) {
        race->counts[TAKEN]++;
        return;
    }
    copy[0] = 0; /* as the sealed one is dropped */
    race->counts[UNDONE]++;
    race_count_error(race, &err, CONFLICTS, KEPT, BUSY);
}

static void take_away(struct race *race)
{
    struct err err = {0};
    struct place_version version;
    char private_name[64];
    copy[0] = 0;
    own_fd int file = openat(race->folder, race->name, O_RDONLY | O_CLOEXEC);
    if (file < 0 || !place_version_of(file, &version, &err))
        return;
    struct removal *removal = removal_open(race->folder, race->name, file, &version, &err);
    bool taken = removal && read_copy(file, &err);
    if (taken) {
        snprintf(private_name, sizeof private_name, "%s", removal_private_name(removal));
        race_pause(race, copying_most_us);
        taken = removal_take(removal, &err);
    }
    removal_close(removal);
    if (taken) {
        settle(race, private_name, &version);
    } else {
        copy[0] = 0;
        race_count_error(race, &err, CONFLICTS, KEPT, BUSY);
    }
}

/* As it was, or with a whole save in it. */
static bool is_whole(const struct race *race, const char *bytes)
{
    char before[RACE_BYTES];
    memset(before, '-', sizeof before);
    if (race->how == SAVED_TWICE && bytes[0] == '+' &&
        strncmp(bytes + 1, race->content + 1, RACE_BYTES - 1) == 0)
        return true;
    return race_has_save(race, bytes) ||
           (strlen(bytes) == RACE_BYTES && memcmp(bytes, before, RACE_BYTES) == 0);
}

/* Beside the file, under a name that people see. */
static bool is_kept(const struct race *race)
{
    bool kept = false;
    char bytes[RACE_READ_BYTES], start[64];
    int length = snprintf(start, sizeof start, "%s.labeld-kept-", race->name);
    DIR *dir = fdopendir(openat(race->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        kept = kept || (strncmp(entry->d_name, start, (size_t)length) == 0 &&
                        race_read(race, entry->d_name, bytes) && race_has_save(race, bytes));
    if (dir)
        closedir(dir);
    return kept;
}

static bool nothing_lost(const struct race *race, const char **why)
{
    char there[RACE_READ_BYTES];
    bool stands = race_read(race, race->name, there);
    *why = "an edit";
    if (race->saved && !(stands && race_has_save(race, there)) && !race_has_save(race, copy) &&
        !is_kept(race))
        return false;
    *why = "the file";
    return stands ? is_whole(race, there) : is_whole(race, copy);
}

int main(int argc, char **argv)
{
    const struct races_side side = {
        .words = {"taken away", "conflicts", "kept both", "undone", "busy"},
        .act = take_away,
        .holds = nothing_lost,
    };
    return races_run(argc, argv, &side);
}
