/*
 * task_run: carry out a person's task (store/task.h). The job's key is the task's number. A task
 * that fails says why and is not tried again: the person is there to ask again.
 */
#ifndef LABELD_JOBS_TASK_RUN_H
#define LABELD_JOBS_TASK_RUN_H
#include "jobs/visit.h"
#include "store/task.h"

/* Run the claimed job to its end and record what became of it; never loses the job. */
void task_run(const struct visit_world *world, const struct queue_job *job);

/* Remove the tasks whose hour is over, with what they made. */
void task_sweep(struct store *store, const struct custodian *custodian);

/* task_open.c: seal an entry's copy anew, to the recipient in the input. */
bool task_open(const struct visit_world *world, struct task *task, struct arena *arena,
               struct err *err);

/* task_simulate.c: decide the catalogue with the rules in the input, or with those in force. */
bool task_simulate(const struct visit_world *world, struct task *task, struct arena *arena,
                   struct err *err);

#endif
