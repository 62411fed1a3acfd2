#include "pull.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain(const struct quern_cli_part *part)
{
    quern_cli_say("cannot write to %s: %s", part->path, quern_cli_own_reason());
    return QUERN_CLI_FAILED;
}

/* Whether the file still has its name. The last owner of the lock may have renamed or removed it. */
static bool has_name(const struct quern_cli_part *part)
{
    struct stat named, opened;
    return stat(part->path, &named) == 0 && fstat(part->descriptor, &opened) == 0 && named.st_ino == opened.st_ino &&
           named.st_dev == opened.st_dev;
}

static bool lock(struct quern_cli_part *part)
{
    bool waiting = false;
    while (flock(part->descriptor, waiting ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK && !waiting)
            quern_cli_notice("another process is downloading %s: waiting for it", part->target);
        else if (errno != EINTR)
            return false;
        waiting = true;
    }
    return true;
}

int quern_cli_part_open(struct quern_cli_part *part, const char *target)
{
    *part = (struct quern_cli_part){.target = target};
    snprintf(part->path, sizeof part->path, "%.*s.part", QUERN_CLI_PATH, target);
    snprintf(part->record_path, sizeof part->record_path, "%.*s.part.json", QUERN_CLI_PATH, target);
    snprintf(part->target_record_path, sizeof part->target_record_path, "%.*s.json", QUERN_CLI_PATH, target);
    for (;;) {
        part->descriptor = quern_cli_open_own(part->path, O_RDWR | O_CREAT);
        if (part->descriptor < 0)
            return complain(part);
        if (!lock(part)) {
            complain(part);
            close(part->descriptor);
            return QUERN_CLI_FAILED;
        }
        if (has_name(part))
            return QUERN_CLI_DONE;
        close(part->descriptor);
    }
}

bool quern_cli_part_is_locked(const char *target)
{
    char path[QUERN_CLI_PATH + 8];
    snprintf(path, sizeof path, "%.*s.part", QUERN_CLI_PATH, target);
    int descriptor = quern_cli_open_own(path, O_RDONLY);
    bool locked = descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (descriptor >= 0)
        close(descriptor);
    return locked;
}

int quern_cli_part_restart(struct quern_cli_part *part)
{
    part->have = 0;
    part->resumed = false;
    SHA256Init(&part->digest);
    if (ftruncate(part->descriptor, 0) == 0 && lseek(part->descriptor, 0, SEEK_SET) == 0)
        return QUERN_CLI_DONE;
    return complain(part);
}

int quern_cli_part_resume(struct quern_cli_part *part)
{
    struct stat status;
    if (fstat(part->descriptor, &status) != 0)
        return complain(part);
    bool fits = quern_cli_record_read(&part->record, part->record_path) &&
                (uint64_t)status.st_size <= part->record.size;
    if (!fits)
        part->record = (struct quern_cli_record){0};
    if (!fits || status.st_size == 0)
        return quern_cli_part_restart(part);
    SHA256Init(&part->digest);
    if (!quern_cli_digest_file(&part->digest, part->descriptor, &part->have, (uint64_t)status.st_size))
        return complain(part);
    part->resumed = true;
    return QUERN_CLI_DONE;
}

int quern_cli_part_expect(struct quern_cli_part *part, const struct quern_cli_record *record)
{
    const struct quern_cli_record *old = &part->record;
    if (old->size == record->size && strcmp(old->sha256, record->sha256) == 0 &&
        strcmp(old->etag, record->etag) == 0 && strcmp(old->origin, record->origin) == 0)
        return QUERN_CLI_DONE;
    part->record = *record;
    return quern_cli_record_write(record, part->record_path);
}

bool quern_cli_part_append(struct quern_cli_part *part, const void *data, size_t length)
{
    const char *rest = data;
    while (length > 0) {
        ssize_t written = write(part->descriptor, rest, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        SHA256Update(&part->digest, (const uint8_t *)rest, (size_t)written);
        part->have += (uint64_t)written;
        rest += written;
        length -= (size_t)written;
    }
    return true;
}

/* The record is written before the file gets its name: a file without a record seems to come from elsewhere. */
int quern_cli_part_finish(struct quern_cli_part *part)
{
    struct stat status;
    if (fsync(part->descriptor) != 0 || fstat(part->descriptor, &status) != 0)
        return complain(part);
    /* Windows would change the time when the file is closed, unless it is set. */
    futimens(part->descriptor, (const struct timespec[]){{.tv_nsec = UTIME_OMIT}, status.st_mtim});
    part->record.modified_ns = quern_cli_modified_ns(&status);
    if (quern_cli_record_write(&part->record, part->target_record_path) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    if (rename(part->path, part->target) != 0)
        return complain(part);
    unlink(part->record_path);
    return QUERN_CLI_DONE;
}

void quern_cli_part_close(struct quern_cli_part *part, bool remove)
{
    struct stat status;
    if (has_name(part) && (remove || (fstat(part->descriptor, &status) == 0 && status.st_size == 0))) {
        unlink(part->path);
        unlink(part->record_path);
    }
    close(part->descriptor);
}
