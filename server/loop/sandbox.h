/* What the server can no longer do to the machine once it has started, whoever takes it over.
 *
 * Landlock: no file is written, made, removed or run, only files in the folders that are named are read, and no TCP
 * port is bound or connected to. Seccomp: the same without the folders, and no program or process is started, no socket
 * opened, no memory made executable, no other process looked at, and nothing asked of the kernel that it learnt after
 * this was written.
 *
 * The filter is a list of what is refused, with an error, not of what is allowed: which calls the C library makes
 * changes with its versions, and a server that is killed by an update is the worse bargain. libseccomp would write the
 * same 100 lines of filter; it is not worth a dependency. */
#ifndef QUERN_SERVER_SANDBOX_H
#define QUERN_SERVER_SANDBOX_H

#include <stdbool.h>

#define QUERN_SANDBOX_FOLDERS 4

struct quern_sandbox {
    const char *readable[QUERN_SANDBOX_FOLDERS]; /* folders below which files may be read; NULL: none */
    const char *removable;                       /* folder from which files may be removed; NULL: none */
};

struct quern_sandbox_state {
    int landlock;       /* the version that is in force; 0: none */
    int landlock_error; /* an errno: why it is not in force */
    int seccomp_error;  /* an errno; 0: it is in force */
};

/* For this thread, all that it starts, and for ever. Goes without what the kernel lacks. */
struct quern_sandbox_state quern_sandbox_enter(const struct quern_sandbox *sandbox);

#endif
