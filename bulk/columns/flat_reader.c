#include "flat_reader.h"

#include <string.h>

static const struct quern_flat_table nothing = {.buffer = NULL};

static bool is_inside(size_t size, size_t at, size_t bytes)
{
    return at <= size && bytes <= size - at;
}

static uint64_t load(const struct quern_flat_table *table, size_t at, size_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, table->buffer + at, bytes);
    return value;
}

/* The table at a place of the buffer. */
static struct quern_flat_table table_at(const void *buffer, size_t size, size_t at)
{
    struct quern_flat_table table = {buffer, size, at, 0, 0};
    if (!is_inside(size, at, 4))
        return nothing;
    const int64_t description = (int64_t)at - (int32_t)load(&table, at, 4); /* of what is where */
    if (description < 0 || !is_inside(size, (size_t)description, 4))
        return nothing;
    const size_t bytes = load(&table, (size_t)description, 2);
    if (bytes < 4 || !is_inside(size, (size_t)description, bytes))
        return nothing;
    table.fields = (size_t)description + 4;
    table.field_count = (bytes - 4) / 2;
    return table;
}

/* Where a field's bytes are; 0: nowhere. */
static size_t find(const struct quern_flat_table *table, int field, size_t bytes)
{
    if (table->buffer == NULL || (size_t)field >= table->field_count)
        return 0;
    const size_t offset = load(table, table->fields + 2 * (size_t)field, 2);
    return offset != 0 && is_inside(table->size, table->at + offset, bytes) ? table->at + offset : 0;
}

/* Where what a field refers to is; 0: nowhere. */
static size_t follow(const struct quern_flat_table *table, int field)
{
    const size_t at = find(table, field, 4);
    return at != 0 ? at + load(table, at, 4) : 0;
}

struct quern_flat_table quern_flat_root(const void *buffer, size_t size)
{
    const struct quern_flat_table whole = {.buffer = buffer, .size = size};
    return size < 4 ? nothing : table_at(buffer, size, load(&whole, 0, 4));
}

struct quern_flat_table quern_flat_inner(const struct quern_flat_table *table, int field)
{
    const size_t at = follow(table, field);
    return at != 0 ? table_at(table->buffer, table->size, at) : nothing;
}

static int64_t with_sign(uint64_t value, size_t bytes)
{
    const uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    return (int64_t)((value ^ sign) - sign);
}

int64_t quern_flat_number(const struct quern_flat_table *table, int field, size_t bytes, int64_t unless_there)
{
    const size_t at = find(table, field, bytes);
    return at != 0 ? with_sign(load(table, at, bytes), bytes) : unless_there;
}

struct quern_flat_vector quern_flat_vector(const struct quern_flat_table *table, int field, size_t bytes)
{
    struct quern_flat_vector vector = {.table = *table};
    const size_t at = follow(table, field);
    if (at == 0 || !is_inside(table->size, at, 4))
        return vector;
    const size_t count = load(table, at, 4);
    if (count > (table->size - at - 4) / bytes)
        return vector;
    vector.at = at + 4;
    vector.count = count;
    return vector;
}

quern_text quern_flat_string(const struct quern_flat_table *table, int field)
{
    const struct quern_flat_vector bytes = quern_flat_vector(table, field, 1);
    return (quern_text){bytes.at != 0 ? (const char *)table->buffer + bytes.at : NULL, bytes.count};
}

struct quern_flat_table quern_flat_item(const struct quern_flat_vector *vector, size_t item)
{
    const size_t at = vector->at + 4 * item;
    return item < vector->count ? table_at(vector->table.buffer, vector->table.size, at + load(&vector->table, at, 4))
                                : nothing;
}

int64_t quern_flat_item_number(const struct quern_flat_vector *vector, size_t item, size_t item_bytes, size_t offset,
                               size_t bytes)
{
    return item < vector->count ? with_sign(load(&vector->table, vector->at + item * item_bytes + offset, bytes), bytes)
                                : 0;
}
