#include "heap.h"

#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

#include "base/mem.h"
#include "lockdown.h"

#ifdef LABELD_SANITIZED
void heap_settle(void) /* AddressSanitizer's heap has no such pieces */
{
}
#else
/* Below `small` malloc has a bin for each size. */
enum { largest = 1 << 20, small = 1032, smallest = 24, step = 16, most_pieces = 1 << 20 };

/* Pieces of one size, until one comes from the end. How many may still be taken. */
static size_t take_all(size_t size, uintptr_t end, size_t left)
{
    for (; left; left--) {
        void *piece = mem_alloc(size);
        if (!piece || (uintptr_t)piece >= end) {
            mem_free(piece);
            break;
        }
    }
    return left;
}

void heap_settle(void)
{
    malloc_trim(0); /* whole free pages go back first */
    uintptr_t end = (uintptr_t)sbrk(0) - mallinfo2().keepcost;
    size_t left = most_pieces;
    for (size_t size = largest; size > small; size -= size / 4)
        left = take_all(size, end, left);
    for (size_t size = small; size >= smallest; size -= step)
        left = take_all(size, end, left);
}
#endif
