/* Makes the vocabulary of a model from the metadata of its GGUF file. */
#include "api/handles.h"
#include "base/count.h"
#include "base/fold.h"
#include "base/error.h"
#include "base/view.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Finds an array with elements of a kind. */
static int find_array(const quern_model *model, const char *key, uint32_t element, const char *element_name,
                      const struct quern_gguf_value **array, quern_error *error)
{
    const struct quern_gguf_value *v = quern_gguf_find(&model->gguf, key);
    if (v == NULL)
        return quern_fail(error, QUERN_EFORMAT, "key %s is missing", key);
    if (v->kind != QUERN_GGUF_ARRAY || v->element != element)
        return quern_fail(error, QUERN_EFORMAT, "key %s is not an array of %s", key, element_name);
    *array = v;
    return QUERN_OK;
}

/* The same for an array with an element for each token. */
static int find_list(const quern_model *model, const char *key, uint32_t element, const char *element_name,
                     const struct quern_gguf_value **array, quern_error *error)
{
    const struct quern_gguf_value *v = NULL;
    QUERN_TRY(find_array(model, key, element, element_name, &v, error));
    if (v->count != (uint64_t)model->network.shape.vocabulary)
        return quern_fail(error, QUERN_EFORMAT, "key %s has %llu elements, token_embd.weight %d rows", key,
                          (unsigned long long)v->count, model->network.shape.vocabulary);
    *array = v;
    return QUERN_OK;
}

static int read_id(const quern_model *model, const char *key, int32_t *id, quern_error *error)
{
    int64_t value = *id;
    QUERN_TRY(quern_gguf_integer(&model->gguf, key, 0, model->network.shape.vocabulary - 1, &value, error));
    *id = (int32_t)value;
    return QUERN_OK;
}

/* Reads the settings that the file names. source holds the defaults. */
static int read_settings(const quern_model *model, struct quern_vocabulary_source *source, quern_error *error)
{
    const struct quern_gguf *gguf = &model->gguf;
    QUERN_TRY(read_id(model, "tokenizer.ggml.bos_token_id", &source->bos, error));
    QUERN_TRY(read_id(model, "tokenizer.ggml.unknown_token_id", &source->unknown, error));
    if (quern_tokenizer_always_encloses(source->tokenizer)) /* the key is spelled so in all files */
        return read_id(model, "tokenizer.ggml.seperator_token_id", &source->eos, error);
    QUERN_TRY(read_id(model, "tokenizer.ggml.eos_token_id", &source->eos, error));
    QUERN_TRY(quern_gguf_bool(gguf, "tokenizer.ggml.add_bos_token", &source->add_bos, error));
    QUERN_TRY(quern_gguf_bool(gguf, "tokenizer.ggml.add_eos_token", &source->add_eos, error));
    return quern_gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", &source->add_space_prefix, error);
}

/* Reads whether texts are lower-cased. Files made before mid-2026 do not say so. If such a file has pieces with
 * capitals, its model was trained on texts with capitals. */
static int read_case(quern_model *model, struct quern_vocabulary_source *source, quern_error *error)
{
    static const char key[] = "tokenizer.ggml.normalizer.lowercase";
    source->lowercase = !quern_pieces_have_capitals(source);
    model->keeps_capitals = !source->lowercase && quern_gguf_find(&model->gguf, key) == NULL;
    QUERN_TRY(quern_gguf_bool(&model->gguf, key, &source->lowercase, error));
    source->strip_accents = source->lowercase;
    return quern_gguf_bool(&model->gguf, "tokenizer.ggml.normalizer.strip_accents", &source->strip_accents, error);
}

/* Some architectures have a piece that closes every text, whatever the file says. */
static void read_closing_piece(quern_model *model, struct quern_vocabulary_source *source)
{
    const char *piece = model->network.arch->closing_piece;
    size_t id = 0;
    while (piece != NULL && id < source->count && !quern_text_is(source->texts[id], piece))
        id++;
    if (piece == NULL || id == source->count)
        return;
    model->closes_anyway = !source->add_eos || source->eos != (int32_t)id;
    source->eos = (int32_t)id;
    source->add_eos = source->closes_once = true;
}

static int no_memory(const quern_model *model, quern_error *error)
{
    return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %d tokens", model->network.shape.vocabulary);
}

/* Copies the scores, because they may be unaligned in the file. */
static int read_scores(quern_model *model, quern_error *error)
{
    const size_t count = (size_t)model->network.shape.vocabulary;
    const struct quern_gguf_value *array = NULL;
    QUERN_TRY(find_list(model, "tokenizer.ggml.scores", QUERN_GGUF_F32, "floats", &array, error));
    model->scores = malloc(count * sizeof *model->scores);
    if (model->scores == NULL)
        return no_memory(model, error);
    memcpy(model->scores, array->data, count * sizeof *model->scores);
    return QUERN_OK;
}

/* Reads the texts, which stay in the file, and the kinds, which the caller frees even if this fails. */
static int read_pieces(quern_model *model, int32_t **kinds, quern_error *error)
{
    const size_t count = (size_t)model->network.shape.vocabulary;
    const struct quern_gguf_value *token_array = NULL, *kind_array = NULL;
    size_t cursor = 0;
    QUERN_TRY(find_list(model, "tokenizer.ggml.tokens", QUERN_GGUF_STRING, "strings", &token_array, error));
    QUERN_TRY(find_list(model, "tokenizer.ggml.token_type", QUERN_GGUF_I32, "integers", &kind_array, error));
    model->texts = malloc(count * sizeof *model->texts);
    *kinds = malloc(count * sizeof **kinds);
    if (model->texts == NULL || *kinds == NULL)
        return no_memory(model, error);
    for (size_t i = 0; i < count; i++)
        model->texts[i] = quern_gguf_next_string(token_array, &cursor);
    memcpy(*kinds, kind_array->data, count * sizeof **kinds);
    return QUERN_OK;
}

/* Reads the character map, which stays in the file. */
static int read_charsmap(const quern_model *model, quern_text *charsmap, quern_error *error)
{
    const struct quern_gguf_value *v = quern_gguf_find(&model->gguf, "tokenizer.ggml.precompiled_charsmap");
    if (v == NULL)
        return QUERN_OK;
    if (v->kind != QUERN_GGUF_ARRAY || (v->element != QUERN_GGUF_U8 && v->element != QUERN_GGUF_I8))
        return quern_fail(error, QUERN_EFORMAT, "key tokenizer.ggml.precompiled_charsmap is not an array of bytes");
    *charsmap = (quern_text){(const char *)v->data, v->bytes};
    return QUERN_OK;
}

/* Reads the merges, whose texts stay in the file. The caller frees the list even if this fails. */
static int read_merges(const quern_model *model, quern_text **merges, size_t *count, quern_error *error)
{
    const struct quern_gguf_value *array = NULL;
    size_t cursor = 0;
    QUERN_TRY(find_array(model, "tokenizer.ggml.merges", QUERN_GGUF_STRING, "strings", &array, error));
    *merges = malloc(((size_t)array->count + 1) * sizeof **merges);
    if (*merges == NULL)
        return no_memory(model, error);
    for (*count = 0; *count < array->count; ++*count)
        (*merges)[*count] = quern_gguf_next_string(array, &cursor);
    return QUERN_OK;
}

/* Continues the model's digest over all that the tokenizer reads. */
static void digest_vocabulary(quern_model *model, const struct quern_vocabulary_source *source)
{
    const char *const arrays[] = {"tokenizer.ggml.tokens", "tokenizer.ggml.token_type",
                                  source->scores != NULL ? "tokenizer.ggml.scores" : NULL,
                                  source->merges != NULL ? "tokenizer.ggml.merges" : NULL};
    const int32_t numbers[] = {source->add_bos ? source->bos : -1, source->add_eos ? source->eos : -1, source->unknown,
                               source->add_space_prefix | source->lowercase << 1 | source->strip_accents << 2};
    for (size_t i = 0; i < QUERN_COUNT(numbers); i++)
        model->digest = quern_digest_number(model->digest, (uint64_t)numbers[i]);
    for (size_t i = 0; i < QUERN_COUNT(arrays); i++) {
        const struct quern_gguf_value *array = arrays[i] != NULL ? quern_gguf_find(&model->gguf, arrays[i]) : NULL;
        if (array != NULL)
            model->digest = quern_digest_bytes(model->digest, array->data, array->bytes);
    }
    if (source->pre.length > 0)
        model->digest = quern_digest_bytes(model->digest, source->pre.data, source->pre.length);
    if (source->charsmap.length > 0)
        model->digest = quern_digest_bytes(model->digest, source->charsmap.data, source->charsmap.length);
}

/* What is only needed until the vocabulary is made. */
struct lists {
    int32_t *kinds;
    quern_text *merges;
};

/* Reads all that a vocabulary of this kind is made of. */
static int read_source(quern_model *model, const struct quern_tokenizer_kind *kind,
                       struct quern_vocabulary_source *source, struct lists *lists, quern_error *error)
{
    *source = quern_tokenizer_defaults(kind);
    source->count = (size_t)model->network.shape.vocabulary;
    QUERN_TRY(read_settings(model, source, error));
    if (quern_tokenizer_uses_pre(kind))
        QUERN_TRY(quern_gguf_string(&model->gguf, "tokenizer.ggml.pre", &source->pre, error));
    if (quern_tokenizer_uses_scores(kind))
        QUERN_TRY(read_scores(model, error));
    if (quern_tokenizer_uses_charsmap(kind))
        QUERN_TRY(read_charsmap(model, &source->charsmap, error));
    if (quern_tokenizer_uses_merges(kind))
        QUERN_TRY(read_merges(model, &lists->merges, &source->merge_count, error));
    QUERN_TRY(read_pieces(model, &lists->kinds, error));
    source->texts = model->texts;
    source->scores = model->scores;
    source->kinds = lists->kinds;
    source->merges = lists->merges;
    read_closing_piece(model, source);
    return quern_tokenizer_uses_case(kind) ? read_case(model, source, error) : QUERN_OK;
}

static int make_vocabulary(quern_model *model, const struct quern_tokenizer_kind *kind, quern_error *error)
{
    struct quern_vocabulary_source source;
    struct lists lists = {NULL, NULL};
    int code = read_source(model, kind, &source, &lists, error);
    if (code == QUERN_OK)
        code = quern_vocabulary_new(&model->vocabulary, &source, error);
    if (code == QUERN_OK)
        digest_vocabulary(model, &source);
    free(lists.kinds);
    free(lists.merges);
    QUERN_TRY(code);
    const size_t piece_bytes = sizeof *model->texts + (model->scores != NULL ? sizeof *model->scores : 0);
    model->vocabulary_bytes = quern_vocabulary_bytes(model->vocabulary) + source.count * piece_bytes;
    model->longest_piece = quern_vocabulary_longest_piece(model->vocabulary);
    return QUERN_OK;
}

static void copy_name(char *out, size_t size, quern_text name)
{
    snprintf(out, size, "%.*s", (int)(name.length < size ? name.length : size), name.data);
}

int quern_model_read_vocabulary(quern_model *model, quern_error *error)
{
    quern_text name = {"", 0}, pre = {"default", 7};
    QUERN_TRY(quern_gguf_string(&model->gguf, "tokenizer.ggml.model", &name, error));
    QUERN_TRY(quern_gguf_string(&model->gguf, "tokenizer.ggml.pre", &pre, error));
    const struct quern_tokenizer_kind *kind = quern_tokenizer_kind_find(name);
    if (kind != NULL && quern_tokenizer_takes(kind, pre))
        return make_vocabulary(model, kind, error);
    copy_name(model->tokenizer_name, sizeof model->tokenizer_name, name);
    if (kind != NULL)
        copy_name(model->tokenizer_pre, sizeof model->tokenizer_pre, pre);
    return QUERN_OK;
}

int quern_model_check_tokenizer(const quern_model *model, quern_error *error)
{
    if (model->vocabulary != NULL)
        return QUERN_OK;
    if (model->tokenizer_name[0] == '\0')
        return quern_fail(error, QUERN_EUNSUPPORTED,
                          "the model's file has no tokenizer (tokenizer.ggml.model is missing): this model can embed "
                          "tokens, but no texts");
    if (model->tokenizer_pre[0] != '\0')
        return quern_fail(error, QUERN_EUNSUPPORTED,
                          "tokenizer.ggml.pre is \"%s\", a rule for the words of a \"%s\" tokenizer that quern does "
                          "not have: this model can embed tokens, but no texts", model->tokenizer_pre,
                          model->tokenizer_name);
    return quern_fail(error, QUERN_EUNSUPPORTED,
                      "tokenizer.ggml.model is \"%s\", a kind of tokenizer that quern does not have: this model can "
                      "embed tokens, but no texts", model->tokenizer_name);
}
