#include "thrift_reader.h"

static unsigned take_byte(struct quern_thrift_reader *reader)
{
    if (reader->is_damaged || reader->at >= reader->length) {
        reader->is_damaged = true;
        return 0;
    }
    return reader->data[reader->at++];
}

static uint64_t take_varint(struct quern_thrift_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const unsigned byte = take_byte(reader);
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    reader->is_damaged = true;
    return 0;
}

static int64_t take_signed(struct quern_thrift_reader *reader)
{
    const uint64_t value = take_varint(reader);
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static void pass_bytes(struct quern_thrift_reader *reader, uint64_t count)
{
    if (count > reader->length - reader->at)
        reader->is_damaged = true;
    else
        reader->at += (size_t)count;
}

bool quern_thrift_next(struct quern_thrift_reader *reader, struct quern_thrift_fields *fields)
{
    const unsigned byte = take_byte(reader);
    fields->type = (enum quern_thrift_type)(byte & 15);
    if (byte == 0 || reader->is_damaged)
        return false;
    const int64_t field = byte >> 4 != 0 ? fields->field + (int64_t)(byte >> 4) : take_signed(reader);
    if (field < 0 || field > INT16_MAX)
        reader->is_damaged = true;
    else
        fields->field = (int)field;
    return !reader->is_damaged;
}

static void skip_value(struct quern_thrift_reader *reader, enum quern_thrift_type type, int depth);

static void skip_items(struct quern_thrift_reader *reader, enum quern_thrift_type type, uint64_t count, int depth)
{
    for (uint64_t i = 0; i < count && !reader->is_damaged; i++)
        if (type == QUERN_THRIFT_TRUE || type == QUERN_THRIFT_FALSE)
            take_byte(reader); /* a truth value in a list has a byte of its own */
        else
            skip_value(reader, type, depth);
}

static uint64_t take_list(struct quern_thrift_reader *reader, enum quern_thrift_type *type)
{
    const unsigned byte = take_byte(reader);
    *type = (enum quern_thrift_type)(byte & 15);
    const uint64_t count = byte >> 4 < 15 ? byte >> 4 : take_varint(reader);
    if (count > reader->length - reader->at) /* an item has one byte at least */
        reader->is_damaged = true;
    return reader->is_damaged ? 0 : count;
}

static void skip_fields(struct quern_thrift_reader *reader, int depth)
{
    struct quern_thrift_fields fields = {.field = 0};
    while (quern_thrift_next(reader, &fields))
        skip_value(reader, fields.type, depth);
}

static void skip_value(struct quern_thrift_reader *reader, enum quern_thrift_type type, int depth)
{
    enum quern_thrift_type items;
    uint64_t count;
    if (depth == QUERN_THRIFT_DEPTH)
        reader->is_damaged = true;
    if (reader->is_damaged)
        return;
    switch (type) {
    case QUERN_THRIFT_TRUE:
    case QUERN_THRIFT_FALSE: return;
    case QUERN_THRIFT_BYTE: pass_bytes(reader, 1); return;
    case QUERN_THRIFT_I16:
    case QUERN_THRIFT_I32:
    case QUERN_THRIFT_I64: take_varint(reader); return;
    case QUERN_THRIFT_DOUBLE: pass_bytes(reader, 8); return;
    case QUERN_THRIFT_BINARY: pass_bytes(reader, take_varint(reader)); return;
    case QUERN_THRIFT_LIST:
    case QUERN_THRIFT_SET:
        count = take_list(reader, &items);
        skip_items(reader, items, count, depth + 1);
        return;
    case QUERN_THRIFT_STRUCT: skip_fields(reader, depth + 1); return;
    case QUERN_THRIFT_MAP: break; /* Parquet has none */
    }
    reader->is_damaged = true;
}

void quern_thrift_skip(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields)
{
    skip_value(reader, fields->type, 0);
}

void quern_thrift_skip_struct(struct quern_thrift_reader *reader)
{
    skip_fields(reader, 0);
}

int64_t quern_thrift_integer(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields)
{
    if (fields->type == QUERN_THRIFT_BYTE)
        return (signed char)take_byte(reader);
    if (fields->type == QUERN_THRIFT_I16 || fields->type == QUERN_THRIFT_I32 || fields->type == QUERN_THRIFT_I64)
        return take_signed(reader);
    quern_thrift_skip(reader, fields);
    return 0;
}

bool quern_thrift_bool(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields)
{
    quern_thrift_skip(reader, fields);
    return fields->type == QUERN_THRIFT_TRUE;
}

quern_text quern_thrift_text(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields)
{
    if (fields->type != QUERN_THRIFT_BINARY) {
        quern_thrift_skip(reader, fields);
        return (quern_text){NULL, 0};
    }
    const uint64_t length = take_varint(reader);
    const char *text = (const char *)reader->data + reader->at;
    pass_bytes(reader, length);
    return reader->is_damaged ? (quern_text){NULL, 0} : (quern_text){text, (size_t)length};
}

bool quern_thrift_is_struct(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields)
{
    if (fields->type == QUERN_THRIFT_STRUCT)
        return true;
    quern_thrift_skip(reader, fields);
    return false;
}

size_t quern_thrift_list(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields)
{
    enum quern_thrift_type items;
    if (fields->type != QUERN_THRIFT_LIST) {
        quern_thrift_skip(reader, fields);
        return 0;
    }
    const uint64_t count = take_list(reader, &items);
    if (items == QUERN_THRIFT_STRUCT)
        return (size_t)count;
    skip_items(reader, items, count, 0);
    return 0;
}
