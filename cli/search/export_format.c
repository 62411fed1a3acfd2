#include "export_format.h"

#include "json_text.h"
#include "npy_header.h"
#include "pg_copy.h"

#include <string.h>

static void put_floats(FILE *file, const quern_index_info *info, const float *vector)
{
    fwrite(vector, sizeof *vector, (size_t)info->dimensions, file);
}

static void end_nothing(FILE *file)
{
    (void)file;
}

/* ---------------------------------------------------------------- npy */

static void npy_begin(FILE *file, const quern_index_info *info)
{
    char header[QUERN_NPY_HEADER];
    quern_npy_header(header, "<f4", info->count, info->dimensions);
    fwrite(header, 1, sizeof header, file);
}

static void npy_row(FILE *file, const quern_index_info *info, const quern_index_row *row, const float *vector)
{
    (void)row;
    put_floats(file, info, vector);
}

/* ---------------------------------------------------------------- fvecs: dimensions, then numbers, for each vector */

static void fvecs_begin(FILE *file, const quern_index_info *info)
{
    (void)file;
    (void)info;
}

static void fvecs_row(FILE *file, const quern_index_info *info, const quern_index_row *row, const float *vector)
{
    const int32_t dimensions = info->dimensions;
    (void)row;
    fwrite(&dimensions, sizeof dimensions, 1, file);
    put_floats(file, info, vector);
}

/* ---------------------------------------------------------------- SQL for sqlite-vec */

static void put_hex(FILE *file, const void *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    fputs("X'", file);
    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = ((const unsigned char *)bytes)[i];
        putc(digits[byte >> 4], file);
        putc(digits[byte & 15], file);
    }
    putc('\'', file);
}

/* A text as SQL has it. What is not UTF-8, or has a NUL, which ends a statement, is written as bytes. */
static void put_sql_text(FILE *file, quern_text text)
{
    if (!quern_json_is_utf8(text) || (text.length > 0 && memchr(text.data, '\0', text.length) != NULL)) {
        fputs("CAST(", file);
        put_hex(file, text.data, text.length);
        fputs(" AS TEXT)", file);
        return;
    }
    putc('\'', file);
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\'')
            putc('\'', file);
        putc(text.data[i], file);
    }
    putc('\'', file);
}

static void sql_begin(FILE *file, const quern_index_info *info)
{
    fprintf(file, "BEGIN;\nCREATE VIRTUAL TABLE vectors USING vec0(id %s PRIMARY KEY, embedding float[%d], +text "
            "TEXT);\n", info->ids == QUERN_INDEX_NAMES ? "TEXT" : "INTEGER", info->dimensions);
}

static void sql_row(FILE *file, const quern_index_info *info, const quern_index_row *row, const float *vector)
{
    fputs("INSERT INTO vectors(id, embedding, text) VALUES (", file);
    if (info->ids == QUERN_INDEX_NAMES)
        put_sql_text(file, row->name);
    else
        fprintf(file, "%lld", (long long)row->number);
    putc(',', file);
    put_hex(file, vector, (size_t)info->dimensions * sizeof *vector);
    putc(',', file);
    put_sql_text(file, row->payload);
    fputs(");\n", file);
}

static void sql_end(FILE *file)
{
    fputs("COMMIT;\n", file);
}

/* ---------------------------------------------------------------- COPY BINARY of PostgreSQL, for pgvector */

static void pg_begin(FILE *file, const quern_index_info *info)
{
    (void)info;
    quern_pg_put_header(file);
}

static void pg_row(FILE *file, const quern_index_info *info, const quern_index_row *row, const float *vector)
{
    quern_pg_put_number(file, 3, 2); /* fields */
    if (info->ids == QUERN_INDEX_NAMES) {
        quern_pg_put_text(file, row->name);
    } else {
        quern_pg_put_number(file, 8, 4);
        quern_pg_put_number(file, row->number, 8);
    }
    quern_pg_put_vector(file, QUERN_PG_VECTOR, vector, info->dimensions);
    quern_pg_put_text(file, row->payload);
}

const struct quern_export_format quern_export_formats[] = {
    {false, npy_begin, npy_row, end_nothing},
    {false, fvecs_begin, fvecs_row, end_nothing},
    {true, sql_begin, sql_row, sql_end},
    {true, pg_begin, pg_row, quern_pg_put_end},
};
