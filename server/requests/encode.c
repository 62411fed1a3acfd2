/* Vectors on their way out. */
#include "request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DIMENSIONS 8192 /* more than any model of ours has */
#define NPY_HEADER 128 /* bytes, so that the data behind it is aligned */

/* Sums in double precision and rounds once, in the order that the library has. */
void quern_vector_finish(float *row, int dimensions, bool normalize)
{
    double squares = 0;
    if (!normalize)
        return;
    for (int i = 0; i < dimensions; i++)
        squares += (double)row[i] * row[i];
    const double norm = sqrt(squares), factor = 1 / (norm > 1e-12 ? norm : 1e-12);
    for (int i = 0; i < dimensions; i++)
        row[i] = (float)(row[i] * factor);
}

int quern_request_width(const struct quern_request *request)
{
    return request->dimensions > 0 ? request->dimensions : request->service->info.dimensions;
}

void quern_request_finish_vectors(struct quern_request *request)
{
    const size_t full = (size_t)request->service->info.dimensions;
    const int width = quern_request_width(request);
    for (size_t i = 0; i < request->input_count; i++) {
        float *row = request->vectors + i * (size_t)width;
        memmove(row, request->vectors + i * full, (size_t)width * sizeof *row);
        quern_vector_finish(row, width, request->normalize);
    }
}

/* ---------------------------------------------------------------- number formats */

/* To half precision, to nearest, ties to even: as base/half.h of the library, which its interface does not offer. */
static uint16_t to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const float size = fabsf(value);
    if (size >= 65520) /* rounds to infinity */
        return sign | 0x7c00;
    if (size < 6.103515625e-5f) /* subnormal: a multiple of 2^-24 */
        return sign | (uint16_t)lrintf(size * 16777216);
    bits = (bits & 0x7fffffff) - (112u << 23);
    return sign | (uint16_t)((bits + 0xfff + (bits >> 13 & 1)) >> 13);
}

static float from_half(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 0x3ff;
    const float size = exponent == 31 ? INFINITY
                       : exponent == 0 ? ldexpf((float)fraction, -24)
                                       : ldexpf((float)(fraction + 1024), exponent - 25);
    return half & 0x8000 ? -size : size;
}

static int8_t to_int8(float value)
{
    return (int8_t)lrintf(fmaxf(-1, fminf(1, value)) * 127);
}

size_t quern_request_row_bytes(const struct quern_request *request)
{
    const size_t width = (size_t)quern_request_width(request);
    switch (request->dtype) {
    case QUERN_DTYPE_F16: return 2 * width;
    case QUERN_DTYPE_INT8: return width;
    case QUERN_DTYPE_BINARY:
    case QUERN_DTYPE_BINARY_LOW: return width / 8;
    case QUERN_DTYPE_F32: break;
    }
    return 4 * width;
}

/* Little-endian, as every machine we run on; bits from the highest of each byte, set where a number is above zero. */
static void encode(const struct quern_request *request, const float *row, unsigned char *out)
{
    const size_t width = (size_t)quern_request_width(request);
    switch (request->dtype) {
    case QUERN_DTYPE_F32: memcpy(out, row, width * sizeof *row); break;
    case QUERN_DTYPE_F16:
        for (size_t i = 0; i < width; i++) {
            const uint16_t half = to_half(row[i]);
            memcpy(out + 2 * i, &half, sizeof half);
        }
        break;
    case QUERN_DTYPE_INT8:
        for (size_t i = 0; i < width; i++)
            out[i] = (unsigned char)to_int8(row[i]);
        break;
    case QUERN_DTYPE_BINARY_LOW: break; /* is not offered */
    case QUERN_DTYPE_BINARY:
        memset(out, 0, width / 8);
        for (size_t i = 0; i < width; i++)
            out[i / 8] |= (unsigned char)((row[i] > 0) << (7 - i % 8));
        break;
    }
}

/* A byte of an int8 or binary vector, as a number. Returns its end. */
static char *format_byte(char *out, int value)
{
    if (value < 0)
        *out++ = '-';
    value = abs(value);
    if (value >= 100)
        *out++ = (char)('0' + value / 100);
    if (value >= 10)
        *out++ = (char)('0' + value / 10 % 10);
    *out++ = (char)('0' + value % 10);
    return out;
}

static void put_bytes(struct quern_buffer *buffer, const unsigned char *bytes, size_t count, bool is_signed)
{
    char *room = quern_buffer_room(buffer, 5 * count + 2), *at = room;
    if (room == NULL)
        return;
    *at++ = '[';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *at++ = ',';
        at = format_byte(at, is_signed ? (int8_t)bytes[i] : bytes[i]);
    }
    *at++ = ']';
    buffer->length += (size_t)(at - room);
}

void quern_request_put_vector(const struct quern_request *request, struct quern_buffer *buffer, size_t i)
{
    const size_t width = (size_t)quern_request_width(request), bytes = quern_request_row_bytes(request);
    float *row = request->vectors + i * width;
    const bool is_float = request->dtype == QUERN_DTYPE_F32 || request->dtype == QUERN_DTYPE_F16;
    unsigned char encoded[4 * MOST_DIMENSIONS];
    if (is_float && !request->base64) {
        for (size_t j = 0; request->dtype == QUERN_DTYPE_F16 && j < width; j++)
            row[j] = from_half(to_half(row[j]));
        quern_buffer_floats(buffer, row, width);
    } else if (bytes > sizeof encoded) {
        buffer->failed = true;
    } else {
        encode(request, row, encoded);
        if (!request->base64) {
            put_bytes(buffer, encoded, bytes, request->dtype == QUERN_DTYPE_INT8);
            return;
        }
        quern_buffer_text(buffer, "\"");
        quern_buffer_base64(buffer, encoded, bytes);
        quern_buffer_text(buffer, "\"");
    }
}

/* ---------------------------------------------------------------- raw bytes */

/* NumPy's header, version 1.0: magic, length of the rest, a Python dictionary padded with spaces. */
static void put_npy_header(struct quern_request *request)
{
    static const char *const types[] = {"<f4", "<f2", "|i1", "|u1"}; /* as quern_dtype */
    static const size_t sizes[] = {4, 2, 1, 1};
    static const char start[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, NPY_HEADER - 10, 0};
    struct quern_buffer *answer = &request->answer;
    quern_buffer_add(answer, start, sizeof start);
    quern_buffer_print(answer, "{'descr': '%s', 'fortran_order': False, 'shape': (%zu, %zu), }", types[request->dtype],
                       request->input_count, quern_request_row_bytes(request) / sizes[request->dtype]);
    while (!answer->failed && answer->length < NPY_HEADER - 1)
        quern_buffer_text(answer, " ");
    quern_buffer_text(answer, "\n");
}

void quern_request_put_raw(struct quern_request *request)
{
    const size_t width = (size_t)quern_request_width(request), bytes = quern_request_row_bytes(request);
    request->type = request->form == QUERN_FORM_NPY ? "application/x-npy" : "application/octet-stream";
    if (request->form == QUERN_FORM_NPY)
        put_npy_header(request);
    char *room = quern_buffer_room(&request->answer, request->input_count * bytes);
    if (room == NULL)
        return;
    for (size_t i = 0; i < request->input_count; i++)
        encode(request, request->vectors + i * width, (unsigned char *)room + i * bytes);
    request->answer.length += request->input_count * bytes;
}
