/*
 * hostlink: what labeld (or labelctl) and labeld-parse agree on besides the messages of wire.def.
 * One SOCK_SEQPACKET pair joins them, the host's end is descriptor HOSTLINK_FD. The host first
 * sends one parse_ready. Then each request is one packet: an encoded parse_request and beside it
 * (SCM_RIGHTS, unix(7)) the descriptors
 *   answer   write end of a pipe: the child writes its one answer, framed as wire_send does
 *   done     write end of a pipe: the host alone writes one parse_done when the child is reaped
 *   files    what the verb reads and writes (enum parse_verb), at most HOSTLINK_FILES
 * Closing the pair ends the host and its children.
 * Owns: nothing.
 */
#ifndef LABELD_BASE_HOSTLINK_H
#define LABELD_BASE_HOSTLINK_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define HOSTLINK_FD    3
#define HOSTLINK_FILES 2

/* Largest packet in bytes: holds every parse_request that wire.def allows (a test holds it to
 * that), and fits into the send buffer that Linux gives without asking. */
#define HOSTLINK_PACKET (192u << 10)

/* How a child ends by itself. Everything else is a crash. */
enum hostlink_exit {
    HOSTLINK_ANSWERED = 0,
    HOSTLINK_DENIED = 40, /* answered, but some library tried to open a file */
    HOSTLINK_NO_MEMORY,   /* the memory limit was met */
    HOSTLINK_NO_OUTPUT,   /* the output descriptor, or the answer's, took no more */
    HOSTLINK_NO_INPUT     /* the input is nothing that can be mapped */
};

/* The descriptors beside a packet. */
struct hostlink_rights {
    int fds[2 + HOSTLINK_FILES];
    size_t count;
};

/* Send one packet. False with err; ERR_GONE when the other side has closed. */
bool hostlink_send(int link, const void *bytes, size_t length, const struct hostlink_rights *rights,
                   struct err *err);

/* Receive one packet into `bytes`. The length; 0 when the other side has closed; -1 with errno
 * (EMSGSIZE: too large, or too many descriptors). The caller closes the rights that came. */
ssize_t hostlink_receive(int link, void *bytes, size_t room, struct hostlink_rights *rights);

/* Close all of them. */
void hostlink_drop(struct hostlink_rights *rights);

#endif
