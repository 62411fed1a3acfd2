/* What the addon is for JavaScript: an object of functions and constants. */
#include "node_addon.h"

/* The longest word that names a task or a format, and more. */
#define WORD_SIZE 64

static napi_value number_value(napi_env env, int64_t number)
{
    napi_value value = NULL;
    napi_create_int64(env, number, &value);
    return value;
}

/* findTask(word): its number, or -1. */
static napi_value find_task(napi_env env, napi_callback_info info)
{
    napi_value word;
    char name[WORD_SIZE];
    if (!quern_node_arguments(env, info, 1, &word))
        return NULL;
    return number_value(env, quern_node_word(env, word, name, sizeof name) ? quern_task_find(name) : -1);
}

/* guessTask(word): the name of the task that a misspelt word nearly names, or null. */
static napi_value guess_task(napi_env env, napi_callback_info info)
{
    napi_value word;
    char name[WORD_SIZE];
    if (!quern_node_arguments(env, info, 1, &word))
        return NULL;
    int task = quern_node_word(env, word, name, sizeof name) ? quern_task_guess(name) : -1;
    return quern_node_string(env, task >= 0 ? quern_task_name((quern_task)task) : NULL);
}

/* findDtype(word): its number, or -1. */
static napi_value find_dtype(napi_env env, napi_callback_info info)
{
    napi_value word;
    char name[WORD_SIZE];
    if (!quern_node_arguments(env, info, 1, &word))
        return NULL;
    return number_value(env, quern_node_word(env, word, name, sizeof name) ? quern_dtype_find(name) : -1);
}

/* rowBytes(dtype, dimensions): bytes of a vector, or 0. */
static napi_value row_bytes(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    int32_t dtype, dimensions;
    if (!quern_node_arguments(env, info, 2, arguments))
        return NULL;
    if (napi_get_value_int32(env, arguments[0], &dtype) != napi_ok ||
        napi_get_value_int32(env, arguments[1], &dimensions) != napi_ok)
        return quern_node_throw(env, "rowBytes(dtype, dimensions)");
    return number_value(env, (int64_t)quern_encoded_bytes((quern_dtype)dtype, dimensions));
}

static void set_function(napi_env env, napi_value exports, const char *name, napi_callback function)
{
    napi_value value = NULL;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value);
    quern_node_set(env, exports, name, value);
}

/* Called once in each environment. There is no other state than that of the objects that are made. */
NAPI_MODULE_INIT()
{
    set_function(env, exports, "open", quern_node_open_model);
    set_function(env, exports, "close", quern_node_close_model);
    set_function(env, exports, "space", quern_node_space_of);
    set_function(env, exports, "embed", quern_node_embed);
    set_function(env, exports, "tokenize", quern_node_tokenize);
    set_function(env, exports, "findTask", find_task);
    set_function(env, exports, "guessTask", guess_task);
    set_function(env, exports, "findDtype", find_dtype);
    set_function(env, exports, "rowBytes", row_bytes);
    quern_node_set(env, exports, "version", quern_node_string(env, quern_version()));
    quern_node_set_number(env, exports, "MOST_THREADS", QUERN_MOST_THREADS);
    quern_node_set_number(env, exports, "TRUNCATE", QUERN_TRUNCATE);
    quern_node_set_number(env, exports, "NO_NORMALIZE", QUERN_NO_NORMALIZE);
    return exports;
}
