/* The clock of all times in the server. */
#ifndef QUERN_SERVER_CLOCK_H
#define QUERN_SERVER_CLOCK_H

#include <stdint.h>
#include <sys/time.h>

/* Nanoseconds of the monotonic clock. */
int64_t quern_clock_ns(void);

/* A number of seconds, 0 or more, in the form that libevent takes. */
struct timeval quern_clock_interval(double seconds);

#endif
