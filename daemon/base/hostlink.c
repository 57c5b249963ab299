#include "base/hostlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for the descriptors, aligned as cmsg(3) wants it. */
union control {
    char bytes[CMSG_SPACE(sizeof(int) * (2 + HOSTLINK_FILES))];
    struct cmsghdr align;
};

bool hostlink_send(int link, const void *bytes, size_t length, const struct hostlink_rights *rights,
                   struct err *err)
{
    union control control = {0};
    struct iovec piece = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr packet = {.msg_iov = &piece, .msg_iovlen = 1};
    if (rights && rights->count > 0) {
        size_t size = sizeof(int) * rights->count;
        packet.msg_control = control.bytes;
        packet.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *head = CMSG_FIRSTHDR(&packet);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(head), rights->fds, size);
    }
    ssize_t sent;
    do
        sent = sendmsg(link, &packet, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return true;
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
        return err_set(err, ERR_GONE, "the parse host has ended");
    return err_errno(err, "asking the parse host");
}

/* The descriptors of one control message; more than fit are closed. */
static void take_rights(struct cmsghdr *head, struct hostlink_rights *rights)
{
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
        return;
    size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
        if (rights->count < sizeof rights->fds / sizeof *rights->fds)
            rights->fds[rights->count++] = fd;
        else
            close(fd);
    }
}

ssize_t hostlink_receive(int link, void *bytes, size_t room, struct hostlink_rights *rights)
{
    union control control;
    struct iovec piece = {.iov_base = bytes, .iov_len = room};
    struct msghdr packet = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    rights->count = 0;
    ssize_t got;
    do
        got = recvmsg(link, &packet, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -1;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&packet); head; head = CMSG_NXTHDR(&packet, head))
        take_rights(head, rights);
    if (packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        hostlink_drop(rights);
        errno = EMSGSIZE;
        return -1;
    }
    return got;
}

void hostlink_drop(struct hostlink_rights *rights)
{
    for (size_t i = 0; i < rights->count; i++)
        close(rights->fds[i]);
    rights->count = 0;
}
