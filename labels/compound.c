#include "compound.h"

#include <string.h>

/* [MS-CFB] 2.2: where things are in the header. */
enum {
    HEADER_BYTES = 512,
    AT_SECTOR_SHIFT = 0x1e,
    AT_DIRECTORY = 0x30,
    AT_FAT_LIST = 0x4c,
    FAT_LIST_COUNT = 109,
};

/* [MS-CFB] 2.6.1: where things are in a directory entry. */
enum {
    ENTRY_BYTES = 128,
    AT_NAME_BYTES = 64,
    AT_LEFT = 68,
    AT_RIGHT = 72,
    AT_CHILD = 76,
};

/* More sectors of directory, or names in the root, are not looked at. */
enum { MAX_SECTORS = 256, MAX_NAMES = 1024 };

static const char signature[] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/* The first row that is there decides. Names from [MS-OFFCRYPTO], [MS-DOC], [MS-PPT], [MS-XLS],
 * [MS-OXMSG] and [MS-VISIO]; those of Project and Publisher as the programs write them. */
static const struct {
    const char *name;
    enum format_id id;
} names[] = {
    {"EncryptedPackage", FORMAT_ENCRYPTED},
    {"__properties_version1.0", FORMAT_MSG},
    {"WordDocument", FORMAT_DOC},
    {"PowerPoint Document", FORMAT_PPT},
    {"Workbook", FORMAT_XLS},
    {"Book", FORMAT_XLS},
    {"VisioDocument", FORMAT_VSD},
    {"Quill", FORMAT_PUB},
    {"   114", FORMAT_MPP},
    {"   112", FORMAT_MPP},
    {"   19", FORMAT_MPP},
    {"Props14", FORMAT_MPP},
    {"Props12", FORMAT_MPP},
    {"Props9", FORMAT_MPP},
};

enum { NAME_COUNT = sizeof names / sizeof *names };

/* The directory: where each of its sectors lies in the file. */
struct directory {
    const struct format_input *input;
    size_t sector_bytes;
    size_t count;
    size_t offsets[MAX_SECTORS];
};

static uint32_t u16_at(const char *at)
{
    return (uint32_t)(unsigned char)at[0] | (uint32_t)(unsigned char)at[1] << 8;
}

static uint32_t u32_at(const char *at)
{
    return u16_at(at) | u16_at(at + 2) << 16;
}

bool compound_is(const struct format_input *input)
{
    return input->length >= HEADER_BYTES &&
           memcmp(input->bytes, signature, sizeof signature - 1) == 0;
}

/* Where a sector lies; false when outside the file (the last one may be cut short). */
static bool sector_offset(const struct directory *directory, uint32_t sector, size_t *offset)
{
    uint64_t at = ((uint64_t)sector + 1) * directory->sector_bytes;
    if (at + directory->sector_bytes > directory->input->length)
        return false;
    *offset = (size_t)at;
    return true;
}

/* The sector after this one. Only what the header lists of the allocation table is used: the
 * directory's beginning is in it in all but monstrous files. */
static bool next_sector(const struct directory *directory, uint32_t *sector)
{
    uint32_t in_sector = (uint32_t)(directory->sector_bytes / 4);
    uint32_t index = *sector / in_sector;
    size_t offset;
    if (index >= FAT_LIST_COUNT)
        return false;
    uint32_t table = u32_at(directory->input->bytes + AT_FAT_LIST + 4 * index);
    if (!sector_offset(directory, table, &offset))
        return false;
    *sector = u32_at(directory->input->bytes + offset + 4 * (*sector % in_sector));
    return true;
}

static bool open_directory(struct directory *directory, const struct format_input *input)
{
    uint32_t shift = u16_at(input->bytes + AT_SECTOR_SHIFT);
    if (shift != 9 && shift != 12)
        return false;
    directory->input = input;
    directory->sector_bytes = (size_t)1 << shift;
    directory->count = 0;
    uint32_t sector = u32_at(input->bytes + AT_DIRECTORY);
    while (directory->count < MAX_SECTORS &&
           sector_offset(directory, sector, &directory->offsets[directory->count])) {
        directory->count++;
        if (!next_sector(directory, &sector))
            break;
    }
    return directory->count > 0;
}

/* One entry, or NULL. */
static const char *entry_at(const struct directory *directory, uint32_t id)
{
    size_t in_sector = directory->sector_bytes / ENTRY_BYTES;
    if (id / in_sector >= directory->count)
        return NULL;
    return directory->input->bytes + directory->offsets[id / in_sector] +
           id % in_sector * ENTRY_BYTES;
}

/* Which known name an entry has; NAME_COUNT for none. */
static size_t name_row(const char *entry)
{
    char name[32];
    size_t units = u16_at(entry + AT_NAME_BYTES) / 2;
    if (units == 0 || units > sizeof name)
        return NAME_COUNT;
    for (size_t i = 0; i < units; i++) {
        uint32_t unit = u16_at(entry + 2 * i);
        name[i] = unit < 0x80 ? (char)unit : '?';
    }
    name[units - 1] = '\0';
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (strcmp(name, names[i].name) == 0)
            return i;
    return NAME_COUNT;
}

enum format_id compound_format(const struct format_input *input)
{
    struct directory directory;
    if (!compound_is(input) || !open_directory(&directory, input))
        return FORMAT_UNKNOWN;
    const char *root = entry_at(&directory, 0);
    uint32_t waiting[64];
    size_t depth = 0, best = NAME_COUNT;
    waiting[depth++] = u32_at(root + AT_CHILD);
    /* The names of a storage are a tree of siblings; a loop in it ends at MAX_NAMES. */
    for (size_t seen = 0; depth > 0 && seen < MAX_NAMES; seen++) {
        const char *entry = entry_at(&directory, waiting[--depth]);
        if (!entry)
            continue;
        size_t row = name_row(entry);
        best = row < best ? row : best;
        if (depth + 2 <= sizeof waiting / sizeof *waiting) {
            waiting[depth++] = u32_at(entry + AT_LEFT);
            waiting[depth++] = u32_at(entry + AT_RIGHT);
        }
    }
    return best < NAME_COUNT ? names[best].id : FORMAT_UNKNOWN;
}
