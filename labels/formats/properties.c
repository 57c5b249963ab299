#include "formats/properties.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"

static const char *const office = "http://schemas.openxmlformats.org/officeDocument/2006/";
static const char *const strict = "http://purl.oclc.org/ooxml/officeDocument/";

/* What of the application's own properties a person wrote; the rest counts words and pages. */
static const char *const wanted_app[] = {"Template",      "Manager", "Company",    "HyperlinkBase",
                                         "TitlesOfParts", "HLinks",  "Application"};

static const char *behind(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

enum properties_kind properties_kind_of(const struct xml_element *root)
{
    const char *space = root->space ? root->space : "";
    if (strcmp(root->name, "coreProperties") == 0)
        return PROPERTIES_CORE;
    const char *rest = behind(space, office);
    if (!rest)
        rest = behind(space, strict);
    if (!rest || strcmp(root->name, "Properties") != 0)
        return PROPERTIES_NONE;
    if (strcmp(rest, "extended-properties") == 0 || strcmp(rest, "extendedProperties") == 0)
        return PROPERTIES_APP;
    if (strcmp(rest, "custom-properties") == 0 || strcmp(rest, "customProperties") == 0)
        return PROPERTIES_CUSTOM;
    return PROPERTIES_NONE;
}

void properties_begin(struct properties *properties, struct format_reading *reading,
                      struct emit *emit, enum properties_kind kind)
{
    memset(properties, 0, sizeof *properties);
    properties->reading = reading;
    properties->emit = emit;
    properties->kind = kind;
}

/* Whether a property of the file is worth telling. */
static bool wanted(const struct properties *properties, const char *name)
{
    if (properties->kind == PROPERTIES_CUSTOM)
        return strncasecmp(name, "MSIP_Label_", 11) != 0;
    for (size_t i = 0; i < sizeof wanted_app / sizeof *wanted_app; i++)
        if (strcmp(name, wanted_app[i]) == 0)
            return true;
    return properties->kind == PROPERTIES_CORE;
}

/* Copy as much as fits, cut between characters. The length. */
static size_t copy_cut(char *out, size_t at, const char *text, size_t length)
{
    size_t cut = utf8_cut(text, length, PROPERTIES_TEXT - 1 - at);
    memcpy(out + at, text, cut);
    out[at + cut] = '\0';
    return at + cut;
}

bool properties_start(struct properties *properties, const struct xml_element *element)
{
    if (++properties->depth != 1) {
        emit_separate(properties->emit, '\n');
        return true;
    }
    const char *name = element->name;
    size_t length = strlen(name);
    const struct xml_attribute *attribute = xml_find(element, "name", NULL);
    if (properties->kind == PROPERTIES_CUSTOM && attribute) {
        name = attribute->value;
        length = (size_t)(attribute->end - attribute->value);
    }
    properties->name_length = copy_cut(properties->name, 0, name, length);
    properties->value_length = 0;
    properties->filled = false;
    properties->skips = !wanted(properties, properties->name);
    return true;
}

/* Into the report, of the file itself only. */
static bool keep(struct properties *properties)
{
    struct format_reading *reading = properties->reading;
    struct report *report = reading->report;
    if (reading->depth > 0 || report->properties_count >= PROPERTIES_MAX ||
        properties->kind == PROPERTIES_NONE)
        return true;
    if (!report->properties)
        report->properties =
            arena_alloc(reading->arena, PROPERTIES_MAX, sizeof *report->properties);
    char *name = arena_strndup(reading->arena, properties->name, properties->name_length);
    char *value = arena_strndup(reading->arena, properties->value, properties->value_length);
    properties->no_memory = !report->properties || !name || !value;
    if (properties->no_memory)
        return false;
    report->properties[report->properties_count++] =
        (struct report_property){.name = name, .value = value};
    return true;
}

bool properties_end(struct properties *properties)
{
    emit_separate(properties->emit, '\n');
    if (properties->depth == 0)
        return true;
    properties->depth--;
    return properties->depth > 0 || properties->skips || !properties->filled || keep(properties);
}

bool properties_text(struct properties *properties, const char *text, size_t length)
{
    if (properties->depth == 0 || properties->skips)
        return true;
    if (!properties->filled) {
        if (strspn(text, " \t\r\n") >= length)
            return true;
        properties->filled = true;
        emit_separate(properties->emit, '\n');
        if (!emit_text(properties->emit, properties->name, properties->name_length) ||
            !emit_text(properties->emit, ": ", 2))
            return false;
        properties->emit->pending = 0;
    }
    if (properties->value_length + 4 < PROPERTIES_TEXT)
        properties->value_length =
            copy_cut(properties->value, properties->value_length, text, length);
    return emit_text(properties->emit, text, length);
}
