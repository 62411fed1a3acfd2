#include "arrow_writer.h"
#include "column_writer.h"
#include "jobs_error.h"
#include "json_text.h"
#include "parquet_format.h"
#include "thrift_writer.h"

#include <stdlib.h>
#include <string.h>

enum { BYTE_VALUES = 256, BYTE_BITS = 8, NO_CONVERTED = -1 };

struct parquet_writer {
    struct quern_column_writer base;
    struct quern_thrift_writer groups; /* the descriptions of the row groups so far */
    size_t group_count;
    uint64_t rows;
};

static int no_memory(quern_error *error)
{
    return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the metadata of a Parquet file");
}

static quern_text text_of(const char *string)
{
    return (quern_text){string, strlen(string)};
}

/* ---------------------------------------------------------------- types */

/* How the values of a column are stored. */
struct storage {
    enum quern_parquet_type type;
    int converted;          /* an enum quern_parquet_converted, or NO_CONVERTED */
    int logical;            /* an enum quern_parquet_logical; 0: none */
    bool has_dictionary;
};

static struct storage storage_of(const struct quern_column *column)
{
    if (column->type == QUERN_COLUMN_INTEGER)
        return (struct storage){QUERN_PARQUET_INT64, NO_CONVERTED, 0, false};
    if (column->type == QUERN_COLUMN_TEXT)
        return (struct storage){QUERN_PARQUET_BYTES, QUERN_PARQUET_CONVERTED_UTF8, QUERN_PARQUET_LOGICAL_STRING, false};
    if (column->dtype == QUERN_DTYPE_F32)
        return (struct storage){QUERN_PARQUET_FLOAT, NO_CONVERTED, 0, false};
    if (column->dtype == QUERN_DTYPE_F16)
        return (struct storage){QUERN_PARQUET_FIXED_BYTES, NO_CONVERTED, QUERN_PARQUET_LOGICAL_FLOAT16, false};
    return (struct storage){QUERN_PARQUET_INT32, column->dtype == QUERN_DTYPE_INT8 ? QUERN_PARQUET_CONVERTED_INT8
                                                                                   : QUERN_PARQUET_CONVERTED_UINT8,
                            QUERN_PARQUET_LOGICAL_INTEGER, true};
}

static void put_logical(struct quern_thrift_writer *thrift, int logical, bool is_signed)
{
    if (logical == 0)
        return;
    quern_thrift_begin(thrift, QUERN_PARQUET_ELEMENT_LOGICAL);
    quern_thrift_begin(thrift, logical);
    if (logical == QUERN_PARQUET_LOGICAL_INTEGER) {
        quern_thrift_put_byte(thrift, QUERN_PARQUET_INTEGER_BITS, BYTE_BITS);
        quern_thrift_put_bool(thrift, QUERN_PARQUET_INTEGER_SIGNED, is_signed);
    }
    quern_thrift_end(thrift);
    quern_thrift_end(thrift);
}

/* An element of the schema with values. */
static void put_leaf(struct quern_thrift_writer *thrift, const struct quern_column *column, const char *name)
{
    const struct storage storage = storage_of(column);
    quern_thrift_begin(thrift, 0);
    quern_thrift_put_i32(thrift, QUERN_PARQUET_ELEMENT_TYPE, storage.type);
    if (storage.type == QUERN_PARQUET_FIXED_BYTES)
        quern_thrift_put_i32(thrift, QUERN_PARQUET_ELEMENT_BYTES, 2);
    quern_thrift_put_i32(thrift, QUERN_PARQUET_ELEMENT_REPETITION, column->has_nulls ? QUERN_PARQUET_OPTIONAL
                                                                                     : QUERN_PARQUET_REQUIRED);
    quern_thrift_put_text(thrift, QUERN_PARQUET_ELEMENT_NAME, text_of(name));
    if (storage.converted != NO_CONVERTED)
        quern_thrift_put_i32(thrift, QUERN_PARQUET_ELEMENT_CONVERTED, storage.converted);
    put_logical(thrift, storage.logical, column->dtype == QUERN_DTYPE_INT8);
    quern_thrift_end(thrift);
}

/* An element that has others in it. */
static void put_parent(struct quern_thrift_writer *thrift, const char *name, int repetition, int children, bool is_list)
{
    quern_thrift_begin(thrift, 0);
    if (repetition >= 0)
        quern_thrift_put_i32(thrift, QUERN_PARQUET_ELEMENT_REPETITION, repetition);
    quern_thrift_put_text(thrift, QUERN_PARQUET_ELEMENT_NAME, text_of(name));
    quern_thrift_put_i32(thrift, QUERN_PARQUET_ELEMENT_CHILDREN, children);
    if (is_list) {
        quern_thrift_put_i32(thrift, QUERN_PARQUET_ELEMENT_CONVERTED, QUERN_PARQUET_CONVERTED_LIST);
        put_logical(thrift, QUERN_PARQUET_LOGICAL_LIST, false);
    }
    quern_thrift_end(thrift);
}

static void put_schema(struct quern_thrift_writer *thrift, const struct quern_column_group *group)
{
    size_t count = 1;
    for (int i = 0; i < group->count; i++)
        count += group->columns[i].type == QUERN_COLUMN_VECTOR ? 3 : 1;
    quern_thrift_put_list(thrift, QUERN_PARQUET_FILE_SCHEMA, QUERN_THRIFT_STRUCT, count);
    put_parent(thrift, "schema", -1, group->count, false);
    for (int i = 0; i < group->count; i++) {
        const struct quern_column *column = &group->columns[i];
        if (column->type != QUERN_COLUMN_VECTOR) {
            put_leaf(thrift, column, column->name);
            continue;
        }
        put_parent(thrift, column->name, QUERN_PARQUET_REQUIRED, 1, true);
        put_parent(thrift, "list", QUERN_PARQUET_REPEATED, 1, false);
        put_leaf(thrift, column, "element");
    }
}

/* ---------------------------------------------------------------- pages */

/* Levels are written as runs: a length, and the value in a byte. */
static void put_run(struct quern_thrift_writer *levels, uint64_t length, unsigned char value)
{
    if (length == 0)
        return;
    quern_thrift_put_varint(levels, length << 1);
    quern_thrift_put(levels, &value, 1);
}

/* Appends levels that were collected behind their length. */
static void put_levels(struct quern_thrift_writer *page, struct quern_thrift_writer *levels)
{
    const uint32_t length = (uint32_t)levels->length;
    quern_thrift_put(page, &length, sizeof length);
    quern_thrift_put(page, levels->data, levels->length);
    page->has_failed = page->has_failed || levels->has_failed;
    quern_thrift_free(levels);
}

/* What stands before the values of a page: which belong to which row, and which are there. */
static void put_all_levels(struct quern_thrift_writer *page, const struct quern_column *column, uint32_t rows)
{
    struct quern_thrift_writer levels = {.data = NULL};
    if (column->type == QUERN_COLUMN_VECTOR) {
        for (uint32_t i = 0; i < rows; i++) { /* 0 begins a list, 1 goes on with it */
            put_run(&levels, 1, 0);
            put_run(&levels, column->numbers - 1, 1);
        }
        put_levels(page, &levels);
        put_run(&levels, (uint64_t)rows * column->numbers, 1);
        put_levels(page, &levels);
    } else if (column->has_nulls) {
        for (uint32_t i = 0, end; i < rows; i = end) {
            for (end = i + 1; end < rows && column->is_there[end] == column->is_there[i];)
                end++;
            put_run(&levels, end - i, column->is_there[i]);
        }
        put_levels(page, &levels);
    }
}

/* Numbers of a byte are indexes of 8 bits, which are stored in groups of 8. */
static size_t index_groups(const struct quern_column *column)
{
    return (column->used + 7) / 8;
}

static void put_index_head(struct quern_thrift_writer *page, const struct quern_column *column)
{
    const unsigned char bits = BYTE_BITS;
    quern_thrift_put(page, &bits, 1);
    quern_thrift_put_varint(page, (uint64_t)index_groups(column) << 1 | 1);
}

static size_t value_bytes(const struct quern_column *column, uint32_t rows)
{
    if (column->type == QUERN_COLUMN_TEXT)
        return column->used + sizeof(uint32_t) * (rows - column->nulls);
    return storage_of(column).has_dictionary ? 8 * index_groups(column) : column->used;
}

static void write_values(struct quern_summed_file *file, const struct quern_column *column, uint32_t rows)
{
    static const char zeros[8];
    if (column->type != QUERN_COLUMN_TEXT) {
        quern_summed_put(file, column->data, column->used);
        quern_summed_put(file, zeros, value_bytes(column, rows) - column->used);
        return;
    }
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t length = column->ends[i + 1] - column->ends[i];
        if (!column->is_there[i])
            continue;
        quern_summed_put(file, &length, sizeof length);
        quern_summed_put(file, column->data + column->ends[i], length);
    }
}

/* Begins the head of a page of so many bytes. */
static void begin_page(struct quern_thrift_writer *head, enum quern_parquet_page_kind kind, size_t bytes)
{
    quern_thrift_begin(head, 0);
    quern_thrift_put_i32(head, QUERN_PARQUET_PAGE_KIND, (int32_t)kind);
    quern_thrift_put_i32(head, QUERN_PARQUET_PAGE_UNPACKED, (int32_t)bytes);
    quern_thrift_put_i32(head, QUERN_PARQUET_PAGE_PACKED, (int32_t)bytes);
}

/* Writes the head and what stands before the values. Returns false without memory. */
static bool write_head(struct quern_summed_file *file, struct quern_thrift_writer *head,
                       struct quern_thrift_writer *before)
{
    const bool failed = head->has_failed || before->has_failed;
    quern_summed_put(file, head->data, failed ? 0 : head->length);
    quern_summed_put(file, before->data, failed ? 0 : before->length);
    quern_thrift_free(head);
    quern_thrift_free(before);
    return !failed;
}

/* The dictionary of all numbers of a byte, so that each one's index is itself. */
static bool write_dictionary(struct quern_summed_file *file, const struct quern_column *column)
{
    struct quern_thrift_writer head = {.data = NULL}, values = {.data = NULL};
    for (int i = 0; i < BYTE_VALUES; i++) {
        const int32_t value = column->dtype == QUERN_DTYPE_INT8 && i > INT8_MAX ? i - BYTE_VALUES : i;
        quern_thrift_put(&values, &value, sizeof value);
    }
    begin_page(&head, QUERN_PARQUET_DICTIONARY_PAGE, values.length);
    quern_thrift_begin(&head, QUERN_PARQUET_PAGE_DICTIONARY);
    quern_thrift_put_i32(&head, QUERN_PARQUET_DATA_VALUES, BYTE_VALUES);
    quern_thrift_put_i32(&head, QUERN_PARQUET_DATA_ENCODING, QUERN_PARQUET_PLAIN);
    quern_thrift_end(&head);
    quern_thrift_end(&head);
    return write_head(file, &head, &values);
}

static uint64_t value_count(const struct quern_column *column, uint32_t rows)
{
    return column->type == QUERN_COLUMN_VECTOR ? (uint64_t)rows * column->numbers : rows;
}

static bool write_page(struct quern_summed_file *file, const struct quern_column *column, uint32_t rows)
{
    struct quern_thrift_writer head = {.data = NULL}, before = {.data = NULL};
    const bool has_dictionary = storage_of(column).has_dictionary;
    put_all_levels(&before, column, rows);
    if (has_dictionary)
        put_index_head(&before, column);
    begin_page(&head, QUERN_PARQUET_DATA_PAGE, before.length + value_bytes(column, rows));
    quern_thrift_begin(&head, QUERN_PARQUET_PAGE_DATA);
    quern_thrift_put_i32(&head, QUERN_PARQUET_DATA_VALUES, (int32_t)value_count(column, rows));
    quern_thrift_put_i32(&head, QUERN_PARQUET_DATA_ENCODING, has_dictionary ? QUERN_PARQUET_RLE_DICTIONARY
                                                                            : QUERN_PARQUET_PLAIN);
    quern_thrift_put_i32(&head, QUERN_PARQUET_DATA_DEFINITION, QUERN_PARQUET_RLE);
    quern_thrift_put_i32(&head, QUERN_PARQUET_DATA_REPETITION, QUERN_PARQUET_RLE);
    quern_thrift_end(&head);
    quern_thrift_end(&head);
    if (!write_head(file, &head, &before))
        return false;
    write_values(file, column, rows);
    return true;
}

/* ---------------------------------------------------------------- row groups */

static void put_path(struct quern_thrift_writer *thrift, const struct quern_column *column)
{
    const bool is_vector = column->type == QUERN_COLUMN_VECTOR;
    quern_thrift_put_list(thrift, QUERN_PARQUET_COLUMN_PATH, QUERN_THRIFT_BINARY, is_vector ? 3 : 1);
    quern_thrift_item_text(thrift, column->name);
    if (is_vector) {
        quern_thrift_item_text(thrift, "list");
        quern_thrift_item_text(thrift, "element");
    }
}

/* Describes a column that was written: its dictionary, if it has one, at `begin`, its page at `page`. */
static void put_chunk(struct quern_thrift_writer *thrift, const struct quern_column *column, uint32_t rows,
                      uint64_t begin, uint64_t page, uint64_t end)
{
    const struct storage storage = storage_of(column);
    quern_thrift_begin(thrift, 0);
    quern_thrift_put_i64(thrift, QUERN_PARQUET_CHUNK_OFFSET, 0); /* no copy of the description stands elsewhere */
    quern_thrift_begin(thrift, QUERN_PARQUET_CHUNK_METADATA);
    quern_thrift_put_i32(thrift, QUERN_PARQUET_COLUMN_TYPE, storage.type);
    quern_thrift_put_list(thrift, QUERN_PARQUET_COLUMN_ENCODINGS, QUERN_THRIFT_I32, storage.has_dictionary ? 3 : 2);
    quern_thrift_item_i32(thrift, QUERN_PARQUET_PLAIN);
    quern_thrift_item_i32(thrift, QUERN_PARQUET_RLE);
    if (storage.has_dictionary)
        quern_thrift_item_i32(thrift, QUERN_PARQUET_RLE_DICTIONARY);
    put_path(thrift, column);
    quern_thrift_put_i32(thrift, QUERN_PARQUET_COLUMN_CODEC, QUERN_PARQUET_UNCOMPRESSED);
    quern_thrift_put_i64(thrift, QUERN_PARQUET_COLUMN_VALUES, (int64_t)value_count(column, rows));
    quern_thrift_put_i64(thrift, QUERN_PARQUET_COLUMN_UNPACKED, (int64_t)(end - begin));
    quern_thrift_put_i64(thrift, QUERN_PARQUET_COLUMN_PACKED, (int64_t)(end - begin));
    quern_thrift_put_i64(thrift, QUERN_PARQUET_COLUMN_PAGES, (int64_t)page);
    if (storage.has_dictionary)
        quern_thrift_put_i64(thrift, QUERN_PARQUET_COLUMN_DICTIONARY, (int64_t)begin);
    quern_thrift_end(thrift);
    quern_thrift_end(thrift);
}

static int write_group(struct quern_column_writer *base, quern_error *error)
{
    struct parquet_writer *writer = (struct parquet_writer *)base;
    struct quern_summed_file *file = base->file;
    const struct quern_column_group *group = base->group;
    struct quern_thrift_writer *thrift = &writer->groups;
    const uint64_t first = file->bytes;
    quern_thrift_begin(thrift, 0);
    quern_thrift_put_list(thrift, QUERN_PARQUET_GROUP_CHUNKS, QUERN_THRIFT_STRUCT, (size_t)group->count);
    for (int i = 0; i < group->count; i++) {
        const struct quern_column *column = &group->columns[i];
        const uint64_t begin = file->bytes;
        if (storage_of(column).has_dictionary && !write_dictionary(file, column))
            return no_memory(error);
        const uint64_t page = file->bytes;
        if (!write_page(file, column, group->rows))
            return no_memory(error);
        put_chunk(thrift, column, group->rows, begin, page, file->bytes);
    }
    quern_thrift_put_i64(thrift, QUERN_PARQUET_GROUP_BYTES, (int64_t)(file->bytes - first));
    quern_thrift_put_i64(thrift, QUERN_PARQUET_GROUP_ROWS, group->rows);
    quern_thrift_put_i64(thrift, QUERN_PARQUET_GROUP_OFFSET, (int64_t)first);
    quern_thrift_end(thrift);
    writer->group_count++;
    writer->rows += group->rows;
    return thrift->has_failed ? no_memory(error) : QUERN_OK;
}

/* ---------------------------------------------------------------- the end */

/* Appends the schema of Arrow, which says more than Parquet's. */
static int put_pairs(struct quern_thrift_writer *thrift, const struct quern_column_group *group, quern_error *error)
{
    unsigned char *message;
    size_t length;
    const int code = quern_arrow_schema_message(group, &message, &length, error);
    if (code != QUERN_OK)
        return code;
    char *text = malloc(QUERN_JSON_BASE64(length));
    if (text == NULL) {
        free(message);
        return no_memory(error);
    }
    quern_thrift_put_list(thrift, QUERN_PARQUET_FILE_PAIRS, QUERN_THRIFT_STRUCT, 1);
    quern_thrift_begin(thrift, 0);
    quern_thrift_put_text(thrift, QUERN_PARQUET_PAIR_KEY, text_of("ARROW:schema"));
    quern_thrift_put_text(thrift, QUERN_PARQUET_PAIR_VALUE,
                          (quern_text){text, quern_json_base64(text, message, length)});
    quern_thrift_end(thrift);
    free(text);
    free(message);
    return QUERN_OK;
}

static int end_file(struct quern_column_writer *base, quern_error *error)
{
    const struct parquet_writer *writer = (const struct parquet_writer *)base;
    struct quern_thrift_writer thrift = {.data = NULL};
    quern_thrift_begin(&thrift, 0);
    quern_thrift_put_i32(&thrift, QUERN_PARQUET_FILE_VERSION, 1);
    put_schema(&thrift, base->group);
    quern_thrift_put_i64(&thrift, QUERN_PARQUET_FILE_ROWS, (int64_t)writer->rows);
    quern_thrift_put_list(&thrift, QUERN_PARQUET_FILE_GROUPS, QUERN_THRIFT_STRUCT, writer->group_count);
    quern_thrift_put(&thrift, writer->groups.data, writer->groups.length);
    int code = put_pairs(&thrift, base->group, error);
    quern_thrift_put_text(&thrift, QUERN_PARQUET_FILE_WRITER, text_of("quern"));
    quern_thrift_end(&thrift);
    if (code == QUERN_OK && (thrift.has_failed || thrift.length > INT32_MAX))
        code = no_memory(error);
    if (code == QUERN_OK) {
        const uint32_t length = (uint32_t)thrift.length;
        quern_summed_put(base->file, thrift.data, thrift.length);
        quern_summed_put(base->file, &length, sizeof length);
        quern_summed_put(base->file, QUERN_PARQUET_MAGIC, QUERN_PARQUET_MAGIC_BYTES);
    }
    quern_thrift_free(&thrift);
    return code;
}

static void close_writer(struct quern_column_writer *base)
{
    quern_thrift_free(&((struct parquet_writer *)base)->groups);
    free(base);
}

int quern_parquet_writer_open(struct quern_column_writer **writer, struct quern_summed_file *file,
                              const struct quern_column_group *group, quern_error *error)
{
    struct parquet_writer *parquet = calloc(1, sizeof *parquet);
    *writer = NULL;
    if (parquet == NULL)
        return no_memory(error);
    quern_summed_put(file, QUERN_PARQUET_MAGIC, QUERN_PARQUET_MAGIC_BYTES);
    parquet->base = (struct quern_column_writer){file, group, write_group, end_file, close_writer};
    *writer = &parquet->base;
    return QUERN_OK;
}
