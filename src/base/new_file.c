#include "base/new_file.h"

#include "base/error.h"
#include "base/system/system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_io(quern_error *error, const struct quern_new_file *target)
{
    return quern_fail(error, QUERN_EIO, "cannot write %s: %s", target->name, strerror(errno));
}

/* Opens the file and locks it. Returns its descriptor; -1 when this fails, with the reason in errno, which is EEXIST
 * for what no writer has left: a link, a pipe, a folder, a file with a second name; -2 when another process renamed or
 * removed the file before it was locked, and the caller must try again. */
static int open_locked(const char *temporary)
{
    struct stat held, named;
    int file = open(temporary, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (file < 0) {
        errno = errno == ELOOP || errno == ENXIO || errno == EISDIR ? EEXIST : errno;
        return -1;
    }
    if (fstat(file, &held) == 0 && (!S_ISREG(held.st_mode) || held.st_nlink > 1)) {
        close(file);
        errno = EEXIST;
        return -1;
    }
    if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(file);
        errno = EBUSY;
        return -1;
    }
    bool same = fstat(file, &held) == 0 && stat(temporary, &named) == 0 && held.st_dev == named.st_dev &&
                held.st_ino == named.st_ino;
    if (same && ftruncate(file, 0) == 0)
        return file;
    int reason = errno;
    close(file);
    errno = reason;
    return same ? -1 : -2;
}

static int fail_locked(quern_error *error, const struct quern_new_file *target)
{
    if (errno == EBUSY)
        return quern_fail(error, QUERN_EIO, "cannot write %s: another process is writing it", target->name);
    if (errno == EEXIST)
        return quern_fail(error, QUERN_EIO, "cannot write %s: %s is in the way, and is no unfinished file: move it "
                          "away", target->name, target->temporary);
    return fail_io(error, target);
}

/* Creates "PATH.part". A file that a killed process left is overwritten. A file that is being written is locked. */
static int create(struct quern_new_file *target, quern_error *error)
{
    size_t size = strlen(target->path) + sizeof ".part";
    struct stat status;
    const bool exists = stat(target->path, &status) == 0;
    if (exists && S_ISDIR(status.st_mode))
        return quern_fail(error, QUERN_EIO, "cannot write %s: it is a folder; name a file in it", target->name);
    if (exists && !S_ISREG(status.st_mode))
        return quern_fail(error, QUERN_EIO, "cannot write %s: it exists and is not a regular file", target->name);
    if (exists && access(target->path, W_OK) != 0)
        return fail_io(error, target);
    target->temporary = malloc(size);
    if (target->temporary == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to write %s", target->name);
    snprintf(target->temporary, size, "%s.part", target->path);
    int file;
    do
        file = open_locked(target->temporary);
    while (file == -2);
    if (file < 0)
        return fail_locked(error, target);
    target->file = file;
    return QUERN_OK;
}

int quern_new_file_begin(struct quern_new_file *target, const char *path, const char *name, quern_error *error)
{
    *target = (struct quern_new_file){.file = -1};
    target->path = realpath(path, NULL);
    if (target->path == NULL)
        target->path = strdup(path);
    target->name = strdup(name != NULL ? name : path);
    if (target->path == NULL || target->name == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to write %s", path);
    return create(target, error);
}

FILE *quern_new_file_stream(const struct quern_new_file *target)
{
    int file = fcntl(target->file, F_DUPFD_CLOEXEC, 0);
    FILE *stream = file < 0 ? NULL : fdopen(file, "wb");
    if (stream == NULL && file >= 0)
        close(file);
    return stream;
}

/* Writes the entry of the folder to the disk. */
static void sync_folder(const char *path)
{
    const char *name = quern_system_file_name(path);
    char *folder = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
    if (folder != NULL)
        quern_system_sync_folder(folder);
    free(folder);
}

int quern_new_file_complete(struct quern_new_file *target, quern_error *error)
{
    if (rename(target->temporary, target->path) != 0)
        return fail_io(error, target);
    sync_folder(target->path);
    free(target->temporary); /* it is not there any more: another writer may make one of its own */
    target->temporary = NULL;
    return QUERN_OK;
}

void quern_new_file_end(struct quern_new_file *target)
{
    if (target->file >= 0) {
        if (target->temporary != NULL)
            unlink(target->temporary);
        close(target->file);
    }
    free(target->path);
    free(target->name);
    free(target->temporary);
    *target = (struct quern_new_file){.file = -1};
}
