/* Changes of index files: a writer, and what is done with it. */
#include "node_addon.h"
#include <stdlib.h>

struct index_writer {
    struct quern_node_owner owner; /* first */
    quern_index_writer *writer;
    size_t dimensions; /* of vectors */
};

static void close_writer(struct quern_node_owner *owner)
{
    struct index_writer *writer = (struct index_writer *)owner;
    quern_index_writer_free(writer->writer);
    writer->writer = NULL;
}

/* ---------------------------------------------------------------- begin */

struct begin_work {
    struct quern_node_work work; /* first */
    char path[QUERN_NODE_PATH_SIZE], space[QUERN_SPACE_SIZE];
    bool creates;
    quern_index_options options;
    quern_index_writer *writer;
};

static void execute_begin(struct quern_node_work *work)
{
    struct begin_work *begun = (struct begin_work *)work;
    begun->options.space = begun->space;
    work->code = (begun->creates ? quern_index_create : quern_index_change)(&begun->writer, begun->path,
                                                                           &begun->options, &work->error);
}

static void release_begin(struct quern_node_work *work)
{
    quern_index_writer_free(((struct begin_work *)work)->writer);
    free(work);
}

static napi_value begin_result(napi_env env, struct quern_node_work *work)
{
    struct begin_work *begun = (struct begin_work *)work;
    struct index_writer *writer = quern_node_take(env, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->owner = (struct quern_node_owner){.kind = QUERN_NODE_WRITER, .close = close_writer,
                                              .closed = "the index was closed"};
    napi_value object = quern_node_own(env, &writer->owner);
    if (object == NULL) {
        free(writer);
        return NULL;
    }
    writer->writer = begun->writer;
    writer->dimensions = (size_t)begun->options.dimensions; // which the library has accepted
    begun->writer = NULL;
    return object;
}

#define WRITE_ARGUMENTS "(path, creates, threads, dimensions, hasNames, space, dtype, bits, callback)"

static bool read_begin(napi_env env, const napi_value *arguments, struct begin_work *begun)
{
    bool has_names = false, has_bits = false;
    int32_t rows = 0;
    if (!quern_node_word(env, arguments[0], begun->path, sizeof begun->path) ||
        napi_get_value_bool(env, arguments[1], &begun->creates) != napi_ok ||
        napi_get_value_int32(env, arguments[2], &begun->options.threads) != napi_ok ||
        napi_get_value_int32(env, arguments[3], &begun->options.dimensions) != napi_ok ||
        napi_get_value_bool(env, arguments[4], &has_names) != napi_ok ||
        !quern_node_word(env, arguments[5], begun->space, sizeof begun->space) ||
        napi_get_value_int32(env, arguments[6], &rows) != napi_ok ||
        napi_get_value_bool(env, arguments[7], &has_bits) != napi_ok)
        return false;
    begun->options.ids = has_names ? QUERN_INDEX_NAMES : QUERN_INDEX_NUMBERS;
    begun->options.rows = (quern_dtype)rows;
    begun->options.bits = has_bits;
    return begun->options.dimensions > 0; // a file that is changed must have what was expected, too
}

/* writeIndex, with WRITE_ARGUMENTS: the callback is given a writer. creates: makes a new file; else changes one, which
 * must have these dimensions and this kind of ids. */
napi_value quern_node_write_index(napi_env env, napi_callback_info info)
{
    napi_value arguments[9];
    if (!quern_node_arguments(env, info, 9, arguments))
        return NULL;
    struct begin_work *begun = quern_node_take(env, sizeof *begun);
    if (begun == NULL)
        return NULL;
    begun->work = (struct quern_node_work){.execute = execute_begin, .result = begin_result, .release = release_begin};
    begun->options.size = sizeof begun->options;
    if (!read_begin(env, arguments, begun)) {
        free(begun);
        return quern_node_throw(env, "writeIndex" WRITE_ARGUMENTS);
    }
    quern_node_start(env, &begun->work, arguments[8]);
    return NULL;
}

/* ---------------------------------------------------------------- rows */

struct rows_work {
    struct quern_node_work work; /* first */
    struct quern_node_rows rows;
    float *vectors; /* of rows that are added */
    size_t removed;
};

static void release_rows(struct quern_node_work *work)
{
    struct rows_work *changed = (struct rows_work *)work;
    quern_node_free_rows(&changed->rows);
    free(changed->vectors);
    free(changed);
}

static void execute_add(struct quern_node_work *work)
{
    const struct rows_work *added = (struct rows_work *)work;
    work->code = quern_index_add(((struct index_writer *)work->owner)->writer, added->rows.rows, added->vectors,
                                 added->rows.count, &work->error);
}

static void execute_remove(struct quern_node_work *work)
{
    struct rows_work *removed = (struct rows_work *)work;
    work->code = quern_index_remove(((struct index_writer *)work->owner)->writer, removed->rows.rows,
                                    removed->rows.count, &removed->removed, &work->error);
}

static napi_value rows_result(napi_env env, struct quern_node_work *work)
{
    napi_value removed = NULL;
    napi_create_double(env, (double)((struct rows_work *)work)->removed, &removed);
    return removed;
}

/* Starts a work on rows. vectors: the argument that has them, and `first`, the first of them; NULL: none are needed. */
static napi_value start_rows(napi_env env, napi_value handle, const napi_value *rows, const napi_value *vectors,
                             void (*execute)(struct quern_node_work *work), napi_value callback)
{
    struct quern_node_owner *owner = quern_node_owner_of(env, handle, QUERN_NODE_WRITER);
    int64_t first = 0;
    if (owner == NULL)
        return NULL;
    struct rows_work *changed = quern_node_take(env, sizeof *changed);
    if (changed == NULL)
        return NULL;
    changed->work = (struct quern_node_work){.execute = execute, .result = rows_result, .release = release_rows,
                                             .owner = owner};
    const size_t dimensions = ((struct index_writer *)owner)->dimensions;
    bool is_right = quern_node_copy_rows(env, rows, &changed->rows);
    if (is_right && vectors != NULL && napi_get_value_int64(env, vectors[1], &first) == napi_ok)
        changed->vectors = quern_node_copy_vectors(env, vectors[0], dimensions, first, changed->rows.count);
    is_right = is_right && (vectors == NULL || changed->vectors != NULL);
    if (!is_right) {
        release_rows(&changed->work);
        return quern_node_throw(env, "rows or vectors are wrong or were changed, or there is no memory for them");
    }
    quern_node_start(env, &changed->work, callback);
    return NULL;
}

/* addRows(writer, vectors, first, ...QUERN_NODE_ROW_ARGUMENTS, callback) */
napi_value quern_node_add_rows(napi_env env, napi_callback_info info)
{
    napi_value arguments[4 + QUERN_NODE_ROW_ARGUMENTS];
    if (!quern_node_arguments(env, info, 4 + QUERN_NODE_ROW_ARGUMENTS, arguments))
        return NULL;
    return start_rows(env, arguments[0], arguments + 3, arguments + 1, execute_add,
                      arguments[3 + QUERN_NODE_ROW_ARGUMENTS]);
}

/* removeRows(writer, ...QUERN_NODE_ROW_ARGUMENTS, callback): the callback is given how many there were. */
napi_value quern_node_remove_rows(napi_env env, napi_callback_info info)
{
    napi_value arguments[2 + QUERN_NODE_ROW_ARGUMENTS];
    if (!quern_node_arguments(env, info, 2 + QUERN_NODE_ROW_ARGUMENTS, arguments))
        return NULL;
    return start_rows(env, arguments[0], arguments + 1, NULL, execute_remove, arguments[1 + QUERN_NODE_ROW_ARGUMENTS]);
}

/* ---------------------------------------------------------------- end */

static void execute_commit(struct quern_node_work *work)
{
    quern_index_writer *writer = ((struct index_writer *)work->owner)->writer;
    work->code = quern_index_commit(writer, &work->error);
    if (work->code == QUERN_OK)
        work->code = quern_index_rest(writer, &work->error);
}

/* commit(writer, callback): the writer rests then, so that others may change the file. */
napi_value quern_node_commit(napi_env env, napi_callback_info info)
{
    return quern_node_start_plain(env, info, QUERN_NODE_WRITER, execute_commit);
}

static void execute_resume(struct quern_node_work *work)
{
    work->code = quern_index_resume(((struct index_writer *)work->owner)->writer, &work->error);
}

/* resume(writer, callback): an error if the file is not as the writer has left it. */
napi_value quern_node_resume(napi_env env, napi_callback_info info)
{
    return quern_node_start_plain(env, info, QUERN_NODE_WRITER, execute_resume);
}

struct compact_work {
    struct quern_node_work work; /* first */
    char path[QUERN_NODE_PATH_SIZE];
};

static void execute_compact(struct quern_node_work *work)
{
    work->code = quern_index_compact(((struct compact_work *)work)->path, &work->error);
}

/* compactIndex(path, callback) */
napi_value quern_node_compact_index(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    if (!quern_node_arguments(env, info, 2, arguments))
        return NULL;
    struct compact_work *compact = quern_node_take(env, sizeof *compact);
    if (compact == NULL)
        return NULL;
    compact->work = (struct quern_node_work){.execute = execute_compact, .result = quern_node_nothing,
                                             .release = quern_node_free_work};
    if (!quern_node_word(env, arguments[0], compact->path, sizeof compact->path)) {
        free(compact);
        return quern_node_throw(env, "compactIndex(path, callback)");
    }
    quern_node_start(env, &compact->work, arguments[1]);
    return NULL;
}
