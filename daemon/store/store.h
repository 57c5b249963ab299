/*
 * store: the daemon's database: one writer thread with group commit, and reader connections.
 * What is written together is one unit of work: a function that runs on the writer thread inside
 * a savepoint of the transaction that is under way. Either all of a unit is kept or nothing.
 * The questions themselves are in item.h, queue.h, audit.h, catalogue.h, progress.h, intent.h.
 * Owns: the database file STATE/labeld.db, the writer thread, the connections.
 */
#ifndef LABELD_STORE_STORE_H
#define LABELD_STORE_STORE_H
#include "store/db.h"

struct news;
struct news_list;
struct store;

/* How long the caller of a unit waits. */
enum store_wait {
    STORE_COMMITTED, /* until it is durable */
    STORE_RAN,       /* until it has run: durable within 100 ms, or with the next commit */
};

/* A unit. Runs on the writer thread; false rolls this unit back alone. */
struct store_unit {
    bool (*run)(struct db *db, void *context, struct err *err);
    void *context; /* borrowed until store_write returns */
};

/* Open, migrating forward after a copy (labeld.db.version-N, of the version that it was).
 * ERR_UNSUPPORTED: the file is of a later version. */
struct store *store_open(const char *folder, struct err *err);

/* The schema version of a database, and the one that this labeld knows. */
bool store_versions(struct db *db, int64_t *present, int64_t *latest, struct err *err);

/* Commit what is under way, stop the writer. All readers must have been given back. */
void store_close(struct store *store);

/* Run a unit. False: nothing of it was kept, err says why. */
bool store_write(struct store *store, enum store_wait wait, struct store_unit unit,
                 struct err *err);

/* A unit that no thread waits for. `done` gets the unit's context on the writer thread, once the
 * unit is committed or nothing of it was kept (err says why); it must not wait for the writer. */
struct store_call {
    struct store_unit unit;
    size_t rows; /* how many it writes: of units over 50, at most 1,000 rows are in one commit */
    void (*done)(void *context, bool ok, const struct err *err);
};

/* False: it will not run, `done` is not called. */
bool store_submit(struct store *store, const struct store_call *call, struct err *err);

/* A connection that sees what is committed; give it back soon. NULL with err. */
struct db *store_reader(struct store *store, struct err *err);
void store_reader_done(struct store *store, struct db *reader);

/* Called on the writer thread after a unit that may have made work for the workers. */
void store_on_jobs(struct store *store, void (*ring)(void *context), void *context);

/* Called on the writer thread when a commit failed that units told as run (STORE_RAN) were part
 * of: what they wrote is lost. Must not write itself. */
void store_on_lost(struct store *store, void (*lost)(void *context), void *context);

/* Called on the writer thread with what a transaction changed, once it is durable, before anybody
 * who waits for it goes on. `lost`: there was more than the list holds. Must not wait, nor call the
 * store. NULL ends it: afterwards nobody is in there. */
void store_on_news(struct store *store,
                   void (*told)(void *context, const struct news *news, size_t count, bool lost),
                   void *context);

/* The list of the transaction under way, for news.c; NULL: not a store's connection. */
struct news_list *store_news(struct db *db);

/* Say, inside a unit, that it made work. */
void store_jobs_added(struct db *db);

struct store_numbers {
    uint64_t units, commits, failed;
    uint32_t schema_version;
    bool realtime; /* the writer thread has real-time priority */
};
void store_numbers(struct store *store, struct store_numbers *numbers);

/* Tests: let the next commit fail. */
void store_fail_commit(struct store *store);

/* Tests: let the nth statement on the writer's connection fail from now on; 0 = off. */
void store_fail_nth(struct store *store, uint64_t nth);

#endif
