/* From a journal to the final files of a part. */
#include "array_count.h"
#include "jobs_error.h"
#include "part.h"
#include "part_record.h"
#include "safe_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Copies a file of the journal to a final one, with its checksum. An empty one is not made. */
static int copy_file(const struct quern_part *part, FILE *from, uint64_t bytes, const char *ending, uint64_t *crc,
                     quern_error *error)
{
    char path[QUERN_PART_PATH], buffer[1 << 16];
    struct quern_safe_file file;
    *crc = 0;
    if (bytes == 0)
        return QUERN_OK;
    quern_part_path(path, part->folder, part->number, ending);
    int code = quern_safe_file_open(&file, path, false, error);
    struct quern_summed_file out = {.file = file.file};
    rewind(from);
    for (size_t got; code == QUERN_OK && (got = fread(buffer, 1, sizeof buffer, from)) > 0;)
        quern_summed_put(&out, buffer, got);
    *crc = out.crc;
    if (code == QUERN_OK && ferror(from))
        code = quern_jobs_fail(error, QUERN_EIO, "cannot read the journal of %s: %s", path, strerror(errno));
    if (code == QUERN_OK)
        return quern_safe_file_finish(&file, error);
    quern_safe_file_discard(&file);
    return code;
}

/* Writes all rows of the journal, each with its line of ids. */
static int write_rows(struct quern_part *part, struct quern_vector_file *vectors, const char *path, quern_error *error)
{
    unsigned char *row = malloc(part->row_bytes);
    char *line = NULL;
    size_t capacity = 0;
    int code = row != NULL ? QUERN_OK : quern_jobs_fail(error, QUERN_ENOMEM, "no memory to write %s", path);
    rewind(part->rows);
    rewind(part->ids);
    for (uint64_t i = 0; code == QUERN_OK && i < part->state.rows; i++) {
        const ssize_t length = getline(&line, &capacity, part->ids);
        if (length < 1 || fread(row, 1, part->row_bytes, part->rows) != part->row_bytes)
            code = quern_jobs_fail(error, QUERN_EIO, "the journal of %s ends too early", path);
        else
            quern_vector_file_put(vectors, row, (quern_text){line, (size_t)length - 1});
    }
    if (code == QUERN_OK)
        code = quern_vector_file_end(vectors, path, error);
    free(line);
    free(row);
    return code;
}

static int write_vectors(struct quern_part *part, struct quern_part_done *done, quern_error *error)
{
    char path[QUERN_PART_PATH];
    struct quern_safe_file file;
    quern_part_path(path, part->folder, part->number, quern_vector_format_ending(part->format));
    int code = quern_safe_file_open(&file, path, false, error);
    struct quern_vector_file vectors;
    quern_vector_file_begin(&vectors, part->format, &part->shape, file.file);
    if (code == QUERN_OK)
        code = write_rows(part, &vectors, path, error);
    done->bytes = vectors.out.bytes;
    done->crc = vectors.out.crc;
    quern_vector_file_close(&vectors);
    if (code == QUERN_OK)
        return quern_safe_file_finish(&file, error);
    quern_safe_file_discard(&file);
    return code;
}

bool quern_part_has_files(char path[QUERN_PART_PATH], const char *folder, uint64_t number,
                          const struct quern_part_done *done, enum quern_vector_format format)
{
    const bool has_ids = !quern_vector_format_has_members(format);
    const struct {
        const char *ending;
        uint64_t bytes;
    } files[] = {{quern_vector_format_ending(format), done->bytes},
                 {".ids.jsonl", has_ids ? done->state.id_bytes : 0},
                 {".errors.jsonl", done->state.error_bytes}};
    for (size_t i = 0; i < QUERN_COUNT(files); i++) {
        struct stat status;
        quern_part_path(path, folder, number, files[i].ending);
        if (files[i].bytes > 0 && (stat(path, &status) != 0 || (uint64_t)status.st_size != files[i].bytes))
            return false;
    }
    return true;
}

int quern_part_finish(struct quern_part *part, quern_error *error)
{
    struct quern_part_done done = {.state = part->state};
    char path[QUERN_PART_PATH];
    snprintf(done.table, sizeof done.table, "%s", part->table);
    part->shape.rows = part->state.rows;
    int code = write_vectors(part, &done, error);
    if (code == QUERN_OK && !quern_vector_format_has_members(part->format))
        code = copy_file(part, part->ids, part->state.id_bytes, ".ids.jsonl", &done.id_crc, error);
    if (code == QUERN_OK)
        code = copy_file(part, part->errors, part->state.error_bytes, ".errors.jsonl", &done.error_crc, error);
    if (code == QUERN_OK)
        code = quern_folder_sync(part->folder, error); /* the names must be on the disk before .done */
    quern_part_path(path, part->folder, part->number, ".done");
    if (code == QUERN_OK)
        code = quern_part_record_write(path, &done, false, error);
    if (code == QUERN_OK)
        code = quern_folder_sync(part->folder, error);
    if (code == QUERN_OK)
        quern_part_remove_journal(part->folder, part->number);
    return code;
}
