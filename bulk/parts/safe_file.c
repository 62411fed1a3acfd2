#include "safe_file.h"

#include "jobs_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_write(const char *path, quern_error *error)
{
    return quern_jobs_fail(error, QUERN_EIO, "cannot write to %s: %s", path, strerror(errno));
}

int quern_safe_file_open(struct quern_safe_file *file, const char *path, bool is_shared, quern_error *error)
{
    char process[24] = "";
    file->file = NULL;
    file->path = strdup(path);
    file->temporary = NULL;
    if (is_shared)
        snprintf(process, sizeof process, ".%ld", (long)getpid());
    if (file->path == NULL || asprintf(&file->temporary, "%s%s.new", path, process) < 0) {
        file->temporary = NULL;
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the name of %s", path);
    }
    file->file = fopen(file->temporary, "we");
    if (file->file == NULL)
        return cannot_write(path, error);
    setvbuf(file->file, file->buffer, _IOFBF, sizeof file->buffer);
    return QUERN_OK;
}

/* Syncs the file to the disk and closes it. */
static int sync_and_close(struct quern_safe_file *file, quern_error *error)
{
    bool failed = fflush(file->file) != 0 || ferror(file->file) || fsync(fileno(file->file)) != 0;
    const int number = errno;
    failed = fclose(file->file) != 0 || failed;
    file->file = NULL;
    errno = number;
    return failed ? cannot_write(file->path, error) : QUERN_OK;
}

/* Renames the file. A file server whose answer was lost is asked again, and then says that there is nothing to rename:
 * so an error counts only when another file has the name, or none. */
static bool give_name(const struct quern_safe_file *file)
{
    struct stat own, named;
    const bool is_known = stat(file->temporary, &own) == 0;
    if (rename(file->temporary, file->path) == 0)
        return true;
    const int number = errno;
    const bool is_done = is_known && stat(file->path, &named) == 0 && named.st_dev == own.st_dev &&
                         named.st_ino == own.st_ino;
    errno = number;
    return is_done;
}

int quern_safe_file_finish(struct quern_safe_file *file, quern_error *error)
{
    int code = sync_and_close(file, error);
    if (code == QUERN_OK && !give_name(file))
        code = cannot_write(file->path, error);
    if (code == QUERN_OK) {
        free(file->temporary);
        file->temporary = NULL;
    }
    quern_safe_file_discard(file);
    return code;
}

int quern_safe_file_finish_first(struct quern_safe_file *file, bool *was_there, quern_error *error)
{
    int code = sync_and_close(file, error);
    *was_there = false;
    if (code == QUERN_OK && link(file->temporary, file->path) != 0) {
        *was_there = errno == EEXIST;
        code = *was_there ? QUERN_OK : cannot_write(file->path, error);
    }
    quern_safe_file_discard(file);
    return code;
}

void quern_safe_file_discard(struct quern_safe_file *file)
{
    if (file->file != NULL)
        fclose(file->file);
    if (file->temporary != NULL)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (struct quern_safe_file){.file = NULL};
}

int quern_folder_sync(const char *path, quern_error *error)
{
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool failed = folder < 0 || (fsync(folder) != 0 && errno != EINVAL); /* some file systems cannot */
    const int code = failed ? cannot_write(path, error) : QUERN_OK;
    if (folder >= 0)
        close(folder);
    return code;
}
