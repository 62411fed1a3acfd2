#include "part.h"

#include "array_count.h"
#include "jobs_error.h"
#include "part_record.h"
#include "safe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

void quern_part_path(char path[QUERN_PART_PATH], const char *folder, uint64_t number, const char *ending)
{
    snprintf(path, QUERN_PART_PATH, "%s/part-%05llu%s", folder, (unsigned long long)number, ending);
}

int quern_part_read_done(struct quern_part_done *done, const char *folder, uint64_t number, quern_error *error)
{
    char path[QUERN_PART_PATH];
    quern_part_path(path, folder, number, ".done");
    return quern_part_record_read(path, done, false, error);
}

#define JOURNAL ".unfinished"
static const char *const journal_files[] = {JOURNAL "/rows", JOURNAL "/ids.jsonl", JOURNAL "/errors.jsonl"};
#define CHECKPOINT JOURNAL "/checkpoint.json"
#define LOCK JOURNAL "/lock"

int quern_part_read_checkpoint(struct quern_part_done *done, const char *folder, uint64_t number,
                               quern_error *error)
{
    char path[QUERN_PART_PATH];
    quern_part_path(path, folder, number, CHECKPOINT);
    return quern_part_record_read(path, done, true, error);
}

void quern_part_remove_journal(const char *folder, uint64_t number)
{
    char path[QUERN_PART_PATH];
    quern_part_path(path, folder, number, CHECKPOINT); /* first, since without it the rest does not count */
    unlink(path);
    quern_part_path(path, folder, number, CHECKPOINT ".new");
    unlink(path);
    for (size_t i = 0; i < QUERN_COUNT(journal_files); i++) {
        quern_part_path(path, folder, number, journal_files[i]);
        unlink(path);
    }
    quern_part_path(path, folder, number, LOCK);
    unlink(path);
    quern_part_path(path, folder, number, JOURNAL);
    rmdir(path);
}

void quern_part_remove(const char *folder, uint64_t number)
{
    static const char *const endings[] = {".done", ".ids.jsonl", ".errors.jsonl"};
    char path[QUERN_PART_PATH];
    for (size_t i = 0; i < QUERN_COUNT(endings); i++) {
        quern_part_path(path, folder, number, endings[i]);
        unlink(path);
    }
    for (int format = 0; format < QUERN_VECTOR_FORMAT_COUNT; format++) {
        quern_part_path(path, folder, number, quern_vector_format_ending((enum quern_vector_format)format));
        unlink(path);
    }
    quern_part_remove_journal(folder, number);
}

/* ---------------------------------------------------------------- the journal */

/* Opens a file of the journal, and cuts off what is behind its first `bytes`. */
static FILE *open_journal_file(const struct quern_part *part, const char *name, uint64_t bytes, quern_error *error)
{
    char path[QUERN_PART_PATH];
    struct stat status;
    quern_part_path(path, part->folder, part->number, name);
    const int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "r+") : NULL;
    if (file == NULL || fstat(descriptor, &status) != 0) {
        quern_jobs_fail(error, QUERN_EIO, "cannot write to %s: %s", path, strerror(errno));
    } else if ((uint64_t)status.st_size < bytes) {
        quern_jobs_fail(error, QUERN_EFORMAT, "%s is shorter than its checkpoint says: remove the folder that it is "
                        "in, and the part is made again", path);
    } else if (ftruncate(descriptor, (off_t)bytes) != 0 || fseeko(file, (off_t)bytes, SEEK_SET) != 0) {
        quern_jobs_fail(error, QUERN_EIO, "cannot write to %s: %s", path, strerror(errno));
    } else {
        return file;
    }
    if (file != NULL)
        fclose(file);
    else if (descriptor >= 0)
        close(descriptor);
    return NULL;
}

static int make_journal_folder(const struct quern_part *part, quern_error *error)
{
    char path[QUERN_PART_PATH];
    quern_part_path(path, part->folder, part->number, JOURNAL);
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EIO, "cannot make the folder %s: %s", path, strerror(errno));
}

/* Makes sure that no other process makes the part, as long as part->lock is open. */
static int lock_journal(struct quern_part *part, quern_error *error)
{
    struct quern_part_done done;
    char path[QUERN_PART_PATH];
    quern_part_path(path, part->folder, part->number, LOCK);
    part->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (part->lock < 0)
        return quern_jobs_fail(error, QUERN_EIO, "cannot write to %s: %s", path, strerror(errno));
    if (flock(part->lock, LOCK_EX | LOCK_NB) != 0)
        return QUERN_PART_BUSY;
    const int code = quern_part_read_done(&done, part->folder, part->number, error);
    return code == 1 ? QUERN_PART_BUSY : code; /* 1: another process has just made the part */
}

bool quern_part_is_busy(const char *folder, uint64_t number)
{
    char path[QUERN_PART_PATH];
    quern_part_path(path, folder, number, LOCK);
    const int lock = open(path, O_RDWR | O_CLOEXEC);
    const bool is_busy = lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) != 0;
    if (lock >= 0)
        close(lock);
    return is_busy;
}

/* Adds the kernel table of the rows that are there to the one at work. */
static void add_table(struct quern_part *part, const struct quern_part_done *there)
{
    char own[QUERN_PART_TABLE];
    snprintf(own, sizeof own, "%s", part->table);
    if (there->state.rows == 0 || there->table[0] == '\0')
        return;
    if (strstr(there->table, own) != NULL)
        snprintf(part->table, sizeof part->table, "%s", there->table);
    else
        snprintf(part->table, sizeof part->table, "%.31s+%.31s", there->table, own);
}

static int open_journal(struct quern_part *part, quern_error *error)
{
    const struct quern_part_state *state = &part->state;
    struct quern_part_done there;
    const int code = quern_part_read_checkpoint(&there, part->folder, part->number, error);
    if (code < 0)
        return code;
    part->state = there.state;
    add_table(part, &there);
    const uint64_t bytes[] = {state->rows * part->row_bytes, state->id_bytes, state->error_bytes};
    FILE **const files[] = {&part->rows, &part->ids, &part->errors};
    for (size_t i = 0; i < QUERN_COUNT(files); i++) {
        *files[i] = open_journal_file(part, journal_files[i], bytes[i], error);
        if (*files[i] == NULL)
            return error->code;
    }
    setvbuf(part->rows, part->rows_buffer, _IOFBF, sizeof part->rows_buffer);
    return QUERN_OK;
}

int quern_part_open(struct quern_part *part, quern_error *error)
{
    quern_error unwanted;
    part->row_bytes = quern_vector_row_bytes(&part->shape);
    part->rows = part->ids = part->errors = NULL;
    part->lock = -1;
    int code = make_journal_folder(part, error);
    if (code == QUERN_OK)
        code = lock_journal(part, error);
    if (code == QUERN_OK)
        code = open_journal(part, error != NULL ? error : &unwanted);
    if (code != QUERN_OK)
        quern_part_close(part);
    return code;
}

void quern_part_put(struct quern_part *part, const void *row, quern_text members)
{
    fwrite(row, 1, part->row_bytes, part->rows);
    fwrite(members.data, 1, members.length, part->ids);
    putc('\n', part->ids);
}

void quern_part_put_error(struct quern_part *part, quern_text members)
{
    fwrite(members.data, 1, members.length, part->errors);
    putc('\n', part->errors);
}

void quern_part_end_record(struct quern_part *part, const struct quern_part_state *state)
{
    part->state = *state;
}

static int sync_file(const struct quern_part *part, FILE *file, quern_error *error)
{
    if (fflush(file) == 0 && !ferror(file) && fdatasync(fileno(file)) == 0)
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EIO, "cannot write to %s: %s", part->folder, strerror(errno));
}

int quern_part_checkpoint(struct quern_part *part, quern_error *error)
{
    char path[QUERN_PART_PATH];
    struct quern_part_done done = {.state = part->state};
    memcpy(done.table, part->table, sizeof done.table);
    int code = sync_file(part, part->rows, error);
    if (code == QUERN_OK)
        code = sync_file(part, part->ids, error);
    if (code == QUERN_OK)
        code = sync_file(part, part->errors, error);
    quern_part_path(path, part->folder, part->number, CHECKPOINT);
    return code == QUERN_OK ? quern_part_record_write(path, &done, true, error) : code;
}

void quern_part_close(struct quern_part *part)
{
    FILE *const files[] = {part->rows, part->ids, part->errors};
    for (size_t i = 0; i < QUERN_COUNT(files); i++)
        if (files[i] != NULL)
            fclose(files[i]);
    if (part->lock >= 0)
        close(part->lock);
    part->rows = part->ids = part->errors = NULL;
    part->lock = -1;
}
