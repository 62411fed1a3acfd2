#include "arrow_writer.h"

#include "arrow_format.h"
#include "column_writer.h"
#include "flat_builder.h"
#include "jobs_error.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, MOST_BUFFERS = 3 * QUERN_COLUMNS_MOST, MOST_NODES = 2 * QUERN_COLUMNS_MOST };

/* The structures Block, Buffer and FieldNode of the specification. */
struct block { /* where a record batch lies */
    int64_t offset;
    int32_t metadata_bytes, padding;
    int64_t body_bytes;
};
struct buffer {
    int64_t offset, length;
};
struct node {
    int64_t rows, nulls;
};

struct arrow_writer {
    struct quern_column_writer base;
    struct block *blocks; /* [block_count] */
    size_t block_count, block_capacity;
};

static int no_memory(quern_error *error)
{
    return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the metadata of an Arrow file");
}

/* ---------------------------------------------------------------- the schema */

static quern_flat_place put_int(struct quern_flat_builder *flat, int bits, bool is_signed)
{
    quern_flat_begin_table(flat);
    quern_flat_put_number(flat, QUERN_ARROW_INT_BITS, 4, bits);
    quern_flat_put_number(flat, QUERN_ARROW_INT_SIGNED, 1, is_signed);
    return quern_flat_end_table(flat);
}

static quern_flat_place put_float(struct quern_flat_builder *flat, int precision)
{
    quern_flat_begin_table(flat);
    quern_flat_put_number(flat, QUERN_ARROW_FLOAT_PRECISION, 2, precision);
    return quern_flat_end_table(flat);
}

/* A field whose type and children are there. */
static quern_flat_place put_field(struct quern_flat_builder *flat, const char *name, bool has_nulls,
                                  enum quern_arrow_type kind, quern_flat_place type, const quern_flat_place *child)
{
    const quern_flat_place text = quern_flat_put_string(flat, name);
    const quern_flat_place children = quern_flat_put_places(flat, child, child != NULL);
    quern_flat_begin_table(flat);
    quern_flat_put_place(flat, QUERN_ARROW_FIELD_NAME, text);
    quern_flat_put_place(flat, QUERN_ARROW_FIELD_TYPE, type);
    quern_flat_put_place(flat, QUERN_ARROW_FIELD_CHILDREN, children);
    quern_flat_put_number(flat, QUERN_ARROW_FIELD_NULLABLE, 1, has_nulls);
    quern_flat_put_number(flat, QUERN_ARROW_FIELD_KIND, 1, kind);
    return quern_flat_end_table(flat);
}

static quern_flat_place put_vector_field(struct quern_flat_builder *flat, const struct quern_column *column)
{
    const bool is_float = column->dtype == QUERN_DTYPE_F32 || column->dtype == QUERN_DTYPE_F16;
    const int precision = column->dtype == QUERN_DTYPE_F32 ? QUERN_ARROW_SINGLE : QUERN_ARROW_HALF;
    const quern_flat_place type = is_float ? put_float(flat, precision)
                                           : put_int(flat, 8, column->dtype == QUERN_DTYPE_INT8);
    const quern_flat_place child = put_field(flat, "element", false, is_float ? QUERN_ARROW_FLOAT : QUERN_ARROW_INT,
                                             type, NULL);
    quern_flat_begin_table(flat);
    quern_flat_put_number(flat, QUERN_ARROW_FIXED_LIST_SIZE, 4, column->numbers);
    const quern_flat_place list = quern_flat_end_table(flat);
    return put_field(flat, column->name, false, QUERN_ARROW_FIXED_LIST, list, &child);
}

static quern_flat_place put_column(struct quern_flat_builder *flat, const struct quern_column *column)
{
    switch (column->type) {
    case QUERN_COLUMN_INTEGER: break;
    case QUERN_COLUMN_TEXT:
        quern_flat_begin_table(flat);
        return put_field(flat, column->name, column->has_nulls, QUERN_ARROW_UTF8, quern_flat_end_table(flat), NULL);
    case QUERN_COLUMN_VECTOR: return put_vector_field(flat, column);
    }
    return put_field(flat, column->name, false, QUERN_ARROW_INT, put_int(flat, 64, true), NULL);
}

static quern_flat_place put_schema(struct quern_flat_builder *flat, const struct quern_column_group *group)
{
    quern_flat_place fields[QUERN_COLUMNS_MOST];
    for (int i = 0; i < group->count; i++)
        fields[i] = put_column(flat, &group->columns[i]);
    const quern_flat_place list = quern_flat_put_places(flat, fields, (size_t)group->count);
    quern_flat_begin_table(flat);
    quern_flat_put_place(flat, QUERN_ARROW_SCHEMA_FIELDS, list);
    return quern_flat_end_table(flat);
}

/* ---------------------------------------------------------------- messages */

static quern_flat_place put_message(struct quern_flat_builder *flat, enum quern_arrow_header kind,
                                    quern_flat_place header, int64_t body_bytes)
{
    quern_flat_begin_table(flat);
    quern_flat_put_number(flat, QUERN_ARROW_MESSAGE_BODY, 8, body_bytes);
    quern_flat_put_place(flat, QUERN_ARROW_MESSAGE_HEADER, header);
    quern_flat_put_number(flat, QUERN_ARROW_MESSAGE_VERSION, 2, QUERN_ARROW_VERSION);
    quern_flat_put_number(flat, QUERN_ARROW_MESSAGE_KIND, 1, kind);
    return quern_flat_end_table(flat);
}

/* Makes what stands before a body: the prefix, the metadata and zeros, so that it ends at a multiple of `alignment`
 * bytes from `offset` 0 of the file. The caller frees it; NULL: there is no memory. */
static unsigned char *frame(struct quern_flat_builder *flat, quern_flat_place root, uint64_t offset, size_t alignment,
                            size_t *length)
{
    size_t bytes;
    const unsigned char *metadata = quern_flat_finish(flat, root, &bytes);
    const size_t whole = QUERN_ARROW_PREFIX_BYTES + bytes;
    *length = whole + (size_t)((alignment - (offset + whole) % alignment) % alignment);
    unsigned char *framed = metadata != NULL ? calloc(1, *length) : NULL;
    if (framed == NULL)
        return NULL;
    const uint32_t prefix[] = {UINT32_MAX, (uint32_t)(*length - QUERN_ARROW_PREFIX_BYTES)};
    memcpy(framed, prefix, sizeof prefix);
    memcpy(framed + QUERN_ARROW_PREFIX_BYTES, metadata, bytes);
    return framed;
}

int quern_arrow_schema_message(const struct quern_column_group *group, unsigned char **message, size_t *length,
                               quern_error *error)
{
    struct quern_flat_builder flat = {.memory = NULL};
    *message = frame(&flat, put_message(&flat, QUERN_ARROW_SCHEMA, put_schema(&flat, group), 0), 0, 8, length);
    quern_flat_free(&flat);
    return *message != NULL ? QUERN_OK : no_memory(error);
}

/* ---------------------------------------------------------------- record batches */

/* The body of a batch: its buffers in order. data NULL: the bits of which texts are there. */
struct body {
    struct buffer buffers[MOST_BUFFERS];
    const void *data[MOST_BUFFERS];
    const struct quern_column *columns[MOST_BUFFERS];
    struct node nodes[MOST_NODES];
    size_t buffer_count, node_count;
    int64_t bytes;
};

static void add_buffer(struct body *body, const struct quern_column *column, const void *data, size_t length)
{
    body->buffers[body->buffer_count] = (struct buffer){body->bytes, (int64_t)length};
    body->columns[body->buffer_count] = column;
    body->data[body->buffer_count++] = data;
    body->bytes += (int64_t)((length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

static void add_node(struct body *body, uint64_t rows, uint32_t nulls)
{
    body->nodes[body->node_count++] = (struct node){(int64_t)rows, nulls};
}

static void plan_body(struct body *body, const struct quern_column_group *group)
{
    *body = (struct body){.bytes = 0};
    for (int i = 0; i < group->count; i++) {
        const struct quern_column *column = &group->columns[i];
        add_node(body, group->rows, column->nulls);
        add_buffer(body, column, NULL, column->nulls > 0 ? (group->rows + 7) / 8 : 0);
        if (column->type == QUERN_COLUMN_TEXT)
            add_buffer(body, column, column->ends, (group->rows + 1) * sizeof *column->ends);
        if (column->type == QUERN_COLUMN_VECTOR) {
            add_node(body, (uint64_t)group->rows * column->numbers, 0);
            add_buffer(body, column, NULL, 0);
        }
        add_buffer(body, column, column->data, column->used);
    }
}

static void write_bits(struct quern_summed_file *file, const struct quern_column *column, size_t bytes, uint32_t rows)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char bits = 0;
        for (uint32_t j = 0; j < 8 && 8 * i + j < rows; j++)
            bits |= (unsigned char)(column->is_there[8 * i + j] << j);
        quern_summed_put(file, &bits, 1);
    }
}

static void write_body(struct quern_summed_file *file, const struct body *body, uint32_t rows)
{
    for (size_t i = 0; i < body->buffer_count; i++) {
        const size_t length = (size_t)body->buffers[i].length;
        if (body->data[i] != NULL)
            quern_summed_put(file, body->data[i], length);
        else
            write_bits(file, body->columns[i], length, rows);
        quern_summed_align(file, ALIGNMENT);
    }
}

static int note_block(struct arrow_writer *writer, struct block block, quern_error *error)
{
    if (writer->block_count == writer->block_capacity) {
        const size_t capacity = 2 * writer->block_capacity + 64;
        struct block *more = realloc(writer->blocks, capacity * sizeof *more);
        if (more == NULL)
            return no_memory(error);
        writer->blocks = more;
        writer->block_capacity = capacity;
    }
    writer->blocks[writer->block_count++] = block;
    return QUERN_OK;
}

static int write_group(struct quern_column_writer *base, quern_error *error)
{
    struct quern_flat_builder flat = {.memory = NULL};
    struct quern_summed_file *file = base->file;
    struct body body;
    size_t length;
    plan_body(&body, base->group);
    const quern_flat_place buffers = quern_flat_put_structs(&flat, body.buffers, sizeof *body.buffers,
                                                            body.buffer_count);
    const quern_flat_place nodes = quern_flat_put_structs(&flat, body.nodes, sizeof *body.nodes, body.node_count);
    quern_flat_begin_table(&flat);
    quern_flat_put_number(&flat, QUERN_ARROW_BATCH_LENGTH, 8, base->group->rows);
    quern_flat_put_place(&flat, QUERN_ARROW_BATCH_NODES, nodes);
    quern_flat_put_place(&flat, QUERN_ARROW_BATCH_BUFFERS, buffers);
    const quern_flat_place batch = quern_flat_end_table(&flat);
    unsigned char *metadata = frame(&flat, put_message(&flat, QUERN_ARROW_BATCH, batch, body.bytes), file->bytes,
                                    ALIGNMENT, &length);
    quern_flat_free(&flat);
    if (metadata == NULL)
        return no_memory(error);
    const struct block block = {(int64_t)file->bytes, (int32_t)length, 0, body.bytes};
    const int code = note_block((struct arrow_writer *)base, block, error);
    quern_summed_put(file, metadata, length);
    write_body(file, &body, base->group->rows);
    free(metadata);
    return code;
}

/* ---------------------------------------------------------------- a file */

static int end_file(struct quern_column_writer *base, quern_error *error)
{
    static const uint32_t end[] = {UINT32_MAX, 0};
    const struct arrow_writer *writer = (const struct arrow_writer *)base;
    struct quern_flat_builder flat = {.memory = NULL};
    size_t length;
    const quern_flat_place schema = put_schema(&flat, base->group);
    const quern_flat_place blocks = quern_flat_put_structs(&flat, writer->blocks, sizeof *writer->blocks,
                                                           writer->block_count);
    const quern_flat_place dictionaries = quern_flat_put_structs(&flat, NULL, sizeof *writer->blocks, 0);
    quern_flat_begin_table(&flat);
    quern_flat_put_place(&flat, QUERN_ARROW_FOOTER_SCHEMA, schema);
    quern_flat_put_place(&flat, QUERN_ARROW_FOOTER_DICTIONARIES, dictionaries);
    quern_flat_put_place(&flat, QUERN_ARROW_FOOTER_BATCHES, blocks);
    quern_flat_put_number(&flat, QUERN_ARROW_FOOTER_VERSION, 2, QUERN_ARROW_VERSION);
    const unsigned char *footer = quern_flat_finish(&flat, quern_flat_end_table(&flat), &length);
    if (footer != NULL) {
        const uint32_t footer_bytes = (uint32_t)length;
        quern_summed_put(base->file, end, sizeof end);
        quern_summed_put(base->file, footer, length);
        quern_summed_put(base->file, &footer_bytes, sizeof footer_bytes);
        quern_summed_put(base->file, QUERN_ARROW_MAGIC, QUERN_ARROW_MAGIC_BYTES);
    }
    quern_flat_free(&flat);
    return footer != NULL ? QUERN_OK : no_memory(error);
}

static void close_writer(struct quern_column_writer *base)
{
    free(((struct arrow_writer *)base)->blocks);
    free(base);
}

int quern_arrow_writer_open(struct quern_column_writer **writer, struct quern_summed_file *file,
                            const struct quern_column_group *group, quern_error *error)
{
    unsigned char *message;
    size_t length;
    *writer = NULL;
    const int code = quern_arrow_schema_message(group, &message, &length, error);
    if (code != QUERN_OK)
        return code;
    quern_summed_put(file, QUERN_ARROW_MAGIC, QUERN_ARROW_MAGIC_BYTES);
    quern_summed_align(file, 8);
    quern_summed_put(file, message, length);
    free(message);
    struct arrow_writer *arrow = calloc(1, sizeof *arrow);
    if (arrow == NULL)
        return no_memory(error);
    arrow->base = (struct quern_column_writer){file, group, write_group, end_file, close_writer};
    *writer = &arrow->base;
    return QUERN_OK;
}
