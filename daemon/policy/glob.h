/*
 * glob: the one kind of pattern in a rules file (rules.md, section 2, GLOB).
 * `*` any run, `?` one character, `\` takes the next character literally; in a path neither takes
 * a `/`, and `**` as a whole part is any number of parts. Compared folded (base/text.h).
 * Owns: nothing; a compiled glob lives in the arena it was compiled in.
 */
#ifndef LABELD_POLICY_GLOB_H
#define LABELD_POLICY_GLOB_H
#include <stdbool.h>

#include "base/arena.h"

/* Longest pattern in bytes: matching costs at most its length times the text's. */
#define GLOB_MAX_BYTES 1000

struct glob_part {
    unsigned start, length; /* bytes of glob.code */
    bool deep;              /* `**`: any number of parts, also none */
};

struct glob {
    const char *text; /* as written */
    const unsigned char *code;
    unsigned length;
    const struct glob_part *parts; /* of a path; NULL = a glob over the whole text */
    unsigned part_count;
};

/* Compile. `path`: begins with `/` or `**`+`/`; ending in `/` stands for everything below.
 * False when memory is out or the pattern is longer than GLOB_MAX_BYTES. */
bool glob_compile(struct glob *glob, const char *text, bool path, struct arena *arena);

/* Whether the whole of `folded` (from text_fold) matches. */
bool glob_match(const struct glob *glob, const char *folded);

/* Whether a pattern has no special character, so that it stands for one text. */
bool glob_is_literal(const char *text);

#endif
