/*
 * priority: real time for the few threads that answer webhooks, so that parsing on every core does
 * not make them wait. Needs CAP_SYS_NICE or RLIMIT_RTPRIO (systemd: LimitRTPRIO=1).
 */
#ifndef LABELD_BASE_PRIORITY_H
#define LABELD_BASE_PRIORITY_H
#include <stdbool.h>

/* Put the calling thread, and those it makes from now on, under SCHED_RR with priority 1
 * (sched(7)). False: refused, it stays as it is. */
bool priority_raise(void);

/* Back to the normal class. */
void priority_lower(void);

#endif
