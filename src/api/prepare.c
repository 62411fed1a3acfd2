/* From a text to the tokens that its vector is made of: prompt, limit of tokens, truncation. */
#include "api/handles.h"
#include "base/error.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Of a very long text that will be cut, only a part is tokenised, so that time is bounded by the context length. The
 * part has the bytes of MARGIN more tokens than are kept, because cutting a text may change the tokens beside the cut:
 * those of a whole word, of which WordPiece makes up to 100.
 * For the same reason, a part that lacks the text's start begins at a space, if there is one in its first NEAR
 * bytes. Where a token may stand for any number of bytes, a first part has USUAL bytes for each token, and the part
 * doubles until it has enough tokens. */
enum { MARGIN = 128, NEAR = 256, USUAL = 6 };

/* Tokens of a prompt that are compared to find where it ends. Only a prompt with a long title has more. */
enum { PROMPT_TOKENS = 512 };

int quern_context_reserve_ids(quern_context *context, size_t count, quern_error *error)
{
    if (count <= context->id_capacity)
        return QUERN_OK;
    int32_t *ids = count <= SIZE_MAX / sizeof *ids ? malloc(count * sizeof *ids) : NULL;
    if (ids == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for %zu tokens", count);
    free(context->ids);
    context->ids = ids;
    context->id_capacity = count;
    return QUERN_OK;
}

int quern_context_tokenize(quern_context *context, quern_text text, const quern_embed_options *options, int32_t *ids,
                           size_t capacity, size_t *count, quern_error *error)
{
    quern_text parts[QUERN_PROMPT_PARTS];
    QUERN_TRY(quern_model_check_tokenizer(context->model, error));
    const size_t n = quern_prompts_join(&context->model->prompts, options, text, parts);
    QUERN_TRY(quern_tokenizer_run(context->tokenizer, parts, n, options->flags, ids, capacity, count, error));
    return quern_map_check(&context->model->gguf.map, error);
}

int quern_context_spans(quern_context *context, quern_text text, const quern_embed_options *options, const int32_t *ids,
                        size_t count, quern_token_span *spans, quern_error *error)
{
    quern_text parts[QUERN_PROMPT_PARTS];
    QUERN_TRY(quern_model_check_tokenizer(context->model, error));
    const size_t n = quern_prompts_join(&context->model->prompts, options, text, parts);
    QUERN_TRY(quern_tokenizer_spans(context->tokenizer, parts, n, options->flags, ids, count, spans, error));
    return quern_map_check(&context->model->gguf.map, error);
}

/* ---------------------------------------------------------------- very long texts */

/* The smallest number of tokens that so many bytes of text can have. */
static size_t least_tokens(const quern_model *model, size_t bytes)
{
    if (model->longest_piece == QUERN_ANY_LENGTH)
        return 0;
    return bytes / model->longest_piece + (bytes % model->longest_piece > 0);
}

/* How many tokens of a very long text can matter. */
static size_t relevant_tokens(const quern_model *model)
{
    return (size_t)model->network.shape.context + MARGIN;
}

/* The part of a text that can matter when so many bytes stand for a token: the whole text, or a very long text without
 * what will be cut off at its end or, with QUERN_TRUNCATE_START, at its start. */
static quern_text relevant_part(const quern_model *model, quern_text text, size_t bytes, unsigned flags)
{
    const size_t tokens = relevant_tokens(model);
    if (text.length / bytes < tokens)
        return text;
    const size_t most = tokens * bytes;
    if ((flags & QUERN_TRUNCATE_START) == 0)
        return (quern_text){text.data, quern_utf8_floor(text, most)};
    size_t from = text.length - most;
    const char *space = memchr(text.data + from, ' ', most < NEAR ? most : NEAR);
    if (space != NULL)
        from = (size_t)(space - text.data);
    from = quern_utf8_ceil(text, from);
    return (quern_text){text.data + from, text.length - from};
}

/* Tokenises the part of a text that can matter. */
static int tokenize_relevant(quern_context *context, quern_text text, const quern_embed_options *options,
                             quern_text *part, size_t *count, quern_error *error)
{
    const quern_model *model = context->model;
    size_t bytes = model->longest_piece == QUERN_ANY_LENGTH ? USUAL : model->longest_piece;
    for (;; bytes *= 2) {
        *part = relevant_part(model, text, bytes, options->flags);
        QUERN_TRY(quern_context_tokenize(context, *part, options, context->ids, context->id_capacity, count, error));
        if (part->length == text.length || model->longest_piece != QUERN_ANY_LENGTH || *count >= relevant_tokens(model))
            return QUERN_OK;
    }
}

/* ---------------------------------------------------------------- truncation */

void quern_tokens_keep(int32_t *kept, const int32_t *ids, size_t count, size_t limit, unsigned flags)
{
    const int32_t last = ids[count - 1];
    if (flags & QUERN_TRUNCATE_START) {
        kept[0] = ids[0];
        memmove(kept + 1, ids + count - (limit - 1), (limit - 1) * sizeof *ids);
    } else if (kept != ids) {
        memcpy(kept, ids, limit * sizeof *ids);
    }
    kept[limit - 1] = last;
}

size_t quern_truncate_tokens(int32_t *ids, size_t count, size_t limit, unsigned flags)
{
    if (count <= limit)
        return count;
    if (limit > 0)
        quern_tokens_keep(ids, ids, count, limit, flags);
    return limit;
}

/* Cuts off the start of a text, of which context->ids has all count tokens. Keeps the last tokens and, in front of
 * them, those of the prompt, unless these are more than half of the limit. */
static int keep_end(quern_context *context, const quern_embed_options *options, size_t count, quern_error *error)
{
    const size_t limit = (size_t)context->model->network.shape.context;
    const quern_embed_options prompt_only = {
        .task = options->task, .title = options->title, .prompt = options->prompt};
    int32_t prompt[PROMPT_TOKENS], *ids = context->ids;
    size_t length = 0, kept = 0;
    QUERN_TRY(quern_context_tokenize(context, (quern_text){"", 0}, &prompt_only, prompt, PROMPT_TOKENS, &length,
                                     error));
    while (kept < length && kept < PROMPT_TOKENS && prompt[kept] == ids[kept])
        kept++;
    if (kept == PROMPT_TOKENS || kept > limit / 2)
        kept = quern_vocabulary_bos(context->model->vocabulary) >= 0;
    memmove(ids + kept, ids + count - (limit - kept), (limit - kept) * sizeof *ids);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- preparing */

static uint32_t clamp(size_t tokens)
{
    return tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX;
}

int quern_context_refuse_long(const quern_context *context, size_t tokens, bool at_least, quern_result *result,
                              quern_error *error)
{
    *result = (quern_result){.code = QUERN_ETOOLONG, .tokens = clamp(tokens), .at_least = at_least};
    return quern_fail(error, QUERN_ETOOLONG,
                      "the text has %s%zu tokens, the model takes %d: shorten it, or ask for truncation",
                      at_least ? "at least " : "", tokens, context->model->network.shape.context);
}

int quern_context_prepare(quern_context *context, quern_text text, const quern_embed_options *options,
                          quern_result *result, quern_error *error)
{
    const quern_model *model = context->model;
    const size_t limit = (size_t)model->network.shape.context, bytes = text.length + options->title.length;
    const bool cuts = (options->flags & (QUERN_TRUNCATE | QUERN_TRUNCATE_START)) != 0;
    quern_embed_options o = *options;
    quern_text part;
    size_t count = 0;
    QUERN_TRY(quern_model_check_tokenizer(model, error));
    const int32_t eos = quern_vocabulary_eos(model->vocabulary);
    if (text.data == NULL && text.length != 0)
        return quern_fail(error, QUERN_EINVAL, "the text's data is NULL, but its length is not 0");
    o.title = relevant_part(model, o.title, model->longest_piece, QUERN_TRUNCATE);
    const size_t least = least_tokens(model, bytes);
    if (least >= relevant_tokens(model) && !cuts)
        return quern_context_refuse_long(context, least, true, result, error);
    QUERN_TRY(tokenize_relevant(context, text, &o, &part, &count, error));
    const bool is_whole = part.length + o.title.length == bytes;
    const size_t unread = least_tokens(model, bytes - part.length - o.title.length);
    if (count == 0)
        return quern_fail(error, QUERN_EINVAL, "the text has no tokens");
    /* Where a token may stand for any number of bytes, the end of a part may have more tokens than in the text. */
    const size_t sure = is_whole || model->longest_piece != QUERN_ANY_LENGTH ? count : count - MARGIN;
    if (count > limit && !cuts)
        return quern_context_refuse_long(context, sure, !is_whole, result, error);
    if (count > limit && (o.flags & QUERN_TRUNCATE_START)) {
        if (count > context->id_capacity) {
            QUERN_TRY(quern_context_reserve_ids(context, count, error));
            QUERN_TRY(quern_context_tokenize(context, part, &o, context->ids, count, &count, error));
        }
        QUERN_TRY(keep_end(context, &o, count, error));
    } else if (count > limit && eos >= 0) {
        context->ids[limit - 1] = eos;
    }
    const size_t used = count < limit ? count : limit;
    *result = (quern_result){QUERN_OK, (uint32_t)used, clamp(sure - used + unread), !is_whole};
    return QUERN_OK;
}

int quern_prepare(quern_context *context, quern_text text, const quern_embed_options *options, int32_t *ids,
                  size_t capacity, quern_result *result, quern_error *error)
{
    quern_embed_options o;
    quern_result prepared = {0};
    if (context == NULL || (ids == NULL && capacity != 0) || result == NULL)
        return quern_fail(error, QUERN_EINVAL, "quern_prepare: context, ids or result is NULL");
    QUERN_TRY(quern_embed_options_read(context->model, options, &o, error));
    QUERN_TRY(quern_flags_check(o.flags, QUERN_EMBED_FLAGS, error));
    int code = quern_context_prepare(context, text, &o, &prepared, error);
    if (code == QUERN_OK && prepared.tokens > capacity)
        code = quern_fail(error, QUERN_ETOOLONG, "the text has %u tokens, there is room for %zu", prepared.tokens,
                          capacity);
    prepared.code = code;
    if (code == QUERN_OK)
        memcpy(ids, context->ids, prepared.tokens * sizeof *ids);
    if (code == QUERN_OK || code == QUERN_ETOOLONG)
        *result = prepared;
    return code;
}
