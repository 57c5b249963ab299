#include "base/digest.h"

#include <openssl/evp.h>

bool digest_begin(struct digest *digest, struct err *err)
{
    if (!digest->context)
        digest->context = EVP_MD_CTX_new();
    if (!digest->context || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1)
        return err_set(err, ERR_MEMORY, "SHA-256: out of memory");
    return true;
}

bool digest_add(struct digest *digest, const void *bytes, size_t length, struct err *err)
{
    if (EVP_DigestUpdate(digest->context, bytes, length) != 1)
        return err_set(err, ERR_BROKEN, "SHA-256 failed");
    return true;
}

bool digest_end(struct digest *digest, uint8_t sha256[static DIGEST_BYTES], struct err *err)
{
    if (EVP_DigestFinal_ex(digest->context, sha256, NULL) != 1)
        return err_set(err, ERR_BROKEN, "SHA-256 failed");
    return true;
}

void digest_fini(struct digest *digest)
{
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
}
