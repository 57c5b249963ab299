#include "fuzz/target.h"

#include <stdlib.h>
#include <string.h>

#include "unit/gather.h"

/* Whatever bytes come as a text file: each piece is valid UTF-8 by itself, the text is no longer
 * than decoding can make it, a sink that stops is left alone, and cutting the file short of its
 * last byte reads no byte behind the cut. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static bool prepared;
    if (!prepared && !format_prepare(NULL))
        abort();
    prepared = true;
    own_gather struct gather gather;
    gather_init(&gather);
    gather_read(&gather, bytes, length);
    /* The most that a byte can become: one element's name, 64 bytes, for each "<a>x". */
    if (!gather.ok || gather.torn || gather.text.length > 64 * length + 64)
        abort();
    gather.stop_after = 1;
    gather_read(&gather, bytes, length);
    if (gather.late)
        abort();
    return 0;
}
