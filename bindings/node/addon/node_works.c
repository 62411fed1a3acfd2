/* Work in another thread. */
#include "node_addon.h"
#include <stdlib.h>

static void begin_first(napi_env env, struct quern_node_owner *owner);

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
    bool is_pending = false;
    if (work->code == QUERN_OK) {
        arguments[1] = work->result(env, work);
        napi_is_exception_pending(env, &is_pending);
        if (arguments[1] == NULL && !is_pending)
            quern_node_fail(work, QUERN_ENOMEM, "there is no memory for the result");
    }
    if (work->code != QUERN_OK) {
        arguments[0] = quern_node_error(env, &work->error);
        arguments[1] = receiver;
    }
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
    struct quern_node_owner *owner = work->owner;
    if (status != napi_ok)
        quern_node_fail(work, QUERN_EINVAL, "the work was cancelled, because its thread ends");
    if (owner == NULL) {
        tell(env, work);
        return;
    }
    owner->first = work->next;
    if (!tell(env, work))
        owner->is_closed = true;
    begin_first(env, owner);
}

/* Lets the first work run; without one, frees what is no longer used. */
static void begin_first(napi_env env, struct quern_node_owner *owner)
{
    while (owner->first != NULL) {
        struct quern_node_work *work = owner->first;
        if (owner->is_closed)
            quern_node_fail(work, QUERN_EINVAL, owner->closed);
        else if (napi_queue_async_work(env, work->handle) == napi_ok)
            return;
        else
            quern_node_fail(work, QUERN_ENOMEM, "Node.js cannot start the work");
        owner->first = work->next;
        if (!tell(env, work))
            owner->is_closed = true;
    }
    owner->last = NULL;
    quern_node_tidy(env, owner);
}

void quern_node_start(napi_env env, struct quern_node_work *work, napi_value callback)
{
    struct quern_node_owner *owner = work->owner;
    napi_value name = quern_node_string(env, "quern");
    napi_valuetype type = napi_undefined;
    napi_typeof(env, callback, &type);
    if (type != napi_function || napi_create_reference(env, callback, 1, &work->callback) != napi_ok) {
        work->release(work);
        quern_node_throw(env, "the callback must be a function");
        return;
    }
    if (name == NULL || napi_create_async_work(env, NULL, name, execute, complete, work, &work->handle) != napi_ok ||
        (owner == NULL && napi_queue_async_work(env, work->handle) != napi_ok)) {
        napi_delete_reference(env, work->callback);
        if (work->handle != NULL)
            napi_delete_async_work(env, work->handle);
        work->release(work);
        quern_node_throw(env, "Node.js cannot start the work");
        return;
    }
    if (owner == NULL)
        return;
    if (owner->first == NULL) {
        owner->first = owner->last = work;
        begin_first(env, owner);
    } else {
        owner->last = owner->last->next = work;
    }
}

void quern_node_tidy(napi_env env, struct quern_node_owner *owner)
{
    if (owner->first != NULL)
        return;
    if ((owner->is_closed || owner->is_collected) && owner->close != NULL) {
        int64_t bytes;
        owner->close(owner);
        owner->close = NULL;
        napi_adjust_external_memory(env, -owner->bytes, &bytes);
    }
    if (owner->is_collected)
        free(owner);
}

napi_value quern_node_nothing(napi_env env, struct quern_node_work *work)
{
    (void)work;
    return quern_node_string(env, NULL);
}

void quern_node_free_work(struct quern_node_work *work)
{
    free(work);
}

napi_value quern_node_start_plain(napi_env env, napi_callback_info info, enum quern_node_kind kind,
                                  void (*run)(struct quern_node_work *work))
{
    napi_value arguments[2];
    if (!quern_node_arguments(env, info, 2, arguments))
        return NULL;
    struct quern_node_owner *owner = quern_node_owner_of(env, arguments[0], kind);
    if (owner == NULL)
        return NULL;
    struct quern_node_work *work = quern_node_take(env, sizeof *work);
    if (work == NULL)
        return NULL;
    *work = (struct quern_node_work){.execute = run, .result = quern_node_nothing,
                                     .release = quern_node_free_work, .owner = owner};
    quern_node_start(env, work, arguments[1]);
    return NULL;
}
