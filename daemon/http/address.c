#include "http/address.h"

#include <netinet/in.h>
#include <sodium.h>
#include <string.h>

_Static_assert(ADDRESS_KEY_SIZE == crypto_shorthash_KEYBYTES, "SipHash's key");

uint64_t address_print(struct MHD_Connection *connection,
                       const unsigned char key[static ADDRESS_KEY_SIZE])
{
    enum { network_bytes = 8 };
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *from = info ? info->client_addr : NULL;
    unsigned char bytes[network_bytes] = {0};
    uint64_t print;
    if (from && from->sa_family == AF_INET6)
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, network_bytes);
    else if (from && from->sa_family == AF_INET)
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    crypto_shorthash((unsigned char *)&print, bytes, sizeof bytes, key);
    return print;
}
