/*
 * charset: bytes of a text file as blocks of valid UTF-8, whatever Unicode form they are in.
 * UTF-8 (RFC 3629) is handed on where it lies; UTF-16 and UTF-32 (RFC 2781, Unicode 3.10), with
 * or without byte-order mark, are converted. What is none of these is read as UTF-8 with every
 * other byte skipped: digits and ASCII words need no code page.
 * Owns: nothing; a reader is a plain value and points into the caller's bytes.
 */
#ifndef LABELD_LABELS_CHARSET_H
#define LABELD_LABELS_CHARSET_H
#include <stdbool.h>
#include <stddef.h>

/* Largest block in bytes. */
#define CHARSET_BLOCK (32 * 1024)

enum charset {
    CHARSET_UTF8,
    CHARSET_UTF16LE,
    CHARSET_UTF16BE,
    CHARSET_UTF32LE,
    CHARSET_UTF32BE,
    CHARSET_COUNT
};

struct charset_reader {
    const char *bytes;
    size_t length;
    size_t at;
    enum charset charset;
    bool skipped; /* something was no character and was left out */
    char block[CHARSET_BLOCK];
};

/* The charset by the mark or, without one, by where the zero bytes are; never fails. `*mark` is
 * the mark's length. Looks at the first 4 KiB. */
enum charset charset_guess(const char *bytes, size_t length, size_t *mark);

/* Begin; the mark is passed over. */
void charset_open(struct charset_reader *reader, const char *bytes, size_t length);

/* The next block: 1 to CHARSET_BLOCK bytes of valid UTF-8, cut between two characters, valid
 * until the next call. False at the end. */
bool charset_next(struct charset_reader *reader, const char **text, size_t *length);

/* The first character that is no white space, if it is ASCII; 0 if not, or if none comes soon. */
char charset_first(const char *bytes, size_t length);

/* What one look at the beginning tells. */
struct charset_sample {
    char text[4096]; /* of the beginning, UTF-8, not ended by a NUL */
    size_t length;
    bool whole;           /* the sample is the whole text */
    bool marked;          /* it begins with a byte-order mark */
    enum charset charset; /* as charset_guess */
    size_t skipped;       /* bytes that were no characters */
    size_t controls;      /* control characters that text does not use, NUL among them */
};

/* Look at the beginning. */
void charset_look(struct charset_sample *sample, const char *bytes, size_t length);

#endif
