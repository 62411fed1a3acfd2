/* Paths, times and errors, for the other files of this folder. */
#ifndef QUERN_WINDOWS_PATHS_H
#define QUERN_WINDOWS_PATHS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <wchar.h>

/* A text in UTF-16, or in UTF-8; malloc'd. NULL with errno: EILSEQ when it is not UTF-8, ENOMEM. */
wchar_t *quern_windows_wide(const char *text);
char *quern_windows_narrow(const wchar_t *text);

/* A path as functions of Windows take it, however long it is; malloc'd. NULL with errno: ENODEV when its name is that
 * of a device, EINVAL when it names a stream of a file; see windows_paths.c. */
wchar_t *quern_windows_path(const char *path);

/* What such a path says without its prefix, in UTF-8 and with '/'; malloc'd. Changes the path. NULL with errno. */
char *quern_windows_plain(wchar_t *path);

/* Sets errno from the error that the last function of Windows left. Returns -1. */
int quern_windows_fail(void);

/* A time of Windows, which counts 100 ns since 1601. */
struct timespec quern_windows_time(uint64_t filetime);

/* Puts '/' between the folders of a path. */
void quern_windows_slashes(char *path);

#endif
