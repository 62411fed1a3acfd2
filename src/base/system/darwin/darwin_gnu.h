/* What quern uses of the GNU C library, for macOS, which lacks it or has it under another name. The compiler includes
 * this file before every other one. So code outside this folder is written for Linux. */
#ifndef QUERN_DARWIN_GNU_H
#define QUERN_DARWIN_GNU_H

#define __STDC_WANT_LIB_EXT1__ 1 /* memset_s */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../reallocarray.h"

#define st_mtim st_mtimespec
#define st_ctim st_ctimespec

#define fdatasync fsync

/* The name of a signal without SIG, such as "INT". */
#define sigabbrev_np quern_darwin_sigabbrev
const char *quern_darwin_sigabbrev(int number);

#define explicit_bzero(memory, bytes) memset_s(memory, bytes, 0, bytes)

#endif
