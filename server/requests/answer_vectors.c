#include "answer_vectors.h"

#include <stdlib.h>
#include <string.h>

#define NPY_HEADER 128 /* bytes, so that the data behind it is aligned */

int quern_vectors_width(const struct quern_request *request)
{
    const int asked = request->options.dimensions;
    return asked > 0 ? asked : request->served->info.dimensions;
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

/* Bytes of a finished vector. */
static size_t stride(const struct quern_request *request)
{
    return are_floats(request) ? (size_t)quern_vectors_width(request) * sizeof(float) : row_bytes(request);
}

/* Finishes a vector where it is. spare: room for one as half floats. */
static void finish_row(const struct quern_request *request, float *row, void *spare)
{
    const int width = quern_vectors_width(request);
    const size_t bytes = row_bytes(request);
    const quern_model_info *info = &request->served->info;
    if (info->centred_cut && width < info->dimensions)
        quern_centre(row, info->dimensions, row);
    quern_finish(row, width, request->options.normalize ? 0 : QUERN_NO_NORMALIZE, row);
    quern_encode(request->options.dtype, row, 1, width, spare, bytes, NULL);
    if (are_half_numbers(request)) /* each number becomes the nearest half float */
        quern_decode(QUERN_DTYPE_F16, spare, 1, width, row, (size_t)width, NULL);
    else
        memcpy(row, spare, bytes);
}

int quern_vectors_finish(const struct quern_request *request, struct quern_job *job, struct quern_answer *answer,
                         size_t slice)
{
    const size_t full = (size_t)request->served->info.dimensions, bytes = stride(request);
    void *spare = malloc(full * sizeof(float));
    for (size_t done = 0; spare != NULL && done < slice && answer->finished < job->count; answer->finished++) {
        float *row = job->vectors + answer->finished * full;
        finish_row(request, row, spare);
        memmove((char *)job->vectors + answer->finished * bytes, row, bytes);
        done += full * sizeof *row;
    }
    free(spare);
    return spare == NULL ? -1 : answer->finished == job->count;
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
    const unsigned char *row = (const unsigned char *)job->vectors + i * stride(request);
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

void quern_vectors_begin_raw(const struct quern_request *request, const struct quern_job *job,
                             struct quern_answer *answer)
{
    const bool is_npy = request->options.form == QUERN_VECTORS_NPY;
    answer->type = is_npy ? "application/x-npy" : "application/octet-stream";
    if (is_npy)
        put_npy_header(request, job->count, &answer->body);
}

int quern_vectors_add_raw(const struct quern_request *request, const struct quern_job *job,
                          struct quern_answer *answer, size_t slice)
{
    const size_t all = job->count * row_bytes(request), left = all - answer->draft_at;
    const size_t size = left < slice ? left : slice;
    quern_buffer_add(&answer->body, (const char *)job->vectors + answer->draft_at, size);
    answer->draft_at += size;
    return size == left;
}
