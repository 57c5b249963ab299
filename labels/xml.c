#include "xml.h"

#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlIO.h>

#include "base/mem.h"

/* Largest piece that is handed to libxml2 at once: it takes an int, and copies what it gets. */
static const size_t piece_bytes = 64 * 1024;

_Static_assert(sizeof(struct xml_attribute) == 5 * sizeof(xmlChar *),
               "SAX2 hands over five pointers an attribute");

struct xml_reader {
    const struct xml_handler *handler;
    void *context;
    uint64_t depth, max_depth;
    enum xml_result result;
    xmlParserCtxt *parser;
    xmlSAXHandler sax;
};

static void stop(struct xml_reader *reader, enum xml_result result)
{
    if (reader->result == XML_OK)
        reader->result = result;
    xmlStopParser(reader->parser);
}

/* Without substitution libxml2 gives an ampersand in a value as "&#38;". Such a value is always
 * a copy of its own in the parser, so it is decoded where it lies. */
static void decode_ampersands(struct xml_attribute *attribute)
{
    static const char reference[] = "&#38;";
    const size_t width = sizeof reference - 1;
    size_t length = (size_t)(attribute->end - attribute->value);
    char *from = memmem(attribute->value, length, reference, width);
    if (!from)
        return;
    char *to = from, *end = (char *)attribute->end;
    while (from < end)
        if ((size_t)(end - from) >= width && memcmp(from, reference, width) == 0) {
            *to++ = '&';
            from += width;
        } else {
            *to++ = *from++;
        }
    attribute->end = to;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int spaces, const xmlChar **space_list, int count, int defaulted,
                     const xmlChar **attributes)
{
    struct xml_reader *reader = context;
    (void)prefix;
    (void)spaces;
    (void)space_list;
    (void)defaulted;
    if (reader->result != XML_OK)
        return;
    if (++reader->depth > reader->max_depth) {
        stop(reader, XML_DEPTH);
        return;
    }
    if (!reader->handler->start)
        return;
    struct xml_attribute *list = (struct xml_attribute *)attributes;
    for (int i = 0; i < count; i++)
        if (memchr(list[i].value, '&', (size_t)(list[i].end - list[i].value)))
            decode_ampersands(&list[i]);
    const struct xml_element element = {
        .name = (const char *)name,
        .space = (const char *)uri,
        .attributes = list,
        .attribute_count = (size_t)count,
    };
    if (!reader->handler->start(reader->context, &element))
        stop(reader, XML_STOPPED);
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct xml_reader *reader = context;
    (void)prefix;
    if (reader->result != XML_OK)
        return;
    reader->depth--;
    if (reader->handler->end &&
        !reader->handler->end(reader->context, (const char *)name, (const char *)uri))
        stop(reader, XML_STOPPED);
}

static void on_text(void *context, const xmlChar *text, int length)
{
    struct xml_reader *reader = context;
    if (reader->result != XML_OK || !reader->handler->text)
        return;
    if (!reader->handler->text(reader->context, (const char *)text, (size_t)length))
        stop(reader, XML_STOPPED);
}

static void on_doctype(void *context, const xmlChar *name, const xmlChar *public_id,
                       const xmlChar *system_id)
{
    (void)name;
    (void)public_id;
    (void)system_id;
    stop(context, XML_DOCTYPE);
}

/* The five predefined ones only; others are not known, which is malformed without a DTD. */
static xmlEntity *on_entity(void *context, const xmlChar *name)
{
    (void)context;
    return xmlGetPredefinedEntity(name);
}

/* Without this libxml2 prints its complaints to stderr. */
static void on_error(void *context, xmlError *error)
{
    struct xml_reader *reader = context;
    if (reader->result == XML_OK && error && error->code == XML_ERR_NO_MEMORY)
        reader->result = XML_NO_MEMORY;
}

static xmlParserInput *load_nothing(const char *url, const char *id, xmlParserCtxt *parser)
{
    (void)url;
    (void)id;
    (void)parser;
    return NULL;
}

void xml_prepare(void)
{
    xmlInitParser();
    xmlSetExternalEntityLoader(load_nothing);
}

struct xml_reader *xml_open(const struct xml_handler *handler, void *context, uint64_t max_depth)
{
    struct xml_reader *reader = mem_zalloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->handler = handler;
    reader->context = context;
    reader->max_depth = max_depth;
    reader->sax = (xmlSAXHandler){
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .cdataBlock = on_text,
        .internalSubset = on_doctype,
        .getEntity = on_entity,
        .serror = on_error,
    };
    reader->parser = xmlCreatePushParserCtxt(&reader->sax, reader, NULL, 0, NULL);
    if (!reader->parser) {
        mem_free(reader);
        return NULL;
    }
    xmlCtxtUseOptions(reader->parser, XML_PARSE_NONET);
    return reader;
}

/* What the parser itself thinks, when no callback had an opinion. */
static void judge(struct xml_reader *reader, int code)
{
    if (reader->result != XML_OK || code == XML_ERR_OK)
        return;
    if (!reader->parser->wellFormed || reader->parser->disableSAX)
        reader->result = code == XML_ERR_NO_MEMORY ? XML_NO_MEMORY : XML_MALFORMED;
}

enum xml_result xml_push(struct xml_reader *reader, const char *bytes, size_t length)
{
    while (length > 0 && reader->result == XML_OK) {
        size_t now = length < piece_bytes ? length : piece_bytes;
        judge(reader, xmlParseChunk(reader->parser, bytes, (int)now, 0));
        bytes += now;
        length -= now;
    }
    return reader->result;
}

enum xml_result xml_finish(struct xml_reader *reader)
{
    if (reader->result == XML_OK)
        judge(reader, xmlParseChunk(reader->parser, "", 0, 1));
    return reader->result;
}

void xml_close(struct xml_reader *reader)
{
    if (!reader)
        return;
    if (reader->parser->myDoc)
        xmlFreeDoc(reader->parser->myDoc);
    xmlFreeParserCtxt(reader->parser);
    mem_free(reader);
}

enum xml_result xml_read(const char *bytes, size_t length, const struct xml_handler *handler,
                         void *context, uint64_t max_depth)
{
    own_xml struct xml_reader *reader = xml_open(handler, context, max_depth);
    if (!reader)
        return XML_NO_MEMORY;
    xml_push(reader, bytes, length);
    return xml_finish(reader);
}

bool xml_is(const char *name, const char *space, const char *wanted, const char *space_a,
            const char *space_b)
{
    if (strcmp(name, wanted) != 0 || !space)
        return false;
    return (space_a && strcmp(space, space_a) == 0) || (space_b && strcmp(space, space_b) == 0);
}

const struct xml_attribute *xml_find(const struct xml_element *element, const char *name,
                                     const char *space)
{
    for (size_t i = 0; i < element->attribute_count; i++) {
        const struct xml_attribute *attribute = &element->attributes[i];
        if (strcmp(attribute->name, name) != 0)
            continue;
        if (space ? attribute->space && strcmp(attribute->space, space) == 0 : !attribute->space)
            return attribute;
    }
    return NULL;
}
