/* The sandbox: what the server cannot do to the machine once it has started, even if an attacker takes it over.
 *
 * Landlock: the process reads only the named files and those in the named folders, and cannot run files or bind or
 * connect TCP ports. It cannot write, create, rename or remove files, unless folders are named in which it may; what
 * it may do there, it can also do to files below them. Seccomp: it cannot write files at all, unless such folders are
 * named and Landlock guards all others; and it cannot start programs or processes, open sockets, make memory
 * executable, look at other processes or signal them, or use system calls that are newer than this file.
 *
 * The filter lists what is refused, with an error, not what is allowed. Which calls the C library makes changes from
 * version to version, and an update must not kill the server. libseccomp would write the same 100 lines of filter; that
 * is not worth a dependency. */
#ifndef QUERN_SERVER_SANDBOX_H
#define QUERN_SERVER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#define QUERN_SANDBOX_TEXT 256 /* room for what quern_sandbox_describe writes */

struct quern_sandbox {
    const char *const *readable; /* [readable_count]: files, and folders of files, that may be read; NULL: none */
    size_t readable_count;
    const char *removable;       /* folder in which files may be removed; NULL: none */
    const char *const *writable; /* [writable_count]: folders in which files may be read, written, created, renamed and
                                    removed. Nothing can be written where Landlock is not in force */
    size_t writable_count;
};

struct quern_sandbox_state {
    int landlock;       /* the version in force; 0: none */
    int landlock_error; /* an errno: why it is not in force */
    int seccomp_error;  /* an errno; 0: it is in force */
};

/* Enters the sandbox. It holds for ever, for this thread and all threads that it starts. Parts that the kernel does not
 * have are left out. Systems other than Linux have none of them (no_sandbox.c). */
struct quern_sandbox_state quern_sandbox_enter(const struct quern_sandbox *sandbox);

/* Writes what is in force, and why the rest is not: "Landlock in force, seccomp in force". */
void quern_sandbox_describe(const struct quern_sandbox_state *state, char text[static QUERN_SANDBOX_TEXT]);

#endif
