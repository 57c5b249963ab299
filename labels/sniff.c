#include "sniff.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <magic.h>

#include "base/io.h"
#include "base/own.h"
#include "compound.h"

/* libmagic's cost grows with what it is shown. */
static const size_t magic_bytes = 4096;

/* Set once by sniff_prepare, before the lock-down; every child inherits it. */
static magic_t cookie;

/* libmagic's compiled table, copied into memory of our own: it is walked from end to end for each
 * file, and pages of a mapped file would come to each child one by one, while a fork hands on
 * those of the process all at once. */
static struct {
    void *bytes;
    size_t length;
} table;

/* Signatures at a fixed place. `binary`: the signature is so short that text could begin with
 * it; a zero byte near the beginning must prove that it is no text. */
static const struct {
    const char *bytes;
    size_t length;
    size_t offset;
    bool binary;
    enum format_id id;
} signatures[] = {
    {"\x89PNG\r\n\x1a\n", 8, 0, false, FORMAT_PNG},
    {"\xff\xd8\xff", 3, 0, false, FORMAT_JPEG},
    {"GIF87a", 6, 0, true, FORMAT_GIF},
    {"GIF89a", 6, 0, true, FORMAT_GIF},
    {"II*\0", 4, 0, false, FORMAT_TIFF},
    {"MM\0*", 4, 0, false, FORMAT_TIFF},
    {"WEBP", 4, 8, true, FORMAT_WEBP},
    {"BM", 2, 0, true, FORMAT_BMP},
    {"\x1f\x8b\x08", 3, 0, false, FORMAT_GZ},
    {"BZh", 3, 0, false, FORMAT_BZ2}, /* see fits */
    {"\xfd"
     "7zXZ\0",
     6, 0, false, FORMAT_XZ},
    {"\x28\xb5\x2f\xfd", 4, 0, false, FORMAT_ZST},
    {"7z\xbc\xaf\x27\x1c", 6, 0, false, FORMAT_SEVENZ},
    {"Rar!\x1a\x07", 6, 0, false, FORMAT_RAR},
    {"MSCF\0\0\0\0", 8, 0, false, FORMAT_CAB},
    {"PK\x03\x04", 4, 0, false, FORMAT_ZIP},
    {"PK\x05\x06", 4, 0, false, FORMAT_ZIP},
    {"ustar", 5, 257, true, FORMAT_TAR},
    {"CD001", 5, 0x8001, true, FORMAT_ISO},
    {"SQLite format 3\0", 16, 0, false, FORMAT_SQLITE},
    {"PAR1", 4, 0, true, FORMAT_PARQUET},
    {"Obj\x01", 4, 0, false, FORMAT_AVRO},
    {"age-encryption.org/", 19, 0, false, FORMAT_AGE},
    {"-----BEGIN AGE ENCRYPTED FILE-----", 34, 0, false, FORMAT_AGE},
    {".pfile", 6, 0, true, FORMAT_PFILE},
    {"\x7f"
     "ELF",
     4, 0, false, FORMAT_PROGRAM},
    {"MZ", 2, 0, true, FORMAT_PROGRAM},
};

/* libmagic's words for what the list calls otherwise; a type that ends in / stands for all that
 * begin so. The first row that fits counts; the list's own MIME types are tried before. */
static const struct {
    const char *mime;
    enum format_id id;
} words[] = {
    {"application/x-pie-executable", FORMAT_PROGRAM},
    {"application/x-sharedlib", FORMAT_PROGRAM},
    {"application/x-object", FORMAT_PROGRAM},
    {"application/x-coredump", FORMAT_PROGRAM},
    {"application/x-dosexec", FORMAT_PROGRAM},
    {"application/x-mach-binary", FORMAT_PROGRAM},
    {"application/x-java-applet", FORMAT_PROGRAM},
    {"application/java-vm", FORMAT_PROGRAM},
    {"application/x-archive", FORMAT_PROGRAM},
    {"application/x-bytecode.python", FORMAT_PROGRAM},
    {"application/x-sqlite3", FORMAT_SQLITE},
    {"application/x-bzip2", FORMAT_BZ2},
    {"application/x-rar", FORMAT_RAR},
    {"application/x-dbf", FORMAT_UNKNOWN},
    {"application/CDFV2", FORMAT_UNKNOWN},
    {"image/x-ms-bmp", FORMAT_BMP},
    {"image/heif", FORMAT_HEIC},
    {"image/heic-sequence", FORMAT_HEIC},
    {"image/avif", FORMAT_HEIC},
    {"application/ogg", FORMAT_AUDIO},
    {"audio/", FORMAT_AUDIO},
    {"video/", FORMAT_VIDEO},
    {"message/", FORMAT_EML},
    {"text/", FORMAT_TXT},
};

static bool copy_table(int file, size_t length)
{
    enum { huge_page = 2 << 20 };
    size_t room = (length + huge_page - 1) / huge_page * huge_page;
    char *bytes = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return false;
    madvise(bytes, room, MADV_HUGEPAGE); /* where the kernel has them */
    table.bytes = bytes;
    table.length = room;
    return io_read(file, bytes, length) == (ssize_t)length;
}

static void drop_table(void)
{
    if (table.bytes)
        munmap(table.bytes, table.length);
    table.bytes = NULL;
}

/* Read the first compiled table of libmagic's path ("DIR/magic:DIR/magic"). */
static bool read_table(size_t *length)
{
    const char *path = magic_getpath(NULL, 0);
    for (size_t size; path && *path; path += size + (path[size] == ':')) {
        char name[1024];
        struct stat st;
        size = strcspn(path, ":");
        if (snprintf(name, sizeof name, "%.*s.mgc", (int)size, path) >= (int)sizeof name)
            continue;
        own_fd int file = open(name, O_RDONLY | O_CLOEXEC); /* load-time */
        if (file < 0 || fstat(file, &st) < 0 || st.st_size <= 0)
            continue;
        *length = (size_t)st.st_size;
        if (copy_table(file, *length))
            return true;
        drop_table();
    }
    return false;
}

/* From our copy; where that is of another version, as libmagic itself finds it. */
static bool load_table(void)
{
    size_t length;
    if (read_table(&length) && magic_load_buffers(cookie, &table.bytes, &length, 1) == 0)
        return true;
    drop_table();
    return magic_load(cookie, NULL) == 0;
}

bool sniff_prepare(struct err *err)
{
    if (cookie)
        return true;
    /* No look into compressed files (libmagic would fork or inflate), no own readers of
     * containers: handlers and signatures know those better. */
    cookie = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_COMPRESS_FORK | MAGIC_NO_CHECK_COMPRESS |
                        MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_ELF |
                        MAGIC_NO_CHECK_CSV | MAGIC_NO_CHECK_JSON | MAGIC_NO_CHECK_TOKENS);
    if (!cookie)
        return err_set(err, ERR_MEMORY, "libmagic: out of memory");
    if (load_table())
        return true;
    err_set(err, ERR_CONFIG, "libmagic: %s; install the package libmagic-mgc", magic_error(cookie));
    magic_close(cookie);
    cookie = NULL;
    return false;
}

static bool has_zero(const struct format_input *input)
{
    size_t look = input->length < 64 ? input->length : 64;
    return memchr(input->bytes, 0, look) != NULL;
}

/* What a signature alone leaves open. */
static bool fits(const struct format_input *input, size_t row)
{
    if (signatures[row].binary && !has_zero(input))
        return false;
    if (signatures[row].id == FORMAT_BZ2) /* the level, then the digits of pi or of its root */
        return input->length >= 10 && input->bytes[3] >= '1' && input->bytes[3] <= '9' &&
               (memcmp(input->bytes + 4, "1AY&SY", 6) == 0 ||
                memcmp(input->bytes + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
    if (signatures[row].id == FORMAT_PARQUET)
        return input->length >= 12 && memcmp(input->bytes + input->length - 4, "PAR1", 4) == 0;
    return true;
}

/* Readers accept the PDF header within the first 1,024 bytes (ISO 32000-1 annex H.3.4.1). In
 * text that only speaks of it a version would hardly begin a line. */
static bool is_pdf(const struct format_input *input)
{
    static const char header[] = "%PDF-";
    size_t look = input->length < 1024 ? input->length : 1024;
    const char *at = memmem(input->bytes, look, header, sizeof header - 1);
    if (!at)
        return false;
    const char *version = at + sizeof header - 1;
    if (version >= input->bytes + input->length || *version < '1' || *version > '2')
        return false;
    return at == input->bytes || at[-1] == '\n' || at[-1] == '\r' || has_zero(input);
}

enum format_id sniff_structure(const struct format_input *input)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        size_t end = signatures[i].offset + signatures[i].length;
        if (input->length >= end &&
            memcmp(input->bytes + signatures[i].offset, signatures[i].bytes,
                   signatures[i].length) == 0 &&
            fits(input, i))
            return signatures[i].id;
    }
    return is_pdf(input) ? FORMAT_PDF : compound_format(input);
}

static bool begins(const char *mime, const char *word)
{
    size_t length = strlen(word);
    return strncmp(mime, word, length) == 0 && (word[length - 1] == '/' || mime[length] == '\0');
}

enum format_id sniff_magic(const struct format_input *input, char *mime, size_t mime_bytes)
{
    *mime = '\0';
    size_t look = input->length < magic_bytes ? input->length : magic_bytes;
    const char *answer = cookie ? magic_buffer(cookie, input->bytes, look) : NULL;
    if (!answer || !strchr(answer, '/') || strlen(answer) >= mime_bytes)
        return FORMAT_UNKNOWN;
    snprintf(mime, mime_bytes, "%s", answer);
    for (unsigned i = 0; i < FORMAT_ENCRYPTED; i++) /* that one only by its structure */
        if (strcmp(formats_row((enum format_id)i)->mime, answer) == 0)
            return (enum format_id)i;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (begins(answer, words[i].mime))
            return words[i].id;
    return FORMAT_UNKNOWN;
}
