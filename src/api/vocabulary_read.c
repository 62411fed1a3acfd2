/* From the tokenizer's metadata in a GGUF file to a vocabulary. */
#include "api/handles.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static int find_array(const quern_model *model, const char *key, uint32_t element, const char *element_name,
                      const struct quern_gguf_value **array, quern_error *error)
{
    const struct quern_gguf_value *v = quern_gguf_find(&model->gguf, key);
    if (v == NULL)
        return quern_fail(error, QUERN_EFORMAT, "key %s is missing", key);
    if (v->kind != QUERN_GGUF_ARRAY || v->element != element)
        return quern_fail(error, QUERN_EFORMAT, "key %s is not an array of %s", key, element_name);
    if (v->count != (uint64_t)model->network.shape.vocabulary)
        return quern_fail(error, QUERN_EFORMAT, "key %s has %llu elements, token_embd.weight %d rows", key,
                          (unsigned long long)v->count, model->network.shape.vocabulary);
    *array = v;
    return QUERN_OK;
}

static int read_token(const quern_model *model, const char *key, int32_t *id, quern_error *error)
{
    int64_t value = *id;
    QUERN_TRY(quern_gguf_integer(&model->gguf, key, 0, model->network.shape.vocabulary - 1, &value, error));
    *id = (int32_t)value;
    return QUERN_OK;
}

/* Defaults are those of the format, which EmbeddingGemma's files override. */
static int read_settings(const quern_model *model, struct quern_vocabulary_source *source, quern_error *error)
{
    const struct quern_gguf *gguf = &model->gguf;
    quern_text kind = {"", 0};
    QUERN_TRY(quern_gguf_string(gguf, "tokenizer.ggml.model", &kind, error));
    if (kind.length != 5 || memcmp(kind.data, "llama", 5) != 0)
        return quern_fail(error, QUERN_EUNSUPPORTED, "tokenizer.ggml.model is \"%.*s\"; quern reads \"llama\"",
                          (int)(kind.length < 64 ? kind.length : 64), kind.data);
    QUERN_TRY(read_token(model, "tokenizer.ggml.bos_token_id", &source->bos, error));
    QUERN_TRY(read_token(model, "tokenizer.ggml.eos_token_id", &source->eos, error));
    QUERN_TRY(read_token(model, "tokenizer.ggml.unknown_token_id", &source->unknown, error));
    QUERN_TRY(quern_gguf_bool(gguf, "tokenizer.ggml.add_bos_token", &source->add_bos, error));
    QUERN_TRY(quern_gguf_bool(gguf, "tokenizer.ggml.add_eos_token", &source->add_eos, error));
    return quern_gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", &source->add_space_prefix, error);
}

int quern_model_read_vocabulary(quern_model *model, quern_error *error)
{
    const size_t count = (size_t)model->network.shape.vocabulary;
    struct quern_vocabulary_source source = {
        .count = count, .bos = 1, .eos = 2, .unknown = 0, .add_bos = true, .add_space_prefix = true};
    const struct quern_gguf_value *tokens = NULL, *scores = NULL, *kinds = NULL;
    int32_t *kind_copy;
    size_t cursor = 0;

    QUERN_TRY(read_settings(model, &source, error));
    QUERN_TRY(find_array(model, "tokenizer.ggml.tokens", QUERN_GGUF_STRING, "strings", &tokens, error));
    QUERN_TRY(find_array(model, "tokenizer.ggml.scores", QUERN_GGUF_F32, "floats", &scores, error));
    QUERN_TRY(find_array(model, "tokenizer.ggml.token_type", QUERN_GGUF_I32, "integers", &kinds, error));

    model->texts = malloc(count * sizeof *model->texts);
    model->scores = malloc(count * sizeof *model->scores);
    kind_copy = malloc(count * sizeof *kind_copy);
    int code = QUERN_OK;
    if (model->texts == NULL || model->scores == NULL || kind_copy == NULL) {
        code = quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu tokens", count);
        goto out;
    }
    model->longest_piece = 4; /* a character, for which the unknown piece stands */
    for (size_t i = 0; i < count; i++) {
        model->texts[i] = quern_gguf_next_string(tokens, &cursor);
        if (model->texts[i].length > model->longest_piece)
            model->longest_piece = model->texts[i].length;
    }
    memcpy(model->scores, scores->data, count * sizeof *model->scores);
    memcpy(kind_copy, kinds->data, count * sizeof *kind_copy);
    source.texts = model->texts;
    source.scores = model->scores;
    source.kinds = kind_copy;
    code = quern_vocabulary_new(&model->vocabulary, &source, error);
    if (code == QUERN_OK)
        model->vocabulary_bytes = quern_vocabulary_bytes(model->vocabulary) +
                                  count * (sizeof *model->texts + sizeof *model->scores);
out:
    free(kind_copy);
    return code;
}
