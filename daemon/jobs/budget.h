/*
 * budget: one bound on the bytes that all visits hold fetched at once (`spool.total_max`). A fetch
 * waits for room; webhooks and listings never do.
 * May be used from any thread.
 */
#ifndef LABELD_JOBS_BUDGET_H
#define LABELD_JOBS_BUDGET_H
#include <stdbool.h>
#include <stdint.h>

struct budget;

/* `most` bytes; 0 = no bound. NULL when memory is out. */
struct budget *budget_open(uint64_t most);
void budget_close(struct budget *budget);

/* Wait until `bytes` more fit, and take them. What is larger than the whole waits until it is
 * alone. False: the budget was stopped, nothing was taken. A NULL budget has no bound. */
bool budget_take(struct budget *budget, uint64_t bytes);
void budget_give(struct budget *budget, uint64_t bytes);

/* Let nobody wait any more: the daemon stops. */
void budget_stop(struct budget *budget);

#endif
