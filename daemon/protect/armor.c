#include "protect/armor.h"

#include <string.h>

#include "protect/base64.h"

static bool is(const char *line, size_t length, const char *text)
{
    return length == strlen(text) && memcmp(line, text, length) == 0;
}

/* White space after the last line is outside the armour already. */
static bool is_end(const char *line, size_t length)
{
    while (length && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    return is(line, length, ARMOR_END);
}

static bool body_line(struct armor_reader *reader, const char *line, size_t length, uint8_t *out,
                      size_t *out_length, struct err *err)
{
    if (length == 0 || length > ARMOR_LINE_COLUMNS ||
        !base64_read(line, length, true, out, ARMOR_LINE_BYTES, out_length))
        return err_set(err, ERR_CORRUPT, "the armour has a line that is not canonical base64");
    if (*out_length < ARMOR_LINE_BYTES)
        reader->state = ARMOR_LAST;
    return true;
}

bool armor_read_line(struct armor_reader *reader, const char *line, size_t length,
                     uint8_t out[static ARMOR_LINE_BYTES], size_t *out_length, struct err *err)
{
    *out_length = 0;
    switch (reader->state) {
    case ARMOR_BEFORE:
        if (!is(line, length, ARMOR_BEGIN))
            return err_set(err, ERR_CORRUPT, "the armour does not begin with " ARMOR_BEGIN);
        reader->state = ARMOR_BODY;
        return true;
    case ARMOR_BODY:
    case ARMOR_LAST:
        if (is_end(line, length)) {
            reader->state = ARMOR_AFTER;
            return true;
        }
        if (reader->state == ARMOR_BODY)
            return body_line(reader, line, length, out, out_length, err);
        return err_set(err, ERR_CORRUPT, "the armour goes on after its last line");
    case ARMOR_AFTER: break;
    }
    return err_set(err, ERR_CORRUPT, "something follows the armour");
}

void armor_write_line(const uint8_t *bytes, size_t length, char line[static ARMOR_LINE_MAX])
{
    size_t columns = base64_columns(length, true);
    base64_write(bytes, length, true, line);
    line[columns] = '\n';
    line[columns + 1] = '\0';
}
