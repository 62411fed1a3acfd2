#include "parquet_pages.h"

#include "jobs_error.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_NUMBERS = 1 << 16 }; /* of a list */

/* ---------------------------------------------------------------- the description */

/* Where a column begins and ends in the file. */
static int set_range(struct quern_parquet_pages *pages, int64_t page, int64_t dictionary, int64_t bytes,
                     quern_error *error)
{
    const int64_t begin = dictionary > 0 && dictionary < page ? dictionary : page;
    if (begin < 0 || bytes < 0 || (uint64_t)begin > pages->file->size ||
        (uint64_t)bytes > pages->file->size - (uint64_t)begin)
        return quern_jobs_fail(error, QUERN_EFORMAT, "%s is damaged: a column lies outside of the file",
                               pages->file->path);
    pages->at = (uint64_t)begin;
    pages->end = (uint64_t)begin + (uint64_t)bytes;
    return QUERN_OK;
}

static int check(const struct quern_parquet_pages *pages, int64_t type, uint64_t rows, quern_error *error)
{
    static const char *const names[] = {[QUERN_PARQUET_LZO] = "LZO", [QUERN_PARQUET_BROTLI] = "Brotli",
                                        [QUERN_PARQUET_LZ4] = "LZ4 as Hadoop has it",
                                        [QUERN_PARQUET_LZ4_RAW] = NULL}; /* NULL: it is read */
    const bool is_known = pages->codec >= QUERN_PARQUET_UNCOMPRESSED && pages->codec <= QUERN_PARQUET_LZ4_RAW;
    if (!is_known || names[pages->codec] != NULL)
        return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s is packed with %s, and Snappy, gzip, Zstandard and "
                               "LZ4_RAW are read: write it with one of these", pages->file->path,
                               is_known ? names[pages->codec] : "what is not known");
    if (type != (int64_t)pages->column->type || (!pages->column->is_list && pages->values != rows))
        return quern_jobs_fail(error, QUERN_EFORMAT, "%s is damaged: a row group does not have the columns of the file",
                               pages->file->path);
    return QUERN_OK;
}

/* Reads ColumnMetaData. */
static int read_metadata(struct quern_parquet_pages *pages, struct quern_thrift_reader *thrift, uint64_t rows,
                         quern_error *error)
{
    struct quern_thrift_fields fields = {.field = 0};
    int64_t type = -1, values = -1, bytes = -1, page = -1, dictionary = -1;
    while (quern_thrift_next(thrift, &fields))
        switch (fields.field) {
        case QUERN_PARQUET_COLUMN_TYPE: type = quern_thrift_integer(thrift, &fields); break;
        case QUERN_PARQUET_COLUMN_CODEC: pages->codec = quern_thrift_integer(thrift, &fields); break;
        case QUERN_PARQUET_COLUMN_VALUES: values = quern_thrift_integer(thrift, &fields); break;
        case QUERN_PARQUET_COLUMN_PACKED: bytes = quern_thrift_integer(thrift, &fields); break;
        case QUERN_PARQUET_COLUMN_PAGES: page = quern_thrift_integer(thrift, &fields); break;
        case QUERN_PARQUET_COLUMN_DICTIONARY: dictionary = quern_thrift_integer(thrift, &fields); break;
        default: quern_thrift_skip(thrift, &fields);
        }
    pages->values = values < 0 ? 0 : (uint64_t)values;
    const int code = check(pages, type, rows, error);
    return code == QUERN_OK ? set_range(pages, page, dictionary, bytes, error) : code;
}

int quern_parquet_pages_begin(struct quern_parquet_pages *pages, struct quern_thrift_reader *description, uint64_t rows,
                              quern_error *error)
{
    struct quern_thrift_fields fields = {.field = 0};
    bool is_there = false;
    int code = QUERN_OK;
    pages->left = 0;
    pages->entry_count = 0;
    while (code == QUERN_OK && quern_thrift_next(description, &fields)) {
        if (fields.field == QUERN_PARQUET_CHUNK_FILE)
            return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s has its columns in other files: give these",
                                   pages->file->path);
        if (fields.field != QUERN_PARQUET_CHUNK_METADATA) {
            quern_thrift_skip(description, &fields);
        } else if (quern_thrift_is_struct(description, &fields)) {
            code = read_metadata(pages, description, rows, error);
            is_there = true;
        }
    }
    if (code == QUERN_OK && !is_there)
        return quern_jobs_fail(error, QUERN_EFORMAT, "%s is damaged: a column of a row group is not described",
                               pages->file->path);
    return code;
}

/* ---------------------------------------------------------------- values */

/* Reads a text behind its length. */
static bool take_text(struct quern_parquet_plain *plain, quern_text *text)
{
    uint32_t length;
    if ((size_t)(plain->end - plain->data) < sizeof length)
        return false;
    memcpy(&length, plain->data, sizeof length);
    if (length > (size_t)(plain->end - plain->data) - sizeof length)
        return false;
    *text = (quern_text){(const char *)plain->data + sizeof length, length};
    plain->data += sizeof length + length;
    return true;
}

/* Finds the bytes of the next value that is there. */
static int take_value(struct quern_parquet_pages *pages, quern_text *value, quern_error *error)
{
    const struct quern_parquet_column *column = pages->column;
    struct quern_parquet_plain *plain = &pages->plain, entry = {.bit = 0};
    uint32_t index;
    if (pages->has_indexes) {
        if (!quern_parquet_runs_next(&pages->indexes, &index) || index >= pages->entry_count)
            return quern_parquet_damaged(pages, "an index lies outside of its dictionary", error);
        const size_t at = column->kind == QUERN_CELL_TEXT ? pages->entries[index] : (size_t)index * column->width;
        entry.data = pages->dictionary + at;
        entry.end = pages->dictionary + pages->dictionary_bytes;
        plain = &entry;
    }
    if (column->kind == QUERN_CELL_TEXT ? !take_text(plain, value) : plain->end - plain->data < (long)column->width)
        return quern_parquet_damaged(pages, "a page ends too early", error);
    if (column->kind != QUERN_CELL_TEXT) {
        *value = (quern_text){(const char *)plain->data, column->width};
        plain->data += column->width;
    }
    return QUERN_OK;
}

static int take_bit(struct quern_parquet_pages *pages, int64_t *bit, quern_error *error)
{
    struct quern_parquet_plain *plain = &pages->plain;
    uint32_t number;
    if (pages->has_indexes ? !quern_parquet_runs_next(&pages->indexes, &number) : plain->data == plain->end)
        return quern_parquet_damaged(pages, "a page ends too early", error);
    if (!pages->has_indexes) {
        number = *plain->data >> plain->bit & 1u;
        plain->bit = (plain->bit + 1) % 8;
        plain->data += plain->bit == 0;
    }
    *bit = number != 0;
    return QUERN_OK;
}

static int take_cell(struct quern_parquet_pages *pages, struct quern_cell *cell, quern_error *error)
{
    const struct quern_parquet_column *column = pages->column;
    int32_t small;
    float single;
    cell->kind = column->kind;
    if (column->kind == QUERN_CELL_BOOLEAN)
        return take_bit(pages, &cell->integer, error);
    const int code = take_value(pages, &cell->text, error);
    if (code != QUERN_OK || column->kind == QUERN_CELL_TEXT)
        return code;
    if (column->kind == QUERN_CELL_SINGLE) {
        memcpy(&single, cell->text.data, sizeof single);
        cell->number = (double)single;
    } else if (column->kind == QUERN_CELL_DOUBLE) {
        memcpy(&cell->number, cell->text.data, sizeof cell->number);
    } else if (column->width == sizeof small) {
        memcpy(&small, cell->text.data, sizeof small);
        cell->integer = column->kind == QUERN_CELL_UNSIGNED ? (int64_t)(uint32_t)small : small;
    } else {
        memcpy(&cell->integer, cell->text.data, sizeof cell->integer);
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- lists */

/* Appends the next number to the list. */
static int take_number(struct quern_parquet_pages *pages, size_t count, quern_error *error)
{
    const unsigned kept = pages->column->kept;
    quern_text value;
    uint32_t level;
    if (!quern_parquet_runs_next(&pages->definition, &level) || level != 1 || count == MOST_NUMBERS)
        return quern_parquet_damaged(pages, "a list is empty, or too long", error);
    const int code = take_value(pages, &value, error);
    if (code != QUERN_OK)
        return code;
    if ((count + 1) * kept > pages->list_capacity) {
        const size_t capacity = 2 * pages->list_capacity + 1024;
        unsigned char *more = realloc(pages->list, capacity);
        if (more == NULL)
            return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a list of %zu numbers", count);
        pages->list = more;
        pages->list_capacity = capacity;
    }
    memcpy(pages->list + count * kept, value.data, kept);
    pages->left--;
    return QUERN_OK;
}

/* Reads the numbers of a row. A list ends with its page at the latest. */
static int take_list(struct quern_parquet_pages *pages, struct quern_cell *cell, quern_error *error)
{
    uint32_t level = 0;
    size_t count = 0;
    if (!pages->is_inside && (!quern_parquet_runs_next(&pages->repetition, &level) || level != 0))
        return quern_parquet_damaged(pages, "a row does not begin with a list", error);
    for (pages->is_inside = false; !pages->is_inside;) {
        const int code = take_number(pages, count++, error);
        if (code != QUERN_OK)
            return code;
        if (pages->left == 0)
            break;
        if (!quern_parquet_runs_next(&pages->repetition, &level))
            return quern_parquet_damaged(pages, "a page ends too early", error);
        pages->is_inside = level == 0;
    }
    cell->kind = QUERN_CELL_VECTOR;
    cell->text = (quern_text){(const char *)pages->list, count * pages->column->kept};
    return QUERN_OK;
}

int quern_parquet_pages_next(struct quern_parquet_pages *pages, struct quern_cell *cell, quern_error *error)
{
    uint32_t level = 1;
    *cell = (struct quern_cell){.kind = QUERN_CELL_NULL};
    const int code = quern_parquet_next_page(pages, error);
    if (code != QUERN_OK)
        return code;
    if (pages->column->is_list)
        return take_list(pages, cell, error);
    if (pages->has_definition && !quern_parquet_runs_next(&pages->definition, &level))
        return quern_parquet_damaged(pages, "a page ends too early", error);
    pages->left--;
    return level == 1 ? take_cell(pages, cell, error) : QUERN_OK;
}

void quern_parquet_pages_free(struct quern_parquet_pages *pages)
{
    quern_file_window_free(&pages->window);
    free(pages->page);
    free(pages->dictionary);
    free(pages->entries);
    free(pages->list);
    free(pages->expanded.data);
    *pages = (struct quern_parquet_pages){.page = NULL};
}
