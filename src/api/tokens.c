/* What programs ask about tokens: of a text, of the vocabulary, where they stand, what they spell. */
#include "api/handles.h"
#include "base/error.h"
#include "base/sized.h"

int quern_tokenizer_describe(const quern_model *model, quern_tokenizer_info *info, quern_error *error)
{
    if (model == NULL)
        return quern_fail(error, QUERN_EINVAL, "quern_tokenizer_describe: model is NULL");
    QUERN_TRY(quern_model_check_tokenizer(model, error));
    quern_tokenizer_info full = {0};
    quern_vocabulary_describe(model->vocabulary, &full);
    return quern_info_write(info, &full, sizeof full, error);
}

int quern_piece_get(const quern_model *model, int32_t id, quern_piece *piece, quern_error *error)
{
    if (model == NULL || piece == NULL)
        return quern_fail(error, QUERN_EINVAL, "quern_piece_get: model or piece is NULL");
    QUERN_TRY(quern_model_check_tokenizer(model, error));
    if (id < 0 || id >= model->network.shape.vocabulary)
        return quern_fail(error, QUERN_EINVAL, "token %d is outside the vocabulary of %d", id,
                          model->network.shape.vocabulary);
    QUERN_TRY(quern_map_check(&model->gguf.map, error));
    *piece = quern_vocabulary_piece(model->vocabulary, id);
    return QUERN_OK;
}

int quern_tokenize(quern_context *context, quern_text text, const quern_embed_options *options, int32_t *ids,
                   size_t capacity, size_t *count, quern_error *error)
{
    quern_embed_options o;
    size_t found;
    if (context == NULL || count == NULL || (ids == NULL && capacity != 0) || (text.data == NULL && text.length != 0))
        return quern_fail(error, QUERN_EINVAL, "quern_tokenize: an argument is NULL");
    QUERN_TRY(quern_embed_options_read(context->model, options, &o, error));
    QUERN_TRY(quern_flags_check(o.flags, QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL, error));
    QUERN_TRY(quern_context_tokenize(context, text, &o, ids, capacity, &found, error));
    *count = found;
    if (found > capacity)
        return quern_fail(error, QUERN_ETOOLONG, "the text has %zu tokens, there is room for %zu", found, capacity);
    return QUERN_OK;
}

int quern_token_spans(quern_context *context, quern_text text, const quern_embed_options *options, const int32_t *ids,
                      size_t count, quern_token_span *spans, quern_error *error)
{
    quern_embed_options o;
    if (context == NULL || ((ids == NULL || spans == NULL) && count != 0) || (text.data == NULL && text.length != 0))
        return quern_fail(error, QUERN_EINVAL, "quern_token_spans: an argument is NULL");
    QUERN_TRY(quern_embed_options_read(context->model, options, &o, error));
    QUERN_TRY(quern_flags_check(o.flags, QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL, error));
    return quern_context_spans(context, text, &o, ids, count, spans, error);
}

int quern_detokenize(const quern_model *model, const int32_t *ids, size_t count, unsigned flags, char *out,
                     size_t capacity, size_t *length, quern_error *error)
{
    size_t found = 0;
    if (model == NULL || (ids == NULL && count != 0) || (out == NULL && capacity != 0) || length == NULL)
        return quern_fail(error, QUERN_EINVAL, "quern_detokenize: an argument is NULL");
    QUERN_TRY(quern_model_check_tokenizer(model, error));
    QUERN_TRY(quern_flags_check(flags, QUERN_KEEP_SPACE | QUERN_NO_SPECIAL, error));
    const int code = quern_vocabulary_detokenize(model->vocabulary, ids, count, flags, out, capacity, &found, error);
    QUERN_TRY(quern_map_check(&model->gguf.map, error));
    if (code == QUERN_OK || code == QUERN_ETOOLONG)
        *length = found;
    return code;
}
