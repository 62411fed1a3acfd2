/* Models: open, close, and the names of spaces. */
#include "node_addon.h"
#include <stdlib.h>

/* A buffer for a prompt of a space: the library takes 4096 bytes, and refuses what has more. */
#define PROMPT_SIZE 4104

struct open_work {
    struct quern_node_work work; /* first */
    char path[QUERN_NODE_PATH_SIZE];
    int threads, context_length, path_kind;
    struct quern_node_shared_model *shared;
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
    work->code = quern_node_share_model(&opened->shared, opened->path, &options, &work->error);
    if (work->code != QUERN_OK)
        return;
    quern_model *model = quern_node_shared_model_of(opened->shared);
    work->code = quern_model_describe(model, &opened->info, &work->error);
    if (work->code == QUERN_OK)
        work->code = quern_context_new(&opened->context, model, &context_options, &work->error);
}

static void release_open(struct quern_node_work *work)
{
    struct open_work *opened = (struct open_work *)work;
    quern_context_free(opened->context);
    quern_node_unshare_model(opened->shared);
    free(opened);
}

static void close_model(struct quern_node_owner *owner)
{
    struct quern_node_model *model = (struct quern_node_model *)owner;
    quern_context_free(model->context);
    quern_node_unshare_model(model->shared);
    model->context = NULL;
    model->shared = NULL;
}

/* Makes the object that holds a model. Takes over what was opened. */
static napi_value model_object(napi_env env, struct open_work *opened)
{
    struct quern_node_model *model = quern_node_take(env, sizeof *model);
    if (model == NULL)
        return NULL;
    model->owner = (struct quern_node_owner){
        .kind = QUERN_NODE_MODEL, .close = close_model, .closed = "the model was closed",
        .bytes = (int64_t)(opened->info.packed_bytes + opened->info.vocabulary_bytes)};
    napi_value object = quern_node_own(env, &model->owner);
    if (object == NULL) {
        free(model);
        return NULL;
    }
    model->shared = opened->shared;
    model->context = opened->context;
    opened->shared = NULL;
    opened->context = NULL;
    return object;
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
    quern_node_set(env, result, "prompts", prompts_object(env, quern_node_shared_model_of(opened->shared)));
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
    struct open_work *opened = quern_node_take(env, sizeof *opened);
    if (opened == NULL)
        return NULL;
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

/* The options of a space: arguments task, dimensions, flags and prompt, which is null for that of the task. Returns
 * false for wrong ones. */
static bool read_space(napi_env env, const napi_value arguments[4], quern_embed_options *options,
                       char prompt[PROMPT_SIZE])
{
    uint32_t flags = 0;
    napi_valuetype type = napi_undefined;
    if (napi_get_value_int32(env, arguments[0], &options->task) != napi_ok ||
        napi_get_value_int32(env, arguments[1], &options->dimensions) != napi_ok ||
        napi_get_value_uint32(env, arguments[2], &flags) != napi_ok ||
        napi_typeof(env, arguments[3], &type) != napi_ok)
        return false;
    options->flags = flags;
    if (type == napi_null)
        return true;
    options->prompt.data = prompt;
    return napi_get_value_string_utf8(env, arguments[3], prompt, PROMPT_SIZE, &options->prompt.length) == napi_ok;
}

/* space(handle, task, dimensions, flags, prompt): a string, or an error as quern_node_error makes it. */
napi_value quern_node_space_of(napi_env env, napi_callback_info info)
{
    napi_value arguments[5];
    quern_embed_options options = {.size = sizeof options};
    char space[QUERN_SPACE_SIZE], prompt[PROMPT_SIZE];
    quern_error error = {0};
    if (!quern_node_arguments(env, info, 5, arguments))
        return NULL;
    struct quern_node_owner *owner = quern_node_owner_of(env, arguments[0], QUERN_NODE_MODEL);
    if (owner == NULL)
        return NULL;
    if (!read_space(env, arguments + 1, &options, prompt))
        return quern_node_throw(env, "space(handle, task, dimensions, flags, prompt)");
    const struct quern_node_model *model = (const struct quern_node_model *)owner;
    if (owner->is_closed)
        quern_node_set_error(&error, QUERN_EINVAL, owner->closed);
    else if (quern_space(quern_node_shared_model_of(model->shared), &options, space, &error) == QUERN_OK)
        return quern_node_string(env, space);
    return quern_node_error(env, &error);
}
