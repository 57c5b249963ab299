/*
 * checks_parts: the tables of checks.c by theme, and what they share. Only checks*.c include it.
 */
#ifndef LABELD_CLASSIFIERS_CHECKS_PARTS_H
#define LABELD_CLASSIFIERS_CHECKS_PARTS_H
#include "checks.h"
#include "digits.h"

struct checks_table {
    const struct checks_row *rows;
    size_t count;
};

#define CHECKS_TABLE(rows)                                                                         \
    {                                                                                              \
        rows, sizeof(rows) / sizeof((rows)[0])                                                     \
    }

extern const struct checks_table checks_sums;     /* weighted sums, by table alone */
extern const struct checks_table checks_cards;    /* payment cards */
extern const struct checks_table checks_bank;     /* accounts and securities */
extern const struct checks_table checks_americas; /* identity, tax and social numbers */
extern const struct checks_table checks_europe;
extern const struct checks_table checks_world;
extern const struct checks_table checks_vat;
extern const struct checks_table checks_people; /* health, documents, contact, devices */
extern const struct checks_table checks_crypto;
extern const struct checks_table checks_secrets;

/* A weighted sum of the characters at `weights`' places, modulo `modulus`. */
struct checks_sum {
    uint8_t length; /* of the values that it judges; others of the list may judge others */
    uint8_t check;  /* place of the check character */
    uint16_t modulus;
    const char *map; /* check character by remainder: ? never passes, + see `otherwise`; NULL:
                        the remainder must be 0 */
    bool letters;    /* A = 10 and so on; otherwise digits only */
    bool crossed;    /* of each product the sum of its digits */
    const struct checks_sum *otherwise;
    int16_t weights[24];
};

/* Sums that must hold, all of those of the value's length and at least one.
 * A value of one character over and over never holds. */
struct checks_rule {
    const char *prefix; /* may stand in front and is not weighed */
    bool any;           /* one that holds is enough */
    struct digits_date date;
    struct checks_sum sums[3];
};

/* How remainders become check digits. */
#define CHECKS_MAP_10        "0987654321"  /* 10 - r, 10 is 0 */
#define CHECKS_MAP_10_PLAIN  "0123456789"  /* r */
#define CHECKS_MAP_11        "0?987654321" /* 11 - r, 11 is 0, 10 is never given out */
#define CHECKS_MAP_11_ZERO   "00987654321" /* 11 - r, 10 and 11 are 0 */
#define CHECKS_MAP_11_PLAIN  "0123456789?" /* r, 10 is never given out */
#define CHECKS_MAP_11_MOD_10 "10987654321" /* 11 - r, modulo 10 */
#define CHECKS_MAP_11_TEN_0  "01234567890" /* r, 10 is 0 */

/* Whether the sum holds for a text of its length. */
bool checks_sum_holds(const struct checks_sum *sum, const char *text);

/* Whether the rule holds for the text. */
bool checks_rule_holds(const struct checks_rule *rule, const char *text, size_t length);

/* A row's function for a rule alone. */
bool checks_by_rule(const struct checks_row *row, const struct checks_input *input);

/* Whether the two letters are a country of ISO 3166-1. */
bool checks_country(const char *letters);

/* Whether the number lies in one of the ranges: pairs of first and last, ended by {0, 0}. */
struct checks_range {
    uint32_t first, last;
};

bool checks_in_ranges(const struct checks_range *ranges, int64_t number);

#endif
