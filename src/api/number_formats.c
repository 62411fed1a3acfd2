/* Number formats that vectors are stored in. */
#include "base/count.h"
#include "base/error.h"
#include "formats/half.h"
#include "quern.h"

#include <math.h>
#include <string.h>

/* A number format. Its functions handle one vector. encode writes no byte behind the numbers that it has read, so that
 * out may be the vector itself. */
struct number_format {
    const char *name;
    int bits; /* of a number */
    void (*encode)(unsigned char *out, const float *row, size_t dimensions);
    void (*decode)(float *row, const unsigned char *encoded, size_t dimensions);
};

static void encode_f32(unsigned char *out, const float *row, size_t dimensions)
{
    memmove(out, row, dimensions * sizeof *row);
}

static void decode_f32(float *row, const unsigned char *encoded, size_t dimensions)
{
    memmove(row, encoded, dimensions * sizeof *row);
}

static void encode_f16(unsigned char *out, const float *row, size_t dimensions)
{
    for (size_t i = 0; i < dimensions; i++) {
        const uint16_t half = quern_float_to_half(row[i]);
        memcpy(out + 2 * i, &half, sizeof half);
    }
}

static void decode_f16(float *row, const unsigned char *encoded, size_t dimensions)
{
    for (size_t i = 0; i < dimensions; i++) {
        uint16_t half;
        memcpy(&half, encoded + 2 * i, sizeof half);
        row[i] = quern_half_to_float(half);
    }
}

static void encode_int8(unsigned char *out, const float *row, size_t dimensions)
{
    for (size_t i = 0; i < dimensions; i++) {
        const float clipped = fmaxf(-1, fminf(1, row[i]));
        out[i] = (unsigned char)(int8_t)lrintf(clipped * 127);
    }
}

static void decode_int8(float *row, const unsigned char *encoded, size_t dimensions)
{
    for (size_t i = 0; i < dimensions; i++)
        row[i] = (float)(int8_t)encoded[i] / 127;
}

/* The place of the first number in its byte: number k of a byte is bit k ^ first. */
enum { HIGHEST_FIRST = 7, LOWEST_FIRST = 0 };

static void encode_bits(unsigned char *out, const float *row, size_t dimensions, size_t first)
{
    for (size_t i = 0; i < dimensions; i += 8) {
        unsigned byte = 0;
        for (size_t k = 0; k < 8; k++)
            byte |= (unsigned)(row[i + k] > 0) << (k ^ first);
        out[i / 8] = (unsigned char)byte;
    }
}

static void decode_bits(float *row, const unsigned char *encoded, size_t dimensions, size_t first)
{
    for (size_t i = 0; i < dimensions; i++)
        row[i] = encoded[i / 8] >> (i % 8 ^ first) & 1 ? 1 : -1;
}

static void encode_binary(unsigned char *out, const float *row, size_t dimensions)
{
    encode_bits(out, row, dimensions, HIGHEST_FIRST);
}

static void decode_binary(float *row, const unsigned char *encoded, size_t dimensions)
{
    decode_bits(row, encoded, dimensions, HIGHEST_FIRST);
}

static void encode_binary_low(unsigned char *out, const float *row, size_t dimensions)
{
    encode_bits(out, row, dimensions, LOWEST_FIRST);
}

static void decode_binary_low(float *row, const unsigned char *encoded, size_t dimensions)
{
    decode_bits(row, encoded, dimensions, LOWEST_FIRST);
}

static const struct number_format formats[] = {
    [QUERN_DTYPE_F32] = {"f32", 32, encode_f32, decode_f32},
    [QUERN_DTYPE_F16] = {"f16", 16, encode_f16, decode_f16},
    [QUERN_DTYPE_INT8] = {"int8", 8, encode_int8, decode_int8},
    [QUERN_DTYPE_BINARY] = {"binary", 1, encode_binary, decode_binary},
    [QUERN_DTYPE_BINARY_LOW] = {"binary-low", 1, encode_binary_low, decode_binary_low},
};

static const struct number_format *find_format(int dtype)
{
    return dtype >= 0 && dtype < (int)QUERN_COUNT(formats) ? &formats[dtype] : NULL;
}

const char *quern_dtype_name(quern_dtype dtype)
{
    const struct number_format *format = find_format((int)dtype);
    return format != NULL ? format->name : NULL;
}

int quern_dtype_find(const char *name)
{
    for (int i = 0; name != NULL && find_format(i) != NULL; i++)
        if (strcmp(formats[i].name, name) == 0)
            return i;
    return -1;
}

size_t quern_encoded_bytes(quern_dtype dtype, int dimensions)
{
    const struct number_format *format = find_format((int)dtype);
    if (format == NULL || dimensions < 1 || (format->bits == 1 && dimensions % 8 != 0))
        return 0;
    return format->bits == 1 ? (size_t)dimensions / 8 : (size_t)dimensions * (size_t)(format->bits / 8);
}

/* Checks the arguments of quern_encode or quern_decode. Sets *bytes to those of an encoded vector. */
static int check(quern_dtype dtype, const void *in, size_t count, int dimensions, const void *out, size_t *bytes,
                 quern_error *error)
{
    if ((in == NULL || out == NULL) && count != 0)
        return quern_fail(error, QUERN_EINVAL, "the vectors to read or the memory to write is NULL");
    if (find_format((int)dtype) == NULL)
        return quern_fail(error, QUERN_EINVAL, "%d is not a number format", (int)dtype);
    *bytes = quern_encoded_bytes(dtype, dimensions);
    if (*bytes == 0)
        return quern_fail(error, QUERN_EINVAL, "a vector of %d dimensions cannot be stored as %s", dimensions,
                          quern_dtype_name(dtype));
    return QUERN_OK;
}

int quern_encode(quern_dtype dtype, const float *vectors, size_t count, int dimensions, void *out, size_t capacity,
                 quern_error *error)
{
    size_t bytes;
    QUERN_TRY(check(dtype, vectors, count, dimensions, out, &bytes, error));
    if (count > capacity / bytes)
        return quern_fail(error, QUERN_ETOOLONG, "%zu vectors of %zu bytes do not fit into %zu bytes", count, bytes,
                          capacity);
    for (size_t i = 0; i < count; i++)
        formats[dtype].encode((unsigned char *)out + i * bytes, vectors + i * (size_t)dimensions, (size_t)dimensions);
    return QUERN_OK;
}

int quern_decode(quern_dtype dtype, const void *encoded, size_t count, int dimensions, float *vectors, size_t capacity,
                 quern_error *error)
{
    size_t bytes;
    QUERN_TRY(check(dtype, encoded, count, dimensions, vectors, &bytes, error));
    if (count > capacity / (size_t)dimensions)
        return quern_fail(error, QUERN_ETOOLONG, "%zu vectors of %d dimensions do not fit into %zu floats", count,
                          dimensions, capacity);
    for (size_t i = 0; i < count; i++)
        formats[dtype].decode(vectors + i * (size_t)dimensions, (const unsigned char *)encoded + i * bytes,
                            (size_t)dimensions);
    return QUERN_OK;
}
