#include "column_group.h"

#include "jobs_error.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 1 << 16, VECTOR_BYTES = 16 << 20, TEXT_BYTES = 16 << 20 };

void quern_column_add(struct quern_column_group *group, const char *name, enum quern_column_type type, bool has_nulls)
{
    group->columns[group->count++] = (struct quern_column){.name = name, .type = type, .has_nulls = has_nulls};
}

void quern_column_add_vector(struct quern_column_group *group, const char *name, quern_dtype dtype, int dimensions)
{
    const bool is_bits = dtype == QUERN_DTYPE_BINARY || dtype == QUERN_DTYPE_BINARY_LOW;
    group->columns[group->count++] = (struct quern_column){
        .name = name, .type = QUERN_COLUMN_VECTOR, .dtype = dtype,
        .numbers = (uint32_t)(is_bits ? dimensions / 8 : dimensions),
        .row_bytes = (uint32_t)quern_encoded_bytes(dtype, dimensions)};
}

int quern_column_group_open(struct quern_column_group *group, quern_error *error)
{
    group->most_rows = MOST_ROWS;
    for (int i = 0; i < group->count; i++)
        while (group->most_rows > 1 && (uint64_t)group->most_rows * group->columns[i].row_bytes > VECTOR_BYTES)
            group->most_rows /= 2;
    for (int i = 0; i < group->count; i++) {
        struct quern_column *column = &group->columns[i];
        if (column->type != QUERN_COLUMN_TEXT)
            continue;
        column->ends = calloc(group->most_rows + 1, sizeof *column->ends);
        column->is_there = malloc(group->most_rows);
        if (column->ends == NULL || column->is_there == NULL)
            return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a column of %u rows", group->most_rows);
    }
    return QUERN_OK;
}

static void append(struct quern_column_group *group, struct quern_column *column, const void *data, size_t length)
{
    if (length > column->capacity - column->used) {
        const size_t capacity = 2 * column->capacity + length + 4096;
        unsigned char *more = capacity <= UINT32_MAX / 2 ? realloc(column->data, capacity) : NULL;
        if (more == NULL) {
            group->has_failed = true;
            return;
        }
        column->data = more;
        column->capacity = capacity;
    }
    if (length > 0)
        memcpy(column->data + column->used, data, length);
    column->used += length;
}

void quern_column_put_integer(struct quern_column_group *group, int column, int64_t value)
{
    append(group, &group->columns[column], &value, sizeof value);
}

void quern_column_put_text(struct quern_column_group *group, int column, quern_text text)
{
    struct quern_column *to = &group->columns[column];
    append(group, to, text.data, text.length);
    to->is_there[group->rows] = text.data != NULL;
    to->nulls += text.data == NULL;
    to->ends[group->rows + 1] = (uint32_t)to->used;
    group->text_bytes += text.length;
}

void quern_column_put_vector(struct quern_column_group *group, int column, const void *row)
{
    append(group, &group->columns[column], row, group->columns[column].row_bytes);
}

void quern_column_group_end_row(struct quern_column_group *group)
{
    group->rows++;
}

bool quern_column_group_is_full(const struct quern_column_group *group)
{
    return group->rows == group->most_rows || group->text_bytes >= TEXT_BYTES;
}

void quern_column_group_clear(struct quern_column_group *group)
{
    for (int i = 0; i < group->count; i++)
        group->columns[i].used = group->columns[i].nulls = 0;
    group->rows = 0;
    group->text_bytes = 0;
}

void quern_column_group_close(struct quern_column_group *group)
{
    for (int i = 0; i < group->count; i++) {
        free(group->columns[i].data);
        free(group->columns[i].ends);
        free(group->columns[i].is_there);
    }
    *group = (struct quern_column_group){.count = 0};
}
