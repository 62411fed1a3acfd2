#include "flat_builder.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 30 };

/* Puts bytes before all others; data NULL: zeros. */
static void push(struct quern_flat_builder *builder, const void *data, size_t length)
{
    if (length == 0)
        return;
    if (length > builder->capacity - builder->used) {
        const size_t capacity = 2 * builder->capacity + length + 1024;
        unsigned char *more = length < MOST_BYTES && capacity < MOST_BYTES ? malloc(capacity) : NULL;
        if (more == NULL) {
            builder->has_failed = true;
            return;
        }
        if (builder->used > 0)
            memcpy(more + capacity - builder->used, builder->memory + builder->capacity - builder->used, builder->used);
        free(builder->memory);
        builder->memory = more;
        builder->capacity = capacity;
    }
    builder->used += length;
    unsigned char *to = builder->memory + builder->capacity - builder->used;
    if (data != NULL)
        memcpy(to, data, length);
    else
        memset(to, 0, length);
}

/* Pads with zeros, so that what ends `length` bytes before here begins at a multiple of `alignment`. */
static void align(struct quern_flat_builder *builder, size_t length, size_t alignment)
{
    push(builder, NULL, (alignment - (builder->used + length) % alignment) % alignment);
}

static quern_flat_place here(const struct quern_flat_builder *builder)
{
    return (quern_flat_place)builder->used;
}

static void push_number(struct quern_flat_builder *builder, uint32_t number)
{
    push(builder, &number, sizeof number);
}

/* Puts the distance from here to a place behind it. */
static void push_place(struct quern_flat_builder *builder, quern_flat_place place)
{
    push_number(builder, here(builder) + (uint32_t)sizeof place - place);
}

quern_flat_place quern_flat_put_string(struct quern_flat_builder *builder, const char *string)
{
    const size_t length = strlen(string);
    align(builder, length + 1, 4);
    push(builder, string, length + 1);
    push_number(builder, (uint32_t)length);
    return here(builder);
}

quern_flat_place quern_flat_put_places(struct quern_flat_builder *builder, const quern_flat_place *places,
                                       size_t count)
{
    align(builder, 0, 4);
    for (size_t i = count; i-- > 0;)
        push_place(builder, places[i]);
    push_number(builder, (uint32_t)count);
    return here(builder);
}

quern_flat_place quern_flat_put_structs(struct quern_flat_builder *builder, const void *data, size_t bytes,
                                        size_t count)
{
    align(builder, 0, 8);
    push(builder, data, bytes * count);
    push_number(builder, (uint32_t)count);
    return here(builder);
}

void quern_flat_begin_table(struct quern_flat_builder *builder)
{
    memset(builder->fields, 0, sizeof builder->fields);
    builder->field_count = 0;
    builder->table_end = builder->used;
}

static void note_field(struct quern_flat_builder *builder, int field)
{
    builder->fields[field] = here(builder);
    if (field >= builder->field_count)
        builder->field_count = field + 1;
}

void quern_flat_put_number(struct quern_flat_builder *builder, int field, size_t bytes, int64_t value)
{
    align(builder, bytes, bytes);
    push(builder, &value, bytes);
    note_field(builder, field);
}

void quern_flat_put_place(struct quern_flat_builder *builder, int field, quern_flat_place place)
{
    align(builder, 0, sizeof place);
    push_place(builder, place);
    note_field(builder, field);
}

quern_flat_place quern_flat_end_table(struct quern_flat_builder *builder)
{
    uint16_t table[2 + QUERN_FLAT_FIELDS]; /* of what is where: its own bytes, those of the fields, and the fields */
    const uint16_t table_bytes = (uint16_t)(sizeof *table * (size_t)(2 + builder->field_count));
    align(builder, 0, 4);
    push_number(builder, table_bytes); /* from the table back to its description, which stands right before it */
    const quern_flat_place place = here(builder);
    table[0] = table_bytes;
    table[1] = (uint16_t)(builder->used - builder->table_end);
    for (int i = 0; i < builder->field_count; i++)
        table[2 + i] = builder->fields[i] != 0 ? (uint16_t)(place - builder->fields[i]) : 0;
    push(builder, table, table_bytes);
    return place;
}

const unsigned char *quern_flat_finish(struct quern_flat_builder *builder, quern_flat_place root, size_t *length)
{
    align(builder, sizeof root, 8);
    push_place(builder, root);
    *length = builder->used;
    return builder->has_failed ? NULL : builder->memory + builder->capacity - builder->used;
}

void quern_flat_free(struct quern_flat_builder *builder)
{
    free(builder->memory);
    *builder = (struct quern_flat_builder){.memory = NULL};
}
