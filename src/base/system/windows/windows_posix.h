/* What quern uses of POSIX and of the GNU C library, for the C library of Windows (MinGW-w64), which lacks it or does
 * it in other ways. The compiler includes this file before every other one. So code outside this folder is written for
 * Linux, and paths, arguments and the environment are UTF-8 everywhere.
 *
 * Paths: '/' and '\' separate folders; paths that the system gives have '/'. Paths may be longer than 260 characters.
 * Files: always binary, not inherited by other processes, and others may read, write, rename and remove an open one.
 * Locks: of flock(2), exclusive, released when the file is closed. What is not said here is as Linux has it. */
#ifndef QUERN_WINDOWS_POSIX_H
#define QUERN_WINDOWS_POSIX_H

#define _CRT_RAND_S /* rand_s, which is a good source of random numbers */
#include <sys/stat.h>
#include <sys/types.h>

#include <dirent.h>
#include <direct.h>
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

/* ---------------------------------------------------------------- programs */

/* main gets its arguments in UTF-8; windows_main.c is what the system starts. */
#define main quern_program_main

/* The value in UTF-8; its memory stays. $HOME and $XDG_CACHE_HOME are %USERPROFILE% and %LOCALAPPDATA% unless they are
 * set. */
#define getenv quern_windows_getenv
char *quern_windows_getenv(const char *name);

/* ---------------------------------------------------------------- files */

#define O_CLOEXEC 0
#define O_NOCTTY 0
#define O_NONBLOCK 0
#define O_NOFOLLOW 0
#define O_DIRECTORY 0x1000000
#define F_GETFD 1
#define F_DUPFD_CLOEXEC 1030
#define LOCK_EX 2
#define LOCK_NB 4

#define open quern_windows_open
#define fopen quern_windows_fopen
#define fdopen quern_windows_fdopen
#define fcntl quern_windows_fcntl
#define flock quern_windows_flock
#define fsync quern_windows_fsync
#define fdatasync quern_windows_fsync
#define fchmod quern_windows_fchmod
#define umask quern_windows_umask
#define read quern_windows_read
#define pread quern_windows_pread
#define pwrite quern_windows_pwrite
#define access quern_windows_access
#define rename quern_windows_rename
#define unlink quern_windows_unlink
#define remove quern_windows_remove
#define link quern_windows_link
#define truncate quern_windows_truncate
#define isatty quern_windows_isatty
#define PIPE_BUF 4096
#define tmpfile quern_windows_tmpfile
#define mkstemp quern_windows_mkstemp
#define getc_unlocked _fgetc_nolock
#define fclose quern_windows_fclose
#define fflush quern_windows_fflush
int quern_windows_open(const char *path, int flags, ...);
FILE *quern_windows_fopen(const char *path, const char *mode);
FILE *quern_windows_fdopen(int file, const char *mode);
int quern_windows_fcntl(int file, int what, ...); /* F_GETFD, F_DUPFD_CLOEXEC */
int quern_windows_flock(int file, int how);
int quern_windows_fsync(int file); /* of a folder: does nothing */
ssize_t quern_windows_read(int file, void *buffer, size_t bytes); /* from a console: UTF-8 */
ssize_t quern_windows_pread(int file, void *buffer, size_t bytes, off_t offset); /* this and pwrite move the position */
ssize_t quern_windows_pwrite(int file, const void *buffer, size_t bytes, off_t offset);
int quern_windows_access(const char *path, int mode);
int quern_windows_rename(const char *from, const char *to); /* over an open file too, if it is not mapped */
int quern_windows_unlink(const char *path);
int quern_windows_remove(const char *path);
int quern_windows_fchmod(int file, mode_t mode); /* this and umask do nothing */
mode_t quern_windows_umask(mode_t mask);
int quern_windows_link(const char *from, const char *to);
int quern_windows_truncate(const char *path, off_t bytes); /* EACCES for a file that is mapped */
int quern_windows_isatty(int file); /* whether it is a console */
FILE *quern_windows_tmpfile(void);
int quern_windows_mkstemp(char *path);

/* A stream that writes to memory; these two functions take what was written out of it. */
#define open_memstream quern_windows_open_memstream
FILE *quern_windows_open_memstream(char **text, size_t *length);
int quern_windows_fclose(FILE *file);
int quern_windows_fflush(FILE *file);

#undef stat
#undef fstat
#define stat quern_windows_stat
#define fstat quern_windows_fstat
#define lstat quern_windows_stat /* links are followed */
struct quern_windows_stat {
    uint64_t st_dev, st_ino;
    unsigned st_mode, st_nlink;
    off_t st_size;
    struct timespec st_mtim, st_ctim; /* the same */
};
#undef st_mtime
#define st_mtime st_mtim.tv_sec
#ifndef S_ISLNK
#define S_ISLNK(mode) ((mode) == 0)
#endif
#ifndef S_ISSOCK
#define S_ISSOCK(mode) ((mode) == 0)
#endif
int quern_windows_stat(const char *path, struct quern_windows_stat *status);
int quern_windows_fstat(int file, struct quern_windows_stat *status);
#define UTIME_OMIT 0x3ffffffe
#define futimens quern_windows_futimens
int quern_windows_futimens(int file, const struct timespec times[2]); /* of the last change only */

/* ---------------------------------------------------------------- folders */

#define DIR struct quern_windows_folder
#define dirent quern_windows_entry
#define opendir quern_windows_opendir
#define fdopendir quern_windows_fdopendir
#define readdir quern_windows_readdir
#define closedir quern_windows_closedir
#define scandir quern_windows_scandir
#define mkdir(path, mode) quern_windows_mkdir(path)
#define rmdir quern_windows_rmdir
#define mkdtemp quern_windows_mkdtemp
#define getcwd quern_windows_getcwd
#define realpath quern_windows_realpath
#define readlink quern_windows_readlink
struct quern_windows_folder;
struct quern_windows_entry {
    char d_name[780]; /* 259 units of UTF-16 */
};
DIR *quern_windows_opendir(const char *path);
DIR *quern_windows_fdopendir(int file);
struct dirent *quern_windows_readdir(DIR *folder);
int quern_windows_closedir(DIR *folder);
int quern_windows_scandir(const char *path, struct dirent ***entries, int (*wanted)(const struct dirent *entry),
                          int (*compare)(const struct dirent **a, const struct dirent **b));
int quern_windows_mkdir(const char *path);
int quern_windows_rmdir(const char *path);
char *quern_windows_mkdtemp(char *path);
char *quern_windows_getcwd(char *path, size_t size);
char *quern_windows_realpath(const char *path, char *resolved); /* to resolved[PATH_MAX], or malloc'd when it is NULL */
ssize_t quern_windows_readlink(const char *path, char *target, size_t size); /* nothing is a link */

/* ---------------------------------------------------------------- numbers */

#define roundf quern_windows_roundf
float quern_windows_roundf(float x); /* MinGW-w64 rounds 0.49999997 to 1 */

/* ---------------------------------------------------------------- texts */

#include "../reallocarray.h"

#define strndup quern_windows_strndup
#define memmem quern_windows_memmem
#define getline quern_windows_getline
#define strsep quern_windows_strsep
#define strcasestr quern_windows_strcasestr
#define explicit_bzero quern_windows_explicit_bzero
#define timegm _mkgmtime
#define gmtime_r quern_windows_gmtime
#define strptime quern_windows_strptime
char *quern_windows_strndup(const char *text, size_t most);
void *quern_windows_memmem(const void *text, size_t length, const void *part, size_t part_length);
char *quern_windows_strsep(char **rest, const char *separators);
char *quern_windows_strcasestr(const char *text, const char *part); /* letters of ASCII */
void quern_windows_explicit_bzero(void *memory, size_t bytes);
struct tm *quern_windows_gmtime(const time_t *time, struct tm *date);
char *quern_windows_strptime(const char *text, const char *format, struct tm *date); /* %a %b %d %H %M %S %Y */
ssize_t quern_windows_getline(char **line, size_t *capacity, FILE *file);

typedef long suseconds_t;

/* ---------------------------------------------------------------- signals */

/* Windows has SIGINT, SIGTERM and faults. The others never come. */
#define SIGHUP 1
#define SIGBUS 7
#define SIGKILL 9
#define SIGUSR1 10
#define SIGPIPE 13
#define SIGQUIT 3
#define SIGXFSZ 25
#define SIGTRAP 5
#define SA_RESETHAND 1
#define SA_RESTART 2
#define SA_NODEFER 4
#define sigaction quern_windows_sigaction
#define signal quern_windows_signal
#define sigset_t _sigset_t
#define SIG_SETMASK 2
#define sigemptyset(set) (*(set) = 0)
#define sigfillset(set) (*(set) = 0)
#undef pthread_sigmask
#define pthread_sigmask(how, set, before) ((void)(set), (void)(before)) /* signals run in threads of their own */
#define sigaddset(set, number) ((void)(number), (void)(set), 0)
#define sigabbrev_np quern_windows_sigabbrev
typedef void quern_windows_on_signal(int number);
struct quern_windows_sigaction {
    quern_windows_on_signal *sa_handler; /* without SA_RESETHAND it is installed again when the signal comes */
    int sa_flags;
    _sigset_t sa_mask;
};
int quern_windows_sigaction(int number, const struct quern_windows_sigaction *action,
                            struct quern_windows_sigaction *before);
quern_windows_on_signal *quern_windows_signal(int number, quern_windows_on_signal *handler); /* SIG_ERR: never comes */
const char *quern_windows_sigabbrev(int number);

/* ---------------------------------------------------------------- names */

/* A function of Windows whose name is that of functions of quern. */
#define tell quern_program_tell

/* ---------------------------------------------------------------- the machine */

/* The heap gives large blocks back to the system by itself. */
#define M_MMAP_THRESHOLD 0
#define mallopt(what, value) ((void)(what), (void)(value))
#define malloc_trim(kept) ((void)(kept), _heapmin())

#define _SC_PAGESIZE 1
#define _SC_NPROCESSORS_ONLN 2
#define _SC_NPROCESSORS_CONF 2
#define _SC_PHYS_PAGES 3
#define sysconf quern_windows_sysconf
long quern_windows_sysconf(int what);

#endif
