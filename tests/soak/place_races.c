/*
 * place_races: a person saves a file while labeld puts a changed copy in its place, again and
 * again, in place and by rename; the person's content must always be what stands there at the
 * end. Arguments: races, seed. Prints what happened; exit 1 when an edit was lost.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/own.h"
#include "base/place.h"

enum { pairs = 4, content_bytes = 64 };
static const int64_t settle_us = 5000;

enum how { TRUNCATE, RENAME, OVERWRITE, MAPPED, APPEND, HOW_COUNT };
static const char *const how_words[HOW_COUNT] = {"truncate", "rename", "overwrite", "mmap",
                                                 "append"};

struct pair {
    int folder;
    unsigned id, races, seed;
    pthread_barrier_t both;
    enum how how;
    unsigned race;
    char name[32], content[content_bytes + 1];
    unsigned writer_seed;
    int64_t writer_delay_us;
    unsigned placed, conflicts, busy, lost, kept;
};

static void pause_us(int64_t us)
{
    struct timespec ts = {.tv_nsec = us * 1000};
    nanosleep(&ts, NULL);
}

static void write_all(int fd, const char *text)
{
    if (!io_write(fd, text, strlen(text)))
        perror("write");
}

static void edit(struct pair *pair)
{
    char temporary[48];
    int fd;
    switch (pair->how) {
    case TRUNCATE:
        fd = openat(pair->folder, pair->name, O_WRONLY | O_TRUNC);
        write_all(fd, pair->content);
        close(fd);
        return;
    case OVERWRITE:
        fd = openat(pair->folder, pair->name, O_WRONLY);
        if (pwrite(fd, pair->content, content_bytes, 0) != content_bytes)
            perror("pwrite");
        close(fd);
        return;
    case APPEND:
        fd = openat(pair->folder, pair->name, O_WRONLY | O_APPEND);
        write_all(fd, pair->content);
        close(fd);
        return;
    case MAPPED: {
        fd = openat(pair->folder, pair->name, O_RDWR);
        char *map = mmap(NULL, content_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map != MAP_FAILED) {
            memcpy(map, pair->content, content_bytes);
            munmap(map, content_bytes);
        }
        close(fd);
        return;
    }
    case RENAME:
        snprintf(temporary, sizeof temporary, "save-%u.part", pair->id);
        fd = openat(pair->folder, temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        write_all(fd, pair->content);
        close(fd);
        renameat(pair->folder, temporary, pair->folder, pair->name);
        return;
    case HOW_COUNT: return;
    }
}

static void *person(void *argument)
{
    struct pair *pair = argument;
    for (unsigned i = 0; i < pair->races; i++) {
        pthread_barrier_wait(&pair->both);
        pause_us(pair->writer_delay_us);
        edit(pair);
        pthread_barrier_wait(&pair->both);
    }
    return NULL;
}

/* Our side of one race: examine, copy, mark, place, settle. */
static void replace(struct pair *pair)
{
    struct err err = {0};
    struct place_version version, made;
    own_fd int file = openat(pair->folder, pair->name, O_RDONLY | O_CLOEXEC);
    if (file < 0 || !place_version_of(file, &version, &err))
        return;
    struct place *place = place_open(pair->folder, pair->name, file, &version, &err);
    if (!place)
        return;
    bool ok = io_copy(file, 0, version.size, place_output(place), &err) &&
              io_write(place_output(place), "LABEL", 5) && place_ready(place, &made, &err) &&
              place_exchange(place, &err);
    if (ok) {
        ok = place_settle(place, settle_us, &err);
        while (!ok && err.kind == ERR_BUSY)
            ok = place_settle(place, settle_us, &err);
        pair->placed += ok;
    }
    pair->conflicts += err.kind == ERR_CONFLICT;
    pair->kept += err.kind == ERR_CONFLICT && strstr(err.text, "twice") != NULL;
    pair->busy += err.kind == ERR_BUSY;
    if (!ok && err.kind != ERR_CONFLICT && err.kind != ERR_BUSY)
        fprintf(stderr, "race %u: %s\n", pair->race, err.text);
    place_close(place);
}

/* The person's bytes stand where the person put them, whoever came first. */
static bool edit_stands(const struct pair *pair)
{
    char there[4096] = {0};
    own_fd int fd = openat(pair->folder, pair->name, O_RDONLY);
    ssize_t length = fd < 0 ? -1 : io_read(fd, there, sizeof there - 1);
    if (length < content_bytes)
        return false;
    if (pair->how == APPEND)
        return memmem(there, (size_t)length, pair->content, content_bytes) != NULL;
    return memcmp(there, pair->content, content_bytes) == 0;
}

static void set_up(struct pair *pair, unsigned race)
{
    pair->race = race;
    pair->how = (enum how)((unsigned)rand_r(&pair->seed) % HOW_COUNT);
    pair->writer_delay_us = rand_r(&pair->seed) % 400;
    snprintf(pair->name, sizeof pair->name, "file-%u", pair->id);
    snprintf(pair->content, sizeof pair->content, "%0*u", content_bytes, race + 1);
    own_fd int fd = openat(pair->folder, pair->name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    for (int i = 0; i < content_bytes; i++)
        write_all(fd, "-");
}

static void *daemon_side(void *argument)
{
    struct pair *pair = argument;
    for (unsigned i = 0; i < pair->races; i++) {
        set_up(pair, i);
        pthread_barrier_wait(&pair->both);
        pause_us(rand_r(&pair->seed) % 100);
        replace(pair);
        pthread_barrier_wait(&pair->both);
        if (!edit_stands(pair)) {
            pair->lost++;
            fprintf(stderr, "race %u of pair %u: an edit by %s was lost\n", i, pair->id,
                    how_words[pair->how]);
        }
        unlinkat(pair->folder, pair->name, 0);
    }
    return NULL;
}

/* Private files that nobody removed would be a leak of the protocol. */
static unsigned count_private(int folder)
{
    unsigned count = 0;
    DIR *dir = fdopendir(dup(folder));
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        count += place_is_private(entry->d_name);
    if (dir)
        closedir(dir);
    return count;
}

static void remove_all(const char *path, int folder)
{
    lseek(folder, 0, SEEK_SET);
    DIR *dir = fdopendir(dup(folder));
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' || place_is_private(entry->d_name))
            unlinkat(folder, entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(path);
}

static void start(struct pair *pair, int folder, unsigned id, unsigned races, unsigned seed,
                  pthread_t threads[static 2])
{
    *pair = (struct pair){.folder = folder, .id = id, .races = races, .seed = seed * 7919 + id};
    pthread_barrier_init(&pair->both, NULL, 2);
    pthread_create(&threads[0], NULL, daemon_side, pair);
    pthread_create(&threads[1], NULL, person, pair);
}

int main(int argc, char **argv)
{
    unsigned races = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 400;
    unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    char path[] = "/tmp/labeld-races-XXXXXX";
    static struct pair all[pairs];
    pthread_t threads[pairs][2];
    signal(SIGIO, SIG_IGN);
    int folder = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY) : -1;
    if (folder < 0) {
        perror(path);
        return 1;
    }
    for (unsigned i = 0; i < pairs; i++)
        start(&all[i], folder, i, races / pairs, seed, threads[i]);
    unsigned placed = 0, conflicts = 0, busy = 0, lost = 0, kept = 0;
    for (unsigned i = 0; i < pairs; i++) {
        pthread_join(threads[i][0], NULL);
        pthread_join(threads[i][1], NULL);
        placed += all[i].placed;
        conflicts += all[i].conflicts;
        busy += all[i].busy;
        lost += all[i].lost;
        kept += all[i].kept;
    }
    unsigned strays = count_private(folder);
    remove_all(path, folder);
    printf("%u races: %u placed, %u conflicts (%u kept both), %u busy, %u edits lost, "
           "%u private files left\n",
           races / pairs * pairs, placed, conflicts, kept, busy, lost, strays);
    return lost || strays ? 1 : 0;
}
