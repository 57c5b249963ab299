#include "label_package.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "ooxml_label.h"
#include "zipdir.h"

#define CUSTOM_TYPE                                                                                \
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
#define STRICT "http://purl.oclc.org/ooxml/officeDocument/relationships/"
#define LOOSE  "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"

static const char usual_types[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n<Types "
    "xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default "
    "Extension=\"rels\" "
    "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Override "
    "PartName=\"/word/document.xml\" "
    "ContentType=\"application/"
    "vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";

static void add_rels(struct zip_builder *zip, const struct label_package *package)
{
    char rels[4096];
    int at = snprintf(
        rels, sizeof rels,
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
        "<Relationship Id=\"rId1\" Type=\"%sofficeDocument\" Target=\"word/document.xml\"/>",
        package->strict ? STRICT : LOOSE);
    if (package->custom)
        at += snprintf(rels + at, sizeof rels - (size_t)at,
                       "<Relationship Id=\"rId2\" Type=\"%s\" Target=\"/docProps/custom.xml\"/>",
                       package->strict ? STRICT "customProperties" : CUSTOM_TYPE);
    if (package->info)
        at += snprintf(rels + at, sizeof rels - (size_t)at,
                       "<Relationship Id=\"rId3\" "
                       "Type=\"http://schemas.microsoft.com/office/2020/02/relationships/"
                       "classificationlabels\" Target=\"docMetadata/LabelInfo.xml\"/>");
    if (package->signature)
        at += snprintf(rels + at, sizeof rels - (size_t)at,
                       "<Relationship Id=\"rId4\" "
                       "Type=\"http://schemas.openxmlformats.org/package/2006/relationships/"
                       "digital-signature/origin\" Target=\"_xmlsignatures/origin.sigs\"/>");
    snprintf(rels + at, sizeof rels - (size_t)at, "</Relationships>");
    zip_builder_text(zip, "_rels/.rels", rels);
}

void label_package_add(struct zip_builder *zip, const struct label_package *package)
{
    static const char image[] = "\x89PNG, or so";
    const struct zip_member stored = {
        .name = "word/media/image1.png", .bytes = image, .length = sizeof image, .stored = true};
    zip_builder_text(zip, "[Content_Types].xml", package->types ? package->types : usual_types);
    if (package->rels)
        zip_builder_text(zip, "_rels/.rels", package->rels);
    else
        add_rels(zip, package);
    zip_builder_text(zip, "word/document.xml",
                     "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/"
                     "2006/main\"><w:body><w:p><w:r><w:t>Hello</w:t></w:r></w:p></w:body>"
                     "</w:document>");
    if (package->custom)
        zip_builder_text(zip, "docProps/custom.xml", package->custom);
    if (package->info)
        zip_builder_text(zip, "docMetadata/LabelInfo.xml", package->info);
    zip_builder_add(zip, &stored);
}

struct label_edit label_package_edit(void)
{
    return (struct label_edit){
        .op = LABEL_SET,
        .id = LABEL_A,
        .site_id = SITE_A,
        .name = "Internal",
        .method = "Standard",
        .set_date = "2025-01-02T03:04:05Z",
        .action_id = ACTION_A,
    };
}

void label_change_fini(struct label_change *change)
{
    arena_fini(&change->arena);
    free(change->bytes);
}

void label_change_make(struct label_change *change, const void *bytes, size_t length,
                       const struct label_edit *edit, const struct limits *limits)
{
    *change = (struct label_change){.arena = arena_new(64u << 20)};
    const struct limits standard = limits_default();
    const struct format_input input = {.bytes = bytes, .length = length};
    limits = limits ? limits : &standard;
    own_fd int out = io_memfd("labelled", NULL);
    change->ok =
        ooxml_label_relabel(&input, edit, limits, out, &change->arena, &change->result, NULL);
    off_t end = lseek(out, 0, SEEK_END);
    if (!change->ok || end <= 0)
        return;
    change->length = (size_t)end;
    change->bytes = malloc(change->length);
    if (!change->bytes || io_read_at(out, change->bytes, change->length, 0) != end)
        abort();
    const struct format_input after = {.bytes = change->bytes, .length = change->length};
    ooxml_label_verify(&input, &after, edit, limits, &change->arena, &change->verified, NULL);
}

char *label_package_member(struct arena *arena, const void *bytes, size_t length, const char *name)
{
    own_zipdir struct zipdir dir;
    own_buf struct buf content = buf_new(16u << 20);
    if (zipdir_open(&dir, bytes, length, 1000000) != ZIPDIR_OK)
        return NULL;
    size_t entry = zipdir_find(&dir, name, NULL);
    if (entry == ZIPDIR_NONE || zipdir_load(&dir, entry, &content) != ZIPDIR_OK)
        return NULL;
    return arena_strndup(arena, buf_text(&content), content.length);
}
