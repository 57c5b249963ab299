#include "base/priority.h"

#include <pthread.h>
#include <sched.h>

bool priority_raise(void)
{
    const struct sched_param lowest = {.sched_priority = 1};
    return pthread_setschedparam(pthread_self(), SCHED_RR, &lowest) == 0;
}

void priority_lower(void)
{
    const struct sched_param none = {.sched_priority = 0};
    pthread_setschedparam(pthread_self(), SCHED_OTHER, &none);
}
