#include "thrift_writer.h"

#include <stdlib.h>
#include <string.h>

void quern_thrift_put(struct quern_thrift_writer *writer, const void *data, size_t length)
{
    if (length > writer->capacity - writer->length) {
        const size_t capacity = 2 * writer->capacity + length + 256;
        unsigned char *more = realloc(writer->data, capacity);
        if (more == NULL) {
            writer->has_failed = true;
            return;
        }
        writer->data = more;
        writer->capacity = capacity;
    }
    if (length > 0)
        memcpy(writer->data + writer->length, data, length);
    writer->length += length;
}

static void put_one(struct quern_thrift_writer *writer, unsigned byte)
{
    const unsigned char one = (unsigned char)byte;
    quern_thrift_put(writer, &one, 1);
}

void quern_thrift_put_varint(struct quern_thrift_writer *writer, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        put_one(writer, (unsigned)(value & 127) | 128);
    put_one(writer, (unsigned)value);
}

/* A number with its sign in the last bit. */
static void put_signed(struct quern_thrift_writer *writer, int64_t value)
{
    quern_thrift_put_varint(writer, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static void put_field(struct quern_thrift_writer *writer, int field, enum quern_thrift_type type)
{
    int *last = &writer->fields[writer->depth - 1];
    put_one(writer, (unsigned)(field - *last) << 4 | type); /* no structure leaves 15 fields out */
    *last = field;
}

void quern_thrift_begin(struct quern_thrift_writer *writer, int field)
{
    if (field != 0)
        put_field(writer, field, QUERN_THRIFT_STRUCT);
    writer->fields[writer->depth++] = 0;
}

void quern_thrift_end(struct quern_thrift_writer *writer)
{
    put_one(writer, 0);
    writer->depth--;
}

void quern_thrift_put_i32(struct quern_thrift_writer *writer, int field, int32_t value)
{
    put_field(writer, field, QUERN_THRIFT_I32);
    put_signed(writer, value);
}

void quern_thrift_put_i64(struct quern_thrift_writer *writer, int field, int64_t value)
{
    put_field(writer, field, QUERN_THRIFT_I64);
    put_signed(writer, value);
}

void quern_thrift_put_byte(struct quern_thrift_writer *writer, int field, signed char value)
{
    put_field(writer, field, QUERN_THRIFT_BYTE);
    quern_thrift_put(writer, &value, 1);
}

void quern_thrift_put_bool(struct quern_thrift_writer *writer, int field, bool value)
{
    put_field(writer, field, value ? QUERN_THRIFT_TRUE : QUERN_THRIFT_FALSE);
}

void quern_thrift_put_text(struct quern_thrift_writer *writer, int field, quern_text text)
{
    put_field(writer, field, QUERN_THRIFT_BINARY);
    quern_thrift_put_varint(writer, text.length);
    quern_thrift_put(writer, text.data, text.length);
}

void quern_thrift_put_list(struct quern_thrift_writer *writer, int field, enum quern_thrift_type type, size_t count)
{
    enum { SHORT = 15 };
    put_field(writer, field, QUERN_THRIFT_LIST);
    put_one(writer, (unsigned)(count < SHORT ? count : SHORT) << 4 | type);
    if (count >= SHORT)
        quern_thrift_put_varint(writer, count);
}

void quern_thrift_item_i32(struct quern_thrift_writer *writer, int32_t value)
{
    put_signed(writer, value);
}

void quern_thrift_item_text(struct quern_thrift_writer *writer, const char *text)
{
    quern_thrift_put_varint(writer, strlen(text));
    quern_thrift_put(writer, text, strlen(text));
}

void quern_thrift_free(struct quern_thrift_writer *writer)
{
    free(writer->data);
    *writer = (struct quern_thrift_writer){.data = NULL};
}
