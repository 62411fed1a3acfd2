/* The functions that give one value for a row. */
#include "functions.h"

#include <string.h>

/* SQLite from 3.45 on wants to know of functions that set a subtype; earlier ones ignore the flag. */
#ifndef SQLITE_RESULT_SUBTYPE
#define SQLITE_RESULT_SUBTYPE 0x001000000
#endif

static sqlite3_value *argument(int count, sqlite3_value **values, int i)
{
    return i < count ? values[i] : NULL;
}

static void embed_one(sqlite3_context *context, const char *function, sqlite3_value *value,
                      const struct quern_sql_options *options)
{
    struct quern_sql_vectors vectors = {0};
    quern_text text;
    quern_error error;
    int code = quern_sql_text(&text, value, "text", &error);
    if (code == QUERN_OK)
        code = quern_sql_embed(sqlite3_user_data(context), &text, 1, options, &vectors, NULL, &error);
    if (code == QUERN_OK) {
        quern_sql_result(context, vectors.memory, vectors.row_bytes, options->dtype, sqlite3_free);
    } else {
        quern_sql_refuse(context, function, &error);
        sqlite3_free(vectors.memory);
    }
}

/* embed(text[, task[, options]]) */
static void embed(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct quern_sql_options options;
    quern_error error;
    if (quern_sql_options_read(&options, argument(count, values, 1), argument(count, values, 2), &error) == QUERN_OK)
        embed_one(context, "embed", values[0], &options);
    else
        quern_sql_refuse(context, "embed", &error);
    quern_sql_options_free(&options);
}

/* lembed(text), lembed(model, text): what sqlite-lembed has. The model must be the one in use, because a function that
 * opens files may not be called by triggers and views. */
static void lembed(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct quern_sql_connection *connection = sqlite3_user_data(context);
    const struct quern_sql_options options = {.embed = {.size = sizeof options.embed}};
    quern_text name = {"default", 7};
    quern_error error;
    int code = count == 1 ? QUERN_OK : quern_sql_text(&name, values[0], "model", &error);
    if (code == QUERN_OK && strcmp(name.data, "default") != 0 &&
        (connection->name == NULL || strcmp(name.data, connection->name) != 0))
        code = quern_sql_fail(&error, QUERN_EINVAL, "the model must be 'default' or the one in use; "
                              "embed_model('%.100s') changes it", name.data);
    if (code == QUERN_OK)
        embed_one(context, "lembed", values[count - 1], &options);
    else
        quern_sql_refuse(context, "lembed", &error);
}

/* embed_tokens(text[, task[, options]]) */
static void embed_tokens(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct quern_sql_connection *connection = sqlite3_user_data(context);
    struct quern_sql_options options;
    quern_text text;
    quern_error error;
    size_t tokens = 0;
    int code = quern_sql_options_read(&options, argument(count, values, 1), argument(count, values, 2), &error);
    options.embed.flags = 0; /* nothing is cut here */
    if (code == QUERN_OK)
        code = quern_sql_text(&text, values[0], "text", &error);
    if (code == QUERN_OK)
        code = quern_sql_need_model(connection, &error);
    if (code == QUERN_OK)
        code = quern_tokenize(connection->context, text, &options.embed, NULL, 0, &tokens, &error);
    if (code == QUERN_OK || code == QUERN_ETOOLONG) /* there is no room for them, but their number is known */
        sqlite3_result_int64(context, (sqlite3_int64)tokens);
    else
        quern_sql_refuse(context, "embed_tokens", &error);
    quern_sql_options_free(&options);
}

/* embed_space([task[, options]]) */
static void embed_space(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct quern_sql_connection *connection = sqlite3_user_data(context);
    struct quern_sql_options options;
    char space[QUERN_SPACE_SIZE];
    quern_error error;
    int code = quern_sql_options_read(&options, argument(count, values, 0), argument(count, values, 1), &error);
    if (code == QUERN_OK)
        code = quern_sql_need_model(connection, &error);
    if (code == QUERN_OK)
        code = quern_space(connection->model, &options.embed, space, &error);
    if (code == QUERN_OK)
        sqlite3_result_text(context, space, -1, SQLITE_TRANSIENT);
    else
        quern_sql_refuse(context, "embed_space", &error);
    quern_sql_options_free(&options);
}

/* embed_similarity(vector, vector): the cosine of two vectors of floats. They are copied, because a blob may lie at any
 * address. */
static void embed_similarity(sqlite3_context *context, int count, sqlite3_value **values)
{
    const int bytes = sqlite3_value_bytes(values[0]), dimensions = bytes / (int)sizeof(float);
    quern_error error;
    (void)count;
    if (sqlite3_value_type(values[0]) != SQLITE_BLOB || sqlite3_value_type(values[1]) != SQLITE_BLOB ||
        sqlite3_value_bytes(values[1]) != bytes || dimensions == 0 || bytes % (int)sizeof(float) != 0) {
        quern_sql_fail(&error, QUERN_EINVAL, "both arguments must be vectors of floats, with as many dimensions");
        quern_sql_refuse(context, "embed_similarity", &error);
        return;
    }
    float *vectors = sqlite3_malloc64(2 * (size_t)bytes);
    if (vectors == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    for (int i = 0; i < 2; i++)
        quern_decode(QUERN_DTYPE_F32, sqlite3_value_blob(values[i]), 1, dimensions, vectors + i * dimensions,
                     (size_t)dimensions, NULL);
    sqlite3_result_double(context, quern_cosine(vectors, vectors + dimensions, dimensions));
    sqlite3_free(vectors);
}

/* embed_model(), embed_model(model[, threads]) */
static void embed_model(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct quern_sql_connection *connection = sqlite3_user_data(context);
    quern_text name = {0};
    quern_error error;
    int threads = 0, code = QUERN_OK;
    if (count > 0 && sqlite3_value_type(values[0]) != SQLITE_NULL)
        code = quern_sql_text(&name, values[0], "model", &error);
    if (code == QUERN_OK && count > 1)
        code = quern_sql_whole(&threads, values[1], "threads", &error);
    if (code == QUERN_OK)
        code = count > 0 ? quern_sql_open(connection, name.data, threads, &error)
                         : quern_sql_need_model(connection, &error);
    if (code == QUERN_OK)
        sqlite3_result_text(context, connection->path, -1, SQLITE_TRANSIENT);
    else
        quern_sql_refuse(context, "embed_model", &error);
}

/* Vectors are the same for the same arguments while the model is the same. Only embed_model takes the name of a file,
 * so nothing that a database file contains may call it. */
enum { VECTOR = SQLITE_DETERMINISTIC | SQLITE_RESULT_SUBTYPE };
const struct quern_sql_function quern_sql_functions[] = {
    {"embed", 1, VECTOR, embed},
    {"embed", 2, VECTOR, embed},
    {"embed", 3, VECTOR, embed},
    {"lembed", 1, VECTOR, lembed},
    {"lembed", 2, VECTOR, lembed},
    {"embed_tokens", 1, SQLITE_DETERMINISTIC, embed_tokens},
    {"embed_tokens", 2, SQLITE_DETERMINISTIC, embed_tokens},
    {"embed_tokens", 3, SQLITE_DETERMINISTIC, embed_tokens},
    {"embed_similarity", 2, SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, embed_similarity},
    {"embed_space", 0, 0, embed_space},
    {"embed_space", 1, 0, embed_space},
    {"embed_space", 2, 0, embed_space},
    {"embed_model", 0, SQLITE_DIRECTONLY, embed_model},
    {"embed_model", 1, SQLITE_DIRECTONLY, embed_model},
    {"embed_model", 2, SQLITE_DIRECTONLY, embed_model},
    {0},
};
