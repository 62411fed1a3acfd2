/* From the file to a page: its head, unpacking, and where its parts are. */
#include "jobs_error.h"
#include "parquet_pages.h"
#include "packed_block.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_HEAD = 1 << 16, MOST_PAGE = QUERN_PARQUET_MOST_PAGE, LENGTH_BYTES = 4 };

/* What the head of a page says. */
struct head {
    int64_t kind, unpacked, packed, values, encoding, definition_bytes, repetition_bytes;
    bool is_packed;
    size_t bytes; /* of the head itself */
};

int quern_parquet_damaged(const struct quern_parquet_pages *pages, const char *what, quern_error *error)
{
    return quern_jobs_fail(error, QUERN_EFORMAT, "%s is damaged before byte %llu: %s", pages->file->path,
                           (unsigned long long)pages->at, what);
}

/* Reads the part of the head that belongs to its kind. */
static void read_kind(struct quern_thrift_reader *thrift, struct head *head, bool is_v2)
{
    struct quern_thrift_fields fields = {.field = 0};
    while (quern_thrift_next(thrift, &fields)) {
        if (fields.field == QUERN_PARQUET_DATA_VALUES)
            head->values = quern_thrift_integer(thrift, &fields);
        else if (fields.field == (is_v2 ? (int)QUERN_PARQUET_V2_ENCODING : (int)QUERN_PARQUET_DATA_ENCODING))
            head->encoding = quern_thrift_integer(thrift, &fields);
        else if (is_v2 && fields.field == QUERN_PARQUET_V2_DEFINITION_BYTES)
            head->definition_bytes = quern_thrift_integer(thrift, &fields);
        else if (is_v2 && fields.field == QUERN_PARQUET_V2_REPETITION_BYTES)
            head->repetition_bytes = quern_thrift_integer(thrift, &fields);
        else if (is_v2 && fields.field == QUERN_PARQUET_V2_IS_PACKED)
            head->is_packed = quern_thrift_bool(thrift, &fields);
        else
            quern_thrift_skip(thrift, &fields);
    }
}

static int read_head(struct quern_parquet_pages *pages, struct head *head, quern_error *error)
{
    const uint64_t left = pages->end - pages->at;
    const size_t length = left < MOST_HEAD ? (size_t)left : MOST_HEAD;
    struct quern_thrift_reader thrift = {.length = length};
    struct quern_thrift_fields fields = {.field = 0};
    const int code = quern_file_window_get(&pages->window, pages->file, pages->at, length, &thrift.data, error);
    if (code != QUERN_OK)
        return code;
    *head = (struct head){.kind = -1, .is_packed = true};
    while (quern_thrift_next(&thrift, &fields)) {
        const bool is_v2 = fields.field == QUERN_PARQUET_PAGE_DATA_V2;
        if (fields.field == QUERN_PARQUET_PAGE_KIND)
            head->kind = quern_thrift_integer(&thrift, &fields);
        else if (fields.field == QUERN_PARQUET_PAGE_UNPACKED)
            head->unpacked = quern_thrift_integer(&thrift, &fields);
        else if (fields.field == QUERN_PARQUET_PAGE_PACKED)
            head->packed = quern_thrift_integer(&thrift, &fields);
        else if (!is_v2 && fields.field != QUERN_PARQUET_PAGE_DATA && fields.field != QUERN_PARQUET_PAGE_DICTIONARY)
            quern_thrift_skip(&thrift, &fields);
        else if (quern_thrift_is_struct(&thrift, &fields))
            read_kind(&thrift, head, is_v2);
    }
    head->bytes = thrift.at;
    if (thrift.is_damaged || head->unpacked < 0 || head->unpacked > MOST_PAGE || head->packed < 0 || head->values < 0 ||
        (uint64_t)head->packed > left - head->bytes)
        return quern_parquet_damaged(pages, "the head of a page cannot be read, or it is of more than 256 MiB", error);
    return QUERN_OK;
}

static bool unpack(int64_t codec, const unsigned char *data, size_t length, unsigned char *out, size_t size)
{
    if (codec == QUERN_PARQUET_SNAPPY)
        return quern_unpack_snappy(data, length, out, size);
    if (codec == QUERN_PARQUET_GZIP)
        return quern_unpack_gzip(data, length, out, size);
    if (codec == QUERN_PARQUET_LZ4_RAW)
        return quern_unpack_lz4(data, length, out, size);
    if (codec == QUERN_PARQUET_ZSTD)
        return quern_unpack_zstd(data, length, out, size);
    if (length == size)
        memcpy(out, data, size);
    return length == size;
}

/* Reads what stands behind a head, and unpacks it behind its first `plain` bytes, which are not packed. */
static int read_body(struct quern_parquet_pages *pages, const struct head *head, size_t plain, unsigned char **room,
                     size_t *capacity, quern_error *error)
{
    const size_t size = (size_t)head->unpacked, packed = (size_t)head->packed;
    const unsigned char *data;
    if (plain > size || plain > packed)
        return quern_parquet_damaged(pages, "the levels of a page are longer than itself", error);
    if (size + 1 > *capacity) {
        unsigned char *more = realloc(*room, size + 1);
        if (more == NULL)
            return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a page of %zu bytes", size);
        *room = more;
        *capacity = size + 1;
    }
    const int code = quern_file_window_get(&pages->window, pages->file, pages->at + head->bytes, packed, &data, error);
    if (code != QUERN_OK)
        return code;
    memcpy(*room, data, plain);
    if (size == plain || unpack(head->is_packed ? pages->codec : QUERN_PARQUET_UNCOMPRESSED, data + plain,
                                packed - plain, *room + plain, size - plain))
        return QUERN_OK;
    return quern_parquet_damaged(pages, "a page cannot be unpacked", error);
}

/* ---------------------------------------------------------------- dictionaries */

/* Finds where the texts of the dictionary are. */
static int find_entries(struct quern_parquet_pages *pages, size_t count, quern_error *error)
{
    if (count + 1 > pages->entry_capacity) {
        uint32_t *more = realloc(pages->entries, (count + 1) * sizeof *more);
        if (more == NULL)
            return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a dictionary of %zu texts", count);
        pages->entries = more;
        pages->entry_capacity = count + 1;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t length;
        if (pages->dictionary_bytes - at < sizeof length)
            return quern_parquet_damaged(pages, "a dictionary ends too early", error);
        memcpy(&length, pages->dictionary + at, sizeof length);
        pages->entries[i] = (uint32_t)at;
        at += sizeof length;
        if (length > pages->dictionary_bytes - at)
            return quern_parquet_damaged(pages, "a dictionary ends too early", error);
        at += length;
    }
    pages->entries[count] = (uint32_t)at;
    return QUERN_OK;
}

static int read_dictionary(struct quern_parquet_pages *pages, const struct head *head, quern_error *error)
{
    const struct quern_parquet_column *column = pages->column;
    const size_t least = column->kind == QUERN_CELL_TEXT ? LENGTH_BYTES : column->width;
    int code = read_body(pages, head, 0, &pages->dictionary, &pages->dictionary_capacity, error);
    if (code != QUERN_OK)
        return code;
    pages->entry_count = 0;
    pages->dictionary_bytes = (size_t)head->unpacked;
    if (least == 0 || (uint64_t)head->values > pages->dictionary_bytes / least ||
        (head->encoding != QUERN_PARQUET_PLAIN && head->encoding != QUERN_PARQUET_PLAIN_DICTIONARY))
        return quern_parquet_damaged(pages, "a dictionary is not as long as it says", error);
    if (column->kind == QUERN_CELL_TEXT)
        code = find_entries(pages, (size_t)head->values, error);
    if (code == QUERN_OK)
        pages->entry_count = (size_t)head->values;
    return code;
}

/* ---------------------------------------------------------------- pages of data */

/* Takes levels from the front of a page. *length: SIZE_MAX when it stands before them. */
static bool take_levels(struct quern_parquet_runs *runs, const unsigned char **data, const unsigned char *end,
                        size_t length)
{
    uint32_t written;
    if (length == SIZE_MAX) {
        if (end - *data < LENGTH_BYTES)
            return false;
        memcpy(&written, *data, sizeof written);
        *data += sizeof written;
        length = written;
    }
    if (length > (size_t)(end - *data))
        return false;
    quern_parquet_runs_begin(runs, *data, length, 1);
    *data += length;
    return true;
}

/* Sets up the values of an encoding that is expanded to PLAIN first. */
static int begin_expanded(struct quern_parquet_pages *pages, const struct head *head, const unsigned char *data,
                          const unsigned char *end, quern_error *error)
{
    const struct quern_parquet_column *column = pages->column;
    const unsigned width = column->kind == QUERN_CELL_TEXT ? 0 : column->width;
    const int code = quern_parquet_expand(&pages->expanded, head->encoding, width, data, (size_t)(end - data),
                                          (uint64_t)head->values);
    if (code == QUERN_ENOMEM)
        return quern_jobs_fail(error, code, "no memory for a page of %s", pages->file->path);
    if (code != QUERN_OK)
        return quern_parquet_damaged(pages, "a page is not encoded as it says, or it is of more than 256 MiB", error);
    pages->has_indexes = false;
    pages->plain = (struct quern_parquet_plain){pages->expanded.data, pages->expanded.data + pages->expanded.length, 0};
    return QUERN_OK;
}

/* Sets up the values by their encoding. */
static int begin_values(struct quern_parquet_pages *pages, const struct head *head, const unsigned char *data,
                        const unsigned char *end, quern_error *error)
{
    pages->has_indexes = true;
    if (head->encoding == QUERN_PARQUET_PLAIN) {
        pages->has_indexes = false;
        pages->plain = (struct quern_parquet_plain){data, end, 0};
    } else if (head->encoding == QUERN_PARQUET_RLE_DICTIONARY || head->encoding == QUERN_PARQUET_PLAIN_DICTIONARY) {
        const unsigned bits = data < end ? *data : 0; /* a page of nulls may be empty */
        if (bits > 32)
            return quern_parquet_damaged(pages, "an index of a dictionary has more than 32 bits", error);
        quern_parquet_runs_begin(&pages->indexes, data + (data < end), (size_t)(end - data) - (data < end), bits);
    } else if (head->encoding == QUERN_PARQUET_RLE && pages->column->kind == QUERN_CELL_BOOLEAN) {
        if (!take_levels(&pages->indexes, &data, end, SIZE_MAX))
            return quern_parquet_damaged(pages, "a page is shorter than it says", error);
    } else if (quern_parquet_expands(head->encoding) && pages->column->kind != QUERN_CELL_BOOLEAN) {
        return begin_expanded(pages, head, data, end, error);
    } else {
        return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s has a column in the encoding %lld of Parquet, which is "
                               "not read: write it for version 1 of the format, or as JSON lines", pages->file->path,
                               (long long)head->encoding);
    }
    return QUERN_OK;
}

static int read_data(struct quern_parquet_pages *pages, const struct head *head, quern_error *error)
{
    const struct quern_parquet_column *column = pages->column;
    const bool is_v2 = head->kind == QUERN_PARQUET_DATA_PAGE_V2;
    const int64_t most = head->unpacked;
    if (head->definition_bytes < 0 || head->definition_bytes > most || head->repetition_bytes < 0 ||
        head->repetition_bytes > most)
        return quern_parquet_damaged(pages, "the levels of a page are longer than itself", error);
    const size_t definition = (size_t)head->definition_bytes, repetition = (size_t)head->repetition_bytes;
    int code = read_body(pages, head, is_v2 ? definition + repetition : 0, &pages->page, &pages->page_capacity, error);
    if (code != QUERN_OK)
        return code;
    const unsigned char *data = pages->page, *end = data + head->unpacked;
    pages->has_definition = column->is_optional || column->is_list;
    if ((column->is_list && !take_levels(&pages->repetition, &data, end, is_v2 ? repetition : SIZE_MAX)) ||
        (pages->has_definition && !take_levels(&pages->definition, &data, end, is_v2 ? definition : SIZE_MAX)))
        return quern_parquet_damaged(pages, "a page is shorter than it says", error);
    if ((uint64_t)head->values > pages->values)
        return quern_parquet_damaged(pages, "the pages of a column have more values than it says", error);
    pages->values -= (uint64_t)head->values;
    pages->left = (uint64_t)head->values;
    pages->is_inside = false;
    return begin_values(pages, head, data, end, error);
}

int quern_parquet_next_page(struct quern_parquet_pages *pages, quern_error *error)
{
    while (pages->left == 0) {
        struct head head;
        if (pages->at >= pages->end)
            return quern_parquet_damaged(pages, "a column has fewer values than its row group has rows", error);
        int code = read_head(pages, &head, error);
        if (code == QUERN_OK && head.kind == QUERN_PARQUET_DICTIONARY_PAGE)
            code = read_dictionary(pages, &head, error);
        else if (code == QUERN_OK && (head.kind == QUERN_PARQUET_DATA_PAGE || head.kind == QUERN_PARQUET_DATA_PAGE_V2))
            code = read_data(pages, &head, error);
        if (code != QUERN_OK)
            return code;
        pages->at += head.bytes + (uint64_t)head.packed;
    }
    return QUERN_OK;
}
