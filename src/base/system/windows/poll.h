/* poll(2), for files and pipes, not for sockets. Output is always ready: Windows does not tell. */
#ifndef QUERN_WINDOWS_POLL_H
#define QUERN_WINDOWS_POLL_H

#undef POLLIN
#undef POLLOUT
#define POLLIN 1
#define POLLOUT 4
#define poll quern_windows_poll
#define pollfd quern_windows_pollfd

struct quern_windows_pollfd {
    int fd;
    short events, revents;
};

/* How many of files[count] are ready (input: some bytes, or the end), after at most so many milliseconds; -1: no
 * limit. */
int quern_windows_poll(struct quern_windows_pollfd *files, unsigned count, int milliseconds);

#endif
