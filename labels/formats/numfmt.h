/*
 * numfmt: what a spreadsheet cell shows: a stored number and a number format become text
 * (ECMA-376 part 1, 18.8.30 numFmt and 18.8.31 numFmts; dates 18.17.4).
 * Where the display would hide digits that are stored (scientific form, scaling by thousands,
 * `;;;`), the digits are given: a number that is there is found. Digits are not grouped.
 * Owns: nothing; a format points into the code that it was made from.
 */
#ifndef LABELD_LABELS_FORMATS_NUMFMT_H
#define LABELD_LABELS_FORMATS_NUMFMT_H
#include <stdbool.h>
#include <stddef.h>

/* Longest text that numfmt_show makes, with its NUL. */
#define NUMFMT_MAX 160

enum numfmt_kind {
    NUMFMT_GENERAL,
    NUMFMT_PATTERN,   /* digits and literals */
    NUMFMT_DATE,      /* 2026-11-24 */
    NUMFMT_TIME,      /* 13:05:00 */
    NUMFMT_DATE_TIME, /* 2026-11-24 13:05:00 */
};

struct numfmt {
    enum numfmt_kind kind;
    const char *code; /* of a pattern; must outlive the struct */
};

/* The format of a code such as `000\-00\-0000` or `dd/mm/yyyy`. */
struct numfmt numfmt_of_code(const char *code);

/* The format of a built-in id (below 164); general for ids without a meaning. */
struct numfmt numfmt_of_id(unsigned id);

/* Show `number`, as it stands in the file (digits, point, exponent). What is no number is shown
 * as it is, cut to fit. Dates count from 1900 or, `since_1904`, from 1904. The length. */
size_t numfmt_show(const struct numfmt *format, const char *number, bool since_1904,
                   char text[static NUMFMT_MAX]);

#endif
