/*
 * xml: libxml2's SAX2 push parser for parts of packages: no network, no files, no entities of the
 * document's own, no huge documents, a depth limit, no document type (ECMA-376 part 2 forbids it
 * there). The bytes may come in any pieces, in UTF-8 or UTF-16.
 * Owns: its parser. Names and values given to a callback live only during that call.
 */
#ifndef LABELD_LABELS_XML_H
#define LABELD_LABELS_XML_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xml_reader;

/* One attribute. The value ends at `end`; it is not followed by a NUL. References in it are
 * decoded. The fields lie as libxml2's SAX2 hands them over, so that none is copied. */
struct xml_attribute {
    const char *name;   /* local name */
    const char *prefix; /* may be NULL; never decide by it */
    const char *space;  /* namespace URI, or NULL */
    const char *value;
    const char *end;
};

/* One element's start. */
struct xml_element {
    const char *name;  /* local name */
    const char *space; /* namespace URI, or NULL */
    const struct xml_attribute *attributes;
    size_t attribute_count;
};

/* What the caller wants to hear of; a NULL function: nothing of that kind. Each returns false to
 * stop: nothing more is called, and xml_push says XML_STOPPED. */
struct xml_handler {
    bool (*start)(void *context, const struct xml_element *element);
    bool (*end)(void *context, const char *name, const char *space);

    /* Character data and CDATA, in pieces cut between characters; references are decoded. */
    bool (*text)(void *context, const char *text, size_t length);
};

enum xml_result {
    XML_OK,
    XML_STOPPED,   /* a callback said so */
    XML_DOCTYPE,   /* a document type declaration: refused */
    XML_DEPTH,     /* more elements inside elements than the limit */
    XML_MALFORMED, /* not well-formed, cut short, or a charset that is not known */
    XML_NO_MEMORY
};

/* Prepare libxml2 once, before the lock-down: its tables, and no loader of external things. */
void xml_prepare(void);

/* Begin a document of at most `max_depth` elements inside elements. The handler and its context
 * must outlive the reader. NULL when memory is out. */
struct xml_reader *xml_open(const struct xml_handler *handler, void *context, uint64_t max_depth);

/* The next bytes. Anything but XML_OK stays: more bytes are then ignored. */
enum xml_result xml_push(struct xml_reader *reader, const char *bytes, size_t length);

/* The document's end: says whether it was complete. */
enum xml_result xml_finish(struct xml_reader *reader);

/* Free. NULL is allowed. */
void xml_close(struct xml_reader *reader);

static inline void xml_close_pointer(struct xml_reader **reader)
{
    xml_close(*reader);
}
#define own_xml __attribute__((cleanup(xml_close_pointer)))

/* A whole document that lies in memory. */
enum xml_result xml_read(const char *bytes, size_t length, const struct xml_handler *handler,
                         void *context, uint64_t max_depth);

/* Whether a name from the document is `name` in one of two namespaces (Transitional and Strict);
 * either may be NULL. */
bool xml_is(const char *name, const char *space, const char *wanted, const char *space_a,
            const char *space_b);

/* The attribute of that local name in namespace `space` (NULL: without one), or NULL. */
const struct xml_attribute *xml_find(const struct xml_element *element, const char *name,
                                     const char *space);

#endif
