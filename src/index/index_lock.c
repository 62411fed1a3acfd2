#include "index/index_lock.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int quern_index_lock(int *file, const char *path, quern_error *error)
{
    struct stat held, named;
    for (;;) {
        const int opened = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (opened < 0)
            return quern_fail(error, QUERN_EIO, "cannot change %s: %s", path, strerror(errno));
        if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
            const int reason = errno;
            close(opened);
            return reason == EWOULDBLOCK ? quern_fail(error, QUERN_EIO, "cannot change %s: another process is changing "
                                                      "it; try again when it is done", path)
                                         : quern_fail(error, QUERN_EIO, "cannot write %s: %s", path, strerror(reason));
        }
        if (fstat(opened, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev &&
            held.st_ino == named.st_ino) {
            *file = opened;
            return QUERN_OK;
        }
        close(opened);
    }
}
