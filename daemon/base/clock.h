/*
 * clock: time and sleep behind one seam, so that tests own the clock.
 * All times are microseconds since 1970-01-01 UTC unless the name says otherwise.
 */
#ifndef LABELD_BASE_CLOCK_H
#define LABELD_BASE_CLOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Wall time now, and a time that never jumps (for measuring and waiting). */
int64_t clock_now_us(void);
int64_t clock_steady_us(void);

void clock_sleep_us(int64_t us);

/* Tests: stand still at `us`; a negative value lets time run again. */
void clock_freeze(int64_t us);

/* "2026-03-01T09:30:00Z" into `text` (21 bytes). */
void clock_format(int64_t us, char text[static 21]);

/* Read "YYYY-MM-DD", or "YYYY-MM-DDThh:mm:ss" with an optional fraction and Z, +hh:mm, -hhmm.
 * False when it is none of these or not a date of the calendar. */
bool clock_parse(const char *text, int64_t *us);

#endif
