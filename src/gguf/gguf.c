#include "gguf/gguf.h"

#include "base/error.h"
#include "base/file_kind.h"
#include "gguf/name_index.h"

#include <stdlib.h>
#include <string.h>

/* Limits far above every real file. They are small enough that a hostile file costs little: should all names have one
 * hash, they are compared MAX_ENTRIES^2 / 2 times. */
#define MAX_ENTRIES 16384
#define MAX_KEY 65535
#define MAX_NAME 63 /* of a tensor, as in ggml */
#define MAX_ALIGNMENT (1u << 20)
#define MIN_VALUE_BYTES 14  /* length of the key, one byte of it, type, one byte of value */
#define MIN_TENSOR_BYTES 33 /* length of the name, one byte of it, dimension count, one dimension, type, offset */

/* The arguments of "%.*s" in a message, for a name that may be long. */
#define SHOW(text) (int)((text).length < 80 ? (text).length : 80), (text).data

struct reader {
    const unsigned char *data;
    size_t size, position; /* position <= size */
    quern_error *error;
};

/* ---------------------------------------------------------------- fields */

static int cut_off(struct reader *in, const char *what)
{
    return quern_fail(in->error, QUERN_EFORMAT, "the file is cut off: it ends at byte %zu inside %s; fetch it again",
                      in->size, what);
}

/* Returns the next count bytes and goes past them; NULL when the file ends before. */
static const unsigned char *take(struct reader *in, size_t count, const char *what)
{
    const unsigned char *bytes = in->data + in->position;
    if (count > in->size - in->position) {
        cut_off(in, what);
        return NULL;
    }
    in->position += count;
    return bytes;
}

static int copy(struct reader *in, void *value, size_t size, const char *what)
{
    const unsigned char *bytes = take(in, size, what);
    if (bytes == NULL)
        return QUERN_EFORMAT;
    memcpy(value, bytes, size);
    return QUERN_OK;
}

static int take_u32(struct reader *in, uint32_t *value, const char *what)
{
    return copy(in, value, sizeof *value, what);
}

static int take_u64(struct reader *in, uint64_t *value, const char *what)
{
    return copy(in, value, sizeof *value, what);
}

static int take_text(struct reader *in, quern_text *text, const char *what)
{
    uint64_t length;
    QUERN_TRY(take_u64(in, &length, what));
    if (length > in->size - in->position)
        return cut_off(in, what);
    *text = (quern_text){(const char *)in->data + in->position, (size_t)length};
    in->position += (size_t)length;
    return QUERN_OK;
}

/* ---------------------------------------------------------------- header */

static int read_count(struct reader *in, const char *what, size_t *count)
{
    uint64_t number;
    QUERN_TRY(take_u64(in, &number, "the header"));
    if (number > MAX_ENTRIES)
        return quern_fail(in->error, QUERN_EFORMAT, "the header claims %llu %s, more than the %d allowed: the file is "
                          "damaged", (unsigned long long)number, what, MAX_ENTRIES);
    *count = (size_t)number;
    return QUERN_OK;
}

static int read_header(struct reader *in, struct quern_gguf *gguf)
{
    const char *kind = quern_file_kind(in->data, in->size);
    if (kind != NULL && (in->size < 4 || memcmp(in->data, "GGUF", 4) != 0))
        return quern_fail(in->error, QUERN_EFORMAT, "not a GGUF file, but %s", kind);
    const unsigned char *magic = take(in, 4, "the header");
    if (magic == NULL)
        return QUERN_EFORMAT;
    if (memcmp(magic, "GGUF", 4) != 0)
        return quern_fail(in->error, QUERN_EFORMAT, "not a GGUF file: it starts with %02x %02x %02x %02x, not with "
                          "\"GGUF\"", magic[0], magic[1], magic[2], magic[3]);
    QUERN_TRY(take_u32(in, &gguf->version, "the header"));
    if (gguf->version != 0 && (gguf->version & 0xFFFF) == 0)
        return quern_fail(in->error, QUERN_EUNSUPPORTED, "a big-endian GGUF file: convert the model for a "
                          "little-endian machine");
    if (gguf->version < 2 || gguf->version > 3)
        return quern_fail(in->error, QUERN_EUNSUPPORTED, "GGUF version %u is not supported, only 2 and 3: convert the "
                          "model again", gguf->version);
    QUERN_TRY(read_count(in, "tensors", &gguf->tensor_count));
    QUERN_TRY(read_count(in, "keys", &gguf->value_count));
    size_t rest = in->size - in->position;
    if (gguf->value_count > rest / MIN_VALUE_BYTES || gguf->tensor_count > rest / MIN_TENSOR_BYTES)
        return cut_off(in, "its keys and tensors");
    return QUERN_OK;
}

/* ---------------------------------------------------------------- keys and values */

static int read_array(struct reader *in, struct quern_gguf_value *value)
{
    QUERN_TRY(take_u32(in, &value->element, "an array"));
    QUERN_TRY(take_u64(in, &value->count, "an array"));
    value->data = in->data + in->position;
    size_t element_size = quern_gguf_kind_size(value->element), rest = in->size - in->position;
    if (element_size == 0 && value->element != QUERN_GGUF_STRING)
        return quern_fail(in->error, QUERN_EFORMAT, "key '%.*s': an array cannot have elements of type %u",
                          SHOW(value->key), value->element);
    if (value->count > rest / (element_size ? element_size : sizeof(uint64_t)))
        return quern_fail(in->error, QUERN_EFORMAT, "key '%.*s': the file ends inside its array of %llu elements; "
                          "fetch it again", SHOW(value->key), (unsigned long long)value->count);
    if (element_size) {
        in->position += (size_t)value->count * element_size;
    } else {
        quern_text element;
        for (uint64_t i = 0; i < value->count; i++)
            QUERN_TRY(take_text(in, &element, "an array of strings"));
    }
    value->bytes = (size_t)(in->data + in->position - value->data);
    return QUERN_OK;
}

static int read_value(struct reader *in, struct quern_gguf_value *value)
{
    if (value->kind == QUERN_GGUF_ARRAY)
        return read_array(in, value);
    if (value->kind == QUERN_GGUF_STRING) {
        quern_text text = {NULL, 0};
        QUERN_TRY(take_text(in, &text, "a string"));
        value->data = (const unsigned char *)text.data;
        value->bytes = text.length;
        return QUERN_OK;
    }
    value->bytes = quern_gguf_kind_size(value->kind);
    if (value->bytes == 0)
        return quern_fail(in->error, QUERN_EFORMAT, "key '%.*s' has the unknown value type %u", SHOW(value->key),
                          value->kind);
    value->data = take(in, value->bytes, "a value");
    if (value->data == NULL)
        return QUERN_EFORMAT;
    if (value->kind == QUERN_GGUF_BOOL && value->data[0] > 1)
        return quern_fail(in->error, QUERN_EFORMAT, "key '%.*s': a bool must be 0 or 1, not %u", SHOW(value->key),
                          value->data[0]);
    return QUERN_OK;
}

static int read_values(struct reader *in, struct quern_gguf *gguf)
{
    for (size_t i = 0; i < gguf->value_count; i++) {
        struct quern_gguf_value *value = &gguf->values[i];
        size_t start = in->position;
        QUERN_TRY(take_text(in, &value->key, "a key"));
        if (value->key.length == 0 || value->key.length > MAX_KEY)
            return quern_fail(in->error, QUERN_EFORMAT, "key %zu, at byte %zu: a key must have 1 to %d bytes, not "
                              "%zu", i, start, MAX_KEY, value->key.length);
        if (!quern_gguf_index_value(gguf, i))
            return quern_fail(in->error, QUERN_EFORMAT, "key '%.*s' occurs twice", SHOW(value->key));
        QUERN_TRY(take_u32(in, &value->kind, "the type of a key"));
        QUERN_TRY(read_value(in, value));
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- tensors */

static int find_alignment(const struct quern_gguf *gguf, uint32_t *alignment, quern_error *error)
{
    const struct quern_gguf_value *value = quern_gguf_find(gguf, "general.alignment");
    *alignment = 32;
    if (value == NULL)
        return QUERN_OK;
    if (value->kind != QUERN_GGUF_U32)
        return quern_fail(error, QUERN_EFORMAT, "key 'general.alignment' has value type %u, but must have u32",
                          value->kind);
    memcpy(alignment, value->data, sizeof *alignment);
    if (*alignment < 8 || *alignment > MAX_ALIGNMENT || (*alignment & (*alignment - 1)) != 0)
        return quern_fail(error, QUERN_EFORMAT, "key 'general.alignment' is %u, but must be a power of two from 8 "
                          "to %u", *alignment, MAX_ALIGNMENT);
    return QUERN_OK;
}

static int read_name(struct reader *in, struct quern_gguf *gguf, size_t i)
{
    struct quern_gguf_tensor *tensor = &gguf->tensors[i];
    size_t start = in->position;
    QUERN_TRY(take_text(in, &tensor->name, "the name of a tensor"));
    quern_text name = tensor->name;
    if (name.length == 0 || name.length > MAX_NAME || memchr(name.data, '\0', name.length) != NULL)
        return quern_fail(in->error, QUERN_EFORMAT, "tensor %zu, at byte %zu: a name must have 1 to %d bytes and no "
                          "NUL", i, start, MAX_NAME);
    if (!quern_gguf_index_tensor(gguf, i))
        return quern_fail(in->error, QUERN_EFORMAT, "tensor '%.*s' occurs twice", SHOW(name));
    return QUERN_OK;
}

static int read_shape(struct reader *in, struct quern_gguf_tensor *tensor)
{
    uint32_t dimensions;
    QUERN_TRY(take_u32(in, &dimensions, "a tensor's shape"));
    if (dimensions < 1 || dimensions > 4)
        return quern_fail(in->error, QUERN_EFORMAT, "tensor '%.*s' has %u dimensions, but must have 1 to 4",
                          SHOW(tensor->name), dimensions);
    tensor->dimensions = (int)dimensions;
    tensor->elements = 1;
    for (uint32_t d = 0; d < 4; d++) {
        tensor->shape[d] = 1;
        if (d < dimensions)
            QUERN_TRY(take_u64(in, &tensor->shape[d], "a tensor's shape"));
        if (tensor->shape[d] == 0)
            return quern_fail(in->error, QUERN_EFORMAT, "tensor '%.*s': dimension %u is zero", SHOW(tensor->name), d);
        if (tensor->shape[d] > INT64_MAX / tensor->elements)
            return quern_fail(in->error, QUERN_EFORMAT, "tensor '%.*s' has more elements than can be counted",
                              SHOW(tensor->name));
        tensor->elements *= tensor->shape[d];
    }
    return QUERN_OK;
}

static int read_type(struct reader *in, struct quern_gguf_tensor *tensor)
{
    QUERN_TRY(take_u32(in, &tensor->type, "a tensor's type"));
    const struct quern_type_info *info = quern_type_info(tensor->type);
    if (info == NULL || info->block_elements == 0)
        return quern_fail(in->error, QUERN_EUNSUPPORTED, "tensor '%.*s' has type %u (%s), which is not supported",
                          SHOW(tensor->name), tensor->type, info != NULL ? info->name : "unknown");
    uint64_t block = (uint64_t)info->block_elements, bytes;
    if (tensor->shape[0] % block != 0)
        return quern_fail(in->error, QUERN_EFORMAT, "tensor '%.*s': a row of %llu elements does not divide into %s "
                          "blocks of %d", SHOW(tensor->name), (unsigned long long)tensor->shape[0], info->name,
                          info->block_elements);
    if (__builtin_mul_overflow(tensor->elements / block, (uint64_t)info->block_bytes, &bytes) || bytes > PTRDIFF_MAX)
        return quern_fail(in->error, QUERN_EFORMAT, "tensor '%.*s' is larger than can be addressed",
                          SHOW(tensor->name));
    tensor->bytes = (size_t)bytes;
    return QUERN_OK;
}

/* Tensors must lie in file order without gaps, each padded to the alignment. So they cannot overlap, and each offset
 * follows from the sizes before it. *end is where the last tensor ended, padded. */
static int read_offset(struct reader *in, const struct quern_gguf_tensor *tensor, uint32_t alignment, uint64_t *end)
{
    uint64_t offset;
    QUERN_TRY(take_u64(in, &offset, "a tensor's offset"));
    if (offset != *end)
        return quern_fail(in->error, QUERN_EFORMAT, "tensor '%.*s' has offset %llu, but must have %llu",
                          SHOW(tensor->name), (unsigned long long)offset, (unsigned long long)*end);
    if (tensor->bytes > PTRDIFF_MAX - alignment - *end)
        return quern_fail(in->error, QUERN_EFORMAT, "tensor '%.*s' ends beyond what can be addressed",
                          SHOW(tensor->name));
    *end = (*end + tensor->bytes + alignment - 1) / alignment * alignment;
    return QUERN_OK;
}

/* Gives every tensor its data. The padding after the last one may be missing. */
static int place_tensors(struct reader *in, struct quern_gguf *gguf, uint32_t alignment)
{
    uint64_t offset = ((uint64_t)in->position + alignment - 1) / alignment * alignment;
    for (size_t i = 0; i < gguf->tensor_count; i++) {
        struct quern_gguf_tensor *tensor = &gguf->tensors[i];
        if (offset > in->size || tensor->bytes > in->size - offset)
            return quern_fail(in->error, QUERN_EFORMAT,
                              "the file is cut off: tensor '%.*s' ends at byte %llu, the file at %zu; fetch it again",
                              SHOW(tensor->name),
                              (unsigned long long)(offset + tensor->bytes), in->size);
        tensor->data = in->data + offset;
        offset = (offset + tensor->bytes + alignment - 1) / alignment * alignment;
    }
    return QUERN_OK;
}

static int read_tensors(struct reader *in, struct quern_gguf *gguf)
{
    uint32_t alignment;
    uint64_t end = 0;
    QUERN_TRY(find_alignment(gguf, &alignment, in->error));
    for (size_t i = 0; i < gguf->tensor_count; i++) {
        QUERN_TRY(read_name(in, gguf, i));
        QUERN_TRY(read_shape(in, &gguf->tensors[i]));
        QUERN_TRY(read_type(in, &gguf->tensors[i]));
        QUERN_TRY(read_offset(in, &gguf->tensors[i], alignment, &end));
    }
    return place_tensors(in, gguf, alignment);
}

/* ---------------------------------------------------------------- opening */

static int parse(struct quern_gguf *gguf, quern_error *error)
{
    struct reader in = {.data = gguf->map.data, .size = gguf->map.size, .error = error};
    QUERN_TRY(read_header(&in, gguf));
    QUERN_TRY(quern_gguf_index_new(gguf, error));
    QUERN_TRY(read_values(&in, gguf));
    return read_tensors(&in, gguf);
}

int quern_gguf_parse(struct quern_gguf *gguf, const void *data, size_t size, quern_error *error)
{
    *gguf = (struct quern_gguf){.map = {.data = data, .size = size, .slot = -1}};
    int code = parse(gguf, error);
    if (code != QUERN_OK)
        quern_gguf_close(gguf);
    return code;
}

int quern_gguf_open(struct quern_gguf *gguf, const char *path, quern_error *error)
{
    *gguf = (struct quern_gguf){.map = {.slot = -1}};
    QUERN_TRY(quern_map_open(&gguf->map, path, error));
    int code = parse(gguf, error);
    int lost = quern_map_check(&gguf->map, error); /* a lost file reads as zeros, which cause other errors */
    if (lost == QUERN_OK && code == QUERN_OK)
        return QUERN_OK;
    quern_gguf_close(gguf);
    return lost != QUERN_OK ? lost : quern_fail_in(error, code, path);
}

void quern_gguf_close(struct quern_gguf *gguf)
{
    quern_map_close(&gguf->map);
    free(gguf->index);
    *gguf = (struct quern_gguf){.map = {.slot = -1}};
}
