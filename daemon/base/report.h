/*
 * report: one examined file, as it crosses from the parse process and as the store keeps it.
 * The structs come from wire.def, field by field with their bounds; see there for each meaning.
 * Owns: nothing; lists and texts live in the arena that they were read into.
 */
#ifndef LABELD_BASE_REPORT_H
#define LABELD_BASE_REPORT_H
#include <stdbool.h>
#include <stdint.h>

#include "base/formats.h"
#include "base/limits.h"

/* How far a file could be read. Words: report_status_word. */
enum report_status {
    REPORT_OK,
    REPORT_PARTIAL, /* a limit or gap was met; what was read counts */
    REPORT_ENCRYPTED,
    REPORT_CORRUPT,
    REPORT_UNSUPPORTED,
    REPORT_TOO_LARGE,
    REPORT_HOSTILE,
    REPORT_CRASHED,
    REPORT_STATUS_COUNT
};

enum report_confidence { REPORT_LOW, REPORT_MEDIUM, REPORT_HIGH, REPORT_CONFIDENCE_COUNT };

/* `none` is the enum's zero so that an untouched edit does nothing. */
enum label_op { LABEL_NONE, LABEL_SET, LABEL_REMOVE, LABEL_OP_COUNT };

/* Whether the tenant's clients use docMetadata/LabelInfo.xml. */
enum label_info { LABEL_INFO_AUTO, LABEL_INFO_ON, LABEL_INFO_OFF, LABEL_INFO_COUNT };

enum label_done {
    LABEL_REFUSED,   /* code and message say why; the output descriptor is to be thrown away */
    LABEL_UNCHANGED, /* already so; nothing was written to the output */
    LABEL_WRITTEN,   /* RELABEL: the output holds the whole new file */
    LABEL_REMOVED,   /* RELABEL: the same, with our label taken out */
    LABEL_VERIFIED,  /* VERIFY: only what had to change has changed, and the label reads as planned
                      */
    LABEL_DIFFERS,   /* VERIFY: not so; code and message say where */
    LABEL_DONE_COUNT
};

/* What a parse process is asked for, with the descriptors that travel beside the request. */
enum parse_verb {
    PARSE_EXAMINE, /* in: file            -> report */
    PARSE_TEXT,    /* in: file, out       -> text_result */
    PARSE_MASKED,  /* in: file            -> masked_list */
    PARSE_RELABEL, /* in: file, out       -> label_result */
    PARSE_VERIFY,  /* in: before, after   -> label_result */
    PARSE_LABELS,  /* in: file            -> label_result with the labels that are there */
    PARSE_TYPES,   /* nothing             -> type_list */
    PARSE_VERB_COUNT
};

/* Whose work it is: live changes keep slots that a backfill cannot take. */
enum parse_lane { PARSE_LIVE, PARSE_BACKFILL, PARSE_LANE_COUNT };

#define MESSAGE(name, sentence)            struct name {
#define NUMBER(type, name, most, sentence) type name;
#define FLAG(name, sentence)               bool name;
#define BYTES(name, length, sentence)      uint8_t name[length];
#define TEXT(name, most, sentence)         const char *name;
#define EMBED(message, name, sentence)     struct message name;
#define LIST(message, name, most, sentence)                                                        \
    struct message *name;                                                                          \
    uint32_t name##_count;
#define END(name)                                                                                  \
    }                                                                                              \
    ;
#define WIRE_STRUCTS
#include "base/wire.def"
#undef WIRE_STRUCTS

/* The stable words: "too-large", "medium", ...; NULL outside the enum. */
const char *report_status_word(enum report_status status);
const char *report_confidence_word(enum report_confidence confidence);

/* The value of a word; false when there is none of that name. */
bool report_status_find(const char *word, enum report_status *status);
bool report_confidence_find(const char *word, enum report_confidence *confidence);

#endif
