/*
 * visit: one passage of one version of a file through the five stages: fetch, examine, decide,
 * act, record. Lives in one arena, on one worker; each part is written by exactly one stage and
 * only read by the later ones.
 */
#ifndef LABELD_JOBS_VISIT_H
#define LABELD_JOBS_VISIT_H
#include <stdatomic.h>

#include "base/metrics.h"
#include "base/report.h"
#include "connect/connector.h"
#include "jobs/budget.h"
#include "jobs/rules.h"
#include "policy/gate.h"
#include "sandbox/parser.h"
#include "store/entry.h"
#include "store/intent.h"
#include "store/item.h"
#include "store/queue.h"
#include "store/restriction.h"
#include "store/store.h"

/* One connection as the jobs see it. */
struct visit_link {
    const char *name;
    const struct connector *connector;
    struct connection *connection;
    atomic_uint caps; /* enum connect_caps; asked again when everything is to be walked */
    const char *notes;
};

/* Everything a visit works with; constant while the workers run. */
struct visit_world {
    struct store *store;
    struct parser *parser;
    const struct limits *limits;
    const struct gate *gate;                       /* of rules that are simulated; NULL = none */
    struct budget *budget;                         /* of fetched bytes; NULL = no bound */
    const struct custodian *custodian;             /* NULL: nothing is taken away */
    const struct policy *(*policy)(void *context); /* the rules in force; held for the visit */
    void (*policy_done)(void *context, const struct policy *policy);
    void *policy_context;
    struct rules *brakes; /* the same, for what the brake says; NULL = no brake */
    /* Takes over a replacement that is in place: settle and close it later. */
    void (*settle)(void *context, const struct visit_link *link,
                   struct connect_replacing *replacing, const struct intent *intent);
    void *settle_context;
    struct metrics *metrics;     /* NULL = none */
    void (*told)(void *context); /* there are messages in the outbox; NULL = nobody delivers */
    void *told_context;
    const atomic_bool *stop; /* the daemon stops; NULL = never */
};

struct visit_copy { /* fetch */
    struct connect_stat stat;
    struct connect_exposure exposure;
    struct connect_exposure shared; /* what is decided by: see meanwhile.h */
    struct entry open;              /* an earlier visit has begun to take it away; id 0 = none */
    struct restriction last;        /* the newest one; id 0 = none */
    struct connect_copy copy;       /* fd -1 = not fetched */
    struct item before;             /* as the catalogue had it */
    bool known;                     /* `before` is there */
    bool same_bytes;                /* version and types digest are those of the last examination */
    uint64_t budgeted;              /* bytes taken from the budget */
    bool unreadable;                /* the service does not let this daemon read it */
    bool gone;
    bool nothing_new; /* nor the rules, nor who can reach it: an echo, closed at once */
};

struct visit_report { /* examine */
    struct report report;
    const char *json;
    bool fresh; /* read now, not from the store */
};

struct visit_plan { /* decide */
    const struct policy *policy;
    struct facts facts;
    struct plan plan;
    const char *json;
    enum rules_brake *brakes; /* of each rule; allowed: braking.h */
    unsigned char *allowed;
};

/* What became of one step of the plan that changes the file or its sharing. */
struct visit_step {
    const struct plan_step *step;
    const char *word; /* "labelled", "unchanged", "not-labelable", "refused", "waiting", ... */
    const char *code, *message;
    bool changed;  /* the file or its sharing is not what it was */
    bool recorded; /* its audit record is written already, or with another row */
    bool stays;    /* something wider could not be taken away: `else` is due */
};

struct visit_outcome { /* act */
    struct visit_step *steps;
    size_t step_count;
    const char *word; /* of the step that tells most; "none" without one */
    const char *code, *message;
    bool stopped;            /* a step was not carried out, for people have stopped all acting */
    bool more;               /* steps are left: visit again from the stored report */
    const char *new_version; /* NULL = bytes as they were */
    const struct report_label *labels; /* with new_version: those in the file now */
    uint32_t label_count;
    uint64_t new_size;
    const struct policy_label *label;
    const char *rule;         /* that asked for the label; NULL = none */
    struct restriction taken; /* in this visit, or before a kill; planned; id 0 = none */
    const struct connect_exposure *exposure; /* after sharing was changed; NULL = as fetched */
    struct entry ended;                      /* was open, and is not asked for; id 0 = none */
    struct intent intent;                    /* id 0 = none */
    bool settled;                            /* the displaced file is gone already */
    bool unclear; /* whether it was placed: the intent stays, the next visit recovers */
    struct connect_replacing *replacing;
    bool told; /* messages lie in the outbox */
};

struct visit {
    const struct visit_world *world;
    const struct visit_link *link;
    struct arena *arena;
    int64_t now_us, started_us;
    struct queue_job job;
    struct visit_copy copy;
    struct visit_report report;
    struct visit_plan plan;
    struct visit_outcome outcome;
};

/* Run the claimed job to its end and record what became of it; never loses the job. */
void visit_run(const struct visit_world *world, const struct visit_link *link,
               const struct queue_job *job);

/* The stages, in visit_fetch.c, visit_decide.c, visit_act.c and visit_record.c. A file that an
 * action cannot be carried out on for good is an outcome ("refused"), not a failure. */
bool visit_fetch(struct visit *visit, struct err *err);
/* The bytes of the present version, within the budget. Over the fetch limit is ERR_LIMIT. */
bool visit_fetch_bytes(struct visit *visit, struct err *err);
bool visit_examine(struct visit *visit, struct err *err);
bool visit_decide(struct visit *visit, struct err *err);
bool visit_act(struct visit *visit, struct err *err);
bool visit_record(struct visit *visit, struct err *err);
/* Who can reach the file, as a JSON list. */
const char *visit_shared_with(const struct connect_exposure *exposure, struct arena *arena);

/* What became of a failed visit: retry, conflict, giving up. */
void visit_failed(struct visit *visit, const struct err *why);

#endif
