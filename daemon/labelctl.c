/* labelctl: the command line. Offline work goes through the parse host, online work through the
 * daemon's API; it never parses a document and never opens the daemon's database. */
#include <signal.h>

#include "ctl/ctl.h"

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGIO, SIG_IGN); /* broken leases while a label is put in place (base/place.h) */
    return ctl_main(argc, argv, stdout, stderr);
}
