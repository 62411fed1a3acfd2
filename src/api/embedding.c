/* Embedding and tokenising: argument checks, and the loop that fills steps. */
#include "api/handles.h"
#include "base/error.h"
#include "text/prompt.h"

#include <string.h>

/* Tokenises a text with its prompt. */
static int tokenize(quern_context *context, quern_text text, const quern_embed_options *o, int32_t *ids,
                    size_t capacity, size_t *count, quern_error *error)
{
    quern_text parts[QUERN_PROMPT_PARTS + 1];
    const int n = quern_prompt_parts(o->task, o->title, parts);
    parts[n] = text;
    QUERN_TRY(quern_tokenizer_run(context->tokenizer, parts, (size_t)n + 1, o->flags, ids, capacity, count, error));
    return quern_map_check(&context->model->gguf.map, error);
}

/* A call in progress. */
struct call {
    quern_context *context;
    quern_embed_options options;
    float *vectors;
    quern_result *results;
    quern_error *error;
};

static int begin(struct call *call, quern_context *context, const void *texts, size_t count,
                 const quern_embed_options *options, float *vectors, size_t capacity, quern_result *results,
                 quern_error *error)
{
    const unsigned known = QUERN_TRUNCATE | QUERN_PARSE_SPECIAL | QUERN_NO_NORMALIZE;
    if (context == NULL || ((texts == NULL || vectors == NULL) && count != 0))
        return quern_fail(error, QUERN_EINVAL, "quern_embed: context, texts or vectors is NULL");
    *call = (struct call){.context = context, .vectors = vectors, .results = results, .error = error};
    QUERN_TRY(quern_embed_options_read(context->model, options, &call->options, error));
    if ((call->options.flags & ~known) != 0)
        return quern_fail(error, QUERN_EINVAL, "options: flags 0x%x are not known here", call->options.flags & ~known);
    if (count > capacity / (size_t)call->options.dimensions)
        return quern_fail(error, QUERN_ETOOLONG, "%zu vectors of %d dimensions do not fit into %zu floats", count,
                          call->options.dimensions, capacity);
    return QUERN_OK;
}

/* Queues text i with its ids, of which the first context length stand at ids; computes a step when it is full. */
static int queue(struct call *call, size_t i, const int32_t *ids, size_t count, int32_t last)
{
    struct quern_engine *engine = &call->context->engine;
    const size_t limit = (size_t)call->context->model->network.shape.context;
    const size_t used = count < limit ? count : limit;
    const struct quern_target target = {
        .vector = call->vectors + i * (size_t)call->options.dimensions, .dimensions = call->options.dimensions,
        .normalize = !(call->options.flags & QUERN_NO_NORMALIZE), .index = i};

    if (count == 0)
        return quern_fail(call->error, QUERN_EINVAL, "text %zu has no tokens", i);
    if (count > limit && !(call->options.flags & QUERN_TRUNCATE))
        return quern_fail(call->error, QUERN_ETOOLONG,
                          "text %zu has %zu tokens, the model takes %zu: shorten it, or ask for truncation", i, count,
                          limit);
    if (!quern_engine_fits(engine, (int)used))
        QUERN_TRY(quern_engine_run(engine, call->error));
    quern_engine_add(engine, ids, (int)used, &target);
    if (count > limit)
        engine->ids[engine->rows - 1] = last;
    if (call->results != NULL)
        call->results[i] = (quern_result){(uint32_t)used, (uint32_t)(count - used)};
    return QUERN_OK;
}

/* Computes what is queued, or after a failure drops it. */
static int end(struct call *call, int code)
{
    if (code == QUERN_OK)
        return quern_engine_run(&call->context->engine, call->error);
    quern_engine_clear(&call->context->engine);
    return code;
}

int quern_embed(quern_context *context, const quern_text *texts, size_t count, const quern_embed_options *options,
                float *vectors, size_t capacity, quern_result *results, quern_error *error)
{
    struct call call;
    int code = begin(&call, context, texts, count, options, vectors, capacity, results, error);
    if (code != QUERN_OK)
        return code;
    const size_t limit = (size_t)context->model->network.shape.context;
    for (size_t i = 0; i < count && code == QUERN_OK; i++) {
        const int32_t eos = quern_vocabulary_eos(context->model->vocabulary);
        size_t tokens;
        code = texts[i].data == NULL && texts[i].length != 0
                   ? quern_fail(error, QUERN_EINVAL, "text %zu: data is NULL, length is not 0", i)
                   : tokenize(context, texts[i], &call.options, context->ids, limit, &tokens, error);
        if (code == QUERN_OK)
            code = queue(&call, i, context->ids, tokens, eos >= 0 ? eos : context->ids[limit - 1]);
    }
    return end(&call, code);
}

static int check_ids(const struct quern_shape *shape, const quern_tokens *text, size_t index, quern_error *error)
{
    if (text->ids == NULL)
        return quern_fail(error, QUERN_EINVAL, "text %zu: ids is NULL", index);
    for (size_t i = 0; i < text->count; i++)
        if (text->ids[i] < 0 || text->ids[i] >= shape->vocabulary)
            return quern_fail(error, QUERN_EINVAL, "text %zu: token %d is outside the vocabulary of %d", index,
                              text->ids[i], shape->vocabulary);
    return QUERN_OK;
}

int quern_embed_tokens(quern_context *context, const quern_tokens *texts, size_t count,
                       const quern_embed_options *options, float *vectors, size_t capacity, quern_result *results,
                       quern_error *error)
{
    struct call call;
    int code = begin(&call, context, texts, count, options, vectors, capacity, results, error);
    if (code != QUERN_OK)
        return code;
    if (call.options.task != QUERN_TASK_NONE || (call.options.flags & QUERN_PARSE_SPECIAL))
        return quern_fail(error, QUERN_EINVAL, "tokens take neither a task nor special tokens to parse");
    for (size_t i = 0; i < count && code == QUERN_OK; i++) {
        code = check_ids(&context->model->network.shape, &texts[i], i, error);
        if (code == QUERN_OK)
            code = queue(&call, i, texts[i].ids, texts[i].count,
                         texts[i].count != 0 ? texts[i].ids[texts[i].count - 1] : 0);
    }
    return end(&call, code);
}

int quern_tokenize(quern_context *context, quern_text text, const quern_embed_options *options, int32_t *ids,
                   size_t capacity, size_t *count, quern_error *error)
{
    const unsigned known = QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL;
    quern_embed_options o;
    if (context == NULL || count == NULL || (ids == NULL && capacity != 0) || (text.data == NULL && text.length != 0))
        return quern_fail(error, QUERN_EINVAL, "quern_tokenize: an argument is NULL");
    QUERN_TRY(quern_embed_options_read(context->model, options, &o, error));
    if ((o.flags & ~known) != 0)
        return quern_fail(error, QUERN_EINVAL, "options: flags 0x%x are not known here", o.flags & ~known);
    QUERN_TRY(tokenize(context, text, &o, ids, capacity, count, error));
    if (*count > capacity)
        return quern_fail(error, QUERN_ETOOLONG, "the text has %zu tokens, there is room for %zu", *count, capacity);
    return QUERN_OK;
}
