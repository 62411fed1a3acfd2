/* Reading from a descriptor that may be a pipe. */
#ifndef QUERN_JOBS_READ_WAITING_H
#define QUERN_JOBS_READ_WAITING_H

#include <sys/types.h>

/* Reads as read() does, but goes on after a signal. Another program that shares the file may have made it non-blocking:
 * then this waits for input itself. */
ssize_t quern_read_waiting(int descriptor, void *room, size_t size);

#endif
