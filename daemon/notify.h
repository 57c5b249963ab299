/*
 * notify: tell the service manager how the daemon is (sd_notify(3): a datagram to the socket
 * named by NOTIFY_SOCKET). Without one, nothing happens.
 */
#ifndef LABELD_NOTIFY_H
#define LABELD_NOTIFY_H

/* "READY=1", "RELOADING=1\nMONOTONIC_USEC=…", "STOPPING=1", "STATUS=…". */
void notify_send(const char *state);

#endif
