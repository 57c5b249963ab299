#include "races.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "base/place.h"

enum { pairs = 4, start_most_us = 100, fast_us = 400, slow_us = 9000, slow_one_in = 4 };

static const char *const how_words[RACE_HOW_COUNT] = {"truncate", "rename", "overwrite",
                                                      "mmap",     "append", "two saves"};

struct pair {
    struct race race;
    const struct races_side *side;
    pthread_barrier_t both;
    unsigned id, races, lost;
    unsigned seed;                /* of the person's times */
    int64_t delay_us, holding_us; /* before the save, and between opening and writing */
};

static void sleep_us(int64_t us)
{
    const struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&ts, NULL);
}

void race_pause(struct race *race, unsigned most_us)
{
    sleep_us((unsigned)rand_r(&race->seed) % (most_us + 1));
}

/* The person ---------------------------------------------------------------------------------- */

static bool write_to(const struct pair *pair, int fd)
{
    sleep_us(pair->holding_us);
    return io_write(fd, pair->race.content, RACE_BYTES);
}

/* The mapping outlives its descriptor, as in programs that edit this way. */
static bool write_mapped(const struct pair *pair, int fd)
{
    char *map = mmap(NULL, RACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return false;
    sleep_us(pair->holding_us);
    memcpy(map, pair->race.content, RACE_BYTES);
    return munmap(map, RACE_BYTES) == 0;
}

/* False: there was nothing of this name to save to. */
static bool save_in_place(const struct pair *pair, enum race_how how)
{
    static const int flags[RACE_HOW_COUNT] = {[TRUNCATE] = O_WRONLY | O_TRUNC,
                                              [OVERWRITE] = O_WRONLY,
                                              [MAPPED] = O_RDWR,
                                              [APPEND] = O_WRONLY | O_APPEND};
    int fd = openat(pair->race.folder, pair->race.name, flags[how] | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (how == MAPPED)
        return write_mapped(pair, fd);
    bool written = write_to(pair, fd);
    return close(fd) == 0 && written;
}

static bool save_by_rename(const struct pair *pair)
{
    char temporary[48];
    snprintf(temporary, sizeof temporary, "save-%u.part", pair->id);
    int fd = openat(pair->race.folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    bool written = write_to(pair, fd);
    return close(fd) == 0 && written &&
           renameat(pair->race.folder, temporary, pair->race.folder, pair->race.name) == 0;
}

static bool save(struct pair *pair)
{
    char *content = pair->race.content;
    if (pair->race.how == RENAME)
        return save_by_rename(pair);
    if (pair->race.how != SAVED_TWICE)
        return save_in_place(pair, pair->race.how);
    char last = content[0];
    content[0] = '+';
    save_in_place(pair, OVERWRITE);
    content[0] = last;
    return save_by_rename(pair);
}

static void *person(void *argument)
{
    struct pair *pair = argument;
    for (unsigned i = 0; i < pair->races; i++) {
        pthread_barrier_wait(&pair->both);
        sleep_us(pair->delay_us);
        pair->race.saved = save(pair);
        pthread_barrier_wait(&pair->both);
    }
    return NULL;
}

/* Our side ------------------------------------------------------------------------------------ */

bool race_read(const struct race *race, const char *name, char bytes[static RACE_READ_BYTES])
{
    own_fd int fd = openat(race->folder, name, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : io_read(fd, bytes, RACE_READ_BYTES - 1);
    bytes[length < 0 ? 0 : length] = 0;
    return length >= 0;
}

bool race_has_save(const struct race *race, const char *bytes)
{
    return race->how == APPEND ? strstr(bytes, race->content) != NULL
                               : strncmp(bytes, race->content, RACE_BYTES) == 0;
}

void race_count_error(struct race *race, const struct err *err, unsigned conflicts, unsigned kept,
                      unsigned busy)
{
    race->counts[conflicts] += err->kind == ERR_CONFLICT;
    race->counts[kept] += err->kind == ERR_CONFLICT && strstr(err->text, "twice") != NULL;
    race->counts[busy] += err->kind == ERR_BUSY;
    if (err->kind != ERR_NONE && err->kind != ERR_CONFLICT && err->kind != ERR_BUSY)
        fprintf(stderr, "race %u of %s: %s\n", race->number, race->name, err->text);
}

static int64_t some_us(unsigned *seed)
{
    bool slow = rand_r(seed) % slow_one_in == 0;
    return rand_r(seed) % (slow ? slow_us : fast_us);
}

static void set_up(struct pair *pair, unsigned number)
{
    struct race *race = &pair->race;
    race->number = number;
    race->how = (enum race_how)((unsigned)rand_r(&pair->seed) % RACE_HOW_COUNT);
    race->saved = false;
    pair->delay_us = some_us(&pair->seed);
    pair->holding_us = rand_r(&pair->seed) % 2 ? some_us(&pair->seed) : 0;
    snprintf(race->name, sizeof race->name, "file-%u", pair->id);
    snprintf(race->content, sizeof race->content, "%0*u", RACE_BYTES, number + 1);
    char before[RACE_BYTES];
    memset(before, '-', sizeof before);
    own_fd int fd = openat(race->folder, race->name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (!io_write(fd, before, sizeof before))
        perror(race->name);
}

/* What the race has left goes, so that the next one begins alone; private names stay, as a leak
 * of the protocol that is told at the end. */
static void clear(const struct pair *pair)
{
    const struct race *race = &pair->race;
    size_t length = strlen(race->name);
    DIR *dir = fdopendir(openat(race->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strncmp(entry->d_name, race->name, length) == 0)
            unlinkat(race->folder, entry->d_name, 0);
    if (dir)
        closedir(dir);
}

static void *daemon_side(void *argument)
{
    struct pair *pair = argument;
    for (unsigned i = 0; i < pair->races; i++) {
        const char *why = "an edit";
        set_up(pair, i);
        pthread_barrier_wait(&pair->both);
        race_pause(&pair->race, start_most_us);
        pair->side->act(&pair->race);
        pthread_barrier_wait(&pair->both);
        if (!pair->side->holds(&pair->race, &why)) {
            pair->lost++;
            fprintf(stderr, "race %u of %s, %s: %s was lost\n", i, pair->race.name,
                    how_words[pair->race.how], why);
        }
        clear(pair);
    }
    return NULL;
}

/* All ----------------------------------------------------------------------------------------- */

/* Private files that nobody removed would be a leak of the protocol. */
static unsigned remove_all(const char *path, int folder)
{
    unsigned strays = 0;
    DIR *dir = fdopendir(dup(folder));
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        strays += place_is_private(entry->d_name);
        unlinkat(folder, entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
    return strays;
}

static void start(struct pair *pair, const struct races_side *side, int folder, unsigned id,
                  unsigned races, unsigned seed, pthread_t threads[static 2])
{
    *pair = (struct pair){.race = {.folder = folder, .seed = seed * 104729 + id},
                          .side = side,
                          .id = id,
                          .races = races,
                          .seed = seed * 7919 + id};
    pthread_barrier_init(&pair->both, NULL, 2);
    pthread_create(&threads[0], NULL, daemon_side, pair);
    pthread_create(&threads[1], NULL, person, pair);
}

static int tell(const struct pair all[static pairs], unsigned strays)
{
    unsigned races = 0, lost = 0;
    const struct races_side *side = all[0].side;
    for (unsigned i = 0; i < pairs; i++) {
        races += all[i].races;
        lost += all[i].lost;
    }
    printf("%u races:", races);
    for (unsigned k = 0; k < RACE_COUNTERS && side->words[k]; k++) {
        unsigned count = 0;
        for (unsigned i = 0; i < pairs; i++)
            count += all[i].race.counts[k];
        printf(" %u %s,", count, side->words[k]);
    }
    printf(" %u lost, %u private files left\n", lost, strays);
    return lost || strays ? 1 : 0;
}

int races_run(int argc, char **argv, const struct races_side *side)
{
    unsigned races = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 400;
    unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    char path[] = "/tmp/labeld-races-XXXXXX";
    static struct pair all[pairs];
    pthread_t threads[pairs][2];
    signal(SIGIO, SIG_IGN);
    own_fd int folder = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY) : -1;
    if (folder < 0) {
        perror(path);
        return 1;
    }
    for (unsigned i = 0; i < pairs; i++)
        start(&all[i], side, folder, i, races / pairs, seed, threads[i]);
    for (unsigned i = 0; i < pairs; i++) {
        pthread_join(threads[i][0], NULL);
        pthread_join(threads[i][1], NULL);
    }
    return tell(all, remove_all(path, folder));
}
