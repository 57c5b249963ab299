/*
 * address: from where a request comes, as a number for a table of rates.
 */
#ifndef LABELD_HTTP_ADDRESS_H
#define LABELD_HTTP_ADDRESS_H
#include <microhttpd.h>
#include <stdint.h>

enum { ADDRESS_KEY_SIZE = 16 };

/* A keyed fingerprint, so that nobody can choose an address that shares another's bucket. Of IPv6
 * the /64: it is one customer. */
uint64_t address_print(struct MHD_Connection *connection,
                       const unsigned char key[static ADDRESS_KEY_SIZE]);

#endif
