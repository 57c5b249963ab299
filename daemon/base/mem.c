#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local size_t fail_at;
static _Thread_local size_t calls;
static _Thread_local int fail_sticky;

static int fails(void)
{
    calls++;
    if (fail_at == 0)
        return 0;
    return calls == fail_at || (fail_sticky && calls > fail_at);
}

void *mem_alloc(size_t bytes)
{
    return fails() ? NULL : malloc(bytes ? bytes : 1);
}

void *mem_zalloc(size_t count, size_t bytes)
{
    return fails() ? NULL : calloc(count ? count : 1, bytes ? bytes : 1);
}

void *mem_realloc(void *block, size_t count, size_t bytes)
{
    if (bytes != 0 && count > SIZE_MAX / bytes)
        return NULL;
    size_t total = count * bytes;
    return fails() ? NULL : realloc(block, total ? total : 1);
}

void mem_free(void *block)
{
    free(block);
}

char *mem_strndup(const char *text, size_t length)
{
    char *copy = mem_alloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

void mem_fail_nth(size_t nth, int sticky)
{
    fail_at = nth;
    fail_sticky = sticky;
    calls = 0;
}

size_t mem_calls(void)
{
    return calls;
}
