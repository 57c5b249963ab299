#include "policy/digest.h"

#include <openssl/evp.h>
#include <string.h>

static void hex_of(const unsigned char bytes[static 32], char hex[static DIGEST_HEX_BYTES])
{
    for (unsigned i = 0; i < 32; i++) {
        hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    hex[64] = '\0';
}

bool digest_text(const char *text, size_t length, char hex[static DIGEST_HEX_BYTES])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(text, length, bytes, &size, EVP_sha256(), NULL) != 1 || size != 32)
        return false;
    hex_of(bytes, hex);
    return true;
}

/* A kind, a text with its NUL, and for lists and maps an end: no two trees give the same bytes. */
static bool add(EVP_MD_CTX *context, char kind, const char *text)
{
    return EVP_DigestUpdate(context, &kind, 1) == 1 &&
           EVP_DigestUpdate(context, text, strlen(text) + 1) == 1;
}

static bool add_node(EVP_MD_CTX *context, const struct yaml_node *node) /* base/yaml bounds depth */
{
    if (node->kind == YAML_SCALAR)
        return add(context, 's', node->text);
    bool map = node->kind == YAML_MAP;
    bool ok = add(context, map ? 'm' : 'l', "");
    for (size_t i = 0; ok && i < node->count; i++)
        ok = map ? add(context, 'k', node->pairs[i].key) && add_node(context, &node->pairs[i].value)
                 : add_node(context, &node->items[i]);
    return ok && add(context, 'e', "");
}

bool digest_node(const struct yaml_node *node, char hex[static DIGEST_HEX_BYTES])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
              add_node(context, node) && EVP_DigestFinal_ex(context, bytes, &size) == 1;
    EVP_MD_CTX_free(context);
    if (ok)
        hex_of(bytes, hex);
    return ok;
}
