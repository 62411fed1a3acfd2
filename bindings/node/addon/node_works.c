/* Work in another thread. */
#include "node_addon.h"
#include <stdlib.h>

static void begin_first(napi_env env, struct quern_node_model *model);

int quern_node_fail(struct quern_node_work *work, int code, const char *text)
{
    quern_node_set_error(&work->error, code, text);
    work->code = code;
    return code;
}

/* Calls the function that waits for a work, and frees the work. Returns false when JavaScript runs no more, because the
 * environment ends. */
static bool tell(napi_env env, struct quern_node_work *work)
{
    napi_value function = NULL, receiver = NULL, arguments[2] = {NULL, NULL};
    napi_get_reference_value(env, work->callback, &function);
    napi_get_undefined(env, &receiver);
    napi_get_null(env, &arguments[0]);
    arguments[1] = work->code == QUERN_OK ? work->result(env, work) : receiver;
    if (work->code != QUERN_OK)
        arguments[0] = quern_node_error(env, &work->error);
    bool is_pending = false;
    napi_is_exception_pending(env, &is_pending);
    if (is_pending) { // there is no memory for the result: the exception is the error
        is_pending = napi_get_and_clear_last_exception(env, &arguments[0]) != napi_ok;
        arguments[1] = receiver;
    }
    bool was_told = !is_pending && arguments[0] != NULL && arguments[1] != NULL &&
                    napi_call_function(env, receiver, function, 2, arguments, NULL) == napi_ok;
    napi_delete_reference(env, work->callback);
    if (work->handle != NULL)
        napi_delete_async_work(env, work->handle);
    work->release(work);
    return was_told;
}

static void execute(napi_env env, void *data)
{
    struct quern_node_work *work = data;
    (void)env;
    work->execute(work);
}

static void complete(napi_env env, napi_status status, void *data)
{
    struct quern_node_work *work = data;
    struct quern_node_model *model = work->model;
    if (status != napi_ok)
        quern_node_fail(work, QUERN_EINVAL, "the work was cancelled, because its thread ends");
    if (model == NULL) {
        tell(env, work);
        return;
    }
    model->first = work->next;
    if (!tell(env, work))
        model->is_closed = true;
    begin_first(env, model);
}

/* Lets the first work run; without one, frees what is no longer used. */
static void begin_first(napi_env env, struct quern_node_model *model)
{
    while (model->first != NULL) {
        struct quern_node_work *work = model->first;
        if (model->is_closed)
            quern_node_fail(work, QUERN_EINVAL, QUERN_NODE_CLOSED);
        else if (napi_queue_async_work(env, work->handle) == napi_ok)
            return;
        else
            quern_node_fail(work, QUERN_ENOMEM, "Node.js cannot start the work");
        model->first = work->next;
        if (!tell(env, work))
            model->is_closed = true;
    }
    model->last = NULL;
    quern_node_tidy(env, model);
}

void quern_node_start(napi_env env, struct quern_node_work *work, napi_value callback)
{
    struct quern_node_model *model = work->model;
    napi_value name = quern_node_string(env, "quern");
    napi_valuetype type = napi_undefined;
    napi_typeof(env, callback, &type);
    if (type != napi_function || napi_create_reference(env, callback, 1, &work->callback) != napi_ok) {
        work->release(work);
        quern_node_throw(env, "the callback must be a function");
        return;
    }
    if (name == NULL || napi_create_async_work(env, NULL, name, execute, complete, work, &work->handle) != napi_ok ||
        (model == NULL && napi_queue_async_work(env, work->handle) != napi_ok)) {
        napi_delete_reference(env, work->callback);
        if (work->handle != NULL)
            napi_delete_async_work(env, work->handle);
        work->release(work);
        quern_node_throw(env, "Node.js cannot start the work");
        return;
    }
    if (model == NULL)
        return;
    if (model->first == NULL) {
        model->first = model->last = work;
        begin_first(env, model);
    } else {
        model->last = model->last->next = work;
    }
}

void quern_node_tidy(napi_env env, struct quern_node_model *model)
{
    if (model->first != NULL)
        return;
    if ((model->is_closed || model->is_collected) && model->model != NULL) {
        int64_t bytes;
        quern_context_free(model->context);
        quern_model_close(model->model);
        model->context = NULL;
        model->model = NULL;
        napi_adjust_external_memory(env, -model->bytes, &bytes);
    }
    if (model->is_collected)
        free(model);
}
