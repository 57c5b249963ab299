#include "ctl/passphrase.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "protect/secret.h"

/* Take the line end away. False: empty or too long. */
static bool trim(char *text, struct err *err)
{
    size_t end = strcspn(text, "\r\n");
    if (end == PASSPHRASE_ROOM)
        return err_set(err, ERR_USAGE, "the passphrase is longer than %d bytes",
                       PASSPHRASE_ROOM - 1);
    sodium_memzero(text + end, PASSPHRASE_ROOM - end);
    return end > 0 || err_set(err, ERR_USAGE, "the passphrase is empty");
}

static bool from_file(const char *path, char *text, struct err *err)
{
    struct stat st;
    own_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, "opening %s", path);
    if (S_ISREG(st.st_mode) && st.st_mode & 077)
        return err_set(err, ERR_USAGE, "%s can be read by others; chmod 600 it", path);
    ssize_t got = io_read(fd, text, PASSPHRASE_ROOM);
    if (got < 0)
        return err_errno(err, "reading %s", path);
    return trim(text, err) || err_add(err, "%s", path);
}

/* The terminal -------------------------------------------------------------------------------- */

/* Keys come one at a time and ^C as a byte, so that the terminal is always set back. */
static bool read_keys(int terminal, char *text, struct err *err)
{
    size_t length = 0;
    for (;;) {
        char key;
        if (io_read(terminal, &key, 1) != 1)
            return err_set(err, ERR_USAGE, "the terminal is gone");
        if (key == '\n' || key == '\r')
            return true;
        if (key == 3 || (key == 4 && length == 0))
            return err_set(err, ERR_STOPPED, "given up");
        if (key == 21)
            length = 0;
        else if (key == 8 || key == 127)
            length -= length > 0;
        else if (length < PASSPHRASE_ROOM - 1)
            text[length++] = key;
        else
            return err_set(err, ERR_USAGE, "the passphrase is longer than %d bytes",
                           PASSPHRASE_ROOM - 1);
        text[length] = '\0';
    }
}

static bool ask(int terminal, const char *prompt, const char *subject, char *text, struct err *err)
{
    struct termios before;
    if (tcgetattr(terminal, &before) < 0)
        return err_errno(err, "asking on the terminal");
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    dprintf(terminal, "%s %s: ", prompt, subject);
    if (tcsetattr(terminal, TCSAFLUSH, &silent) < 0)
        return err_errno(err, "asking on the terminal");
    bool ok = read_keys(terminal, text, err);
    tcsetattr(terminal, TCSAFLUSH, &before);
    dprintf(terminal, "\n");
    return ok && (*text || err_set(err, ERR_USAGE, "the passphrase is empty"));
}

static bool from_terminal(const char *subject, bool twice, char *text, struct err *err)
{
    own_fd int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0)
        return err_set(err, ERR_USAGE,
                       "no terminal to ask for the passphrase on; use --passphrase-file FILE");
    if (!ask(terminal, "Passphrase for", subject, text, err))
        return false;
    if (!twice)
        return true;
    own_secret char *again = secret_new(PASSPHRASE_ROOM, err);
    return again && ask(terminal, "Once more, passphrase for", subject, again, err) &&
           (strcmp(text, again) == 0 ||
            err_set(err, ERR_USAGE, "the two passphrases are not the same"));
}

char *passphrase_get(const char *path, const char *subject, bool twice, struct err *err)
{
    char *text = secret_new(PASSPHRASE_ROOM + 1, err); /* a NUL behind what a file may fill */
    if (text && (path ? from_file(path, text, err) : from_terminal(subject, twice, text, err)))
        return text;
    secret_free(text);
    return NULL;
}
