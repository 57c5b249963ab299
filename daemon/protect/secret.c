#include "protect/secret.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"

void *secret_new(size_t bytes, struct err *err)
{
    /* The heap is asked first, so that a test's failing allocation reaches this one too. */
    void *probe = mem_alloc(1);
    void *secret = probe && sodium_init() >= 0 ? sodium_malloc(bytes) : NULL;
    mem_free(probe);
    if (!secret)
        err_set(err, ERR_MEMORY, "no locked memory for a key");
    else
        memset(secret, 0, bytes);
    return secret;
}

void secret_free(void *secret)
{
    sodium_free(secret); /* wipes */
}

void secret_drop(void *pointer)
{
    secret_free(*(void **)pointer);
}
