/* What quern uses of the GNU C library, for macOS, which lacks it or has it under another name. The compiler includes
 * this file before every other one. So code outside this folder is written for Linux. */
#ifndef QUERN_DARWIN_GNU_H
#define QUERN_DARWIN_GNU_H

#define __STDC_WANT_LIB_EXT1__ 1 /* memset_s */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../reallocarray.h"

#define st_mtim st_mtimespec
#define st_ctim st_ctimespec

/* To the disk, and not only to its cache, where the file system can do this. */
#define fsync quern_darwin_fsync
#define fdatasync quern_darwin_fsync
int quern_darwin_fsync(int file);

/* The name of a signal without SIG, such as "INT". */
#define sigabbrev_np quern_darwin_sigabbrev
const char *quern_darwin_sigabbrev(int number);

#define explicit_bzero(memory, bytes) memset_s(memory, bytes, 0, bytes)

/* Good random numbers. Returns bytes. */
#define GRND_NONBLOCK 1
#define getrandom quern_darwin_getrandom
ssize_t quern_darwin_getrandom(void *memory, size_t bytes, unsigned flags);

/* A socket that is not inherited, or that does not block, from its start on. */
#define SOCK_CLOEXEC 0x10000
#define SOCK_NONBLOCK 0x20000
#define socket(family, type, protocol) quern_darwin_socket(family, type, protocol)
int quern_darwin_socket(int family, int type, int protocol);

/* With attributes NULL a thread has a stack of 8 MiB, as on Linux, and not of 512 KiB. It also has the
 * quality-of-service class of work that a user waits for, because the system may move other threads to the slower
 * cores. */
#define pthread_create quern_darwin_pthread_create
int quern_darwin_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                                void *argument);

#endif
