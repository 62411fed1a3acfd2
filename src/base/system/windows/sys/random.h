/* Good random numbers. */
#ifndef QUERN_WINDOWS_RANDOM_H
#define QUERN_WINDOWS_RANDOM_H

#include <stddef.h>
#include <sys/types.h>

#define GRND_NONBLOCK 1
#define getrandom quern_windows_getrandom
ssize_t quern_windows_getrandom(void *memory, size_t bytes, unsigned flags); /* never waits; -1: there are none */

#endif
