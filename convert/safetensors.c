#include "safetensors.h"

#include "base/count.h"
#include "base/error.h"
#include "base/file_kind.h"
#include "json_file.h"

#include <stdlib.h>
#include <string.h>

#define MOST_HEADER (16u << 20) /* bytes; that of EmbeddingGemma has 40,000 */
#define MOST_TENSORS 16384

struct header {
    struct quern_json json;
    const unsigned char *data; /* of the tensors, after the header */
    uint64_t size;
};

static int wrong(const struct header *header, const char *name, const char *what, quern_error *error)
{
    return quern_fail(error, QUERN_EFORMAT, "%s: tensor %.80s %s", header->json.path, name, what);
}

static int read_type(const struct header *header, const char *name, const json_t *entry, uint32_t *type,
                     quern_error *error)
{
    static const struct {
        const char *name;
        uint32_t type;
    } types[] = {{"F32", QUERN_TYPE_F32}, {"F16", QUERN_TYPE_F16}, {"BF16", QUERN_TYPE_BF16},
                 {"I64", QUERN_SAFETENSORS_I64}};
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (dtype == NULL)
        return wrong(header, name, "has no dtype", error);
    for (size_t i = 0; i < QUERN_COUNT(types); i++)
        if (strcmp(types[i].name, dtype) == 0) {
            *type = types[i].type;
            return QUERN_OK;
        }
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: tensor %.80s has type %.16s; quern reads F32, F16 and BF16",
                      header->json.path, name, dtype);
}

/* In the file, the length of a row is the last number of the shape. */
static int read_shape(const struct header *header, struct quern_safetensor *tensor, const json_t *entry,
                      quern_error *error)
{
    const json_t *shape = json_object_get(entry, "shape");
    size_t count = json_array_size(shape);
    if (!json_is_array(shape) || count < 1 || count > 4)
        return wrong(header, tensor->name, "does not have 1 to 4 dimensions", error);
    tensor->dimensions = (int)count;
    tensor->elements = 1;
    for (size_t d = 0; d < 4; d++)
        tensor->shape[d] = 1;
    for (size_t d = 0; d < count; d++) {
        const json_t *size = json_array_get(shape, count - 1 - d);
        if (!json_is_integer(size) || json_integer_value(size) < 1)
            return wrong(header, tensor->name, "has a dimension that is not 1 or more", error);
        tensor->shape[d] = (uint64_t)json_integer_value(size);
        if (__builtin_mul_overflow(tensor->elements, tensor->shape[d], &tensor->elements))
            return wrong(header, tensor->name, "is larger than any file", error);
    }
    return QUERN_OK;
}

static int read_data(const struct header *header, struct quern_safetensor *tensor, const json_t *entry,
                     quern_error *error)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *first = json_array_get(offsets, 0), *second = json_array_get(offsets, 1);
    uint64_t element = (uint64_t)quern_type_info(tensor->type)->block_bytes, bytes;
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(second) ||
        json_integer_value(first) < 0 || json_integer_value(second) < json_integer_value(first))
        return wrong(header, tensor->name, "has no sound data_offsets", error);
    uint64_t begin = (uint64_t)json_integer_value(first), end = (uint64_t)json_integer_value(second);
    if (end > header->size)
        return quern_fail(error, QUERN_EFORMAT, "%s is cut off: tensor %.80s ends at byte %llu of its data, the file "
                          "at %llu; fetch it again", header->json.path, tensor->name, (unsigned long long)end,
                          (unsigned long long)header->size);
    if (__builtin_mul_overflow(tensor->elements, element, &bytes) || bytes != end - begin)
        return wrong(header, tensor->name, "has data_offsets that do not fit its shape", error);
    tensor->data = header->data + begin;
    tensor->bytes = (size_t)bytes;
    return QUERN_OK;
}

static int by_data(const void *a, const void *b)
{
    const struct quern_safetensor *x = a, *y = b;
    return x->data < y->data ? -1 : x->data > y->data;
}

/* Checks that tensors share no bytes and that no byte is left over. Then the description and the data agree. */
static int check_layout(const struct header *header, struct quern_safetensors *file, quern_error *error)
{
    const unsigned char *at = header->data;
    qsort(file->tensors, file->count, sizeof *file->tensors, by_data);
    for (size_t i = 0; i < file->count; at += file->tensors[i++].bytes)
        if (file->tensors[i].data != at)
            return wrong(header, file->tensors[i].name, "does not begin where the one before it ends", error);
    if (at != header->data + header->size)
        return quern_fail(error, QUERN_EFORMAT, "%s has %zu bytes that belong to no tensor", header->json.path,
                          (size_t)(header->data + header->size - at));
    return QUERN_OK;
}

static int allocate(const struct header *header, struct quern_safetensors *file, quern_error *error)
{
    const char *name;
    json_t *entry;
    size_t count = json_object_size(header->json.root), length = 0;
    if (count > MOST_TENSORS)
        return quern_fail(error, QUERN_EFORMAT, "%s has %zu tensors, more than the %d allowed", header->json.path,
                          count, MOST_TENSORS);
    json_object_foreach(header->json.root, name, entry)
        length += strlen(name) + 1;
    file->tensors = calloc(count + 1, sizeof *file->tensors);
    file->names = malloc(length + 1);
    if (file->tensors == NULL || file->names == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the %zu tensors of %s", count, header->json.path);
    return QUERN_OK;
}

static int read_tensors(const struct header *header, struct quern_safetensors *file, quern_error *error)
{
    const char *name;
    json_t *entry;
    QUERN_TRY(allocate(header, file, error));
    char *names = file->names;
    json_object_foreach(header->json.root, name, entry) {
        struct quern_safetensor *tensor = &file->tensors[file->count];
        if (strcmp(name, "__metadata__") == 0)
            continue;
        tensor->name = strcpy(names, name);
        names += strlen(name) + 1;
        QUERN_TRY(read_type(header, name, entry, &tensor->type, error));
        QUERN_TRY(read_shape(header, tensor, entry, error));
        QUERN_TRY(read_data(header, tensor, entry, error));
        file->count++;
    }
    return check_layout(header, file, error);
}

static int parse(struct quern_safetensors *file, const char *path, quern_error *error)
{
    uint64_t length = 0;
    struct header header = {0};
    file->path = strdup(path);
    if (file->path == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to read %s", path);
    if (file->map.size >= sizeof length)
        memcpy(&length, file->map.data, sizeof length);
    const char *kind = quern_file_kind(file->map.data, file->map.size);
    if (kind != NULL && (file->map.size <= sizeof length || file->map.data[sizeof length] != '{'))
        return quern_fail(error, QUERN_EFORMAT, "%s is not a safetensors file, but %s", path, kind);
    if (file->map.size < sizeof length || length > MOST_HEADER)
        return quern_fail(error, QUERN_EFORMAT, "%s is not a safetensors file: its header would have %llu bytes", path,
                          (unsigned long long)length);
    if (length > file->map.size - sizeof length)
        return quern_fail(error, QUERN_EFORMAT, "%s is cut off inside its header; fetch it again", path);
    QUERN_TRY(quern_json_parse(&header.json, file->map.data + sizeof length, (size_t)length, path, JSON_OBJECT, error));
    header.data = file->map.data + sizeof length + length;
    header.size = file->map.size - sizeof length - length;
    int code = read_tensors(&header, file, error);
    quern_json_close(&header.json);
    return code;
}

int quern_safetensors_parse(struct quern_safetensors *file, const void *data, size_t size, const char *path,
                            quern_error *error)
{
    *file = (struct quern_safetensors){.map = {.data = data, .size = size, .slot = -1}};
    int code = parse(file, path, error);
    if (code != QUERN_OK)
        quern_safetensors_close(file);
    return code;
}

int quern_safetensors_open(struct quern_safetensors *file, const char *path, quern_error *error)
{
    *file = (struct quern_safetensors){.map = {.slot = -1}};
    QUERN_TRY(quern_map_open(&file->map, path, error));
    int code = parse(file, path, error);
    int lost = quern_map_check(&file->map, error);
    if (lost != QUERN_OK)
        code = lost;
    if (code != QUERN_OK)
        quern_safetensors_close(file);
    return code;
}

void quern_safetensors_close(struct quern_safetensors *file)
{
    quern_map_close(&file->map);
    free(file->path);
    free(file->tensors);
    free(file->names);
    *file = (struct quern_safetensors){.map = {.slot = -1}};
}

const struct quern_safetensor *quern_safetensors_find(const struct quern_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

int quern_safetensors_linear(const struct quern_safetensors *file, const struct quern_safetensor **tensor,
                             quern_error *error)
{
    *tensor = quern_safetensors_find(file, "linear.weight");
    if (*tensor == NULL || file->count != 1)
        return quern_fail(error, QUERN_EFORMAT, "%s does not hold the tensor linear.weight alone, as "
                          "2_Dense/model.safetensors and 3_Dense/model.safetensors of a model's folder do", file->path);
    return QUERN_OK;
}
