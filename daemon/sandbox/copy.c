#include "sandbox/copy.h"

#include "base/digest.h"
#include "base/io.h"
#include "base/own.h"

static const size_t block_bytes = 256 * 1024;

static bool pump(int in, int out, uint64_t most, struct digest *digest, struct copy_facts *facts,
                 struct err *err)
{
    own_free char *block = mem_alloc(block_bytes);
    if (!block)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (;;) {
        ssize_t got = io_read(in, block, block_bytes);
        if (got < 0)
            return err_errno(err, "reading");
        if (got == 0)
            return true;
        facts->size += (uint64_t)got;
        if (facts->size > most)
            return err_set(err, ERR_LIMIT, "over %llu bytes", (unsigned long long)most);
        if (!digest_add(digest, block, (size_t)got, err))
            return false;
        if (out >= 0 && !io_write(out, block, (size_t)got))
            return err_errno(err, "copying");
    }
}

bool copy_hashed(int in, int out, uint64_t most, struct copy_facts *facts, struct err *err)
{
    *facts = (struct copy_facts){0};
    own_digest struct digest digest = {0};
    return digest_begin(&digest, err) && pump(in, out, most, &digest, facts, err) &&
           digest_end(&digest, facts->sha256, err);
}

int copy_sealed(int in, uint64_t most, struct copy_facts *facts, struct err *err)
{
    own_fd int out = io_memfd("copy", err);
    if (out < 0 || !copy_hashed(in, out, most, facts, err) || !io_seal(out, err))
        return -1;
    return own_take_fd(&out);
}
