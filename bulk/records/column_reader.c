/* The rows of an Arrow or Parquet file. A place in it is the number of a row. */
#include "columns/column_file.h"
#include "jobs_error.h"
#include "json_text.h"
#include "record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NO_COLUMN = -1, MOST_LIST = 160, MOST_NUMBER = 40 };

struct column_reader {
    struct quern_record_reader reader;
    struct quern_column_file *file;
    struct quern_record_columns columns;
    int text, id, title, keep;  /* places in cells, or NO_COLUMN; keep: the first of the kept ones */
    struct quern_cell cells[QUERN_COLUMNS_CHOSEN];
    uint64_t row;               /* number of the next row, from 0 */
    char *memory;               /* of the record, beside its texts */
    size_t used, capacity;
};

/* ---------------------------------------------------------------- columns */

/* Names the columns of the file, for a message. */
static const char *list_columns(const struct quern_column_file *file, char *out, size_t capacity)
{
    size_t length = 0;
    *out = '\0';
    for (int i = 0; i < file->count && length + strlen(file->columns[i].name) + 5 < capacity; i++)
        length += (size_t)snprintf(out + length, capacity - length, "%s\"%s\"", i > 0 ? ", " : "",
                                   file->columns[i].name);
    return out;
}

/* Finds a column that is read. */
static int find_column(const struct quern_column_file *file, const char *name, int *column, quern_error *error)
{
    char names[MOST_LIST];
    *column = quern_column_file_find(file, name);
    if (*column == -2)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s has two columns \"%s\": give one another name",
                               file->file.path, name);
    if (*column < 0)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s has no column \"%s\"; its columns are %s", file->file.path,
                               name, list_columns(file, names, sizeof names));
    const struct quern_file_column *found = &file->columns[*column];
    if (found->unreadable == NULL && found->kind != QUERN_CELL_VECTOR)
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s: the column \"%s\" holds %s, and texts, numbers and truth "
                           "values are read", file->file.path, name,
                           found->unreadable != NULL ? found->unreadable : "lists");
}

/* Adds a column to those that are read. *place: among the cells; NO_COLUMN when no column is named. */
static int add_column(struct column_reader *reader, const char *name, int *chosen, int *count, int *place,
                      quern_error *error)
{
    *place = NO_COLUMN;
    if (name == NULL)
        return QUERN_OK;
    *place = *count;
    return find_column(reader->file, name, &chosen[(*count)++], error);
}

/* The kind of values in a column is known before the first row. */
static int check_kind(const struct column_reader *reader, int column, bool may_be_integer, const char *option,
                      quern_error *error)
{
    const struct quern_file_column *found = &reader->file->columns[column];
    const bool is_integer = found->kind == QUERN_CELL_INTEGER || found->kind == QUERN_CELL_UNSIGNED;
    if (found->kind == QUERN_CELL_TEXT || (may_be_integer && is_integer))
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EINVAL, "%s: the column \"%s\" does not hold texts%s: name another one with "
                           "--%s", reader->file->file.path, found->name, may_be_integer ? " or whole numbers" : "",
                           option);
}

static int choose(struct column_reader *reader, quern_error *error)
{
    const struct quern_record_columns *columns = &reader->columns;
    int chosen[QUERN_COLUMNS_CHOSEN], count = 0, place;
    const char *text = columns->text != NULL ? columns->text : "text";
    if (columns->text == NULL && reader->file->count == 1) /* the only one */
        text = reader->file->columns[0].name;
    int code = add_column(reader, text, chosen, &count, &reader->text, error);
    if (code == QUERN_OK)
        code = check_kind(reader, chosen[reader->text], false, "text", error);
    if (code == QUERN_OK)
        code = add_column(reader, columns->id, chosen, &count, &reader->id, error);
    if (code == QUERN_OK && reader->id != NO_COLUMN)
        code = check_kind(reader, chosen[reader->id], true, "id", error);
    if (code == QUERN_OK)
        code = add_column(reader, columns->title, chosen, &count, &reader->title, error);
    if (code == QUERN_OK && reader->title != NO_COLUMN)
        code = check_kind(reader, chosen[reader->title], false, "title", error);
    reader->keep = count;
    for (int i = 0; code == QUERN_OK && i < columns->keep_count; i++)
        code = add_column(reader, columns->keep[i], chosen, &count, &place, error);
    return code == QUERN_OK ? reader->file->choose(reader->file, chosen, count, error) : code;
}

/* ---------------------------------------------------------------- records */

static void put_string(struct column_reader *reader, quern_text text)
{
    size_t used;
    reader->memory[reader->used++] = '"';
    reader->used += quern_json_string(reader->memory + reader->used, 6 * text.length + 7, text, &used);
    reader->memory[reader->used++] = '"';
}

/* Writes a cell as JSON. There is room for it. */
static void put_cell(struct column_reader *reader, const struct quern_cell *cell)
{
    char *out = reader->memory + reader->used;
    int length = 0;
    switch (cell->kind) {
    case QUERN_CELL_BOOLEAN: length = sprintf(out, cell->integer ? "true" : "false"); break;
    case QUERN_CELL_INTEGER: length = sprintf(out, "%lld", (long long)cell->integer); break;
    case QUERN_CELL_UNSIGNED: length = sprintf(out, "%llu", (unsigned long long)cell->integer); break;
    case QUERN_CELL_SINGLE: length = (int)quern_json_float(out, (float)cell->number); break;
    case QUERN_CELL_DOUBLE: length = sprintf(out, isfinite(cell->number) ? "%.17g" : "null", cell->number); break;
    case QUERN_CELL_TEXT: put_string(reader, cell->text); break;
    case QUERN_CELL_NULL:
    case QUERN_CELL_VECTOR: length = sprintf(out, "null"); break;
    }
    reader->used += (size_t)length;
}

/* Makes room for the id and the kept columns as JSON. */
static int reserve(struct column_reader *reader, quern_error *error)
{
    const struct quern_record_columns *columns = &reader->columns;
    size_t need = 6 * (reader->id != NO_COLUMN ? reader->cells[reader->id].text.length : 0) + MOST_NUMBER;
    for (int i = 0; i < columns->keep_count; i++)
        need += 6 * (strlen(columns->keep[i]) + reader->cells[reader->keep + i].text.length) + MOST_NUMBER;
    reader->used = 0;
    if (need <= reader->capacity)
        return QUERN_OK;
    char *more = realloc(reader->memory, need + need / 2);
    if (more == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "%s: no memory for row %llu", reader->file->file.path,
                               (unsigned long long)reader->row);
    reader->memory = more;
    reader->capacity = need + need / 2;
    return QUERN_OK;
}

/* Writes the id and the kept columns to the memory. */
static int put_columns(struct column_reader *reader, struct quern_record *record, quern_error *error)
{
    const struct quern_record_columns *columns = &reader->columns;
    const int code = reserve(reader, error);
    if (code != QUERN_OK)
        return code;
    if (reader->id != NO_COLUMN)
        put_cell(reader, &reader->cells[reader->id]);
    record->id = (quern_text){reader->memory, reader->used};
    const size_t begin = reader->used;
    for (int i = 0; i < columns->keep_count; i++) {
        reader->used += (size_t)sprintf(reader->memory + reader->used, "%s", i > 0 ? ", " : "");
        put_string(reader, (quern_text){columns->keep[i], strlen(columns->keep[i])});
        reader->used += (size_t)sprintf(reader->memory + reader->used, ": ");
        put_cell(reader, &reader->cells[reader->keep + i]);
    }
    record->keep = (quern_text){reader->memory + begin, reader->used - begin};
    return QUERN_OK;
}

static int next(struct quern_record_reader *base, struct quern_record *record, quern_error *error)
{
    struct column_reader *reader = (struct column_reader *)base;
    size_t bytes = 0;
    *record = (struct quern_record){.line = reader->row + 1};
    const int code = reader->file->next(reader->file, reader->cells, error);
    if (code != 1)
        return code;
    reader->row++;
    for (int i = 0; i < reader->keep + reader->columns.keep_count; i++)
        bytes += reader->cells[i].text.length;
    if (bytes > QUERN_JOBS_LONGEST)
        record->bad = QUERN_RECORD_TOO_LONG;
    else if (reader->id != NO_COLUMN && reader->cells[reader->id].kind == QUERN_CELL_NULL)
        record->bad = "it has no id";
    if (record->bad != NULL)
        return 1;
    if (reader->cells[reader->text].kind == QUERN_CELL_NULL)
        record->bad = "it has no text";
    record->text = reader->cells[reader->text].text;
    if (reader->title != NO_COLUMN)
        record->title = reader->cells[reader->title].text;
    const int put = put_columns(reader, record, error);
    return put == QUERN_OK ? 1 : put;
}

static int skip(struct quern_record_reader *base, uint64_t count, uint64_t *skipped, quern_error *error)
{
    struct column_reader *reader = (struct column_reader *)base;
    const int code = reader->file->skip(reader->file, count, skipped, error);
    reader->row += *skipped;
    return code;
}

static struct quern_record_place place(const struct quern_record_reader *base)
{
    return (struct quern_record_place){0, ((const struct column_reader *)base)->row + 1};
}

static int go_to(struct quern_record_reader *base, struct quern_record_place to, quern_error *error)
{
    struct column_reader *reader = (struct column_reader *)base;
    const uint64_t wanted = to.line - 1 - reader->row;
    uint64_t skipped;
    if (to.line <= reader->row)
        return quern_jobs_fail(error, QUERN_EFORMAT, "%s: row %llu lies before what was read: the .done or the "
                               "checkpoint that tells it is damaged", reader->file->file.path,
                               (unsigned long long)to.line);
    const int code = skip(base, wanted, &skipped, error);
    if (code == QUERN_OK && skipped < wanted)
        return quern_jobs_fail(error, QUERN_EIO, "%s ends before row %llu, which was read before: it has changed",
                               reader->file->file.path, (unsigned long long)to.line);
    return code;
}

static uint64_t bytes_read(const struct quern_record_reader *base)
{
    const struct quern_seen_file *file = &((const struct column_reader *)base)->file->file;
    return file->bytes_read < file->size ? file->bytes_read : file->size; /* some are read more than once */
}

static void close_reader(struct quern_record_reader *base)
{
    struct column_reader *reader = (struct column_reader *)base;
    if (reader->file != NULL)
        reader->file->close(reader->file);
    free(reader->memory);
    free(reader);
}

int quern_column_reader_open(struct quern_record_reader **reader, const char *path,
                             const struct quern_record_columns *columns, quern_error *error)
{
    struct column_reader *rows = calloc(1, sizeof *rows);
    *reader = NULL;
    if (rows == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to read %s", path);
    rows->reader = (struct quern_record_reader){next, skip, place, go_to, bytes_read, close_reader};
    rows->columns = *columns;
    int code = QUERN_OK;
    if (strcmp(path, "-") == 0)
        code = quern_jobs_fail(error, QUERN_EINVAL, "a file of columns is read at several places at once, and cannot "
                               "come from standard input: save it, and name the file");
    if (code == QUERN_OK)
        code = quern_column_file_open(&rows->file, path, error);
    if (code == QUERN_OK)
        code = choose(rows, error);
    if (code == QUERN_OK)
        *reader = &rows->reader;
    else
        close_reader(&rows->reader);
    return code;
}
