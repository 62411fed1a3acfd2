/* Time for measuring how long something takes. */
#ifndef QUERN_BASE_CLOCK_H
#define QUERN_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since a fixed moment in the past. The clock never goes back. */
static inline int64_t quern_now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

#endif
