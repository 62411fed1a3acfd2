/* The formats that vectors are written in. */
#include "cli.h"

#include <string.h>

#define NPY_HEADER 128 /* bytes, so that the data behind it is aligned */

static void put_row(FILE *file, const float *row, int dimensions, char separator)
{
    for (int i = 0; i < dimensions; i++) {
        if (i > 0)
            putc(separator, file);
        quern_cli_put_float(file, row[i]);
    }
}

static void put_jsonl(struct quern_cli_vectors *vectors, const float *row, const quern_result *result)
{
    FILE *file = vectors->output.file;
    fprintf(file, "{\"index\":%llu,\"tokens\":%u,\"truncated\":%u,\"embedding\":[",
            (unsigned long long)vectors->written, result->tokens, result->truncated);
    put_row(file, row, vectors->dimensions, ',');
    fputs("]}\n", file);
}

static void begin_json(struct quern_cli_vectors *vectors)
{
    fprintf(vectors->output.file, "{\"space\":\"%s\",\"path\":\"%s\",\"dimensions\":%d,\"embeddings\":[\n",
            vectors->space, vectors->path, vectors->dimensions);
}

static void put_json(struct quern_cli_vectors *vectors, const float *row, const quern_result *result)
{
    if (vectors->written > 0)
        putc(',', vectors->output.file);
    put_jsonl(vectors, row, result);
}

static void end_json(struct quern_cli_vectors *vectors)
{
    fputs("]}\n", vectors->output.file);
}

static void put_text(struct quern_cli_vectors *vectors, const float *row, const quern_result *result)
{
    (void)result;
    put_row(vectors->output.file, row, vectors->dimensions, ' ');
    putc('\n', vectors->output.file);
}

/* float32, little-endian as every machine we run on. */
static void put_f32(struct quern_cli_vectors *vectors, const float *row, const quern_result *result)
{
    (void)result;
    fwrite(row, sizeof *row, (size_t)vectors->dimensions, vectors->output.file);
}

/* NumPy's header, version 1.0: magic, length of the rest, a Python dictionary padded with spaces. Written with no
 * rows at first, and again when their number is known. */
static void put_npy_header(struct quern_cli_vectors *vectors)
{
    char header[NPY_HEADER + 1];
    static const char start[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, NPY_HEADER - 10, 0};
    int length = snprintf(header + sizeof start, sizeof header - sizeof start,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%llu, %d), }",
                          (unsigned long long)vectors->written, vectors->dimensions);
    memcpy(header, start, sizeof start);
    memset(header + sizeof start + length, ' ', NPY_HEADER - sizeof start - (size_t)length);
    header[NPY_HEADER - 1] = '\n';
    fwrite(header, 1, NPY_HEADER, vectors->output.file);
}

static void end_npy(struct quern_cli_vectors *vectors)
{
    rewind(vectors->output.file);
    put_npy_header(vectors);
}

struct quern_cli_format {
    const char *name;
    bool rewritten; /* its beginning is written again at the end */
    void (*begin)(struct quern_cli_vectors *vectors);
    void (*put)(struct quern_cli_vectors *vectors, const float *row, const quern_result *result);
    void (*end)(struct quern_cli_vectors *vectors);
};

static const struct quern_cli_format formats[] = {
    {"jsonl", false, NULL, put_jsonl, NULL}, {"json", false, begin_json, put_json, end_json},
    {"npy", true, put_npy_header, put_f32, end_npy}, {"f32", false, NULL, put_f32, NULL},
    {"text", false, NULL, put_text, NULL},
};

int quern_cli_vectors_open(struct quern_cli_vectors *vectors, const char *format, const char *path)
{
    vectors->format = &formats[0];
    for (size_t i = 0; format != NULL && i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, format) == 0)
            vectors->format = &formats[i];
    int code = quern_cli_output_open(&vectors->output, path, vectors->format->rewritten);
    if (code == QUERN_CLI_DONE && vectors->format->begin != NULL)
        vectors->format->begin(vectors);
    return code;
}

int quern_cli_vectors_put(struct quern_cli_vectors *vectors, const float *rows, const quern_result *results,
                          size_t count)
{
    for (size_t i = 0; i < count; i++, vectors->written++)
        vectors->format->put(vectors, rows + i * (size_t)vectors->dimensions, &results[i]);
    return quern_cli_output_flush(&vectors->output);
}

int quern_cli_vectors_finish(struct quern_cli_vectors *vectors)
{
    if (vectors->format->end != NULL)
        vectors->format->end(vectors);
    return quern_cli_output_finish(&vectors->output);
}
