#include "pg_copy.h"

#include "json_text.h"

#include <string.h>

void quern_pg_put_number(FILE *file, uint64_t number, int bytes)
{
    while (bytes-- > 0)
        putc((int)(number >> (8 * bytes) & 0xff), file);
}

void quern_pg_put_header(FILE *file)
{
    static const char header[19] = "PGCOPY\n\xff\r\n"; /* with zeros: no flags, and no extension */
    fwrite(header, 1, sizeof header, file);
}

void quern_pg_put_end(FILE *file)
{
    quern_pg_put_number(file, UINT64_MAX, 2);
}

void quern_pg_put_null(FILE *file)
{
    quern_pg_put_number(file, UINT64_MAX, 4);
}

void quern_pg_put_text(FILE *file, quern_text text)
{
    for (int pass = 0; pass < 2; pass++) { /* measure, then write */
        size_t length = 0;
        for (size_t i = 0, size; i < text.length; i += size > 0 ? size : 1) {
            size = quern_json_character(text.data + i, text.length - i);
            const bool is_good = size > 0 && text.data[i] != '\0';
            length += is_good ? size : 3;
            if (pass == 1)
                fwrite(is_good ? text.data + i : "\xef\xbf\xbd", 1, is_good ? size : 3, file);
        }
        if (pass == 0)
            quern_pg_put_number(file, length, 4);
    }
}

static void put_float(FILE *file, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    quern_pg_put_number(file, bits, 4);
}

static void put_half(FILE *file, float value)
{
    uint16_t bits = 0;
    quern_encode(QUERN_DTYPE_F16, &value, 1, 1, &bits, sizeof bits, NULL);
    quern_pg_put_number(file, bits, 2);
}

/* vector and halfvec: the dimensions, two bytes that are not used, and the numbers. */
static void put_pgvector(FILE *file, enum quern_pg_type type, const float *vector, int dimensions)
{
    const int bytes = type == QUERN_PG_VECTOR ? 4 : 2;
    quern_pg_put_number(file, 4 + (uint64_t)bytes * (uint64_t)dimensions, 4);
    quern_pg_put_number(file, (uint64_t)dimensions, 2);
    quern_pg_put_number(file, 0, 2);
    for (int i = 0; i < dimensions; i++)
        if (type == QUERN_PG_VECTOR)
            put_float(file, vector[i]);
        else
            put_half(file, vector[i]);
}

/* An array: its dimensions (one), whether it has NULLs, the type of its elements, their number, and the number of the
 * first one; then each with its length. */
static void put_reals(FILE *file, const float *vector, int dimensions)
{
    enum { TYPE_REAL = 700 };
    quern_pg_put_number(file, 20 + 8 * (uint64_t)dimensions, 4);
    quern_pg_put_number(file, 1, 4);
    quern_pg_put_number(file, 0, 4);
    quern_pg_put_number(file, TYPE_REAL, 4);
    quern_pg_put_number(file, (uint64_t)dimensions, 4);
    quern_pg_put_number(file, 1, 4);
    for (int i = 0; i < dimensions; i++) {
        quern_pg_put_number(file, 4, 4);
        put_float(file, vector[i]);
    }
}

void quern_pg_put_vector(FILE *file, enum quern_pg_type type, const float *vector, int dimensions)
{
    if (type == QUERN_PG_REALS) {
        put_reals(file, vector, dimensions);
    } else if (type == QUERN_PG_BYTES) {
        quern_pg_put_number(file, (uint64_t)dimensions * sizeof *vector, 4);
        fwrite(vector, sizeof *vector, (size_t)dimensions, file);
    } else {
        put_pgvector(file, type, vector, dimensions);
    }
}
