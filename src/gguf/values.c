/* Typed access to the values of a GGUF file, which the reader has checked to lie inside it. */
#include "base/count.h"
#include "base/error.h"
#include "gguf/gguf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

size_t quern_gguf_kind_size(uint32_t kind)
{
    static const unsigned char sizes[] = {
        [QUERN_GGUF_U8] = 1,  [QUERN_GGUF_I8] = 1,  [QUERN_GGUF_U16] = 2, [QUERN_GGUF_I16] = 2,
        [QUERN_GGUF_U32] = 4, [QUERN_GGUF_I32] = 4, [QUERN_GGUF_F32] = 4, [QUERN_GGUF_BOOL] = 1,
        [QUERN_GGUF_U64] = 8, [QUERN_GGUF_I64] = 8, [QUERN_GGUF_F64] = 8,
    };
    return kind < sizeof sizes ? sizes[kind] : 0;
}

static int wrong_type(const char *key, const struct quern_gguf_value *value, const char *wanted, quern_error *error)
{
    static const char *const names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                        "bool", "string", "array", "u64", "i64", "f64"};
    static_assert(QUERN_COUNT(names) == QUERN_GGUF_F64 + 1, "a name for each value type");
    return quern_fail(error, QUERN_EFORMAT, "key '%s' has value type %s, but must be %s", key, names[value->kind],
                      wanted);
}

#define READ(type, data) (*(type *)memcpy(&(type){0}, data, sizeof(type)))

static bool is_integer(uint32_t kind)
{
    return kind <= QUERN_GGUF_I32 || kind == QUERN_GGUF_U64 || kind == QUERN_GGUF_I64;
}

static int64_t integer_at(uint32_t kind, const unsigned char *data)
{
    switch (kind) {
    case QUERN_GGUF_U8: return READ(uint8_t, data);
    case QUERN_GGUF_I8: return READ(int8_t, data);
    case QUERN_GGUF_U16: return READ(uint16_t, data);
    case QUERN_GGUF_I16: return READ(int16_t, data);
    case QUERN_GGUF_U32: return READ(uint32_t, data);
    case QUERN_GGUF_I32: return READ(int32_t, data);
    default: return READ(int64_t, data);
    }
}

/* Reads an integer of a kind and checks its range. element: which one, in messages. */
static int read_integer(const char *key, const char *element, uint32_t kind, const unsigned char *data, int64_t low,
                        int64_t high, int64_t *value, quern_error *error)
{
    if (kind == QUERN_GGUF_U64 && READ(uint64_t, data) > INT64_MAX)
        return quern_fail(error, QUERN_EFORMAT, "key '%s'%s is %llu, but must be from %lld to %lld", key, element,
                          (unsigned long long)READ(uint64_t, data), (long long)low, (long long)high);
    const int64_t number = integer_at(kind, data);
    if (number < low || number > high)
        return quern_fail(error, QUERN_EFORMAT, "key '%s'%s is %lld, but must be from %lld to %lld", key, element,
                          (long long)number, (long long)low, (long long)high);
    *value = number;
    return QUERN_OK;
}

int quern_gguf_integer(const struct quern_gguf *gguf, const char *key, int64_t low, int64_t high, int64_t *value,
                       quern_error *error)
{
    const struct quern_gguf_value *found = quern_gguf_find(gguf, key);
    if (found == NULL)
        return QUERN_OK;
    if (!is_integer(found->kind))
        return wrong_type(key, found, "an integer", error);
    return read_integer(key, "", found->kind, found->data, low, high, value, error);
}

int quern_gguf_integers(const struct quern_gguf *gguf, const char *key, int64_t low, int64_t high, int64_t *values,
                        size_t count, quern_error *error)
{
    const struct quern_gguf_value *found = quern_gguf_find(gguf, key);
    if (found == NULL)
        return QUERN_OK;
    if (found->kind != QUERN_GGUF_ARRAY)
        return wrong_type(key, found, "an array", error);
    const bool bools = found->element == QUERN_GGUF_BOOL && low == 0 && high == 1;
    if (!bools && !is_integer(found->element))
        return quern_fail(error, QUERN_EFORMAT, "key '%s' is an array, but not of integers%s", key,
                          low == 0 && high == 1 ? " or bools" : "");
    if (found->count < count)
        return quern_fail(error, QUERN_EFORMAT, "key '%s' has %llu elements, but must have %zu", key,
                          (unsigned long long)found->count, count);
    const uint32_t kind = bools ? QUERN_GGUF_U8 : found->element;
    for (size_t i = 0; i < count; i++) {
        char element[40];
        snprintf(element, sizeof element, ": element %zu", i);
        QUERN_TRY(read_integer(key, element, kind, found->data + i * quern_gguf_kind_size(kind), low, high, &values[i],
                               error));
    }
    return QUERN_OK;
}

int quern_gguf_float(const struct quern_gguf *gguf, const char *key, double low, double high, double *value,
                     quern_error *error)
{
    const struct quern_gguf_value *found = quern_gguf_find(gguf, key);
    if (found == NULL)
        return QUERN_OK;
    if (found->kind != QUERN_GGUF_F32 && found->kind != QUERN_GGUF_F64)
        return wrong_type(key, found, "a float", error);
    double number = found->kind == QUERN_GGUF_F32 ? READ(float, found->data) : READ(double, found->data);
    if (!(number >= low && number <= high)) /* a NaN is refused too */
        return quern_fail(error, QUERN_EFORMAT, "key '%s' is %g, but must be from %g to %g", key, number, low, high);
    *value = number;
    return QUERN_OK;
}

int quern_gguf_bool(const struct quern_gguf *gguf, const char *key, bool *value, quern_error *error)
{
    const struct quern_gguf_value *found = quern_gguf_find(gguf, key);
    if (found == NULL)
        return QUERN_OK;
    if (found->kind != QUERN_GGUF_BOOL)
        return wrong_type(key, found, "bool", error);
    *value = found->data[0] != 0;
    return QUERN_OK;
}

int quern_gguf_string(const struct quern_gguf *gguf, const char *key, quern_text *value, quern_error *error)
{
    const struct quern_gguf_value *found = quern_gguf_find(gguf, key);
    if (found == NULL)
        return QUERN_OK;
    if (found->kind != QUERN_GGUF_STRING)
        return wrong_type(key, found, "string", error);
    *value = (quern_text){(const char *)found->data, found->bytes};
    return QUERN_OK;
}

/* The length was checked when the file was opened. But the file may have been lost or changed since then, so the length
 * is checked again. */
quern_text quern_gguf_next_string(const struct quern_gguf_value *array, size_t *cursor)
{
    uint64_t length = 0;
    size_t left = array->bytes - *cursor;
    if (left < sizeof length)
        return (quern_text){"", 0};
    memcpy(&length, array->data + *cursor, sizeof length);
    left -= sizeof length;
    if (length > left)
        length = left;
    quern_text text = {(const char *)array->data + *cursor + sizeof length, (size_t)length};
    *cursor += sizeof length + (size_t)length;
    return text;
}
