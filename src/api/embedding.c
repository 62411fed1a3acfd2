/* Embedding: argument checks, and the loop that fills steps. */
#include "api/handles.h"
#include "base/error.h"

#include <math.h>

/* A call in progress. */
struct call {
    quern_context *context;
    quern_embed_options options;
    float *vectors;
    quern_result *results; /* NULL: not wanted */
    size_t count;          /* of texts */
    size_t computed;       /* texts before this one are done */
    size_t queued;         /* those between it and this one have failed, or are in the step of the engine */
    quern_error first;     /* describes the first text that failed; code is QUERN_OK while none has */
};

/* Whether a failure concerns one text only. */
static bool is_of_text(int code)
{
    return code == QUERN_EINVAL || code == QUERN_ETOOLONG || code == QUERN_EFORMAT || code == QUERN_ENUMERIC;
}

/* Notes that text i failed. Its result is filled, but for the code. */
static void note_failure(struct call *call, size_t i, const quern_error *error)
{
    if (call->results != NULL)
        call->results[i].code = error->code;
    if (call->first.code != QUERN_OK && call->first.index < (int64_t)i)
        return;
    call->first = *error;
    call->first.index = (int64_t)i;
}

/* Ends a call with a failure that no text has caused. All texts that are not computed get it as their result. */
static int give_up(struct call *call, int code)
{
    quern_engine_clear(&call->context->engine);
    for (size_t i = call->computed; call->results != NULL && i < call->count; i++)
        if (i >= call->queued || call->results[i].code == QUERN_OK)
            call->results[i] = (quern_result){.code = code};
    return code;
}

/* Computes the step, finishes its vectors and empties it. */
static int run_step(struct call *call, quern_error *error)
{
    struct quern_engine *engine = &call->context->engine;
    QUERN_TRY(quern_engine_run(engine, error));
    for (int i = 0; i < engine->spans; i++) {
        const struct quern_target *target = &engine->span[i].target;
        quern_error failure;
        bool finite = true;
        quern_finish(target->vector, target->dimensions, call->options.flags, target->vector);
        for (int j = 0; j < target->dimensions; j++)
            finite = finite && isfinite(target->vector[j]);
        if (finite)
            continue;
        quern_fail(&failure, QUERN_ENUMERIC, "the model gives a vector that is not finite; the file may be damaged");
        note_failure(call, target->index, &failure);
    }
    quern_engine_clear(engine);
    call->computed = call->queued;
    return QUERN_OK;
}

/* Queues text i with its tokens. */
static int add(struct call *call, size_t i, const int32_t *ids, const quern_result *result, quern_error *error)
{
    struct quern_engine *engine = &call->context->engine;
    const struct quern_target target = {.vector = call->vectors + i * (size_t)call->options.dimensions,
                                        .dimensions = call->options.dimensions,
                                        .centred = quern_model_centres(call->context->model, call->options.dimensions),
                                        .index = i};
    if (!quern_engine_fits(engine, (int)result->tokens))
        QUERN_TRY(run_step(call, error));
    quern_engine_add(engine, ids, (int)result->tokens, &target);
    return QUERN_OK;
}

/* Finds the tokens of text i, at most the context length. The ids are valid until the next call. */
typedef int find_tokens(struct call *call, const void *texts, size_t i, const int32_t **ids, quern_result *result,
                        quern_error *error);

static int embed_all(struct call *call, const void *texts, find_tokens *find, quern_error *error)
{
    quern_error failure;
    int code = QUERN_OK;
    for (size_t i = 0; i < call->count && code == QUERN_OK; i++) {
        const int32_t *ids = NULL;
        quern_result result = {0};
        code = find(call, texts, i, &ids, &result, &failure);
        if (call->results != NULL)
            call->results[i] = result;
        if (code == QUERN_OK) {
            code = add(call, i, ids, &result, &failure);
        } else if (is_of_text(code)) {
            note_failure(call, i, &failure);
            code = QUERN_OK;
        }
        call->queued = code == QUERN_OK ? i + 1 : i;
    }
    if (code == QUERN_OK)
        code = run_step(call, &failure);
    if (code != QUERN_OK)
        give_up(call, code);
    else if (call->first.code != QUERN_OK)
        failure = call->first;
    else
        return QUERN_OK;
    if (error != NULL)
        *error = failure;
    return failure.code;
}

/* Checks what both ways of embedding have in common. */
static int check_call(struct call *call, const void *texts, const quern_embed_options *options, size_t capacity,
                      quern_error *error)
{
    if (call->context == NULL || ((texts == NULL || call->vectors == NULL) && call->count != 0))
        return quern_fail(error, QUERN_EINVAL, "context, texts or vectors is NULL");
    if (call->context->engine.is_paused)
        return quern_fail(error, QUERN_EINVAL, "the context is in a pause between two layers; embed with another one");
    QUERN_TRY(quern_embed_options_read(call->context->model, options, &call->options, error));
    QUERN_TRY(quern_flags_check(call->options.flags, QUERN_EMBED_FLAGS, error));
    if (call->count > capacity / (size_t)call->options.dimensions)
        return quern_fail(error, QUERN_ETOOLONG, "%zu vectors of %d dimensions do not fit into %zu floats", call->count,
                          call->options.dimensions, capacity);
    return QUERN_OK;
}

static int begin(struct call *call, const void *texts, const quern_embed_options *options, size_t capacity,
                 quern_error *error)
{
    const int code = check_call(call, texts, options, capacity, error);
    for (size_t i = 0; code != QUERN_OK && call->results != NULL && i < call->count; i++)
        call->results[i] = (quern_result){.code = code};
    return code;
}

static int tokens_of_text(struct call *call, const void *texts, size_t i, const int32_t **ids, quern_result *result,
                          quern_error *error)
{
    QUERN_TRY(quern_context_prepare(call->context, ((const quern_text *)texts)[i], &call->options, result, error));
    *ids = call->context->ids; /* set here, because preparing may move them */
    return QUERN_OK;
}

int quern_embed(quern_context *context, const quern_text *texts, size_t count, const quern_embed_options *options,
                float *vectors, size_t capacity, quern_result *results, quern_error *error)
{
    struct call call = {.context = context, .vectors = vectors, .results = results, .count = count};
    QUERN_TRY(begin(&call, texts, options, capacity, error));
    return embed_all(&call, texts, tokens_of_text, error);
}

static int check_ids(const quern_tokens *text, int vocabulary, quern_error *error)
{
    if (text->count == 0)
        return quern_fail(error, QUERN_EINVAL, "the text has no tokens");
    if (text->ids == NULL)
        return quern_fail(error, QUERN_EINVAL, "the text's ids are NULL");
    for (size_t i = 0; i < text->count; i++)
        if (text->ids[i] < 0 || text->ids[i] >= vocabulary)
            return quern_fail(error, QUERN_EINVAL, "token %d is outside the vocabulary of %d", text->ids[i],
                              vocabulary);
    return QUERN_OK;
}

static int tokens_given(struct call *call, const void *texts, size_t i, const int32_t **ids, quern_result *result,
                        quern_error *error)
{
    const struct quern_shape *shape = &call->context->model->network.shape;
    const quern_tokens *text = (const quern_tokens *)texts + i;
    const size_t limit = (size_t)shape->context, cut = text->count > limit ? text->count - limit : 0;
    QUERN_TRY(check_ids(text, shape->vocabulary, error));
    if (cut > 0 && (call->options.flags & (QUERN_TRUNCATE | QUERN_TRUNCATE_START)) == 0)
        return quern_context_refuse_long(call->context, text->count, false, result, error);
    if (cut > 0)
        quern_tokens_keep(call->context->ids, text->ids, text->count, limit, call->options.flags);
    *ids = cut > 0 ? call->context->ids : text->ids;
    *result = (quern_result){.tokens = (uint32_t)(text->count - cut),
                             .truncated = cut < UINT32_MAX ? (uint32_t)cut : UINT32_MAX};
    return QUERN_OK;
}

int quern_embed_tokens(quern_context *context, const quern_tokens *texts, size_t count,
                       const quern_embed_options *options, float *vectors, size_t capacity, quern_result *results,
                       quern_error *error)
{
    struct call call = {.context = context, .vectors = vectors, .results = results, .count = count};
    QUERN_TRY(begin(&call, texts, options, capacity, error));
    if (call.options.task != QUERN_TASK_NONE || call.options.prompt.data != NULL ||
        (call.options.flags & QUERN_PARSE_SPECIAL))
        return give_up(&call, quern_fail(error, QUERN_EINVAL, "tokens have no task, no prompt and no special tokens to "
                                         "parse"));
    return embed_all(&call, texts, tokens_given, error);
}
