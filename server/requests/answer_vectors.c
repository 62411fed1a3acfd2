#include "answer_vectors.h"

#include <stdlib.h>
#include <string.h>

#define NPY_HEADER 128 /* bytes, so that the data behind it is aligned */

int quern_vectors_width(const struct quern_request *request)
{
    const int asked = request->options.dimensions;
    return asked > 0 ? asked : request->service->info.dimensions;
}

static size_t row_bytes(const struct quern_request *request)
{
    return quern_encoded_bytes(request->options.dtype, quern_vectors_width(request));
}

/* Half floats in JSON are numbers, which are written from float32. */
static bool are_half_numbers(const struct quern_request *request)
{
    const struct quern_request_options *options = &request->options;
    return options->dtype == QUERN_DTYPE_F16 && options->form == QUERN_VECTORS_JSON && !options->base64;
}

static bool are_floats(const struct quern_request *request)
{
    return request->options.dtype == QUERN_DTYPE_F32 || are_half_numbers(request);
}

/* Rounds each number to the nearest half float. */
static bool round_to_halves(float *vectors, size_t count, int width)
{
    const size_t bytes = quern_encoded_bytes(QUERN_DTYPE_F16, width);
    void *halves = malloc(bytes);
    for (size_t i = 0; halves != NULL && i < count; i++) {
        float *row = vectors + i * (size_t)width;
        quern_encode(QUERN_DTYPE_F16, row, 1, width, halves, bytes, NULL);
        quern_decode(QUERN_DTYPE_F16, halves, 1, width, row, (size_t)width, NULL);
    }
    free(halves);
    return halves != NULL;
}

bool quern_vectors_finish(const struct quern_request *request, struct quern_job *job)
{
    const size_t full = (size_t)request->service->info.dimensions, bytes = job->count * full * sizeof *job->vectors;
    const int width = quern_vectors_width(request);
    const unsigned flags = request->options.normalize ? 0 : QUERN_NO_NORMALIZE;
    for (size_t i = 0; i < job->count; i++) {
        float *row = job->vectors + i * (size_t)width;
        memmove(row, job->vectors + i * full, (size_t)width * sizeof *row);
        quern_finish(row, width, flags, row);
    }
    if (are_half_numbers(request))
        return round_to_halves(job->vectors, job->count, width);
    return quern_encode(request->options.dtype, job->vectors, job->count, width, job->vectors, bytes, NULL) == QUERN_OK;
}

/* ---------------------------------------------------------------- JSON */

/* Writes a number of an int8 or binary vector, -128 to 255, and returns its end. */
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

static void put_bytes(struct quern_buffer *out, const unsigned char *bytes, size_t count, bool is_signed)
{
    char *room = quern_buffer_room(out, 5 * count + 2), *at = room;
    if (room == NULL)
        return;
    *at++ = '[';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *at++ = ',';
        at = format_byte(at, is_signed ? (int8_t)bytes[i] : bytes[i]);
    }
    *at++ = ']';
    out->length += (size_t)(at - room);
}

void quern_vectors_put(const struct quern_request *request, const struct quern_job *job, size_t i,
                       struct quern_buffer *out)
{
    const size_t width = (size_t)quern_vectors_width(request), bytes = row_bytes(request);
    const unsigned char *row = (const unsigned char *)job->vectors + i * bytes;
    if (request->options.base64) {
        quern_buffer_text(out, "\"");
        quern_buffer_base64(out, row, bytes);
        quern_buffer_text(out, "\"");
    } else if (are_floats(request)) {
        quern_buffer_floats(out, job->vectors + i * width, width);
    } else {
        put_bytes(out, row, bytes, request->options.dtype == QUERN_DTYPE_INT8);
    }
}

/* ---------------------------------------------------------------- raw bytes */

/* NumPy's header, version 1.0: magic, length of the rest, a Python dictionary padded with spaces. */
static void put_npy_header(const struct quern_request *request, size_t count, struct quern_buffer *out)
{
    static const char start[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, NPY_HEADER - 10, 0};
    static const struct {
        const char *name;
        size_t bytes;
    } types[] = {[QUERN_DTYPE_F32] = {"<f4", 4}, [QUERN_DTYPE_F16] = {"<f2", 2}, [QUERN_DTYPE_INT8] = {"|i1", 1},
                 [QUERN_DTYPE_BINARY] = {"|u1", 1}};
    const quern_dtype dtype = request->options.dtype;
    quern_buffer_add(out, start, sizeof start);
    quern_buffer_print(out, "{'descr': '%s', 'fortran_order': False, 'shape': (%zu, %zu), }", types[dtype].name, count,
                       row_bytes(request) / types[dtype].bytes);
    while (!out->failed && out->length < NPY_HEADER - 1)
        quern_buffer_text(out, " ");
    quern_buffer_text(out, "\n");
}

void quern_vectors_put_raw(const struct quern_request *request, const struct quern_job *job,
                           struct quern_answer *answer)
{
    const bool is_npy = request->options.form == QUERN_VECTORS_NPY;
    answer->type = is_npy ? "application/x-npy" : "application/octet-stream";
    if (is_npy)
        put_npy_header(request, job->count, &answer->body);
    quern_buffer_add(&answer->body, job->vectors, job->count * row_bytes(request));
}
