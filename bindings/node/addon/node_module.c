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

/* findTask(word), guessTask(word), findDtype(word): what is found for a word: its number, or -1. */
static struct finder {
    const char *name;
    int (*find)(const char *word);
} finders[] = {{"findTask", quern_task_find}, {"guessTask", quern_task_guess}, {"findDtype", quern_dtype_find},
               {NULL, NULL}};

static napi_value find_word(napi_env env, napi_callback_info info)
{
    napi_value word;
    char name[WORD_SIZE];
    void *finder = NULL;
    if (!quern_node_arguments(env, info, 1, &word))
        return NULL;
    napi_get_cb_info(env, info, NULL, NULL, NULL, &finder);
    const bool is_word = quern_node_word(env, word, name, sizeof name);
    return number_value(env, is_word ? ((struct finder *)finder)->find(name) : -1);
}

/* The names of all tasks, by their numbers. */
static napi_value task_names(napi_env env)
{
    napi_value names = NULL;
    if (napi_create_array(env, &names) != napi_ok)
        return NULL;
    for (uint32_t task = 0; quern_task_name((quern_task)task) != NULL; task++)
        napi_set_element(env, names, task, quern_node_string(env, quern_task_name((quern_task)task)));
    return names;
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

static void set_function(napi_env env, napi_value exports, const char *name, napi_callback function, void *data)
{
    napi_value value = NULL;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, data, &value);
    quern_node_set(env, exports, name, value);
}

/* Called once in each environment. There is no other state than that of the objects that are made, and of the models
 * that environments share. */
NAPI_MODULE_INIT()
{
    static const struct {
        const char *name;
        napi_callback function;
    } functions[] = {
        {"open", quern_node_open_model}, {"close", quern_node_close}, {"space", quern_node_space_of},
        {"embed", quern_node_embed}, {"tokenize", quern_node_tokenize}, {"rowBytes", row_bytes},
        {"openIndex", quern_node_open_index}, {"search", quern_node_search}, {"checkIndex", quern_node_check_index},
        {"readRows", quern_node_read_rows},
        {"compactIndex", quern_node_compact_index}, {"writeIndex", quern_node_write_index},
        {"addRows", quern_node_add_rows},
        {"removeRows", quern_node_remove_rows}, {"commit", quern_node_commit}, {"resume", quern_node_resume},
        {NULL, NULL},
    };
    for (size_t i = 0; functions[i].name != NULL; i++)
        set_function(env, exports, functions[i].name, functions[i].function, NULL);
    for (size_t i = 0; finders[i].name != NULL; i++)
        set_function(env, exports, finders[i].name, find_word, &finders[i]);
    quern_node_set(env, exports, "tasks", task_names(env));
    quern_node_set(env, exports, "version", quern_node_string(env, quern_version()));
    quern_node_set_number(env, exports, "MOST_THREADS", QUERN_MOST_THREADS);
    quern_node_set_number(env, exports, "MOST_HITS", QUERN_SEARCH_MOST_HITS);
    quern_node_set_number(env, exports, "TRUNCATE", QUERN_TRUNCATE);
    quern_node_set_number(env, exports, "NO_NORMALIZE", QUERN_NO_NORMALIZE);
    return exports;
}
