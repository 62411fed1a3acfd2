/* Rows of an index on their way to JavaScript. */
#include "node_addon.h"
#include <stdlib.h>
#include <string.h>

bool quern_node_take_found(struct quern_node_found *found, size_t most)
{
    found->rows = calloc(most + 1, sizeof *found->rows);
    return found->rows != NULL;
}

void quern_node_free_found(struct quern_node_found *found)
{
    free(found->rows);
}

int quern_node_find(struct quern_node_found *found, const quern_index *index, uint64_t place, quern_error *error)
{
    quern_index_row *row = &found->rows[found->count];
    const int code = quern_index_get(index, place, row, error);
    if (code != QUERN_OK)
        return code;
    found->count++;
    found->name_bytes += row->name.length;
    found->payload_bytes += row->payload.length;
    return QUERN_OK;
}

napi_value quern_node_buffer(napi_env env, napi_value result, const char *name, size_t bytes, void **data)
{
    napi_value buffer = NULL;
    *data = NULL;
    if (napi_create_arraybuffer(env, bytes, data, &buffer) != napi_ok)
        return NULL;
    quern_node_set(env, result, name, buffer);
    return buffer;
}

static void copy_text_to(char **at, quern_text text)
{
    if (text.length > 0)
        memcpy(*at, text.data, text.length);
    *at += text.length;
}

bool quern_node_set_found(napi_env env, napi_value result, const struct quern_node_found *found)
{
    void *numbers, *names, *payloads, *name_lengths, *payload_lengths;
    if (quern_node_buffer(env, result, "numbers", found->count * sizeof(uint64_t), &numbers) == NULL ||
        quern_node_buffer(env, result, "names", found->name_bytes, &names) == NULL ||
        quern_node_buffer(env, result, "nameLengths", found->count * sizeof(uint32_t), &name_lengths) == NULL ||
        quern_node_buffer(env, result, "payloads", found->payload_bytes, &payloads) == NULL ||
        quern_node_buffer(env, result, "payloadLengths", found->count * sizeof(uint32_t), &payload_lengths) == NULL)
        return false;
    char *name = names, *payload = payloads;
    for (size_t i = 0; i < found->count; i++) {
        const quern_index_row *row = &found->rows[i];
        ((uint64_t *)numbers)[i] = row->number;
        ((uint32_t *)name_lengths)[i] = (uint32_t)row->name.length; // at most QUERN_INDEX_MOST_NAME
        ((uint32_t *)payload_lengths)[i] = (uint32_t)row->payload.length; // at most QUERN_INDEX_MOST_PAYLOAD
        copy_text_to(&name, row->name);
        copy_text_to(&payload, row->payload);
    }
    return true;
}

/* ---------------------------------------------------------------- reading rows */

/* A call reads so many rows at most, and ends when it has so many bytes. */
enum { ROWS_READ_AT_ONCE = 1024, ROW_BYTES_AT_ONCE = 1 << 20 };

struct read_work {
    struct quern_node_work work; /* first */
    uint64_t place; /* where it begins; then the one behind the last that was read */
    struct quern_node_rows only;
    bool has_only;
    uint64_t *bitmap;
    struct quern_node_found found;
};

static void release_read(struct quern_node_work *work)
{
    struct read_work *read = (struct read_work *)work;
    quern_node_free_rows(&read->only);
    quern_node_free_found(&read->found);
    free(read->bitmap);
    free(read);
}

static int read_rows(struct read_work *read)
{
    const struct quern_node_index *index = (struct quern_node_index *)read->work.owner;
    struct quern_node_found *found = &read->found;
    int code = QUERN_OK;
    read->bitmap = read->has_only ? calloc((size_t)(index->info.places + 63) / 64 + 1, sizeof *read->bitmap) : NULL;
    if (!quern_node_take_found(found, ROWS_READ_AT_ONCE) || (read->has_only && read->bitmap == NULL))
        return quern_node_fail(&read->work, QUERN_ENOMEM, "there is no memory for rows");
    if (read->has_only)
        code = quern_index_select(index->index, read->only.rows, read->only.count, read->bitmap, &read->work.error);
    while (code == QUERN_OK && read->place < index->info.places && found->count < ROWS_READ_AT_ONCE &&
           found->name_bytes + found->payload_bytes < ROW_BYTES_AT_ONCE) {
        const uint64_t place = read->place++;
        if (read->bitmap != NULL && (read->bitmap[place / 64] >> place % 64 & 1) == 0)
            continue;
        code = quern_node_find(found, index->index, place, &read->work.error);
        if (code == QUERN_EINVAL) /* it was removed */
            code = QUERN_OK;
    }
    return code;
}

static void execute_read(struct quern_node_work *work)
{
    work->code = read_rows((struct read_work *)work);
}

static napi_value read_result(napi_env env, struct quern_node_work *work)
{
    const struct read_work *read = (struct read_work *)work;
    const struct quern_node_index *index = (struct quern_node_index *)work->owner;
    napi_value result = NULL;
    if (napi_create_object(env, &result) != napi_ok || !quern_node_set_found(env, result, &read->found))
        return NULL;
    quern_node_set_number(env, result, "next", read->place < index->info.places ? (double)read->place : -1);
    return result;
}

/* readRows(index, place, hasOnly, ...QUERN_NODE_ROW_ARGUMENTS, callback): reads some rows from a place on. The callback
 * is given {next}, the place to go on from or -1, and what quern_node_set_found tells. */
enum { READ_COUNT = 4 + QUERN_NODE_ROW_ARGUMENTS };

napi_value quern_node_read_rows(napi_env env, napi_callback_info info)
{
    napi_value arguments[READ_COUNT];
    if (!quern_node_arguments(env, info, READ_COUNT, arguments))
        return NULL;
    struct quern_node_owner *owner = quern_node_owner_of(env, arguments[0], QUERN_NODE_INDEX);
    if (owner == NULL)
        return NULL;
    struct read_work *read = quern_node_take(env, sizeof *read);
    if (read == NULL)
        return NULL;
    int64_t place = 0;
    read->work = (struct quern_node_work){.execute = execute_read, .result = read_result, .release = release_read,
                                          .owner = owner};
    if (napi_get_value_int64(env, arguments[1], &place) != napi_ok || place < 0 ||
        napi_get_value_bool(env, arguments[2], &read->has_only) != napi_ok ||
        !quern_node_copy_rows(env, arguments + 3, &read->only)) {
        release_read(&read->work);
        return quern_node_throw(env, "readRows(index, place, hasOnly, ...rows, callback)");
    }
    read->place = (uint64_t)place;
    quern_node_start(env, &read->work, arguments[READ_COUNT - 1]);
    return NULL;
}
