/* Rows and vectors of an index on their way to the library. */
#include "node_addon.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct packed_texts {
    const char *bytes;
    size_t size;
    const uint32_t *lengths; /* [count]; NULL: there are no texts */
    size_t count;
};

/* Reads null or a typed array. */
static bool read_array(napi_env env, napi_value value, napi_typedarray_type type, void **data, size_t *count)
{
    static uint32_t nothing; /* what an empty array has instead of an address */
    napi_valuetype kind = napi_undefined;
    *data = NULL;
    *count = 0;
    if (napi_typeof(env, value, &kind) == napi_ok && kind == napi_null)
        return true;
    if (!quern_node_elements(env, value, type, data, count))
        return false;
    if (*data == NULL)
        *data = &nothing;
    return true;
}

static bool read_texts(napi_env env, const napi_value arguments[2], struct packed_texts *texts)
{
    void *bytes = NULL, *lengths = NULL;
    if (!read_array(env, arguments[0], napi_uint8_array, &bytes, &texts->size) ||
        !read_array(env, arguments[1], napi_uint32_array, &lengths, &texts->count))
        return false;
    texts->bytes = bytes;
    texts->lengths = lengths;
    size_t left = texts->size;
    for (size_t i = 0; i < texts->count; i++) {
        if (texts->lengths[i] > left)
            return false;
        left -= texts->lengths[i];
    }
    return true;
}

/* Points the texts of rows to a copy of their bytes at *at, and moves *at behind it. is_payload: else a name. */
static void place_texts(struct quern_node_rows *rows, const struct packed_texts *texts, bool is_payload, char **at)
{
    if (texts->lengths == NULL)
        return;
    if (texts->size > 0)
        memcpy(*at, texts->bytes, texts->size);
    for (size_t i = 0; i < rows->count; i++) {
        *(is_payload ? &rows->rows[i].payload : &rows->rows[i].name) = (quern_text){*at, texts->lengths[i]};
        *at += texts->lengths[i];
    }
}

bool quern_node_copy_rows(napi_env env, const napi_value arguments[QUERN_NODE_ROW_ARGUMENTS],
                          struct quern_node_rows *rows)
{
    struct packed_texts names = {0}, payloads = {0};
    void *numbers = NULL;
    size_t count = 0;
    if (!read_array(env, arguments[0], napi_biguint64_array, &numbers, &count) ||
        !read_texts(env, arguments + 1, &names) || !read_texts(env, arguments + 3, &payloads))
        return false;
    count = numbers != NULL ? count : names.count;
    if ((names.lengths != NULL && names.count != count) || (payloads.lengths != NULL && payloads.count != count))
        return false;
    *rows = (struct quern_node_rows){.rows = calloc(count + 1, sizeof *rows->rows), .count = count,
                                     .bytes = malloc(names.size + payloads.size + 1)};
    if (rows->rows == NULL || rows->bytes == NULL) {
        quern_node_free_rows(rows);
        return false;
    }
    for (size_t i = 0; i < count && numbers != NULL; i++)
        rows->rows[i].number = ((const uint64_t *)numbers)[i];
    char *at = rows->bytes;
    place_texts(rows, &names, false, &at);
    place_texts(rows, &payloads, true, &at);
    return true;
}

void quern_node_free_rows(struct quern_node_rows *rows)
{
    free(rows->rows);
    free(rows->bytes);
    *rows = (struct quern_node_rows){0};
}

float *quern_node_copy_vectors(napi_env env, napi_value array, size_t dimensions, int64_t first, size_t count)
{
    void *data = NULL;
    size_t numbers = 0;
    if (!quern_node_elements(env, array, napi_float32_array, &data, &numbers) || dimensions == 0 || first < 0)
        return NULL;
    const size_t rows = numbers / dimensions;
    if ((uint64_t)first > rows || count > rows - (size_t)first)
        return NULL;
    float *vectors = malloc((count * dimensions + 1) * sizeof *vectors); // no more than the array has
    if (vectors != NULL && count > 0)
        memcpy(vectors, (const float *)data + (size_t)first * dimensions, count * dimensions * sizeof *vectors);
    return vectors;
}
