#include "formats/marked.h"

#include "charset.h"

uint64_t marked_read(struct format_reading *reading, const struct format_input *input,
                     const struct markup_rules *rules)
{
    struct charset_reader reader;
    struct emit emit;
    struct markup markup;
    const char *text;
    size_t length;
    emit_init(&emit, &reading->sink);
    if (!emit_part(&emit, "", false))
        return 0;
    markup_init(&markup, rules, &emit);
    charset_open(&reader, input->bytes, input->length);
    while (format_within_time(reading) && charset_next(&reader, &text, &length))
        if (!markup_push(&markup, text, length))
            break;
    markup_finish(&markup);
    if (reader.skipped)
        format_gap(reading, REPORT_PARTIAL, "charset");
    return markup.deepest;
}
