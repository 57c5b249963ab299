#include "fuzz/target.h"

#include "base/mem.h"
#include "classifier.h"

/* Whatever text arrives, in pieces of a size that its first byte says: no crash, and findings as
 * if it had come whole. Loaded once: the types do not change. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct classifier *classifier;
    own_buf struct buf problems = buf_new(1 << 16);
    const struct classifier_options options = {.builtin_dir = SOURCE_DIR "/classifiers/types"};
    const struct limits limits = limits_default();
    own_arena struct arena arena = arena_new(16u << 20);
    struct report reports[2] = {0};
    if (!classifier)
        classifier = classifier_open(&options, &problems, NULL);
    for (size_t way = 0; classifier && length && way < 2; way++) {
        struct classify *classify = classify_open(classifier, &limits);
        size_t step = way ? (size_t)bytes[0] + 1 : length;
        bool ok = classify && classify_part(classify, "", bytes[0] % 2);
        for (size_t at = 1; ok && at < length; at += step)
            ok = classify_text(classify, (const char *)bytes + at,
                               step < length - at ? step : length - at);
        ok = ok && classify_finish(classify, &arena, &reports[way]);
        classify_close(classify);
    }
    if (reports[0].findings_count != reports[1].findings_count)
        __builtin_trap();
    return 0;
}
