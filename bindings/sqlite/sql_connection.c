#include "sql_connection.h"

#include "open_models.h"

#include <string.h>
#include <unistd.h>

struct quern_sql_connection *quern_sql_connection_new(sqlite3 *db)
{
    struct quern_sql_connection *connection = sqlite3_malloc(sizeof *connection);
    if (connection != NULL)
        *connection = (struct quern_sql_connection){.db = db, .references = 1};
    return connection;
}

/* Closes what is open. In a child after fork() it is forgotten instead: nobody can free it there. */
static void close_model(struct quern_sql_connection *connection)
{
    if (connection->owner == getpid()) {
        quern_context_free(connection->context);
        if (connection->model != NULL)
            quern_sql_release(connection->model);
    }
    sqlite3_free(connection->name);
    sqlite3_free(connection->path);
    connection->name = NULL;
    connection->path = NULL;
    connection->model = NULL;
    connection->context = NULL;
}

void quern_sql_connection_release(void *argument)
{
    struct quern_sql_connection *connection = argument;
    if (--connection->references > 0)
        return;
    close_model(connection);
    sqlite3_free(connection);
}

/* Opens into a connection that has nothing open. */
static int open_model(struct quern_sql_connection *fresh, const char *name, int threads, quern_error *error)
{
    const quern_context_options options = {.size = sizeof options, .threads = threads};
    quern_model_info info = {.size = sizeof info};
    fresh->owner = getpid();
    fresh->name = name == NULL ? NULL : sqlite3_mprintf("%s", name);
    if (name != NULL && fresh->name == NULL)
        return quern_sql_fail(error, QUERN_ENOMEM, QUERN_SQL_NO_MEMORY);
    int code = quern_sql_share(&fresh->model, &fresh->path, name, threads, error);
    if (code == QUERN_OK)
        code = quern_context_new(&fresh->context, fresh->model, &options, error);
    if (code == QUERN_OK)
        code = quern_model_describe(fresh->model, &info, error);
    fresh->dimensions = info.dimensions;
    return code;
}

int quern_sql_open(struct quern_sql_connection *connection, const char *name, int threads, quern_error *error)
{
    struct quern_sql_connection fresh = {0};
    if (connection->model != NULL && connection->cursors > 0)
        return quern_sql_fail(error, QUERN_EINVAL, "the model cannot be changed while a table function reads with it");
    const int code = open_model(&fresh, name, threads, error);
    if (code != QUERN_OK) {
        close_model(&fresh);
        return code;
    }
    close_model(connection);
    fresh.db = connection->db;
    fresh.references = connection->references;
    fresh.cursors = connection->cursors;
    fresh.depth = connection->depth;
    *connection = fresh;
    return QUERN_OK;
}

int quern_sql_need_model(struct quern_sql_connection *connection, quern_error *error)
{
    if (connection->context != NULL && connection->owner == getpid())
        return QUERN_OK;
    if (connection->context != NULL)
        return quern_sql_fail(error, QUERN_EINVAL, "the connection was opened before fork(); open another one");
    return quern_sql_open(connection, NULL, 0, error);
}

static int make_room(struct quern_sql_vectors *vectors, size_t wanted, quern_error *error)
{
    if (wanted <= vectors->capacity)
        return QUERN_OK;
    sqlite3_free(vectors->memory);
    vectors->memory = sqlite3_malloc64(wanted * sizeof *vectors->memory);
    vectors->capacity = vectors->memory == NULL ? 0 : wanted;
    return vectors->memory != NULL ? QUERN_OK : quern_sql_fail(error, QUERN_ENOMEM, QUERN_SQL_NO_MEMORY);
}

int quern_sql_embed(struct quern_sql_connection *connection, const quern_text *texts, size_t count,
                    const struct quern_sql_options *options, struct quern_sql_vectors *vectors, quern_result *results,
                    quern_error *error)
{
    int code = quern_sql_need_model(connection, error);
    if (code != QUERN_OK)
        return code;
    const int dimensions = options->embed.dimensions > 0 ? options->embed.dimensions : connection->dimensions;
    vectors->row_bytes = quern_encoded_bytes(options->dtype, dimensions);
    if (vectors->row_bytes == 0)
        return quern_sql_fail(error, QUERN_EINVAL, "a vector of %d dimensions has no whole bytes of bits: dimensions "
                              "must be a multiple of 8", dimensions);
    if (dimensions > connection->dimensions)
        return quern_sql_fail(error, QUERN_EINVAL, "dimensions must be 1 to %d with this model",
                              connection->dimensions);
    const size_t numbers = count * (size_t)dimensions; /* count is small, and a model has not so many dimensions */
    if ((code = make_room(vectors, numbers, error)) != QUERN_OK ||
        (code = quern_embed(connection->context, texts, count, &options->embed, vectors->memory, numbers, results,
                            error)) != QUERN_OK)
        return code;
    return quern_encode(options->dtype, vectors->memory, count, dimensions, vectors->memory,
                        numbers * sizeof *vectors->memory, error);
}

void quern_sql_result(sqlite3_context *context, const void *vector, size_t bytes, quern_dtype dtype,
                      void (*end)(void *))
{
    static const unsigned subtypes[] = {
        [QUERN_DTYPE_F32] = 223, [QUERN_DTYPE_INT8] = 225, [QUERN_DTYPE_BINARY_LOW] = 224};
    sqlite3_result_blob64(context, vector, bytes, end);
    sqlite3_result_subtype(context, subtypes[dtype]);
}
