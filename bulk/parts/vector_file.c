#include "vector_file.h"

#include "jobs_error.h"
#include "json_text.h"
#include "npy_header.h"
#include "row_columns.h"

#include <errno.h>
#include <string.h>

static void put(struct quern_vector_file *file, const void *data, size_t length)
{
    quern_summed_put(&file->out, data, length);
}

static void put_string(struct quern_vector_file *file, const char *string)
{
    put(file, string, strlen(string));
}

size_t quern_vector_row_bytes(const struct quern_vector_shape *shape)
{
    return quern_encoded_bytes(shape->dtype, shape->dimensions);
}

/* ---------------------------------------------------------------- npy */

static void begin_npy(struct quern_vector_file *file)
{
    static const char *const types[] = {[QUERN_DTYPE_F32] = "<f4", [QUERN_DTYPE_F16] = "<f2",
                                        [QUERN_DTYPE_INT8] = "|i1", [QUERN_DTYPE_BINARY] = "|u1",
                                        [QUERN_DTYPE_BINARY_LOW] = "|u1"};
    const struct quern_vector_shape *shape = &file->shape;
    const bool is_bits = shape->dtype == QUERN_DTYPE_BINARY || shape->dtype == QUERN_DTYPE_BINARY_LOW;
    char header[QUERN_NPY_HEADER];
    quern_npy_header(header, types[shape->dtype], shape->rows, is_bits ? shape->dimensions / 8 : shape->dimensions);
    put(file, header, sizeof header);
}

static void put_npy(struct quern_vector_file *file, const void *row, quern_text members)
{
    (void)members;
    put(file, row, quern_vector_row_bytes(&file->shape));
}

/* ---------------------------------------------------------------- JSON lines */

/* Numbers are collected here before they are written. */
enum { COLLECTED = 4096, BASE64_PART = COLLECTED / 4 * 3 };

static void put_floats(struct quern_vector_file *file, const void *row)
{
    char collected[COLLECTED + QUERN_JSON_FLOAT + 1];
    size_t length = 0;
    for (int i = 0; i < file->shape.dimensions; i++) {
        float value;
        memcpy(&value, (const char *)row + (size_t)i * sizeof value, sizeof value);
        collected[length++] = i == 0 ? '[' : ',';
        length += quern_json_float(collected + length, value);
        if (length >= COLLECTED) {
            put(file, collected, length);
            length = 0;
        }
    }
    collected[length++] = ']';
    put(file, collected, length);
}

static void put_base64(struct quern_vector_file *file, const void *row)
{
    const size_t bytes = quern_vector_row_bytes(&file->shape);
    char collected[COLLECTED];
    put_string(file, "\"");
    for (size_t at = 0, some; at < bytes; at += some) {
        some = bytes - at < BASE64_PART ? bytes - at : BASE64_PART;
        put(file, collected, quern_json_base64(collected, (const char *)row + at, some));
    }
    put_string(file, "\"");
}

static void put_jsonl(struct quern_vector_file *file, const void *row, quern_text members)
{
    put(file, members.data, members.length - 1); /* without the closing bracket */
    put_string(file, ",\"embedding\":");
    if (file->shape.dtype == QUERN_DTYPE_F32)
        put_floats(file, row);
    else
        put_base64(file, row);
    put_string(file, "}\n");
}

/* ---------------------------------------------------------------- columns */

/* Writes the rows that were collected. */
static void flush(struct quern_vector_file *file)
{
    if (file->columns.has_failed)
        file->code = quern_jobs_fail(&file->error, QUERN_ENOMEM, "no memory for the rows of a file");
    if (file->code == QUERN_OK && file->columns.rows > 0)
        file->code = file->writer->write(file->writer, &file->error);
    quern_column_group_clear(&file->columns);
}

static void put_columns(struct quern_vector_file *file, const void *row, quern_text members)
{
    if (!quern_row_columns_put(&file->columns, members, row))
        file->code = quern_jobs_fail(&file->error, QUERN_EFORMAT, "a row has other columns than the file: %.*s",
                                     (int)(members.length < 100 ? members.length : 100), members.data);
    else if (quern_column_group_is_full(&file->columns))
        flush(file);
}

/* ---------------------------------------------------------------- formats */

static const struct {
    const char *name, *ending;
    bool has_members;
    void (*begin)(struct quern_vector_file *file);
    void (*put)(struct quern_vector_file *file, const void *row, quern_text members);
    int (*open)(struct quern_column_writer **writer, struct quern_summed_file *file,
                const struct quern_column_group *group, quern_error *error); /* of formats of columns */
} formats[] = {
    [QUERN_VECTORS_NPY] = {"npy", ".npy", false, begin_npy, put_npy, NULL},
    [QUERN_VECTORS_JSONL] = {"jsonl", ".jsonl", true, NULL, put_jsonl, NULL},
    [QUERN_VECTORS_ARROW] = {"arrow", ".arrow", true, NULL, put_columns, quern_arrow_writer_open},
    [QUERN_VECTORS_PARQUET] = {"parquet", ".parquet", true, NULL, put_columns, quern_parquet_writer_open},
};

const char *quern_vector_format_name(enum quern_vector_format format)
{
    return formats[format].name;
}

int quern_vector_format_find(const char *name)
{
    for (int i = 0; name != NULL && i < QUERN_VECTOR_FORMAT_COUNT; i++)
        if (strcmp(formats[i].name, name) == 0)
            return i;
    return -1;
}

const char *quern_vector_format_ending(enum quern_vector_format format)
{
    return formats[format].ending;
}

bool quern_vector_format_has_members(enum quern_vector_format format)
{
    return formats[format].has_members;
}

bool quern_vector_format_has_columns(enum quern_vector_format format)
{
    return formats[format].open != NULL;
}

int quern_vector_shape_check(const struct quern_vector_shape *shape, enum quern_vector_format format,
                             quern_error *error)
{
    struct quern_column_group columns = {.count = 0};
    if (formats[format].open == NULL)
        return QUERN_OK;
    quern_row_columns_add(&columns, shape);
    for (int i = 0; i < columns.count; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(columns.columns[i].name, columns.columns[j].name) == 0)
                return quern_jobs_fail(error, QUERN_EINVAL, "a column \"%s\" cannot be kept in %s files, which have "
                                       "a column of this name: give it another name, or use another format",
                                       columns.columns[i].name, formats[format].name);
    return QUERN_OK;
}

void quern_vector_file_begin(struct quern_vector_file *vectors, enum quern_vector_format format,
                             const struct quern_vector_shape *shape, FILE *file)
{
    *vectors = (struct quern_vector_file){.format = format, .shape = *shape, .out = {.file = file}};
    if (formats[format].begin != NULL)
        formats[format].begin(vectors);
    if (formats[format].open == NULL)
        return;
    quern_row_columns_add(&vectors->columns, &vectors->shape);
    vectors->code = quern_column_group_open(&vectors->columns, &vectors->error);
    if (vectors->code == QUERN_OK)
        vectors->code = formats[format].open(&vectors->writer, &vectors->out, &vectors->columns, &vectors->error);
}

void quern_vector_file_put(struct quern_vector_file *vectors, const void *row, quern_text members)
{
    if (vectors->code == QUERN_OK)
        formats[vectors->format].put(vectors, row, members);
}

int quern_vector_file_end(struct quern_vector_file *vectors, const char *name, quern_error *error)
{
    if (vectors->writer != NULL)
        flush(vectors);
    if (vectors->writer != NULL && vectors->code == QUERN_OK)
        vectors->code = vectors->writer->end(vectors->writer, &vectors->error);
    if (vectors->code != QUERN_OK)
        return quern_jobs_fail(error, vectors->code, "%s: %s", name, vectors->error.text);
    if (fflush(vectors->out.file) == 0 && !ferror(vectors->out.file))
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EIO, "cannot write to %s: %s", name, strerror(errno));
}

void quern_vector_file_close(struct quern_vector_file *vectors)
{
    quern_column_group_close(&vectors->columns);
    if (vectors->writer != NULL)
        vectors->writer->close(vectors->writer);
    vectors->writer = NULL;
}
