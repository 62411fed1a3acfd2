#include "row_columns.h"

#include "jobs_error.h"
#include "json_members.h"
#include "json_reader.h"
#include "json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void quern_row_columns_add(struct quern_column_group *group, const struct quern_vector_shape *shape)
{
    quern_column_add(group, "id", shape->has_ids ? QUERN_COLUMN_TEXT : QUERN_COLUMN_INTEGER, false);
    if (shape->is_chunked) {
        quern_column_add(group, "chunk", QUERN_COLUMN_INTEGER, false);
        quern_column_add(group, "begin", QUERN_COLUMN_INTEGER, false);
        quern_column_add(group, "end", QUERN_COLUMN_INTEGER, false);
    }
    quern_column_add(group, "tokens", QUERN_COLUMN_INTEGER, false);
    if (shape->is_cut)
        quern_column_add(group, "truncated", QUERN_COLUMN_INTEGER, false);
    for (int i = 0; i < shape->keep_count; i++)
        quern_column_add(group, shape->keep[i], QUERN_COLUMN_TEXT, true);
    quern_column_add_vector(group, "embedding", shape->dtype, shape->dimensions);
}

/* ---------------------------------------------------------------- from members to columns */

/* Appends the text of a JSON string. */
static bool put_string(struct quern_column_group *group, int column, quern_text written)
{
    static const char *const names[] = {NULL};
    const struct quern_json_options options = {.names = names};
    struct quern_json_reader reader;
    char *copy = malloc(written.length); /* the reader replaces escapes in place */
    if (copy == NULL)
        return false;
    memcpy(copy, written.data, written.length);
    quern_json_reader_begin(&reader, &options, copy, written.length);
    int code;
    do
        code = quern_json_reader_go_on(&reader, written.length + 1);
    while (code == 0);
    const quern_text text = quern_value_text(code == 1 ? reader.root : NULL);
    if (text.data != NULL)
        quern_column_put_text(group, column, text);
    quern_json_reader_free(&reader);
    free(copy);
    return text.data != NULL;
}

static bool put_text(struct quern_column_group *group, int column, quern_text written)
{
    const bool is_null = written.length == 4 && memcmp(written.data, "null", 4) == 0;
    if (written.data[0] == '"')
        return put_string(group, column, written);
    quern_column_put_text(group, column, is_null && group->columns[column].has_nulls ? (quern_text){NULL, 0} : written);
    return true;
}

bool quern_row_columns_put(struct quern_column_group *group, quern_text members, const void *vector)
{
    struct quern_json_member member;
    size_t at = 0;
    for (int i = 0; i < group->count - 1; i++) {
        if (!quern_json_next_member(members, &at, &member) || member.value.length == 0)
            return false;
        if (group->columns[i].type == QUERN_COLUMN_INTEGER)
            quern_column_put_integer(group, i, strtoll(member.value.data, NULL, 10)); /* a comma or bracket follows */
        else if (!put_text(group, i, member.value))
            return false;
    }
    quern_column_put_vector(group, group->count - 1, vector);
    quern_column_group_end_row(group);
    return true;
}

/* ---------------------------------------------------------------- and back */

/* Finds the columns in the file. */
static int choose(struct quern_row_reader *reader, const char *path, quern_error *error)
{
    int chosen[QUERN_COLUMNS_MOST];
    struct quern_column_file *file = reader->file;
    for (int i = 0; i < reader->columns.count; i++) {
        const struct quern_column *column = &reader->columns.columns[i];
        chosen[i] = quern_column_file_find(file, column->name);
        if (chosen[i] < 0 || file->columns[chosen[i]].unreadable != NULL)
            return quern_jobs_fail(error, QUERN_EFORMAT, "%s does not have the column \"%s\" that quern wrote there",
                                   path, column->name);
    }
    return file->choose(file, chosen, reader->columns.count, error);
}

/* Of a file that quern has written, whatever cannot be read is damage. */
static int blame_file(int code)
{
    return code >= 0 || code == QUERN_ENOMEM || code == QUERN_EIO ? code : QUERN_EFORMAT;
}

int quern_row_reader_open(struct quern_row_reader *reader, const char *path, const struct quern_vector_shape *shape,
                          quern_error *error)
{
    *reader = (struct quern_row_reader){.file = NULL};
    quern_row_columns_add(&reader->columns, shape);
    const int code = quern_column_file_open(&reader->file, path, error);
    return blame_file(code == QUERN_OK ? choose(reader, path, error) : code);
}

static bool reserve(struct quern_row_reader *reader, size_t more)
{
    if (more <= reader->capacity - reader->length)
        return true;
    const size_t capacity = 2 * reader->capacity + more;
    char *line = realloc(reader->line, capacity);
    if (line == NULL)
        return false;
    reader->line = line;
    reader->capacity = capacity;
    return true;
}

/* Appends a string between quotes. There is room for it. */
static void put_quoted(struct quern_row_reader *reader, quern_text text)
{
    size_t used;
    reader->line[reader->length++] = '"';
    reader->length += quern_json_string(reader->line + reader->length, 6 * text.length + 7, text, &used);
    reader->line[reader->length++] = '"';
}

/* Appends a cell as a member. Returns QUERN_OK, QUERN_ENOMEM, or QUERN_EFORMAT for one of another type. */
static int put_member(struct quern_row_reader *reader, const struct quern_column *column, const struct quern_cell *cell)
{
    const quern_text name = {column->name, strlen(column->name)};
    if (!reserve(reader, 6 * (name.length + cell->text.length) + 64))
        return QUERN_ENOMEM;
    const char before = reader->length == 0 ? '{' : ',';
    reader->line[reader->length++] = before;
    put_quoted(reader, name);
    reader->line[reader->length++] = ':';
    if (column->type == QUERN_COLUMN_INTEGER && cell->kind == QUERN_CELL_INTEGER)
        reader->length += (size_t)sprintf(reader->line + reader->length, "%lld", (long long)cell->integer);
    else if (column->type == QUERN_COLUMN_TEXT && cell->kind == QUERN_CELL_TEXT)
        put_quoted(reader, cell->text);
    else if (column->has_nulls && cell->kind == QUERN_CELL_NULL)
        reader->length += (size_t)sprintf(reader->line + reader->length, "null");
    else
        return QUERN_EFORMAT;
    return QUERN_OK;
}

int quern_row_reader_next(struct quern_row_reader *reader, const void **row, quern_text *members, quern_error *error)
{
    const struct quern_column_group *group = &reader->columns;
    const struct quern_cell *vector = &reader->cells[group->count - 1];
    int code = blame_file(reader->file->next(reader->file, reader->cells, error));
    if (code != 1)
        return code;
    code = QUERN_OK;
    reader->length = 0;
    for (int i = 0; code == QUERN_OK && i < group->count - 1; i++)
        code = put_member(reader, &group->columns[i], &reader->cells[i]);
    if (code == QUERN_OK &&
        (vector->kind != QUERN_CELL_VECTOR || vector->text.length != group->columns[group->count - 1].row_bytes))
        code = QUERN_EFORMAT;
    if (code != QUERN_OK)
        return quern_jobs_fail(error, code, code == QUERN_ENOMEM ? "no memory for a row of %s"
                                                                 : "%s does not have the types that quern wrote there",
                               reader->file->file.path);
    reader->line[reader->length++] = '}';
    *row = vector->text.data;
    *members = (quern_text){reader->line, reader->length};
    return 1;
}

void quern_row_reader_close(struct quern_row_reader *reader)
{
    if (reader->file != NULL)
        reader->file->close(reader->file);
    free(reader->line);
    *reader = (struct quern_row_reader){.file = NULL};
}
