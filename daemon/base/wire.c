#include "base/wire.h"

#include <stddef.h>
#include <string.h>

#include "base/io.h"
#include "base/utf8.h"

enum wire_type { WIRE_NUMBER, WIRE_FLAG, WIRE_BYTES, WIRE_TEXT, WIRE_EMBED, WIRE_LIST };

struct wire_field {
    const char *name;
    enum wire_type type;
    size_t offset;       /* of the field in its struct */
    size_t bytes;        /* width of a number; length of BYTES */
    uint64_t most;       /* largest number, text length or count */
    size_t count_offset; /* LIST: of the count */
    const struct wire_message *of;
};

struct wire_message {
    const char *name;
    size_t bytes; /* size of the struct */
    const struct wire_field *(*fields)(size_t *count);
};

/* The rows of each message. `self` names its struct while its fields are written down. */
#define MESSAGE(message, sentence)                                                                 \
    static const struct wire_field *fields_of_##message(size_t *count)                             \
    {                                                                                              \
        typedef struct message self;                                                               \
        static const struct wire_field fields[] = {
#define NUMBER(ctype, member, largest, sentence)                                                   \
    {.name = #member,                                                                              \
     .type = WIRE_NUMBER,                                                                          \
     .offset = offsetof(self, member),                                                             \
     .bytes = sizeof(ctype),                                                                       \
     .most = largest},
#define FLAG(member, sentence)                                                                     \
    {.name = #member, .type = WIRE_FLAG, .offset = offsetof(self, member), .bytes = 1, .most = 1},
#define BYTES(member, length, sentence)                                                            \
    {.name = #member, .type = WIRE_BYTES, .offset = offsetof(self, member), .bytes = length},
#define TEXT(member, longest, sentence)                                                            \
    {.name = #member, .type = WIRE_TEXT, .offset = offsetof(self, member), .most = longest},
#define EMBED(message, member, sentence)                                                           \
    {.name = #member, .type = WIRE_EMBED, .offset = offsetof(self, member), .of = &wire_##message},
#define LIST(message, member, largest, sentence)                                                   \
    {.name = #member,                                                                              \
     .type = WIRE_LIST,                                                                            \
     .offset = offsetof(self, member),                                                             \
     .most = largest,                                                                              \
     .count_offset = offsetof(self, member##_count),                                               \
     .of = &wire_##message},
#define END(message)                                                                               \
    }                                                                                              \
    ;                                                                                              \
    *count = sizeof fields / sizeof *fields;                                                       \
    return fields;                                                                                 \
    }
#include "base/wire.def"

#define MESSAGE(message, sentence)                                                                 \
    const struct wire_message wire_##message = {#message, sizeof(struct message),                  \
                                                fields_of_##message};
#include "base/wire.def"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "wire.c copies numbers as they lie");

static uint64_t load_number(const void *from, size_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, from, bytes);
    return value;
}

size_t wire_field_count(const struct wire_message *kind)
{
    size_t count;
    kind->fields(&count);
    return count;
}

/* Writing ------------------------------------------------------------------------------------ */

static bool broken(const struct wire_message *kind, const struct wire_field *field, struct err *err)
{
    return err_set(err, ERR_BROKEN, "message %s: field %s is over its bound", kind->name,
                   field->name);
}

static bool put_number(struct buf *out, uint64_t value, size_t bytes)
{
    return buf_append(out, &value, bytes);
}

static bool write_message(const struct wire_message *kind, const char *thing, struct buf *out,
                          struct err *err);

static bool write_text(const struct wire_message *kind, const struct wire_field *field,
                       const char *text, struct buf *out, struct err *err)
{
    size_t length = text ? strlen(text) : 0;
    if (length > field->most || !utf8_valid(text ? text : "", length))
        return broken(kind, field, err);
    put_number(out, length, sizeof(uint32_t));
    buf_append(out, text, length);
    return true;
}

static bool write_list(const struct wire_message *kind, const struct wire_field *field,
                       const char *thing, struct buf *out, struct err *err)
{
    const char *items;
    memcpy(&items, thing + field->offset, sizeof items);
    uint32_t count = (uint32_t)load_number(thing + field->count_offset, sizeof count);
    if (count > field->most)
        return broken(kind, field, err);
    put_number(out, count, sizeof count);
    for (uint32_t i = 0; i < count; i++)
        if (!write_message(field->of, items + i * field->of->bytes, out, err))
            return false;
    return true;
}

static bool write_field(const struct wire_message *kind, const struct wire_field *field,
                        const char *thing, struct buf *out, struct err *err)
{
    const char *at = thing + field->offset;
    switch (field->type) {
    case WIRE_NUMBER:
    case WIRE_FLAG: {
        uint64_t value = load_number(at, field->bytes);
        if (value > field->most)
            return broken(kind, field, err);
        put_number(out, value, field->bytes);
        return true;
    }
    case WIRE_BYTES: buf_append(out, at, field->bytes); return true;
    case WIRE_TEXT: {
        const char *text;
        memcpy(&text, at, sizeof text);
        return write_text(kind, field, text, out, err);
    }
    case WIRE_EMBED: return write_message(field->of, at, out, err);
    case WIRE_LIST: return write_list(kind, field, thing, out, err);
    }
    return broken(kind, field, err);
}

static bool write_message(const struct wire_message *kind, const char *thing, struct buf *out,
                          struct err *err)
{
    size_t count;
    const struct wire_field *fields = kind->fields(&count);
    for (size_t i = 0; i < count; i++)
        if (!write_field(kind, &fields[i], thing, out, err))
            return false;
    return true;
}

bool wire_write(const struct wire_message *kind, const void *thing, struct buf *out,
                struct err *err)
{
    if (!write_message(kind, thing, out, err))
        return false;
    if (out->failed)
        return err_set(err, ERR_MEMORY, "message %s: does not fit into %zu bytes", kind->name,
                       out->max);
    return true;
}

/* Reading ------------------------------------------------------------------------------------ */

struct reader {
    const char *bytes;
    size_t left;
    struct arena *arena;
    struct err *err;
};

static bool read_message(const struct wire_message *kind, struct reader *reader, char *thing);

static bool hostile(const struct reader *reader, const struct wire_message *kind,
                    const struct wire_field *field, const char *what)
{
    return err_set(reader->err, ERR_HOSTILE, "message %s: field %s %s", kind->name, field->name,
                   what);
}

static bool take(struct reader *reader, void *into, size_t bytes)
{
    if (reader->left < bytes)
        return false;
    memcpy(into, reader->bytes, bytes);
    reader->bytes += bytes;
    reader->left -= bytes;
    return true;
}

static bool read_text(const struct wire_message *kind, const struct wire_field *field,
                      struct reader *reader, char *at)
{
    uint32_t length;
    if (!take(reader, &length, sizeof length) || length > reader->left)
        return hostile(reader, kind, field, "is cut short");
    if (length > field->most)
        return hostile(reader, kind, field, "is too long");
    if (memchr(reader->bytes, '\0', length) || !utf8_valid(reader->bytes, length))
        return hostile(reader, kind, field, "is not text");
    const char *text = length ? arena_strndup(reader->arena, reader->bytes, length) : "";
    if (!text)
        return err_set(reader->err, ERR_MEMORY, "message %s: out of memory", kind->name);
    memcpy(at, &text, sizeof text);
    reader->bytes += length;
    reader->left -= length;
    return true;
}

static bool read_list(const struct wire_message *kind, const struct wire_field *field,
                      struct reader *reader, char *thing)
{
    uint32_t count;
    if (!take(reader, &count, sizeof count))
        return hostile(reader, kind, field, "is cut short");
    if (count > field->most || count > reader->left) /* an item is at least one byte */
        return hostile(reader, kind, field, "has too many items");
    char *items = NULL;
    if (count > 0 && !(items = arena_alloc(reader->arena, count, field->of->bytes)))
        return err_set(reader->err, ERR_MEMORY, "message %s: out of memory", kind->name);
    for (uint32_t i = 0; i < count; i++)
        if (!read_message(field->of, reader, items + i * field->of->bytes))
            return false;
    memcpy(thing + field->offset, &items, sizeof items);
    memcpy(thing + field->count_offset, &count, sizeof count);
    return true;
}

static bool read_field(const struct wire_message *kind, const struct wire_field *field,
                       struct reader *reader, char *thing)
{
    char *at = thing + field->offset;
    switch (field->type) {
    case WIRE_NUMBER:
    case WIRE_FLAG: {
        uint64_t value = 0;
        if (!take(reader, &value, field->bytes))
            return hostile(reader, kind, field, "is cut short");
        if (value > field->most)
            return hostile(reader, kind, field, "is over its bound");
        memcpy(at, &value, field->bytes);
        return true;
    }
    case WIRE_BYTES:
        return take(reader, at, field->bytes) || hostile(reader, kind, field, "is cut short");
    case WIRE_TEXT: return read_text(kind, field, reader, at);
    case WIRE_EMBED: return read_message(field->of, reader, at);
    case WIRE_LIST: return read_list(kind, field, reader, thing);
    }
    return hostile(reader, kind, field, "has no form");
}

static bool read_message(const struct wire_message *kind, struct reader *reader, char *thing)
{
    size_t count;
    const struct wire_field *fields = kind->fields(&count);
    for (size_t i = 0; i < count; i++)
        if (!read_field(kind, &fields[i], reader, thing))
            return false;
    return true;
}

bool wire_read(const struct wire_message *kind, const void *bytes, size_t length, void *thing,
               struct arena *arena, struct err *err)
{
    struct reader reader = {bytes, length, arena, err};
    memset(thing, 0, kind->bytes);
    if (!read_message(kind, &reader, thing))
        return false;
    if (reader.left > 0)
        return err_set(err, ERR_HOSTILE, "message %s: %zu bytes too many", kind->name, reader.left);
    return true;
}

/* Streams ------------------------------------------------------------------------------------ */

bool wire_send(int fd, const struct wire_message *kind, const void *thing, struct err *err)
{
    own_buf struct buf out = buf_new(WIRE_MAX_BYTES + sizeof(uint32_t));
    put_number(&out, 0, sizeof(uint32_t));
    if (!wire_write(kind, thing, &out, err))
        return false;
    uint32_t length = (uint32_t)(out.length - sizeof length);
    memcpy(out.bytes, &length, sizeof length);
    if (!io_write(fd, out.bytes, out.length))
        return err_errno(err, "sending message %s", kind->name);
    return true;
}

bool wire_receive(int fd, const struct wire_message *kind, void *thing, struct arena *arena,
                  struct err *err)
{
    uint32_t length;
    ssize_t got = io_read(fd, &length, sizeof length);
    if (got < 0)
        return err_errno(err, "receiving message %s", kind->name);
    if (got == 0)
        return err_set(err, ERR_GONE, "message %s: the other side has closed", kind->name);
    if (got != sizeof length || length > WIRE_MAX_BYTES)
        return err_set(err, ERR_HOSTILE, "message %s: no valid length in front", kind->name);
    own_buf struct buf bytes = buf_new(WIRE_MAX_BYTES);
    if (!buf_reserve(&bytes, length))
        return err_set(err, ERR_MEMORY, "message %s: out of memory", kind->name);
    got = io_read(fd, bytes.bytes, length);
    if (got < 0)
        return err_errno(err, "receiving message %s", kind->name);
    if ((size_t)got != length)
        return err_set(err, ERR_HOSTILE, "message %s: cut short", kind->name);
    return wire_read(kind, bytes.bytes, length, thing, arena, err);
}
