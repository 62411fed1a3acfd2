/* Reads FlatBuffers (see flat_builder.h) that are not trusted. What lies outside of the buffer is not there, and
 * what is not there reads as nothing: 0, a table without fields, an empty vector. */
#ifndef QUERN_BULK_FLAT_READER_H
#define QUERN_BULK_FLAT_READER_H

#include "quern.h"

#include <stdbool.h>

struct quern_flat_table {
    const unsigned char *buffer; /* [size]; NULL: the table is not there */
    size_t size;
    size_t at;                   /* where the table begins */
    size_t fields;               /* where the places of its fields begin */
    size_t field_count;
};

/* The vector's items lie one behind the other. */
struct quern_flat_vector {
    struct quern_flat_table table; /* it was read from */
    size_t at;                     /* of the first item */
    size_t count;
};

struct quern_flat_table quern_flat_root(const void *buffer, size_t size);
struct quern_flat_table quern_flat_inner(const struct quern_flat_table *table, int field);

/* A number of so many bytes, at most 8, with its sign. */
int64_t quern_flat_number(const struct quern_flat_table *table, int field, size_t bytes, int64_t unless_there);
quern_text quern_flat_string(const struct quern_flat_table *table, int field); /* data NULL: it is not there */

/* A vector of items of so many bytes. */
struct quern_flat_vector quern_flat_vector(const struct quern_flat_table *table, int field, size_t bytes);

/* The table that an item of a vector of tables refers to. */
struct quern_flat_table quern_flat_item(const struct quern_flat_vector *vector, size_t item);

/* A number within an item of a vector of structures of item_bytes, at an offset that fits in. */
int64_t quern_flat_item_number(const struct quern_flat_vector *vector, size_t item, size_t item_bytes, size_t offset,
                               size_t bytes);

#endif
