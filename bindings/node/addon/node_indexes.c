/* Indexes: open and check. */
#include "node_addon.h"
#include <stdlib.h>

struct open_index_work {
    struct quern_node_work work; /* first */
    char path[QUERN_NODE_PATH_SIZE];
    int threads;
    quern_index *index;
    quern_index_info info;
};

static void execute_open_index(struct quern_node_work *work)
{
    struct open_index_work *opened = (struct open_index_work *)work;
    work->code = quern_index_open(&opened->index, opened->path, &work->error);
    if (work->code == QUERN_OK)
        work->code = quern_index_describe(opened->index, &opened->info, &work->error);
}

static void release_open_index(struct quern_node_work *work)
{
    quern_index_close(((struct open_index_work *)work)->index);
    free(work);
}

static void close_index(struct quern_node_owner *owner)
{
    struct quern_node_index *index = (struct quern_node_index *)owner;
    quern_searcher_free(index->searcher);
    quern_index_close(index->index);
    index->searcher = NULL;
    index->index = NULL;
}

static napi_value index_object(napi_env env, struct open_index_work *opened)
{
    struct quern_node_index *index = quern_node_take(env, sizeof *index);
    if (index == NULL)
        return NULL;
    index->owner = (struct quern_node_owner){.kind = QUERN_NODE_INDEX, .close = close_index,
                                             .closed = "the index was closed"};
    index->threads = opened->threads;
    index->info = opened->info;
    napi_value object = quern_node_own(env, &index->owner);
    if (object == NULL) {
        free(index);
        return NULL;
    }
    index->index = opened->index;
    opened->index = NULL;
    return object;
}

static napi_value open_index_result(napi_env env, struct quern_node_work *work)
{
    struct open_index_work *opened = (struct open_index_work *)work;
    const quern_index_info *info = &opened->info;
    napi_value result = NULL;
    if (napi_create_object(env, &result) != napi_ok)
        return NULL;
    quern_node_set_number(env, result, "dimensions", info->dimensions);
    quern_node_set(env, result, "ids", quern_node_string(env, info->ids == QUERN_INDEX_NAMES ? "names" : "numbers"));
    quern_node_set(env, result, "space", quern_node_string(env, info->space));
    quern_node_set(env, result, "dtype", quern_node_string(env, quern_dtype_name(info->rows)));
    quern_node_set_number(env, result, "bits", info->bits);
    quern_node_set_number(env, result, "count", (double)info->count);
    quern_node_set_number(env, result, "blocks", (double)info->blocks);
    quern_node_set_number(env, result, "bytes", (double)info->bytes);
    napi_value object = index_object(env, opened);
    quern_node_set(env, result, "handle", object);
    return object != NULL ? result : NULL;
}

/* openIndex(path, threads, callback): the callback is given {handle, dimensions, ids, space, dtype, bits, count,
 * blocks, bytes}. */
napi_value quern_node_open_index(napi_env env, napi_callback_info info)
{
    napi_value arguments[3];
    if (!quern_node_arguments(env, info, 3, arguments))
        return NULL;
    struct open_index_work *opened = quern_node_take(env, sizeof *opened);
    if (opened == NULL)
        return NULL;
    if (!quern_node_word(env, arguments[0], opened->path, sizeof opened->path) ||
        napi_get_value_int32(env, arguments[1], &opened->threads) != napi_ok) {
        free(opened);
        return quern_node_throw(env, "openIndex(path, threads, callback)");
    }
    opened->info.size = sizeof opened->info;
    opened->work = (struct quern_node_work){.execute = execute_open_index, .result = open_index_result,
                                            .release = release_open_index};
    quern_node_start(env, &opened->work, arguments[2]);
    return NULL;
}

static void execute_check(struct quern_node_work *work)
{
    work->code = quern_index_check(((struct quern_node_index *)work->owner)->index, &work->error);
}

/* checkIndex(index, callback) */
napi_value quern_node_check_index(napi_env env, napi_callback_info info)
{
    return quern_node_start_plain(env, info, QUERN_NODE_INDEX, execute_check);
}
