#include "check.h"

#include "base/mem.h"
#include "format.h"
#include "gather.h"
#include "sniff.h"

#define BYTES(literal) literal, sizeof(literal) - 1

/* One file each: what it is told to be, and how far it is read. */
static const struct {
    const char *bytes;
    size_t length;
    enum format_id format;
    enum report_status status;
    const char *reason;
    const char *text;
} cases[] = {
    {BYTES(""), FORMAT_TXT, REPORT_OK, "", ""},
    {BYTES("Hello\n"), FORMAT_TXT, REPORT_OK, "", "Hello\n"},
    {BYTES("int main(void)\n{\n    return 0;\n}\n"), FORMAT_TXT, REPORT_OK, "",
     "int main(void)\n{\n    return 0;\n}\n"},
    {BYTES("#!/bin/sh\necho hi\n"), FORMAT_TXT, REPORT_OK, "", "#!/bin/sh\necho hi\n"},
    {BYTES("\xff\xfeh\0i\0"), FORMAT_TXT, REPORT_OK, "", "hi"},
    {BYTES("Stra\xdf"
           "e 12 in K\xf6ln\n"),
     FORMAT_TXT, REPORT_PARTIAL, "charset", "Strae 12 in Kln\n"},
    {BYTES("4539\0 a zero byte, as programs leave it in logs, does not make this binary"),
     FORMAT_TXT, REPORT_OK, "", "4539"}, /* as far as strcmp looks */
    {BYTES("BMW and MZ and GIF89a are words\n"), FORMAT_TXT, REPORT_OK, "",
     "BMW and MZ and GIF89a are words\n"},
    {BYTES("a line that speaks of %PDF-1.7\n"), FORMAT_TXT, REPORT_OK, "",
     "a line that speaks of %PDF-1.7\n"},
    {BYTES("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"), FORMAT_PDF, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("{\\rtf1\\ansi 4539}"), FORMAT_RTF, REPORT_UNSUPPORTED, "format", "{\\rtf1\\ansi 4539}"},
    {BYTES("Message-ID: <1@x>\r\nFrom: a\r\n\r\nhi"), FORMAT_EML, REPORT_UNSUPPORTED, "format",
     "Message-ID: <1@x>\r\nFrom: a\r\n\r\nhi"},
    {BYTES("From: Ann\nTo: Bob\n\na memo\n"), FORMAT_TXT, REPORT_OK, "",
     "From: Ann\nTo: Bob\n\na memo\n"},
    {BYTES("From a@b Mon\nReceived: x\nTo: b\n\n"), FORMAT_MBOX, REPORT_UNSUPPORTED, "format",
     "From a@b Mon\nReceived: x\nTo: b\n\n"},
    {BYTES("BEGIN:VCARD\nFN:A\nEND:VCARD\n"), FORMAT_VCF, REPORT_OK, "",
     "BEGIN:VCARD\nFN:A\nEND:VCARD\n"},
    {BYTES("BEGIN:VCALENDAR\nEND:VCALENDAR\n"), FORMAT_ICS, REPORT_OK, "",
     "BEGIN:VCALENDAR\nEND:VCALENDAR\n"},
    {BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), FORMAT_PNG, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("\xff\xd8\xff\xe0\0\x10JFIF"), FORMAT_JPEG, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("GIF89a\1\0\1\0"), FORMAT_GIF, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("RIFF\x10\0\0\0WEBPVP8 "), FORMAT_WEBP, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("\x1f\x8b\x08\0\0\0\0\0\0\3"), FORMAT_GZ, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("BZh91AY&SY\1\2\3"), FORMAT_BZ2, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("\xfd"
           "7zXZ\0\0\4"),
     FORMAT_XZ, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("\x28\xb5\x2f\xfd\4\0"), FORMAT_ZST, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("7z\xbc\xaf\x27\x1c\0\4"), FORMAT_SEVENZ, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("Rar!\x1a\x07\1\0"), FORMAT_RAR, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("SQLite format 3\0\x10\0"), FORMAT_SQLITE, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("Obj\1\4\x16"
           "avro.schema"),
     FORMAT_AVRO, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("PAR1\0\0\0\0PAR1"), FORMAT_PARQUET, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("\x7f"
           "ELF\2\1\1\0"),
     FORMAT_PROGRAM, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("age-encryption.org/v1\n-> X25519 x\n"), FORMAT_AGE, REPORT_ENCRYPTED, "age", ""},
    {BYTES("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n"), FORMAT_AGE, REPORT_ENCRYPTED, "age", ""},
    {BYTES(".pfile\3\0\0\0"), FORMAT_PFILE, REPORT_ENCRYPTED, "pfile", ""},
    {BYTES("RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0data"),
     FORMAT_AUDIO, REPORT_UNSUPPORTED, "format", ""},
    {BYTES("\1\2\3\4\5\6\7\x0e\x0f\x10\x11\x12\x13\x14"), FORMAT_UNKNOWN, REPORT_UNSUPPORTED,
     "format", ""},
};

TEST(content_decides_what_a_file_is)
{
    own_gather struct gather gather;
    gather_init(&gather);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = gather_read(&gather, cases[i].bytes, cases[i].length);
        CHECK_CASE(i, gather.ok);
        CHECK_CASE(i, gather.report.format == cases[i].format);
        CHECK_CASE(i, gather.report.status == cases[i].status);
        CHECK_CASE(i, strcmp(gather.report.reason, cases[i].reason) == 0);
        CHECK_CASE(i, strcmp(text, cases[i].text) == 0);
        CHECK_CASE(i, *gather.report.mime);
    }
}

/* A compound file ([MS-CFB]) of 512-byte sectors: header, allocation table, one directory sector
 * with the root and up to three names in a chain of siblings. */
static void make_compound(char file[static 2048], const char *const *names, size_t count)
{
    memset(file, 0, 2048);
    memcpy(file, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    file[0x1e] = 9;
    file[0x30] = 1; /* the directory begins in sector 1 */
    memset(file + 0x4c, 0xff, 109 * 4);
    memset(file + 0x4c, 0, 4); /* the allocation table is sector 0 */
    memset(file + 512, 0xff, 512);
    for (size_t i = 0; i <= count; i++) {
        char *entry = file + 1024 + 128 * i;
        const char *name = i == 0 ? "Root Entry" : names[i - 1];
        for (size_t at = 0; name[at]; at++)
            entry[2 * at] = name[at];
        entry[64] = (char)(2 * strlen(name) + 2);
        memset(entry + 68, 0xff, 12);
        if (i == 0)
            memcpy(entry + 76, "\1\0\0\0", 4);
        else if (i < count)
            memcpy(entry + 72, (const char[4]){(char)(i + 1)}, 4);
    }
}

TEST(a_compound_file_is_told_by_the_names_in_its_root)
{
    static const struct {
        const char *names[3];
        enum format_id format;
        enum report_status status;
    } compounds[] = {
        {{"VSMPROJ"}, FORMAT_UNKNOWN, REPORT_UNSUPPORTED}, /* libmagic knows only its kind */
        {{"\1CompObj", "WordDocument"}, FORMAT_DOC, REPORT_UNSUPPORTED},
        {{"Workbook"}, FORMAT_XLS, REPORT_UNSUPPORTED},
        {{"Pictures", "PowerPoint Document"}, FORMAT_PPT, REPORT_UNSUPPORTED},
        {{"__properties_version1.0"}, FORMAT_MSG, REPORT_UNSUPPORTED},
        {{"VisioDocument"}, FORMAT_VSD, REPORT_UNSUPPORTED},
        {{"   114"}, FORMAT_MPP, REPORT_UNSUPPORTED},
        {{"Quill"}, FORMAT_PUB, REPORT_UNSUPPORTED},
        {{"DataSpaces", "EncryptionInfo", "EncryptedPackage"}, FORMAT_ENCRYPTED, REPORT_ENCRYPTED},
    };
    own_gather struct gather gather;
    gather_init(&gather);
    for (size_t i = 0; i < sizeof compounds / sizeof *compounds; i++) {
        char file[2048];
        size_t count = 0;
        while (count < 3 && compounds[i].names[count])
            count++;
        make_compound(file, compounds[i].names, count);
        gather_read(&gather, file, sizeof file);
        CHECK_CASE(i, gather.report.format == compounds[i].format);
        CHECK_CASE(i, gather.report.status == compounds[i].status);
        for (size_t cut = 0; cut < sizeof file; cut++) /* no read outside, whatever the cut */
            gather_read(&gather, file, cut);
    }
}

TEST(a_compound_file_whose_tree_is_a_loop_ends)
{
    char file[2048];
    const char *const names[] = {"Loop"};
    own_gather struct gather gather;
    gather_init(&gather);
    make_compound(file, names, 1);
    memcpy(file + 1024 + 128 + 68, "\1\0\0\0\1\0\0\0", 8);
    memset(file + 512, 0, 512); /* and each sector is followed by sector 0 */
    gather_read(&gather, file, sizeof file);
    assert_int_equal(gather.report.status, REPORT_UNSUPPORTED);
}

TEST(a_gap_makes_the_status_worse_and_keeps_the_first_reason)
{
    struct report report = {.reason = ""};
    struct format_reading reading = {.report = &report};
    assert_true(format_gap(&reading, REPORT_PARTIAL, "first"));
    format_gap(&reading, REPORT_PARTIAL, "second");
    assert_string_equal(report.reason, "first");
    format_gap(&reading, REPORT_CORRUPT, "third");
    format_gap(&reading, REPORT_UNSUPPORTED, "fourth");
    format_gap(&reading, REPORT_PARTIAL, "fifth");
    assert_int_equal(report.status, REPORT_CORRUPT);
    assert_string_equal(report.reason, "third");
    format_gap(&reading, REPORT_HOSTILE, "sixth");
    assert_string_equal(report.reason, "sixth");
}

TEST(used_up_time_makes_the_reading_partial)
{
    own_gather struct gather gather;
    gather_init(&gather);
    gather.cpu_deadline_us = 1;
    gather_read(&gather, "some text", 9);
    assert_int_equal(gather.report.status, REPORT_PARTIAL);
    assert_string_equal(gather.report.reason, "parse-cpu-ms");
    gather.cpu_deadline_us = INT64_MAX;
    assert_string_equal(gather_read(&gather, "some text", 9), "some text");
    assert_int_equal(gather.report.status, REPORT_OK);
}

TEST(a_sink_that_stops_is_left_alone)
{
    own_gather struct gather gather;
    gather_init(&gather);
    static char text[1 << 20];
    memset(text, 'a', sizeof text);
    gather.stop_after = 2;
    gather_read(&gather, text, sizeof text);
    assert_int_equal(gather.pieces, 2);
    assert_false(gather.late);
}

TEST(memory_that_is_out_is_said)
{
    own_gather struct gather gather;
    gather_init(&gather);
    mem_fail_nth(1, 1);
    gather_read(&gather, "\1\2\3\4\5\6\7\x0e\x0f\x10\x11\x12", 12);
    mem_fail_nth(0, 0);
    assert_false(gather.ok);
}

int main(void)
{
    struct err err = {0};
    if (!format_prepare(&err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_decides_what_a_file_is),
        cmocka_unit_test(a_compound_file_is_told_by_the_names_in_its_root),
        cmocka_unit_test(a_compound_file_whose_tree_is_a_loop_ends),
        cmocka_unit_test(a_gap_makes_the_status_worse_and_keeps_the_first_reason),
        cmocka_unit_test(used_up_time_makes_the_reading_partial),
        cmocka_unit_test(a_sink_that_stops_is_left_alone),
        cmocka_unit_test(memory_that_is_out_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
