#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static _Atomic int64_t frozen_us = -1;

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    int64_t fixed = atomic_load(&frozen_us);
    return fixed >= 0 ? fixed : read_clock(CLOCK_REALTIME);
}

int64_t clock_steady_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_sleep_us(int64_t us)
{
    if (us <= 0)
        return;
    struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = (us % 1000000) * 1000};
    nanosleep(&ts, NULL);
}

void clock_freeze(int64_t us)
{
    atomic_store(&frozen_us, us);
}

/* Days since 1970-01-01 of a Gregorian date, by the era method (400 years = 146,097 days). */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void clock_format(int64_t us, char text[static 21])
{
    int64_t seconds = us >= 0 ? us / 1000000 : -((999999 - us) / 1000000);
    time_t when = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&when, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099) {
        snprintf(text, 21, "1970-01-01T00:00:00Z");
        return;
    }
    strftime(text, 21, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Exactly `count` digits at *at; -1 when they are not there. */
static int digits(const char **at, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    *at += count;
    return value;
}

static bool skip(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

static bool date_valid(int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 0 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= lengths[month - 1] + (month == 2 && leap);
}

static bool parse_zone(const char **at, int *minutes)
{
    *minutes = 0;
    if (skip(at, 'Z') || **at == '\0')
        return true;
    int sign = **at == '-' ? -1 : **at == '+' ? 1 : 0;
    if (!sign)
        return false;
    (*at)++;
    int hours = digits(at, 2);
    skip(at, ':');
    int rest = digits(at, 2);
    if (hours < 0 || hours > 14 || rest < 0 || rest > 59)
        return false;
    *minutes = sign * (hours * 60 + rest);
    return true;
}

static bool parse_time(const char **at, int64_t *us)
{
    int hour = digits(at, 2);
    bool ok = hour >= 0 && hour <= 24 && skip(at, ':');
    int minute = ok ? digits(at, 2) : -1;
    ok = ok && minute >= 0 && minute < 60 && skip(at, ':');
    int second = ok ? digits(at, 2) : -1;
    if (!ok || second < 0 || second > 60)
        return false;
    int64_t fraction = 0;
    if (skip(at, '.')) {
        int64_t unit = 100000;
        if (**at < '0' || **at > '9')
            return false;
        for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
            fraction += unit * (**at - '0');
    }
    int minutes;
    if (!parse_zone(at, &minutes))
        return false;
    *us = (((int64_t)hour * 60 + minute - minutes) * 60 + second) * 1000000 + fraction;
    return true;
}

bool clock_parse(const char *text, int64_t *us)
{
    const char *at = text;
    int year = digits(&at, 4);
    bool ok = year >= 0 && skip(&at, '-');
    int month = ok ? digits(&at, 2) : -1;
    ok = ok && month >= 0 && skip(&at, '-');
    int day = ok ? digits(&at, 2) : -1;
    if (!ok || !date_valid(year, month, day))
        return false;
    int64_t of_day = 0;
    if (*at != '\0' && !((skip(&at, 'T') || skip(&at, ' ')) && parse_time(&at, &of_day)))
        return false;
    if (*at != '\0')
        return false;
    *us = days_of(year, month, day) * 86400000000 + of_day;
    return true;
}
