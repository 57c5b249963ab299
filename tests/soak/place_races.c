/*
 * place_races: a person saves a file while labeld puts a changed copy in its place, again and
 * again, in place and by rename; the person's content must always be what stands there at the
 * end. Arguments: races, seed. Prints what happened; exit 1 when an edit was lost.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "base/place.h"
#include "races.h"

static const int64_t settle_us = 5000;

enum { PLACED, CONFLICTS, KEPT, BUSY };

/* Examine, copy, mark, place, settle. */
static void replace(struct race *race)
{
    struct err err = {0};
    struct place_version version, made;
    own_fd int file = openat(race->folder, race->name, O_RDONLY | O_CLOEXEC);
    if (file < 0 || !place_version_of(file, &version, &err))
        return;
    struct place *place = place_open(race->folder, race->name, file, &version, &err);
    bool ok = place && io_copy(file, 0, version.size, place_output(place), &err) &&
              io_write(place_output(place), "LABEL", 5) && place_ready(place, &made, &err) &&
              place_exchange(place, &err);
    if (ok) {
        ok = place_settle(place, settle_us, &err);
        while (!ok && err.kind == ERR_BUSY)
            ok = place_settle(place, settle_us, &err);
    }
    race->counts[PLACED] += ok;
    if (!ok)
        race_count_error(race, &err, CONFLICTS, KEPT, BUSY);
    place_close(place);
}

/* The person's bytes stand where the person put them, whoever came first. */
static bool edit_stands(const struct race *race, const char **why)
{
    char there[RACE_READ_BYTES];
    *why = "an edit";
    return race->saved && race_read(race, race->name, there) && race_has_save(race, there);
}

int main(int argc, char **argv)
{
    const struct races_side side = {
        .words = {"placed", "conflicts", "kept both", "busy"},
        .act = replace,
        .holds = edit_stands,
    };
    return races_run(argc, argv, &side);
}
