/* Writes FlatBuffers, the form of Arrow's metadata (https://flatbuffers.dev/internals/): from the end to the beginning,
 * so that what a table refers to is there already. */
#ifndef QUERN_BULK_FLAT_BUILDER_H
#define QUERN_BULK_FLAT_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERN_FLAT_FIELDS 16 /* of a table at most */

/* A thing in the buffer: how many bytes from the end it begins. 0: nothing. */
typedef uint32_t quern_flat_place;

struct quern_flat_builder {
    unsigned char *memory;      /* the last `used` bytes of [capacity] */
    size_t capacity, used;
    size_t table_end;           /* `used` when the table at hand was begun */
    quern_flat_place fields[QUERN_FLAT_FIELDS]; /* of the table at hand */
    int field_count;
    bool has_failed;            /* there was no memory, or it became larger than 1 GiB */
};

/* Begin with a builder of zeros. All that a table refers to is made before the table is begun. */
quern_flat_place quern_flat_put_string(struct quern_flat_builder *builder, const char *string);
quern_flat_place quern_flat_put_places(struct quern_flat_builder *builder, const quern_flat_place *places,
                                       size_t count);

/* A vector of structures of so many bytes, a multiple of 8, as they lie in memory. */
quern_flat_place quern_flat_put_structs(struct quern_flat_builder *builder, const void *data, size_t bytes,
                                        size_t count);

void quern_flat_begin_table(struct quern_flat_builder *builder);
void quern_flat_put_number(struct quern_flat_builder *builder, int field, size_t bytes, int64_t value);
void quern_flat_put_place(struct quern_flat_builder *builder, int field, quern_flat_place place);
quern_flat_place quern_flat_end_table(struct quern_flat_builder *builder);

/* Ends the buffer with its root. Returns its beginning, and *length, a multiple of 8; NULL when it has failed. */
const unsigned char *quern_flat_finish(struct quern_flat_builder *builder, quern_flat_place root, size_t *length);
void quern_flat_free(struct quern_flat_builder *builder);

#endif
