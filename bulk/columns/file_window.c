#include "file_window.h"

#include "jobs_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    AHEAD = 1 << 16, /* so many bytes are read at least, if the file has them */
    LONGEST = 1 << 28
};

int quern_seen_file_open(struct quern_seen_file *file, const char *path, quern_error *error)
{
    struct stat status;
    *file = (struct quern_seen_file){.path = path, .descriptor = open(path, O_RDONLY | O_CLOEXEC)};
    if (file->descriptor < 0 || fstat(file->descriptor, &status) != 0)
        return quern_jobs_fail(error, QUERN_EIO, "cannot open %s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return quern_jobs_fail(error, QUERN_EINVAL, "%s is read at several places at once, so it must be a file on a "
                               "disk, and no pipe or device", path);
    file->size = (uint64_t)status.st_size;
    return QUERN_OK;
}

void quern_seen_file_close(struct quern_seen_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
}

static int make_room(struct quern_file_window *window, const struct quern_seen_file *file, size_t length,
                     quern_error *error)
{
    if (length <= window->capacity)
        return QUERN_OK;
    unsigned char *more = realloc(window->data, length);
    if (more == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %zu bytes of %s", length, file->path);
    window->data = more;
    window->capacity = length;
    return QUERN_OK;
}

/* Fills the window from its offset on. */
static int fill(struct quern_file_window *window, struct quern_seen_file *file, size_t length, quern_error *error)
{
    for (window->length = 0; window->length < length;) {
        const ssize_t got = pread(file->descriptor, window->data + window->length, length - window->length,
                                  (off_t)(window->offset + window->length));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", file->path,
                                   got < 0 ? strerror(errno) : "it became shorter");
        window->length += (size_t)got;
        file->bytes_read += (uint64_t)got;
    }
    return QUERN_OK;
}

int quern_file_window_get(struct quern_file_window *window, struct quern_seen_file *file, uint64_t offset,
                          uint64_t length, const unsigned char **bytes, quern_error *error)
{
    if (offset > file->size || length > file->size - offset)
        return quern_jobs_fail(error, QUERN_EFORMAT, "%s is damaged: it refers to %llu bytes at byte %llu, and has "
                               "%llu bytes", file->path, (unsigned long long)length, (unsigned long long)offset,
                               (unsigned long long)file->size);
    if (length > LONGEST)
        return quern_jobs_fail(error, QUERN_ETOOLONG, "%s: what is at byte %llu is longer than %d MiB", file->path,
                               (unsigned long long)offset, LONGEST >> 20);
    if (offset < window->offset || offset - window->offset > window->length ||
        length > window->length - (offset - window->offset)) {
        const uint64_t left = file->size - offset;
        size_t wanted = length > AHEAD ? (size_t)length : AHEAD;
        wanted = wanted > left ? (size_t)left : wanted;
        int code = make_room(window, file, wanted, error);
        window->offset = offset;
        window->length = 0;
        if (code == QUERN_OK)
            code = fill(window, file, wanted, error);
        if (code != QUERN_OK)
            return code;
    }
    *bytes = window->data != NULL ? window->data + (offset - window->offset) : (const unsigned char *)"";
    return QUERN_OK;
}

void quern_file_window_free(struct quern_file_window *window)
{
    free(window->data);
    *window = (struct quern_file_window){.data = NULL};
}
