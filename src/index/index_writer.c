/* Writing index files: rows are collected to a block, and a full block is rounded by all threads and written. */
#include "base/budget.h"
#include "base/error.h"
#include "base/fold.h"
#include "base/pool.h"
#include "base/new_file.h"
#include "base/sized.h"
#include "formats/half.h"
#include "index/id_table.h"
#include "index/index_file.h"
#include "index/index_lock.h"
#include "index/rounding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOWHERE UINT64_MAX /* the place of a row that is not there */
#define MOST_HALF 65504.0f /* the largest half float */
#define MOST_BLOCK_TEXT ((size_t)16 << 20) /* bytes of payloads after which a block is written */

/* Texts as a block keeps them. */
struct texts {
    uint32_t *ends; /* [block_rows] */
    char *bytes;
    size_t used, capacity;
};

struct quern_index_writer {
    struct quern_new_file fresh; /* a new file, until its first commit; then its file only */
    int file;                       /* descriptor of the file that is written */
    bool owns_file;                 /* else it is that of fresh */
    char *path;                     /* for messages */
    bool is_new;                    /* nothing was committed yet */
    struct quern_catalogue catalogue;
    struct quern_id_table table;    /* of all rows that are there, by place */
    struct quern_pool *pool;
    uint64_t end;                   /* where the next block goes */
    bool changed;                   /* since the last commit */
    int broken;                     /* the code of the failure after which nothing can be done; 0: none */

    /* the block that is being filled: the last one of the catalogue, without an offset */
    uint32_t rows;                  /* in it */
    bool open;                      /* there is one */
    float *vectors;                 /* [block_rows][dimensions] */
    uint64_t *numbers;              /* [block_rows] ids */
    struct texts names, payloads;
    unsigned char *data;            /* [data_capacity] memory for a block as it is written */
    size_t data_capacity;
    float *lengths;                 /* [block_rows] of the rounded vectors */
};

/* ---------------------------------------------------------------- files */

static int fail_io(const struct quern_index_writer *writer, quern_error *error)
{
    return quern_fail(error, QUERN_EIO, "cannot write %s: %s", writer->path, strerror(errno));
}

static int write_at(const struct quern_index_writer *writer, const void *data, size_t bytes, uint64_t offset,
                    quern_error *error)
{
    for (const unsigned char *at = data; bytes > 0;) {
        const ssize_t done = pwrite(writer->file, at, bytes < (1u << 30) ? bytes : 1u << 30, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail_io(writer, error);
        at += done;
        offset += (uint64_t)done;
        bytes -= (size_t)done;
    }
    return QUERN_OK;
}

/* The id of a row that was written already. The texts are malloc'd into *memory. */
static int read_id(const struct quern_index_writer *writer, uint64_t place, quern_index_row *id, char **memory,
                   quern_error *error)
{
    const struct quern_catalogue *catalogue = &writer->catalogue;
    const size_t b = quern_catalogue_block(catalogue, place);
    const struct quern_index_block *block = &catalogue->blocks[b];
    const uint32_t row = (uint32_t)(place - catalogue->first[b]);
    const uint64_t ids = block->offset + quern_index_parts(&catalogue->shape, block).ids;
    uint32_t ends[2] = {0};
    if (!catalogue->shape.named)
        return pread(writer->file, &id->number, sizeof id->number, (off_t)(ids + row * sizeof id->number)) ==
                       (ssize_t)sizeof id->number ? QUERN_OK : fail_io(writer, error);
    const size_t wanted = row == 0 ? sizeof ends[0] : sizeof ends;
    if (pread(writer->file, row == 0 ? &ends[1] : &ends[0], wanted,
              (off_t)(ids + (row == 0 ? 0 : row - 1) * sizeof ends[0])) != (ssize_t)wanted)
        return fail_io(writer, error);
    if (ends[0] > ends[1] || ends[1] > block->id_bytes)
        return quern_fail(error, QUERN_EFORMAT, "%s is damaged: the name of the row at place %llu cannot be",
                          writer->path, (unsigned long long)place);
    const size_t length = ends[1] - ends[0];
    *memory = malloc(length + 1);
    if (*memory == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the name of a row");
    id->name = (quern_text){*memory, length};
    if (pread(writer->file, *memory, length, (off_t)(ids + block->rows * sizeof ends[0] + ends[0])) != (ssize_t)length)
        return fail_io(writer, error);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- opening */

static int check_options(const quern_index_options *options, quern_error *error)
{
    if (options->dimensions < 1 || options->dimensions > QUERN_INDEX_MOST_DIMENSIONS)
        return quern_fail(error, QUERN_EINVAL, "options: an index has vectors of 1 to %d dimensions, not of %d",
                          QUERN_INDEX_MOST_DIMENSIONS, options->dimensions);
    if ((unsigned)options->ids > QUERN_INDEX_NAMES)
        return quern_fail(error, QUERN_EINVAL, "options: there is no kind %d of ids", options->ids);
    if (options->rows != QUERN_DTYPE_F32 && options->rows != QUERN_DTYPE_F16)
        return quern_fail(error, QUERN_EINVAL, "options: an index keeps vectors as f32 or f16");
    if (options->space != NULL && strlen(options->space) >= QUERN_SPACE_SIZE)
        return quern_fail(error, QUERN_EINVAL, "options: the name of the space has more than %d bytes",
                          QUERN_SPACE_SIZE - 1);
    return QUERN_OK;
}

/* Allocates what a block needs. */
static int prepare(struct quern_index_writer *writer, int threads, quern_error *error)
{
    const struct quern_index_shape *shape = &writer->catalogue.shape;
    if (threads < 0 || threads > QUERN_MOST_THREADS)
        return quern_fail(error, QUERN_EINVAL, "options: a writer has 1 to %d threads, not %d", QUERN_MOST_THREADS,
                          threads);
    if (threads == 0)
        threads = quern_cpu_budget(NULL, 0);
    writer->table.named = shape->named;
    writer->vectors = malloc((size_t)shape->block_rows * shape->dimensions * sizeof(float));
    writer->numbers = malloc(shape->block_rows * sizeof(uint64_t));
    writer->names.ends = malloc(shape->block_rows * sizeof(uint32_t));
    writer->payloads.ends = malloc(shape->block_rows * sizeof(uint32_t));
    writer->lengths = malloc(shape->block_rows * sizeof(float));
    if (writer->vectors == NULL || writer->numbers == NULL || writer->names.ends == NULL ||
        writer->payloads.ends == NULL || writer->lengths == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to write %s", writer->path);
    return quern_pool_new(&writer->pool, threads < QUERN_MOST_THREADS ? threads : QUERN_MOST_THREADS, NULL, NULL,
                          error);
}

static struct quern_index_writer *new_writer(const char *path, quern_error *error)
{
    struct quern_index_writer *writer = calloc(1, sizeof *writer);
    if (writer != NULL) {
        writer->file = writer->fresh.file = -1;
        writer->path = strdup(path);
    }
    if (writer == NULL || writer->path == NULL) {
        quern_fail(error, QUERN_ENOMEM, "no memory to write %s", path);
        free(writer);
        return NULL;
    }
    return writer;
}

int quern_index_create(quern_index_writer **writer, const char *path, const quern_index_options *options,
                       quern_error *error)
{
    quern_index_options read = {0};
    if (writer == NULL || path == NULL)
        return quern_fail(error, QUERN_EINVAL, "writer or path is NULL");
    QUERN_TRY(quern_options_read(&read, sizeof read, options, error));
    QUERN_TRY(check_options(&read, error));
    struct quern_index_writer *made = new_writer(path, error);
    if (made == NULL)
        return QUERN_ENOMEM;
    made->catalogue.shape = (struct quern_index_shape){
        .dimensions = (uint32_t)read.dimensions, .block_rows = quern_index_block_rows((uint32_t)read.dimensions),
        .named = read.ids == QUERN_INDEX_NAMES, .half = read.rows == QUERN_DTYPE_F16, .has_bits = read.bits != 0};
    if (read.space != NULL)
        memcpy(made->catalogue.space, read.space, strlen(read.space));
    made->is_new = made->changed = true;
    made->end = QUERN_INDEX_HEADER;
    int code = quern_new_file_begin(&made->fresh, path, NULL, error);
    made->file = made->fresh.file;
    if (code == QUERN_OK)
        code = prepare(made, read.threads, error);
    if (code != QUERN_OK) {
        quern_index_writer_free(made);
        return code;
    }
    *writer = made;
    return QUERN_OK;
}

/* Enters the ids of all rows that are there. */
static int read_ids(struct quern_index_writer *writer, const struct quern_index *index, quern_error *error)
{
    const struct quern_catalogue *catalogue = &index->catalogue;
    for (size_t b = 0; b < catalogue->count; b++) {
        const struct quern_block_view view = quern_block_at(index, b);
        for (uint32_t row = 0; row < view.block->rows; row++) {
            quern_index_row id = {0};
            if (quern_catalogue_removed(catalogue, b, row))
                continue;
            QUERN_TRY(quern_block_id(index, &view, row, &id, error));
            QUERN_TRY(quern_id_put(&writer->table, &id, catalogue->first[b] + row, error));
        }
    }
    return quern_map_check_kept(&index->map, error);
}

static int take_over(struct quern_index_writer *writer, struct quern_index *index, int threads, quern_error *error)
{
    writer->end = QUERN_INDEX_HEADER;
    for (size_t b = 0; b < index->catalogue.count; b++) {
        const struct quern_index_block *block = &index->catalogue.blocks[b];
        const uint64_t end = block->offset + quern_index_parts(&index->catalogue.shape, block).end;
        writer->end = end > writer->end ? end : writer->end;
    }
    /* The catalogue in use must stay: what comes next goes behind the file as it is. */
    writer->end = index->map.size > writer->end ? index->map.size : writer->end;
    writer->table.named = index->catalogue.shape.named;
    QUERN_TRY(read_ids(writer, index, error));
    writer->catalogue = index->catalogue;
    index->catalogue = (struct quern_catalogue){0};
    return prepare(writer, threads, error);
}

int quern_index_change(quern_index_writer **writer, const char *path, const quern_index_options *options,
                       quern_error *error)
{
    quern_index_options read = {0};
    quern_index *index = NULL;
    if (writer == NULL || path == NULL)
        return quern_fail(error, QUERN_EINVAL, "writer or path is NULL");
    QUERN_TRY(quern_options_read(&read, sizeof read, options, error));
    struct quern_index_writer *made = new_writer(path, error);
    if (made == NULL)
        return QUERN_ENOMEM;
    int code = quern_index_lock(&made->file, path, error);
    made->owns_file = code == QUERN_OK;
    if (code == QUERN_OK)
        code = quern_index_open(&index, path, error);
    if (code == QUERN_OK)
        code = take_over(made, index, read.threads, error);
    quern_index_close(index);
    if (code != QUERN_OK) {
        quern_index_writer_free(made);
        return code;
    }
    *writer = made;
    return QUERN_OK;
}

void quern_index_writer_free(quern_index_writer *writer)
{
    if (writer == NULL)
        return;
    quern_pool_free(writer->pool);
    quern_catalogue_free(&writer->catalogue);
    quern_id_table_free(&writer->table);
    quern_new_file_end(&writer->fresh);
    if (writer->owns_file)
        close(writer->file);
    free(writer->path);
    free(writer->vectors);
    free(writer->numbers);
    free(writer->names.ends);
    free(writer->names.bytes);
    free(writer->payloads.ends);
    free(writer->payloads.bytes);
    free(writer->lengths);
    free(writer->data);
    free(writer);
}

/* ---------------------------------------------------------------- blocks */

/* What the threads that round a block share. */
struct rounding {
    const struct quern_index_writer *writer;
    struct quern_rounded_rows rows;
    unsigned char *vectors;
};

/* A tile of the pool: a group of rows. Groups are padded with rows of zeros. */
static void round_group(void *argument, int tile, int thread)
{
    const struct rounding *job = argument;
    const struct quern_index_writer *writer = job->writer;
    const size_t dimensions = writer->catalogue.shape.dimensions;
    (void)thread;
    for (size_t row = (size_t)tile * QUERN_SCAN_ROWS; row < ((size_t)tile + 1) * QUERN_SCAN_ROWS; row++) {
        const float *vector = writer->vectors + row * dimensions;
        if (row >= writer->rows)
            continue;
        writer->lengths[row] = quern_round_row(&job->rows, row, vector, (uint32_t)dimensions);
        if (!writer->catalogue.shape.half) {
            memcpy(job->vectors + row * dimensions * sizeof(float), vector, dimensions * sizeof(float));
            continue;
        }
        uint16_t *halves = (uint16_t *)job->vectors + row * dimensions;
        for (size_t k = 0; k < dimensions; k++)
            halves[k] = quern_float_to_half(vector[k]);
    }
}

static void put_texts(unsigned char *at, const struct texts *texts, uint32_t rows)
{
    memcpy(at, texts->ends, rows * sizeof *texts->ends);
    if (texts->used > 0)
        memcpy(at + rows * sizeof *texts->ends, texts->bytes, texts->used);
}

/* Makes the bytes of a block in data, of which there are parts.end. */
static void fill(struct quern_index_writer *writer, const struct quern_block_parts *parts)
{
    const struct quern_index_shape *shape = &writer->catalogue.shape;
    unsigned char *data = writer->data;
    memset(data, 128, parts->scales); /* the byte that stands for zero, for rows and numbers that only pad */
    memset(data + parts->scales, 0, parts->end - parts->scales);
    struct rounding job = {writer, {data, (float *)(data + parts->scales), (float *)(data + parts->rests),
                                    shape->has_bits ? (uint64_t *)(data + parts->bits) : NULL}, data + parts->vectors};
    quern_pool_run(writer->pool, round_group, &job, (int)quern_index_groups(writer->rows));
    if (shape->named)
        put_texts(data + parts->ids, &writer->names, writer->rows);
    else
        memcpy(data + parts->ids, writer->numbers, writer->rows * sizeof *writer->numbers);
    put_texts(data + parts->payloads, &writer->payloads, writer->rows);
}

static int reserve_data(struct quern_index_writer *writer, size_t bytes, quern_error *error)
{
    if (bytes <= writer->data_capacity)
        return QUERN_OK;
    free(writer->data);
    writer->data_capacity = 0;
    writer->data = aligned_alloc(64, bytes);
    if (writer->data == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to write %s", writer->path);
    writer->data_capacity = bytes;
    return QUERN_OK;
}

static uint64_t next_page(uint64_t offset)
{
    return (offset + QUERN_INDEX_ALIGNMENT - 1) / QUERN_INDEX_ALIGNMENT * QUERN_INDEX_ALIGNMENT;
}

/* Writes the block that is being filled. */
static int flush(struct quern_index_writer *writer, quern_error *error)
{
    if (!writer->open)
        return QUERN_OK;
    struct quern_index_block *block = &writer->catalogue.blocks[writer->catalogue.count - 1];
    block->id_bytes = writer->names.used;
    block->payload_bytes = writer->payloads.used;
    const struct quern_block_parts parts = quern_index_parts(&writer->catalogue.shape, block);
    QUERN_TRY(reserve_data(writer, parts.end, error));
    fill(writer, &parts);
    for (uint32_t row = 0; row < writer->rows; row++)
        block->longest = writer->lengths[row] > block->longest ? writer->lengths[row] : block->longest;
    block->offset = next_page(writer->end);
    block->digest = quern_digest_bytes(0, writer->data, parts.end);
    QUERN_TRY(write_at(writer, writer->data, parts.end, block->offset, error));
    writer->end = block->offset + parts.end;
    writer->open = false;
    writer->rows = 0;
    writer->names.used = writer->payloads.used = 0;
    return QUERN_OK;
}

/* Begins a block if there is none, or if the one there is has no room for a row with so many bytes of text. */
static int make_room(struct quern_index_writer *writer, const quern_index_row *row, quern_error *error)
{
    struct quern_catalogue *catalogue = &writer->catalogue;
    const bool full = writer->rows == catalogue->shape.block_rows ||
                      (writer->rows > 0 && writer->payloads.used + row->payload.length > MOST_BLOCK_TEXT) ||
                      writer->names.used > MOST_BLOCK_TEXT;
    if (writer->open && full)
        QUERN_TRY(flush(writer, error));
    if (writer->open)
        return QUERN_OK;
    if (catalogue->count >= QUERN_INDEX_MOST_BLOCKS)
        return quern_fail(error, QUERN_EINVAL, "%s has too many blocks: compact it (quern_index_compact)",
                          writer->path);
    if (catalogue->count > 0 &&
        catalogue->first[catalogue->count] + catalogue->shape.block_rows > QUERN_INDEX_MOST_ROWS)
        return quern_fail(error, QUERN_EINVAL, "%s is full: an index has at most 2^32 rows, removed ones too",
                          writer->path);
    QUERN_TRY(quern_catalogue_grow(catalogue, error));
    writer->open = true;
    return QUERN_OK;
}

/* ---------------------------------------------------------------- rows */

/* Whether the row at a place has this id. */
static int has_id(const struct quern_index_writer *writer, uint64_t place, const quern_index_row *id, bool *same,
                  quern_error *error)
{
    const struct quern_catalogue *catalogue = &writer->catalogue;
    quern_index_row found = {0};
    char *memory = NULL;
    if (writer->open && place >= catalogue->first[catalogue->count - 1]) {
        const size_t row = (size_t)(place - catalogue->first[catalogue->count - 1]);
        const uint32_t begin = row == 0 ? 0 : writer->names.ends[row - 1];
        found.number = writer->numbers[row];
        if (catalogue->shape.named)
            found.name = (quern_text){writer->names.bytes + begin, writer->names.ends[row] - begin};
    } else {
        const int code = read_id(writer, place, &found, &memory, error);
        if (code != QUERN_OK) {
            free(memory);
            return code;
        }
    }
    *same = quern_ids_compare(&catalogue->shape, &found, id) == 0;
    free(memory);
    return QUERN_OK;
}

/* Finds the row with an id: its place, or NOWHERE. The probe stands at its entry of the table. */
static int find(const struct quern_index_writer *writer, const quern_index_row *id, struct quern_id_probe *probe,
                uint64_t *place, quern_error *error)
{
    *probe = quern_id_probe(&writer->table, id);
    while (quern_id_next(&writer->table, probe, place)) {
        bool same = false;
        if (*place == NOWHERE)
            continue;
        QUERN_TRY(has_id(writer, *place, id, &same, error));
        if (same)
            return QUERN_OK;
    }
    *place = NOWHERE;
    return QUERN_OK;
}

static int mark_removed(struct quern_index_writer *writer, uint64_t place, quern_error *error)
{
    struct quern_catalogue *catalogue = &writer->catalogue;
    const size_t block = quern_catalogue_block(catalogue, place);
    const uint64_t row = place - catalogue->first[block];
    QUERN_TRY(quern_catalogue_bitmap(catalogue, block, error));
    catalogue->removed[block][row / 64] |= UINT64_C(1) << row % 64;
    catalogue->blocks[block].removed++;
    writer->changed = true;
    return QUERN_OK;
}

static int append_text(struct texts *texts, uint32_t row, quern_text text, quern_error *error)
{
    if (text.length > texts->capacity - texts->used) {
        const size_t capacity = 2 * texts->capacity + text.length + 4096;
        char *bytes = realloc(texts->bytes, capacity);
        if (bytes == NULL)
            return quern_fail(error, QUERN_ENOMEM, "no memory for the texts of an index");
        texts->bytes = bytes;
        texts->capacity = capacity;
    }
    if (text.length > 0)
        memcpy(texts->bytes + texts->used, text.data, text.length);
    texts->used += text.length;
    texts->ends[row] = (uint32_t)texts->used;
    return QUERN_OK;
}

/* Copies a vector as the index keeps it. */
static void copy_vector(const struct quern_index_writer *writer, float *out, const float *vector)
{
    const uint32_t dimensions = writer->catalogue.shape.dimensions;
    memcpy(out, vector, dimensions * sizeof *out);
    if (writer->catalogue.shape.half)
        for (uint32_t k = 0; k < dimensions; k++)
            out[k] = quern_half_to_float(quern_float_to_half(vector[k]));
}

static int add(struct quern_index_writer *writer, const quern_index_row *row, const float *vector, quern_error *error)
{
    struct quern_catalogue *catalogue = &writer->catalogue;
    struct quern_id_probe probe;
    uint64_t before;
    QUERN_TRY(make_room(writer, row, error));
    QUERN_TRY(find(writer, row, &probe, &before, error));
    const uint32_t at = writer->rows;
    const uint64_t place = catalogue->first[catalogue->count - 1] + at;
    writer->numbers[at] = row->number;
    if (catalogue->shape.named)
        QUERN_TRY(append_text(&writer->names, at, row->name, error));
    QUERN_TRY(append_text(&writer->payloads, at, row->payload, error));
    copy_vector(writer, writer->vectors + (size_t)at * catalogue->shape.dimensions, vector);
    writer->rows++;
    catalogue->blocks[catalogue->count - 1].rows++;
    catalogue->first[catalogue->count]++;
    writer->changed = true;
    if (before == NOWHERE)
        return quern_id_put(&writer->table, row, place, error);
    quern_id_replace(&writer->table, &probe, place);
    return mark_removed(writer, before, error);
}

/* ---------------------------------------------------------------- checks */

static int check_id(const struct quern_index_writer *writer, const quern_index_row *row, quern_error *error)
{
    if (writer->catalogue.shape.named &&
        (row->name.data == NULL || row->name.length < 1 || row->name.length > QUERN_INDEX_MOST_NAME))
        return quern_fail(error, QUERN_EINVAL, "the name of a row has 1 to %d bytes, not %zu", QUERN_INDEX_MOST_NAME,
                          row->name.length);
    return QUERN_OK;
}

static int check_row(const struct quern_index_writer *writer, const quern_index_row *row, const float *vector,
                     quern_error *error)
{
    const uint32_t dimensions = writer->catalogue.shape.dimensions;
    QUERN_TRY(check_id(writer, row, error));
    if (row->payload.length > QUERN_INDEX_MOST_PAYLOAD || (row->payload.data == NULL && row->payload.length > 0))
        return quern_fail(error, QUERN_EINVAL, "the payload of a row has at most %u bytes, not %zu",
                          QUERN_INDEX_MOST_PAYLOAD, row->payload.length);
    if (!(quern_vector_length(vector, dimensions) <= QUERN_INDEX_LONGEST))
        return quern_fail(error, QUERN_EINVAL, "the vector has a number that is not finite, or is longer than 1e18");
    for (uint32_t k = 0; k < dimensions && writer->catalogue.shape.half; k++)
        if (vector[k] > MOST_HALF || vector[k] < -MOST_HALF)
            return quern_fail(error, QUERN_EINVAL, "the vector has the number %g, which is too large for f16",
                              (double)vector[k]);
    return QUERN_OK;
}

static int at_row(quern_error *error, int code, size_t row)
{
    if (error != NULL)
        error->index = (int64_t)row;
    return code;
}

static int check_usable(const struct quern_index_writer *writer, quern_error *error)
{
    if (writer == NULL)
        return quern_fail(error, QUERN_EINVAL, "writer is NULL");
    if (writer->broken != QUERN_OK)
        return quern_fail(error, writer->broken, "cannot write %s: a call before failed; make another writer",
                          writer->path);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- interface */

int quern_index_add(quern_index_writer *writer, const quern_index_row *rows, const float *vectors, size_t count,
                    quern_error *error)
{
    QUERN_TRY(check_usable(writer, error));
    const size_t dimensions = writer->catalogue.shape.dimensions;
    if (count > 0 && (rows == NULL || vectors == NULL))
        return quern_fail(error, QUERN_EINVAL, "rows or vectors is NULL");
    for (size_t i = 0; i < count; i++) {
        const int code = check_row(writer, &rows[i], vectors + i * dimensions, error);
        if (code != QUERN_OK)
            return at_row(error, code, i);
    }
    for (size_t i = 0; i < count && writer->broken == QUERN_OK; i++)
        writer->broken = add(writer, &rows[i], vectors + i * dimensions, error);
    return writer->broken;
}

int quern_index_remove(quern_index_writer *writer, const quern_index_row *rows, size_t count, size_t *removed,
                       quern_error *error)
{
    size_t found = 0;
    QUERN_TRY(check_usable(writer, error));
    if (count > 0 && rows == NULL)
        return quern_fail(error, QUERN_EINVAL, "rows is NULL");
    for (size_t i = 0; i < count; i++) {
        const int code = check_id(writer, &rows[i], error);
        if (code != QUERN_OK)
            return at_row(error, code, i);
    }
    for (size_t i = 0; i < count && writer->broken == QUERN_OK; i++) {
        struct quern_id_probe probe;
        uint64_t place;
        writer->broken = find(writer, &rows[i], &probe, &place, error);
        if (writer->broken != QUERN_OK || place == NOWHERE)
            continue;
        writer->broken = mark_removed(writer, place, error);
        quern_id_replace(&writer->table, &probe, NOWHERE);
        found++;
    }
    if (removed != NULL && writer->broken == QUERN_OK)
        *removed = found;
    return writer->broken;
}

int quern_index_set_note(quern_index_writer *writer, quern_text note, quern_error *error)
{
    QUERN_TRY(check_usable(writer, error));
    if (note.length > QUERN_INDEX_MOST_PAYLOAD || (note.data == NULL && note.length > 0))
        return quern_fail(error, QUERN_EINVAL, "the note of an index has at most %u bytes, not %zu",
                          QUERN_INDEX_MOST_PAYLOAD, note.length);
    unsigned char *copy = malloc(note.length + 1);
    if (copy == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the note of an index");
    if (note.length > 0)
        memcpy(copy, note.data, note.length);
    free(writer->catalogue.note);
    writer->catalogue.note = copy;
    writer->catalogue.note_bytes = note.length;
    writer->changed = true;
    return QUERN_OK;
}

/* Writes the header of a new file, or the slot of one that is there. All else is on the disk before. */
static int publish(struct quern_index_writer *writer, const struct quern_index_slot *slot, quern_error *error)
{
    unsigned char header[QUERN_INDEX_HEADER];
    if (writer->is_new) {
        quern_index_header(header, slot);
        QUERN_TRY(write_at(writer, header, sizeof header, 0, error));
    } else {
        if (fsync(writer->file) != 0)
            return fail_io(writer, error);
        QUERN_TRY(write_at(writer, slot, sizeof *slot, quern_index_slot_at(slot->generation), error));
    }
    if (fsync(writer->file) != 0)
        return fail_io(writer, error);
    if (writer->is_new)
        QUERN_TRY(quern_new_file_complete(&writer->fresh, error));
    writer->is_new = false;
    return QUERN_OK;
}

static int commit(struct quern_index_writer *writer, quern_error *error)
{
    struct quern_catalogue *catalogue = &writer->catalogue;
    unsigned char *encoded = NULL;
    size_t bytes;
    QUERN_TRY(flush(writer, error));
    QUERN_TRY(quern_catalogue_encode(catalogue, &encoded, &bytes, error));
    const uint64_t offset = next_page(writer->end);
    const struct quern_index_slot slot = quern_index_slot_for(catalogue->generation + 1, offset, encoded, bytes);
    const int code = write_at(writer, encoded, bytes, offset, error);
    free(encoded);
    QUERN_TRY(code);
    QUERN_TRY(publish(writer, &slot, error));
    writer->end = offset + bytes;
    catalogue->generation++;
    writer->changed = false;
    return QUERN_OK;
}

int quern_index_commit(quern_index_writer *writer, quern_error *error)
{
    QUERN_TRY(check_usable(writer, error));
    if (writer->changed)
        writer->broken = commit(writer, error);
    return writer->broken;
}
