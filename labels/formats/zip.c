#include <string.h>

#include "base/own.h"
#include "formats/handlers.h"
#include "package.h"

enum { BID_ARCHIVE = 60, BID_DECLARED = 100, local_bytes = 30, type_max = 128 };

/* The content of a member `mimetype` that comes first, stored and without extra fields, as
 * OpenDocument (ODF 1.3 part 2, 3.3) and EPUB (OCF 3.3, 4.3) demand. */
static size_t declared_type(const struct format_input *input, char type[static type_max])
{
    static const char name[] = "mimetype";
    const size_t start = local_bytes + sizeof name - 1;
    if (input->length < start || memcmp(input->bytes, "PK\3\4", 4) != 0 ||
        memcmp(input->bytes + local_bytes, name, sizeof name - 1) != 0)
        return 0;
    size_t length = 0;
    while (length + 1 < type_max && start + length < input->length) {
        char c = input->bytes[start + length];
        if (c <= ' ' || c > '~' ||
            (c == 'P' && start + length + 4 <= input->length &&
             memcmp(input->bytes + start + length, "PK\3\4", 4) == 0))
            break;
        type[length++] = c;
    }
    type[length] = '\0';
    return length;
}

static unsigned bid(const struct format_input *input, enum format_id *id)
{
    char type[type_max];
    if (!package_looks_like(input))
        return 0;
    *id = FORMAT_ZIP;
    if (declared_type(input, type) == 0)
        return BID_ARCHIVE;
    for (int i = 0; i < FORMAT_COUNT; i++) {
        const struct formats_row *row = formats_row((enum format_id)i);
        if (strcmp(row->mime, type) == 0)
            *id = (enum format_id)i;
    }
    return *id == FORMAT_ZIP ? BID_ARCHIVE : BID_DECLARED;
}

/* What is inside is not read yet; that it cannot be read at all is worth knowing. */
static bool read_archive(struct format_reading *reading, const struct format_input *input)
{
    own_package struct package *package = NULL;
    enum package_result result = package_open(reading, input, &package);
    if (result != PACKAGE_OK)
        return result != PACKAGE_NO_MEMORY;
    for (size_t i = 0; i < package_count(package); i++)
        if (package_entry(package, i)->encrypted)
            return format_gap(reading, REPORT_ENCRYPTED, "zip-entry");
    return format_gap(reading, REPORT_UNSUPPORTED, "format");
}

const struct format handlers_zip = {
    .name = "zip",
    .bid = bid,
    .read = read_archive,
    .labels = read_archive, /* none; but whether that can be told at all */
};
