/*
 * markup: the text of XML and HTML, well-formed or not, in one pass and without memory of its
 * own: nothing is refused, what is no markup is text, and no tag hides text. References are
 * decoded (XML 1.0 4.6 and numeric ones; HTML: its names too), a document's own entities are
 * never expanded but their declarations are shown as they stand. Values of attributes, comments
 * and instructions come where the text next breaks, so that they split no word or number.
 * Owns: nothing; a plain value. Parts of packages are read with xml.h instead, strictly.
 */
#ifndef LABELD_LABELS_MARKUP_H
#define LABELD_LABELS_MARKUP_H
#include "emit.h"

/* What differs between kinds of documents. */
struct markup_rules {
    bool html;  /* HTML's elements, references and raw text */
    bool names; /* names of elements and attributes in front of their text: data, not prose */
};

enum markup_state {
    MARKUP_TEXT,
    MARKUP_REFERENCE, /* after & */
    MARKUP_OPEN,      /* after < */
    MARKUP_END_OPEN,  /* after </ */
    MARKUP_TAG_NAME,
    MARKUP_IN_TAG,
    MARKUP_KEY,
    MARKUP_AFTER_KEY,
    MARKUP_BEFORE_VALUE,
    MARKUP_VALUE,
    MARKUP_DECLARATION, /* after <! */
    MARKUP_DOCTYPE,
    MARKUP_COMMENT,
    MARKUP_CDATA,
    MARKUP_TARGET, /* after <? */
    MARKUP_INSTRUCTION,
    MARKUP_RAW, /* HTML script and style */
    MARKUP_STATE_COUNT
};

struct markup {
    struct emit *emit;
    struct markup_rules rules;
    enum markup_state state;
    enum markup_state back; /* where a reference came from */
    char quote;             /* of a value or inside a document type; 0 = none */
    char name[64];          /* of the tag, or what is gathered to decide */
    size_t name_length;
    char key[64]; /* of the attribute */
    size_t key_length;
    bool end_tag, empty_tag; /* </x> and <x/> */
    bool inlined;            /* the tag stands directly behind text */
    bool after_text;         /* the last thing was text, not a tag */
    bool fresh;              /* a start tag was the last thing; `name` is still its name */
    bool preserve;           /* inside pre or textarea: line ends count */
    bool dropped;            /* the XML declaration, or a document type's own words */
    bool subset;             /* inside the internal subset of a document type */
    char raw_name[16];       /* the raw text ends with its end tag */
    size_t matched;          /* of what ends a comment, CDATA, instruction or raw text */
    uint64_t depth, deepest; /* of XML elements */
    bool streaming;          /* a value is too long to be held: it goes out directly */
    size_t held_length;
    char held[8 * 1024]; /* values until the text breaks */
};

void markup_init(struct markup *markup, const struct markup_rules *rules, struct emit *emit);

/* The next valid UTF-8, cut between characters. False: the sink wants no more. */
bool markup_push(struct markup *markup, const char *text, size_t length);

/* The end: what was held back comes out. False as before. */
bool markup_finish(struct markup *markup);

#endif
