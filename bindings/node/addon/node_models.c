/* Models: open, close, and the names of spaces. */
#include "node_addon.h"
#include <stdlib.h>
#include <string.h>

/* Marks objects that hold a model. */
static const napi_type_tag MODEL_TAG = {0x6e72657571207363, 0xa3c1f57be04d9268};

/* Most bytes of a path, with its terminator. */
#define MODEL_PATH_SIZE 4097

struct open_work {
    struct quern_node_work work; /* first */
    char path[MODEL_PATH_SIZE];
    int threads, context_length, path_kind;
    quern_model *model;
    quern_context *context;
    quern_model_info info;
};

static void execute_open(struct quern_node_work *work)
{
    struct open_work *opened = (struct open_work *)work;
    const quern_model_options options = {.size = sizeof options, .threads = opened->threads,
                                         .context_length = opened->context_length};
    const quern_context_options context_options = {.size = sizeof context_options, .threads = opened->threads,
                                                   .path = opened->path_kind};
    work->code = quern_model_open(&opened->model, opened->path, &options, &work->error);
    if (work->code == QUERN_OK)
        work->code = quern_model_describe(opened->model, &opened->info, &work->error);
    if (work->code == QUERN_OK)
        work->code = quern_context_new(&opened->context, opened->model, &context_options, &work->error);
}

static void release_open(struct quern_node_work *work)
{
    struct open_work *opened = (struct open_work *)work;
    quern_context_free(opened->context);
    quern_model_close(opened->model);
    free(opened);
}

/* The object of JavaScript is gone. */
static void finalize(napi_env env, void *data, void *hint)
{
    struct quern_node_model *model = data;
    (void)hint;
    model->is_collected = true;
    quern_node_tidy(env, model);
}

/* Makes the object that holds a model. Takes over what was opened. */
static napi_value model_object(napi_env env, struct open_work *opened)
{
    napi_value object = NULL;
    struct quern_node_model *model = calloc(1, sizeof *model);
    if (model == NULL || napi_create_object(env, &object) != napi_ok ||
        napi_wrap(env, object, model, finalize, NULL, NULL) != napi_ok) {
        free(model);
        return NULL;
    }
    model->model = opened->model;
    model->context = opened->context;
    opened->model = NULL;
    opened->context = NULL;
    model->bytes = (int64_t)(opened->info.packed_bytes + opened->info.vocabulary_bytes);
    int64_t all;
    napi_adjust_external_memory(env, model->bytes, &all);
    return napi_type_tag_object(env, object, &MODEL_TAG) == napi_ok ? object : NULL;
}

/* The names of all tasks with what the model puts before their texts. */
static napi_value prompts_object(napi_env env, const quern_model *model)
{
    napi_value prompts = NULL;
    if (napi_create_object(env, &prompts) != napi_ok)
        return NULL;
    for (int task = 0; quern_task_name((quern_task)task) != NULL; task++)
        quern_node_set(env, prompts, quern_task_name((quern_task)task),
                       quern_node_string(env, quern_model_prompt(model, (quern_task)task)));
    return prompts;
}

static napi_value open_result(napi_env env, struct quern_node_work *work)
{
    struct open_work *opened = (struct open_work *)work;
    napi_value result = NULL;
    if (napi_create_object(env, &result) != napi_ok)
        return NULL;
    quern_node_set_number(env, result, "dimensions", opened->info.dimensions);
    quern_node_set_number(env, result, "contextLength", opened->info.context_length);
    quern_node_set(env, result, "notice", quern_node_string(env, opened->info.notice));
    quern_node_set(env, result, "kernels", quern_node_string(env, opened->info.kernels));
    quern_node_set(env, result, "prompts", prompts_object(env, opened->model));
    napi_value object = model_object(env, opened);
    quern_node_set(env, result, "handle", object);
    return object != NULL ? result : NULL;
}

/* open(path, threads, contextLength, exact, callback): the callback is given {handle, dimensions, contextLength,
 * notice, kernels, prompts}. threads and contextLength are 0 for the default. */
napi_value quern_node_open_model(napi_env env, napi_callback_info info)
{
    napi_value arguments[5];
    bool is_exact = false;
    if (!quern_node_arguments(env, info, 5, arguments))
        return NULL;
    struct open_work *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return quern_node_throw(env, "there is no memory");
    if (!quern_node_word(env, arguments[0], opened->path, sizeof opened->path) ||
        napi_get_value_int32(env, arguments[1], &opened->threads) != napi_ok ||
        napi_get_value_int32(env, arguments[2], &opened->context_length) != napi_ok ||
        napi_get_value_bool(env, arguments[3], &is_exact) != napi_ok) {
        free(opened);
        return quern_node_throw(env, "open(path, threads, contextLength, exact, callback)");
    }
    opened->path_kind = is_exact ? QUERN_PATH_EXACT : QUERN_PATH_FAST;
    opened->info.size = sizeof opened->info;
    opened->work = (struct quern_node_work){.execute = execute_open, .result = open_result, .release = release_open};
    quern_node_start(env, &opened->work, arguments[4]);
    return NULL;
}

struct quern_node_model *quern_node_model_of(napi_env env, napi_value object)
{
    bool is_model = false;
    void *model = NULL;
    if (napi_check_object_type_tag(env, object, &MODEL_TAG, &is_model) != napi_ok || !is_model ||
        napi_unwrap(env, object, &model) != napi_ok) {
        quern_node_throw(env, "this is not a model");
        return NULL;
    }
    return model;
}

/* close(handle) */
napi_value quern_node_close_model(napi_env env, napi_callback_info info)
{
    napi_value object;
    if (!quern_node_arguments(env, info, 1, &object))
        return NULL;
    struct quern_node_model *model = quern_node_model_of(env, object);
    if (model == NULL)
        return NULL;
    model->is_closed = true;
    quern_node_tidy(env, model);
    return NULL;
}

/* space(handle, task, dimensions, flags): a string, or an error as quern_node_error makes it. */
napi_value quern_node_space_of(napi_env env, napi_callback_info info)
{
    napi_value arguments[4];
    quern_embed_options options = {.size = sizeof options};
    uint32_t flags = 0;
    char space[QUERN_SPACE_SIZE];
    quern_error error = {0};
    if (!quern_node_arguments(env, info, 4, arguments))
        return NULL;
    struct quern_node_model *model = quern_node_model_of(env, arguments[0]);
    if (model == NULL)
        return NULL;
    if (napi_get_value_int32(env, arguments[1], &options.task) != napi_ok ||
        napi_get_value_int32(env, arguments[2], &options.dimensions) != napi_ok ||
        napi_get_value_uint32(env, arguments[3], &flags) != napi_ok)
        return quern_node_throw(env, "space(handle, task, dimensions, flags)");
    options.flags = flags;
    if (model->is_closed)
        quern_node_set_error(&error, QUERN_EINVAL, QUERN_NODE_CLOSED);
    else if (quern_space(model->model, &options, space, &error) == QUERN_OK)
        return quern_node_string(env, space);
    return quern_node_error(env, &error);
}
