/* Contexts: making, describing. */
#include "api/handles.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/system/budget.h"

#include <stdio.h>
#include <stdlib.h>

static int make_pool(quern_context *context, const quern_context_options *o, quern_error *error)
{
    const struct quern_kernels *kernels = context->model->network.kernels;
    int threads = o->threads;
    if (o->threads_of != NULL) {
        snprintf(context->threads_reason, sizeof context->threads_reason, "those of another context");
        context->pool = quern_pool_share(o->threads_of->pool);
        return QUERN_OK;
    }
    if (threads == 0)
        threads = quern_cpu_budget(context->threads_reason, sizeof context->threads_reason);
    else
        snprintf(context->threads_reason, sizeof context->threads_reason, "asked for");
    return quern_pool_new(&context->pool, threads, kernels->thread_begin, kernels->thread_end, error);
}

static int fill(quern_context *context, const quern_context_options *o, quern_error *error)
{
    const struct quern_network *network = &context->model->network;
    QUERN_TRY(quern_context_reserve_ids(context, (size_t)network->shape.context, error));
    QUERN_TRY(make_pool(context, o, error));
    if (context->model->vocabulary != NULL)
        QUERN_TRY(quern_tokenizer_new(&context->tokenizer, context->model->vocabulary, error));
    QUERN_TRY(quern_engine_new(&context->engine, network, context->pool, (enum quern_path)o->path, o->step_tokens,
                               error));
    context->engine.pause = o->pause;
    context->engine.pause_argument = o->pause_argument;
    return QUERN_OK;
}

static int check_options(const quern_context_options *o, const quern_model *model, quern_error *error)
{
    if (model->look_only)
        return quern_fail(error, QUERN_EINVAL, "the model was opened with look_only, so it makes no contexts");
    if (o->threads < 0 || o->threads > QUERN_MOST_THREADS)
        return quern_fail(error, QUERN_EINVAL, "%d threads asked for; 1 to %d are possible", o->threads,
                          QUERN_MOST_THREADS);
    if (o->path != QUERN_PATH_FAST && o->path != QUERN_PATH_EXACT)
        return quern_fail(error, QUERN_EINVAL, "there is no path %d", o->path);
    if (o->step_tokens < 0 || o->step_tokens > 1 << 20)
        return quern_fail(error, QUERN_EINVAL, "steps of %d tokens asked for; up to %d are possible", o->step_tokens,
                          1 << 20);
    if (o->threads_of != NULL && o->threads != 0)
        return quern_fail(error, QUERN_EINVAL, "%d threads asked for, and those of another context: leave out one",
                          o->threads);
    if (o->threads_of != NULL && o->threads_of->model != model)
        return quern_fail(error, QUERN_EINVAL, "the context in threads_of has another model; give one of the same");
    return QUERN_OK;
}

int quern_context_new(quern_context **context, quern_model *model, const quern_context_options *options,
                      quern_error *error)
{
    quern_context_options o = {0};
    if (context == NULL || model == NULL)
        return quern_fail(error, QUERN_EINVAL, "quern_context_new: context or model is NULL");
    QUERN_TRY(quern_options_read(&o, sizeof o, options, error));
    QUERN_TRY(check_options(&o, model, error));
    quern_context *c = calloc(1, sizeof *c);
    if (c == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a context");
    c->model = quern_model_share(model);
    int code = fill(c, &o, error);
    if (code != QUERN_OK)
        quern_context_free(c);
    else
        *context = c;
    return code;
}

void quern_context_free(quern_context *context)
{
    if (context == NULL)
        return;
    quern_engine_free(&context->engine);
    quern_tokenizer_free(context->tokenizer);
    quern_pool_free(context->pool);
    quern_model_close(context->model);
    free(context->ids);
    free(context->spans);
    free(context);
}

int quern_context_describe(const quern_context *context, quern_context_info *info, quern_error *error)
{
    if (context == NULL)
        return quern_fail(error, QUERN_EINVAL, "quern_context_describe: context is NULL");
    const quern_context_info full = {
        .threads = quern_pool_threads(context->pool),
        .threads_reason = context->threads_reason,
        .path = context->engine.path == QUERN_PATH_FAST ? "fast" : "exact",
        .activations = context->model->network.kernels->activation[context->engine.path]->name,
        .step_tokens = context->engine.fill,
        .arena_bytes = context->engine.arena.size,
    };
    return quern_info_write(info, &full, sizeof full, error);
}
