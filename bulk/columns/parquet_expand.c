/* The encodings are described at https://parquet.apache.org/docs/file-format/data-pages/encodings/ */
#include "parquet_expand.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- numbers as differences */

/* DELTA_BINARY_PACKED: a head, and blocks of differences. A block is divided into small ones, each of which has numbers
 * of some bits. */
struct deltas {
    const unsigned char *data, *end;
    uint64_t left;              /* numbers, the first one included */
    uint64_t number;            /* the next one; it wraps, as the encoding says */
    uint64_t small_values;      /* numbers in a small block */
    unsigned smalls;            /* small blocks in a block */
    uint64_t least;             /* difference of the block */
    const unsigned char *bits;  /* [smalls] of each small block */
    unsigned small;             /* the one at hand */
    uint64_t left_in_small;
    unsigned at;                /* bits of data[0] that are read */
};

static bool take_varint(struct deltas *deltas, uint64_t *number)
{
    unsigned char byte = 128;
    *number = 0;
    for (unsigned shift = 0; byte >= 128; shift += 7) {
        if (shift > 63 || deltas->data == deltas->end)
            return false;
        byte = *deltas->data++;
        *number |= (uint64_t)(byte & 127) << shift;
    }
    return true;
}

static bool take_zigzag(struct deltas *deltas, uint64_t *number)
{
    const bool good = take_varint(deltas, number);
    *number = *number >> 1 ^ (0 - (*number & 1));
    return good;
}

/* Reads the head. Returns false when it is wrong, or there are more than `most` numbers. */
static bool begin_deltas(struct deltas *deltas, const unsigned char *data, const unsigned char *end, uint64_t most)
{
    enum { MOST_BLOCK = 1 << 24, MOST_NUMBERS = 1 << 24 }; /* a few bytes may say that there are many */
    uint64_t block, smalls;
    *deltas = (struct deltas){.data = data, .end = end};
    if (!take_varint(deltas, &block) || !take_varint(deltas, &smalls) || !take_varint(deltas, &deltas->left) ||
        !take_zigzag(deltas, &deltas->number) || block > MOST_BLOCK || smalls == 0 || smalls > block ||
        block % smalls != 0 || block / smalls % 8 != 0 || deltas->left > most || deltas->left > MOST_NUMBERS)
        return false;
    deltas->small_values = block / smalls;
    deltas->smalls = deltas->small = (unsigned)smalls;
    return true;
}

/* Goes to the next small block. */
static bool begin_small(struct deltas *deltas)
{
    if (deltas->small == deltas->smalls) {
        if (!take_zigzag(deltas, &deltas->least) || (size_t)(deltas->end - deltas->data) < deltas->smalls)
            return false;
        deltas->bits = deltas->data;
        deltas->data += deltas->smalls;
        deltas->small = 0;
    }
    deltas->left_in_small = deltas->small_values;
    deltas->at = 0;
    return deltas->bits[deltas->small++] <= 64;
}

static bool take_bits(struct deltas *deltas, unsigned bits, uint64_t *number)
{
    *number = 0;
    for (unsigned have = 0; have < bits;) {
        if (deltas->data == deltas->end)
            return false;
        const unsigned here = 8 - deltas->at, wanted = bits - have, some = here < wanted ? here : wanted;
        *number |= (uint64_t)(*deltas->data >> deltas->at & ((1u << some) - 1)) << have;
        have += some;
        deltas->at += some;
        deltas->data += deltas->at / 8;
        deltas->at %= 8;
    }
    return true;
}

/* Takes the next number, and reads the difference to the one behind it. deltas->left must not be 0. */
static bool take_delta(struct deltas *deltas, uint64_t *number)
{
    uint64_t difference;
    *number = deltas->number;
    if (--deltas->left == 0)
        return true;
    if (deltas->left_in_small == 0 && !begin_small(deltas))
        return false;
    deltas->left_in_small--;
    if (!take_bits(deltas, deltas->bits[deltas->small - 1], &difference))
        return false;
    deltas->number += deltas->least + difference;
    return true;
}

/* Where the bytes behind the numbers begin, all of which are read: the last small block is whole. NULL: not there. */
static const unsigned char *end_of(const struct deltas *deltas)
{
    const unsigned bits = deltas->bits != NULL ? deltas->bits[deltas->small - 1] : 0;
    const uint64_t rest = (deltas->left_in_small * bits + deltas->at) / 8; /* it ends with a whole byte */
    const size_t there = (size_t)(deltas->end - deltas->data);
    return rest <= there ? deltas->data + rest : NULL;
}

/* ---------------------------------------------------------------- what comes out */

/* There is a byte more than is asked for, so that data is not NULL even when nothing comes out. */
static int reserve(struct quern_parquet_expanded *out, size_t more)
{
    if (more > QUERN_PARQUET_MOST_PAGE || out->length > QUERN_PARQUET_MOST_PAGE - more)
        return QUERN_EFORMAT;
    if (out->length + more < out->capacity)
        return QUERN_OK;
    const size_t capacity = 2 * out->capacity + more + 1;
    unsigned char *data = realloc(out->data, capacity);
    if (data == NULL)
        return QUERN_ENOMEM;
    out->data = data;
    out->capacity = capacity;
    return QUERN_OK;
}

static int expand_numbers(struct quern_parquet_expanded *out, struct deltas *deltas, unsigned width)
{
    int code = width <= sizeof(uint64_t) ? reserve(out, deltas->left * width) : QUERN_EFORMAT;
    while (code == QUERN_OK && deltas->left > 0) {
        uint64_t number;
        if (!take_delta(deltas, &number))
            return QUERN_EFORMAT;
        memcpy(out->data + out->length, &number, width); /* the low bytes */
        out->length += width;
    }
    return code;
}

/* Appends a text that has the first `shared` bytes of the one before, which begins at `before`, and then `own` bytes.
 * */
static int add_text(struct quern_parquet_expanded *out, size_t before, uint64_t shared, const unsigned char *own,
                    uint64_t own_length)
{
    const size_t have = out->length > before + sizeof(uint32_t) ? out->length - before - sizeof(uint32_t) : 0;
    if (shared > have || own_length > QUERN_PARQUET_MOST_PAGE)
        return QUERN_EFORMAT;
    const uint32_t length = (uint32_t)(shared + own_length);
    const int code = reserve(out, sizeof length + length);
    if (code != QUERN_OK)
        return code;
    unsigned char *text = out->data + out->length;
    memcpy(text, &length, sizeof length);
    if (shared > 0)
        memcpy(text + sizeof length, out->data + before + sizeof length, (size_t)shared);
    if (own_length > 0)
        memcpy(text + sizeof length + shared, own, (size_t)own_length);
    out->length += sizeof length + length;
    return QUERN_OK;
}

/* Finds the numbers that stand before others, and where they end. */
static const unsigned char *pass_deltas(struct deltas deltas)
{
    uint64_t number;
    while (deltas.left > 0)
        if (!take_delta(&deltas, &number))
            return NULL;
    return end_of(&deltas);
}

/* shared: how many bytes each text has of the one before; NULL: none. */
static int expand_texts(struct quern_parquet_expanded *out, struct deltas *shared, struct deltas *lengths)
{
    const unsigned char *bytes = pass_deltas(*lengths);
    size_t before = 0;
    int code = bytes != NULL && (shared == NULL || shared->left == lengths->left) ? QUERN_OK : QUERN_EFORMAT;
    while (code == QUERN_OK && lengths->left > 0) {
        uint64_t length, common = 0;
        const size_t at = out->length;
        if (!take_delta(lengths, &length) || length > (size_t)(lengths->end - bytes) ||
            (shared != NULL && !take_delta(shared, &common)))
            return QUERN_EFORMAT;
        code = add_text(out, before, common, bytes, length);
        bytes += length;
        before = at;
    }
    return code;
}

/* DELTA_BYTE_ARRAY: how many bytes texts have of the one before, then the rest as DELTA_LENGTH_BYTE_ARRAY. */
static int expand_shared(struct quern_parquet_expanded *out, struct deltas *shared, uint64_t most)
{
    struct deltas lengths;
    const unsigned char *behind = pass_deltas(*shared);
    if (behind == NULL || !begin_deltas(&lengths, behind, shared->end, most))
        return QUERN_EFORMAT;
    return expand_texts(out, shared, &lengths);
}

/* BYTE_STREAM_SPLIT: the first bytes of all values, then the second ones, and so on. */
static int expand_split(struct quern_parquet_expanded *out, unsigned width, const unsigned char *data, size_t length)
{
    if (width == 0 || length % width != 0)
        return QUERN_EFORMAT;
    const int code = reserve(out, length);
    const size_t count = length / width;
    for (size_t i = 0; code == QUERN_OK && i < length; i++)
        out->data[out->length + i % count * width + i / count] = data[i];
    out->length += code == QUERN_OK ? length : 0;
    return code;
}

bool quern_parquet_expands(int64_t encoding)
{
    return encoding == QUERN_PARQUET_DELTA_INTEGERS || encoding == QUERN_PARQUET_DELTA_LENGTHS ||
           encoding == QUERN_PARQUET_DELTA_TEXTS || encoding == QUERN_PARQUET_STREAM_SPLIT;
}

int quern_parquet_expand(struct quern_parquet_expanded *out, int64_t encoding, unsigned width,
                         const unsigned char *data, size_t length, uint64_t most)
{
    struct deltas deltas;
    out->length = 0;
    const int code = reserve(out, 0);
    if (code != QUERN_OK || length == 0) /* a page of nulls */
        return code;
    if (encoding == QUERN_PARQUET_STREAM_SPLIT)
        return expand_split(out, width, data, length);
    if ((width == 0) == (encoding == QUERN_PARQUET_DELTA_INTEGERS) || !begin_deltas(&deltas, data, data + length, most))
        return QUERN_EFORMAT;
    if (encoding == QUERN_PARQUET_DELTA_INTEGERS)
        return expand_numbers(out, &deltas, width);
    if (encoding == QUERN_PARQUET_DELTA_LENGTHS)
        return expand_texts(out, NULL, &deltas);
    return expand_shared(out, &deltas, most);
}
