/* Writes the compact protocol of Thrift, the form of Parquet's metadata
 * (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), to memory. */
#ifndef QUERN_BULK_THRIFT_WRITER_H
#define QUERN_BULK_THRIFT_WRITER_H

#include "quern.h"

#include <stdbool.h>

enum quern_thrift_type {
    QUERN_THRIFT_TRUE = 1, QUERN_THRIFT_FALSE, QUERN_THRIFT_BYTE, QUERN_THRIFT_I16, QUERN_THRIFT_I32, QUERN_THRIFT_I64,
    QUERN_THRIFT_DOUBLE, QUERN_THRIFT_BINARY, QUERN_THRIFT_LIST, QUERN_THRIFT_SET, QUERN_THRIFT_MAP,
    QUERN_THRIFT_STRUCT
};

#define QUERN_THRIFT_DEPTH 16 /* of structures in structures at most */

/* Begin with a writer of zeros. */
struct quern_thrift_writer {
    unsigned char *data;
    size_t length, capacity;
    int fields[QUERN_THRIFT_DEPTH]; /* the last one of each structure that is open */
    int depth;
    bool has_failed;                /* there was no memory */
};

/* Bytes as they are, and a number as a varint. */
void quern_thrift_put(struct quern_thrift_writer *writer, const void *data, size_t length);
void quern_thrift_put_varint(struct quern_thrift_writer *writer, uint64_t value);

/* A structure: the outermost one and the items of lists have the field 0. Its fields follow with rising numbers. */
void quern_thrift_begin(struct quern_thrift_writer *writer, int field);
void quern_thrift_end(struct quern_thrift_writer *writer);
void quern_thrift_put_i32(struct quern_thrift_writer *writer, int field, int32_t value);
void quern_thrift_put_i64(struct quern_thrift_writer *writer, int field, int64_t value);
void quern_thrift_put_byte(struct quern_thrift_writer *writer, int field, signed char value);
void quern_thrift_put_bool(struct quern_thrift_writer *writer, int field, bool value);
void quern_thrift_put_text(struct quern_thrift_writer *writer, int field, quern_text text);

/* The items follow: structures, or those that the item functions write. */
void quern_thrift_put_list(struct quern_thrift_writer *writer, int field, enum quern_thrift_type type, size_t count);
void quern_thrift_item_i32(struct quern_thrift_writer *writer, int32_t value);
void quern_thrift_item_text(struct quern_thrift_writer *writer, const char *text);

void quern_thrift_free(struct quern_thrift_writer *writer);

#endif
