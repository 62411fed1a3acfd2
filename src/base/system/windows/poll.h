/* poll(2), for input only. */
#ifndef QUERN_WINDOWS_POLL_H
#define QUERN_WINDOWS_POLL_H

#define POLLIN 1
#define poll quern_windows_poll
#define pollfd quern_windows_pollfd

struct quern_windows_pollfd {
    int fd;
    short events, revents;
};

/* How many of files[count] have input, or their end, to read, after at most so many milliseconds; -1: without limit. */
int quern_windows_poll(struct quern_windows_pollfd *files, unsigned count, int milliseconds);

#endif
