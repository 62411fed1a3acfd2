/* The sink that writes vectors to a file, in one of several formats. */
#include "jobs.h"

#include "jobs_error.h"
#include "json_text.h"
#include "npy_header.h"

#include <errno.h>
#include <string.h>

static void put_numbers(FILE *file, const float *row, int dimensions, char separator)
{
    for (int i = 0; i < dimensions; i++) {
        if (i > 0)
            putc(separator, file);
        quern_json_put_float(file, row[i]);
    }
}

/* ---------------------------------------------------------------- formats */

static void put_jsonl(struct quern_jobs_writer *writer, const float *row, const quern_result *result, uint64_t position)
{
    if (result->code != QUERN_OK)
        return;
    fprintf(writer->file, "{\"index\":%llu,\"tokens\":%u,\"truncated\":%u,\"embedding\":[",
            (unsigned long long)position, result->tokens, result->truncated);
    put_numbers(writer->file, row, writer->dimensions, ',');
    fputs("]}\n", writer->file);
    writer->written++;
}

static void begin_json(struct quern_jobs_writer *writer)
{
    fprintf(writer->file, "{\"space\":\"%s\",\"path\":\"%s\",\"dimensions\":%d,\"embeddings\":[\n", writer->space,
            writer->path, writer->dimensions);
}

static void put_json(struct quern_jobs_writer *writer, const float *row, const quern_result *result, uint64_t position)
{
    if (result->code == QUERN_OK && writer->written > 0)
        putc(',', writer->file);
    put_jsonl(writer, row, result, position);
}

static void end_json(struct quern_jobs_writer *writer)
{
    fputs("]}\n", writer->file);
}

static void put_text(struct quern_jobs_writer *writer, const float *row, const quern_result *result, uint64_t position)
{
    (void)result;
    (void)position;
    put_numbers(writer->file, row, writer->dimensions, ' ');
    putc('\n', writer->file);
    writer->written++;
}

/* Every machine that quern supports is little-endian. */
static void put_f32(struct quern_jobs_writer *writer, const float *row, const quern_result *result, uint64_t position)
{
    (void)result;
    (void)position;
    fwrite(row, sizeof *row, (size_t)writer->dimensions, writer->file);
    writer->written++;
}

/* Written for no rows at first, and again when the number of rows is known. */
static void put_npy_header(struct quern_jobs_writer *writer)
{
    char header[QUERN_NPY_HEADER];
    quern_npy_header(header, "<f4", writer->written, writer->dimensions);
    fwrite(header, 1, sizeof header, writer->file);
}

static void end_npy(struct quern_jobs_writer *writer)
{
    rewind(writer->file);
    put_npy_header(writer);
}

static const struct {
    void (*begin)(struct quern_jobs_writer *writer);
    void (*put)(struct quern_jobs_writer *writer, const float *row, const quern_result *result, uint64_t position);
    void (*end)(struct quern_jobs_writer *writer);
    bool rewinds;
} formats[] = {
    [QUERN_JOBS_JSONL] = {NULL, put_jsonl, NULL, false},
    [QUERN_JOBS_JSON] = {begin_json, put_json, end_json, false},
    [QUERN_JOBS_NPY] = {put_npy_header, put_f32, end_npy, true},
    [QUERN_JOBS_F32] = {NULL, put_f32, NULL, false},
    [QUERN_JOBS_TEXT] = {NULL, put_text, NULL, false},
};

/* ---------------------------------------------------------------- sink */

static int flush(struct quern_jobs_writer *writer, quern_error *error)
{
    if (fflush(writer->file) == 0 && !ferror(writer->file))
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EIO, "cannot write to %s: %s", writer->name, strerror(errno));
}

static int put(struct quern_jobs_sink *sink, const struct quern_jobs_vectors *batch, quern_error *error)
{
    struct quern_jobs_writer *writer = (struct quern_jobs_writer *)sink;
    for (size_t i = 0; i < batch->count; i++)
        formats[writer->format].put(writer, batch->rows + i * (size_t)batch->dimensions, &batch->results[i],
                                    batch->first + i);
    return flush(writer, error);
}

static int finish(struct quern_jobs_sink *sink, quern_error *error)
{
    struct quern_jobs_writer *writer = (struct quern_jobs_writer *)sink;
    if (formats[writer->format].end != NULL)
        formats[writer->format].end(writer);
    return flush(writer, error);
}

bool quern_jobs_format_rewinds(enum quern_jobs_format format)
{
    return formats[format].rewinds;
}

int quern_jobs_writer_open(struct quern_jobs_writer *writer, quern_error *error)
{
    writer->sink = (struct quern_jobs_sink){.put = put, .finish = finish};
    writer->written = 0;
    if (formats[writer->format].begin != NULL)
        formats[writer->format].begin(writer);
    return flush(writer, error);
}
