#include "part_reader.h"

#include "jobs_error.h"
#include "npy_header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_file(struct quern_part_reader *reader, const char *folder, uint64_t number, const char *ending,
                       quern_error *error)
{
    quern_part_path(reader->path, folder, number, ending);
    FILE *file = fopen(reader->path, "re");
    if (file == NULL)
        quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", reader->path, strerror(errno));
    return file;
}

int quern_part_reader_open(struct quern_part_reader *reader, const char *folder, uint64_t number, uint64_t rows,
                           enum quern_vector_format format, const struct quern_vector_shape *shape,
                           quern_error *error)
{
    *reader = (struct quern_part_reader){.format = format, .row_bytes = quern_vector_row_bytes(shape), .count = rows};
    if (quern_vector_format_has_columns(format)) {
        quern_part_path(reader->path, folder, number, quern_vector_format_ending(format));
        return quern_row_reader_open(&reader->columns, reader->path, shape, error);
    }
    reader->row = malloc(reader->row_bytes);
    if (reader->row == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to read a part");
    if (!quern_vector_format_has_members(format) && reader->count > 0) {
        reader->ids = open_file(reader, folder, number, ".ids.jsonl", error);
        if (reader->ids == NULL)
            return QUERN_EIO;
    }
    reader->rows = open_file(reader, folder, number, quern_vector_format_ending(format), error);
    if (reader->rows == NULL)
        return QUERN_EIO;
    if (format == QUERN_VECTORS_NPY)
        fseeko(reader->rows, QUERN_NPY_HEADER, SEEK_SET);
    return QUERN_OK;
}

static int ends_early(const struct quern_part_reader *reader, quern_error *error)
{
    return quern_jobs_fail(error, QUERN_EFORMAT, "%s does not hold the %llu rows that its .done tells", reader->path,
                           (unsigned long long)reader->count);
}

/* Reads a line without its end. */
static int read_line(struct quern_part_reader *reader, FILE *file, quern_text *line, quern_error *error)
{
    const ssize_t length = getline(&reader->line, &reader->line_capacity, file);
    if (length < 2 || reader->line[length - 1] != '\n')
        return ends_early(reader, error);
    *line = (quern_text){reader->line, (size_t)length - 1};
    return QUERN_OK;
}

static int read_npy(struct quern_part_reader *reader, quern_text *members, quern_error *error)
{
    if (fread(reader->row, 1, reader->row_bytes, reader->rows) != reader->row_bytes)
        return ends_early(reader, error);
    return read_line(reader, reader->ids, members, error);
}

/* Reads a list of numbers, as quern_json_float writes them: they read back as they were. */
static bool read_floats(struct quern_part_reader *reader, const char *text)
{
    char *end = (char *)(uintptr_t)text;
    for (size_t i = 0; i < reader->row_bytes / sizeof(float); i++) {
        if (*end != (i == 0 ? '[' : ','))
            return false;
        const float value = strtof(end + 1, &end);
        memcpy(reader->row + i * sizeof value, &value, sizeof value);
    }
    return *end == ']';
}

static int letter(char c)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c != '\0' ? strchr(letters, c) : NULL;
    return found != NULL ? (int)(found - letters) : -1;
}

/* Reads a string in base64. */
static bool read_base64(struct quern_part_reader *reader, const char *text)
{
    unsigned bits = 0;
    int count = 0;
    size_t written = 0;
    if (*text != '"')
        return false;
    for (text++; letter(*text) >= 0; text++) {
        bits = bits << 6 | (unsigned)letter(*text);
        count += 6;
        if (count >= 8 && written < reader->row_bytes) {
            count -= 8;
            reader->row[written++] = (unsigned char)(bits >> count & 255);
        }
    }
    return written == reader->row_bytes;
}

static int read_jsonl(struct quern_part_reader *reader, quern_text *members, quern_error *error)
{
    static const char name[] = ",\"embedding\":";
    const int code = read_line(reader, reader->rows, members, error);
    if (code != QUERN_OK)
        return code;
    char *found = NULL; /* the last one: a kept column may have the same name */
    for (char *next = reader->line; (next = strstr(next, name)) != NULL; next++)
        found = next;
    const char *value = found != NULL ? found + strlen(name) : "";
    if (!(*value == '[' ? read_floats(reader, value) : read_base64(reader, value)))
        return ends_early(reader, error);
    found[0] = '}';
    members->length = (size_t)(found - reader->line) + 1;
    return QUERN_OK;
}

int quern_part_reader_next(struct quern_part_reader *reader, const void **row, quern_text *members,
                           quern_error *error)
{
    if (reader->given == reader->count)
        return 0;
    reader->given++;
    if (quern_vector_format_has_columns(reader->format)) {
        const int code = quern_row_reader_next(&reader->columns, row, members, error);
        return code == 0 ? ends_early(reader, error) : code;
    }
    const int code = reader->format == QUERN_VECTORS_NPY ? read_npy(reader, members, error)
                                                         : read_jsonl(reader, members, error);
    *row = reader->row;
    return code == QUERN_OK ? 1 : code;
}

void quern_part_reader_close(struct quern_part_reader *reader)
{
    if (reader->rows != NULL)
        fclose(reader->rows);
    if (reader->ids != NULL)
        fclose(reader->ids);
    quern_row_reader_close(&reader->columns);
    free(reader->row);
    free(reader->line);
    *reader = (struct quern_part_reader){.rows = NULL};
}
