#include <string.h>

#include "charset.h"
#include "formats/handlers.h"

/* How sure consistent separators make us. */
enum { BID_CSV = 40 };

/* How the table is written. */
struct dialect {
    char separator;
    size_t skip; /* bytes of decoded text in front of the first row: Excel's line "sep=;" */
};

/* What a look at the first rows with one separator says. */
struct tally {
    size_t rows;       /* with anything in them */
    size_t separators; /* in the first of them */
    size_t equal;      /* rows with as many, and quoted as RFC 4180 wants it */
    size_t open_ended; /* rows whose last cell is empty */
    size_t indented;   /* rows whose first cell is empty */
};

/* The row at hand. */
struct row {
    size_t bytes, separators;
    size_t cell; /* bytes in the present cell */
    bool indented, misquoted;
};

static void close_row(struct tally *tally, const struct row *row)
{
    if (row->bytes == 0)
        return;
    tally->separators = tally->rows == 0 ? row->separators : tally->separators;
    tally->rows++;
    tally->equal += row->separators == tally->separators && !row->misquoted;
    tally->open_ended += row->cell == 0;
    tally->indented += row->indented;
}

/* Count the separators of each row of the sample; quoted ones do not count (RFC 4180). */
static struct tally count_rows(const char *text, size_t length, bool whole, char separator)
{
    struct tally tally = {0};
    struct row row = {0};
    bool quoted = false;
    for (size_t at = 0; at < length; at++) {
        char c = text[at], next = at + 1 < length ? text[at + 1] : '\n';
        row.bytes += c != '\r' && c != '\n';
        if (c == '"' && (quoted || row.cell == 0)) {
            bool ends = quoted && next != '"';
            row.misquoted |= ends && next != separator && next != '\n' && next != '\r';
            at += quoted && !ends; /* two of them are one */
            quoted = !quoted || !ends;
            row.cell++;
        } else if (c == separator && !quoted) {
            row.indented |= row.separators == 0 && row.cell == 0;
            row.separators++;
            row.cell = 0;
        } else if (c == '\n' && !quoted) {
            close_row(&tally, &row);
            row = (struct row){0};
        } else {
            row.cell += c != '\r';
        }
    }
    if (whole)
        close_row(&tally, &row);
    return tally;
}

/* Whether nine of ten rows have the same number of separators. Statements of a language all end
 * in one, indented lines all begin with one; two rows with one each are too little. */
static bool is_table(const struct tally *tally)
{
    size_t most = tally->rows - tally->rows / 10;
    return tally->rows >= 2 && tally->separators > 0 && tally->equal >= most &&
           !(tally->separators == 1 && tally->open_ended >= most) && tally->indented < most &&
           (tally->rows > 2 || tally->separators > 1);
}

static bool find_dialect(const struct charset_sample *sample, struct dialect *dialect)
{
    static const char separators[] = {'\t', ';', ',', '|'};
    const char *text = sample->text;
    size_t length = sample->length, best = 0;
    const char *line = memchr(text, '\n', length);
    *dialect = (struct dialect){0};
    if (line && length > 5 && memcmp(text, "sep=", 4) == 0 && line - text <= 6) {
        dialect->separator = text[4];
        dialect->skip = (size_t)(line + 1 - text);
        return true;
    }
    for (size_t i = 0; i < sizeof separators; i++) {
        if (!memchr(text, separators[i], length))
            continue;
        struct tally tally = count_rows(text, length, sample->whole, separators[i]);
        if (is_table(&tally) && tally.separators > best) {
            best = tally.separators;
            dialect->separator = separators[i];
        }
    }
    return best > 0;
}

static unsigned bid_csv(const struct format_input *input, enum format_id *id)
{
    struct charset_sample sample;
    struct dialect dialect;
    charset_look(&sample, input->bytes, input->length);
    if (sample.controls > 0 || !find_dialect(&sample, &dialect))
        return 0;
    *id = FORMAT_CSV;
    return BID_CSV;
}

/* Where we are, and the rows that were rewritten. A byte becomes at most one. */
struct rewriter {
    char separator;
    bool quoted;     /* inside quotes */
    bool quote_seen; /* a quote inside quotes: their end, or one of two */
    bool cell_begun;
    bool return_seen; /* a carriage return: a row's end, but a line feed after it is no second */
    size_t length;
    char bytes[CHARSET_BLOCK + 1];
};

static void put(struct rewriter *rewriter, char c)
{
    rewriter->bytes[rewriter->length++] = c;
}

/* A byte that is special somewhere. */
static void step(struct rewriter *rewriter, char c)
{
    bool after_return = rewriter->return_seen;
    rewriter->return_seen = false;
    if (rewriter->quote_seen) {
        rewriter->quote_seen = false;
        rewriter->quoted = c == '"'; /* two of them are one */
        if (c == '"') {
            put(rewriter, '"');
            return;
        }
    }
    if (rewriter->quoted) {
        if (c == '"')
            rewriter->quote_seen = true;
        else
            put(rewriter, c == '\n' || c == '\r' || c == '\t' ? ' ' : c);
    } else if (c == rewriter->separator) {
        rewriter->cell_begun = false;
        put(rewriter, '\t');
    } else if (c == '\n' || c == '\r') {
        rewriter->cell_begun = false;
        rewriter->return_seen = c == '\r';
        if (c == '\r' || !after_return)
            put(rewriter, '\n');
    } else if (c == '"' && !rewriter->cell_begun) {
        rewriter->quoted = true;
        rewriter->cell_begun = true;
    } else {
        rewriter->cell_begun = true;
        put(rewriter, c == '\t' ? ' ' : c);
    }
}

/* Rewrite a block: cells by tab, rows by newline, quotes off. */
static void rewrite(struct rewriter *rewriter, const char *text, size_t length)
{
    const char separator = rewriter->separator;
    rewriter->length = 0;
    for (size_t at = 0; at < length; at++) {
        char c = text[at];
        bool special = c == separator || c == '"' || c == '\n' || c == '\r' || c == '\t';
        if (special || rewriter->quote_seen) {
            step(rewriter, c);
            continue;
        }
        rewriter->cell_begun = true;
        rewriter->return_seen = false;
        rewriter->bytes[rewriter->length++] = c;
    }
}

static bool read_csv(struct format_reading *reading, const struct format_input *input)
{
    struct charset_reader reader;
    struct rewriter rewriter;
    struct dialect dialect;
    const struct format_sink *sink = &reading->sink;
    const char *text;
    size_t length;
    {
        struct charset_sample sample;
        charset_look(&sample, input->bytes, input->length);
        find_dialect(&sample, &dialect);
    }
    memset(&rewriter, 0, offsetof(struct rewriter, bytes));
    rewriter.separator = dialect.separator;
    if (!sink->part(sink->context, "", true))
        return true;
    charset_open(&reader, input->bytes, input->length);
    while (format_within_time(reading) && charset_next(&reader, &text, &length)) {
        size_t skip = dialect.skip < length ? dialect.skip : length;
        dialect.skip -= skip;
        rewrite(&rewriter, text + skip, length - skip);
        if (rewriter.length > 0 && !sink->text(sink->context, rewriter.bytes, rewriter.length))
            break;
    }
    if (reader.skipped)
        format_gap(reading, REPORT_PARTIAL, "charset");
    return true;
}

const struct format handlers_csv = {.name = "csv", .bid = bid_csv, .read = read_csv};
