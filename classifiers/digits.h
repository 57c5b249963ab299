/*
 * digits: the arithmetic of check digits over a normalised value (digits and upper-case letters).
 * Every function refuses characters that it does not know, and any length is fine.
 */
#ifndef LABELD_CLASSIFIERS_DIGITS_H
#define LABELD_CLASSIFIERS_DIGITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 to 9, or -1. */
static inline int digits_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

/* 0 to 9, A = 10 to Z = 35, or -1. */
static inline int digits_base36(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : digits_value(c);
}

/* Whether all are digits, and at least one. */
bool digits_only(const char *text, size_t length);

/* The number that up to 18 digits write, or -1. */
int64_t digits_number(const char *text, size_t length);

/* Luhn (ISO/IEC 7812-1 annex B) over digits, the check digit last. */
bool digits_luhn(const char *text, size_t length);

/* Luhn after letters have become two digits, A = 10 (ISO 6166). */
bool digits_luhn_letters(const char *text, size_t length);

/* ISO/IEC 7064 MOD 97-10: the remainder of the whole by 97, letters as two digits; or -1. */
int digits_mod97(const char *text, size_t length);

/* The same for any modulus, digits only; or -1. */
int64_t digits_modulo(const char *text, size_t length, uint32_t modulus);

/* ISO/IEC 7064 MOD 11,10, the check digit last. */
bool digits_mod11_10(const char *text, size_t length);

/* Verhoeff's dihedral check, the check digit last. */
bool digits_verhoeff(const char *text, size_t length);

/* ICAO 9303 part 3, 4.9: weights 7, 3, 1, letters A = 10, `<` = 0, mod 10; or -1. */
int digits_icao(const char *text, size_t length);

/* Whether it looks made up: one digit in at least 70 % of the places, or a period up to 3. */
bool digits_dull(const char *text, size_t length);

/* Whether the day is one of the calendar, from 1850 to 2100. */
bool digits_day_valid(unsigned year, unsigned month, unsigned day);

/* A date in a value: `form` holds Y, M and D at the places of the digits, _ at others. Months
 * count modulo a fold, days above theirs as that much less: a birth number's mark of sex, century
 * or kind of person. Two-digit years may be any. */
struct digits_date {
    const char *form; /* NULL: none */
    uint8_t month_fold;
    uint8_t century_fold; /* a second one, of months */
    uint8_t day_fold;
};

bool digits_date_valid(const struct digits_date *date, const char *text, size_t length);

#endif
