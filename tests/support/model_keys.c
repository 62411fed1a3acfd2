#include "model_parts.h"

#include "base/count.h"
#include "base/error.h"
#include "formats/conversion.h"
#include "merge_maker.h"
#include "vocabulary_maker.h"

#include <stdio.h>
#include <string.h>

static const char *architecture(const struct quern_recipe *r)
{
    static const char *const names[] = {
        [QUERN_RECIPE_GEMMA] = "gemma-embedding", [QUERN_RECIPE_GEMMA2] = "gemma-embedding2",
        [QUERN_RECIPE_BERT] = "bert",
        [QUERN_RECIPE_NOMIC_BERT] = "nomic-bert", [QUERN_RECIPE_QWEN3] = "qwen3",
        [QUERN_RECIPE_MODERN_BERT] = "modern-bert"};
    return names[r->arch];
}

static void put_number(struct quern_gguf_writer *writer, const struct quern_recipe *r, const char *key, int value)
{
    char full[96];
    snprintf(full, sizeof full, "%s.%s", architecture(r), key);
    quern_gguf_put_u32(writer, full, (uint32_t)value);
}

static void put_float(struct quern_gguf_writer *writer, const struct quern_recipe *r, const char *key, float value)
{
    char full[96];
    snprintf(full, sizeof full, "%s.%s", architecture(r), key);
    quern_gguf_put_f32(writer, full, value);
}

static void put_string(struct quern_gguf_writer *writer, const char *key, const char *value)
{
    quern_gguf_put_string(writer, key, (quern_text){value, strlen(value)});
}

static void put_gemma_keys(struct quern_gguf_writer *writer, const struct quern_recipe *r)
{
    put_number(writer, r, "attention.head_count_kv", r->kv_heads);
    put_number(writer, r, "attention.key_length", r->head_dimensions);
    put_number(writer, r, "attention.value_length", r->head_dimensions);
    put_number(writer, r, "attention.sliding_window", r->window);
    put_float(writer, r, "attention.layer_norm_rms_epsilon", 1e-6f);
    put_float(writer, r, "rope.freq_base", 1e6f);
    put_float(writer, r, "rope.freq_base_swa", 1e4f);
}

/* As the published file has them: an array with a value for each layer. */
static void put_gemma2_keys(struct quern_gguf_writer *writer, const struct quern_recipe *r)
{
    enum { MOST = 64 };
    int32_t kv_heads[MOST];
    unsigned char local[MOST];
    for (int layer = 0; layer < r->layers && layer < MOST; layer++) {
        local[layer] = quern_recipe_is_local(layer);
        kv_heads[layer] = quern_recipe_is_local(layer) ? r->kv_heads : r->kv_heads / 2;
    }
    quern_gguf_put_array(writer, "gemma-embedding2.attention.head_count_kv", QUERN_GGUF_I32, kv_heads,
                         (size_t)r->layers);
    quern_gguf_put_array(writer, "gemma-embedding2.attention.sliding_window_pattern", QUERN_GGUF_BOOL, local,
                         (size_t)r->layers);
    put_number(writer, r, "attention.key_length", 2 * r->head_dimensions);
    put_number(writer, r, "attention.value_length", 2 * r->head_dimensions);
    put_number(writer, r, "attention.key_length_swa", r->head_dimensions);
    put_number(writer, r, "attention.value_length_swa", r->head_dimensions);
    put_number(writer, r, "attention.sliding_window", r->window);
    put_number(writer, r, "attention.shared_kv_layers", 0);
    put_number(writer, r, "embedding_length_per_layer_input", r->layer_input);
    put_number(writer, r, "embedding_length_out", r->dimensions);
    put_number(writer, r, "rope.dimension_count", 2 * r->head_dimensions);
    put_number(writer, r, "rope.dimension_count_swa", r->head_dimensions);
    put_float(writer, r, "attention.layer_norm_rms_epsilon", 1e-6f);
    put_float(writer, r, "rope.freq_base", 1e6f);
    put_float(writer, r, "rope.freq_base_swa", 1e4f);
    quern_gguf_put_bool(writer, "gemma-embedding2.attention.causal", false);
}

static void put_bert_keys(struct quern_gguf_writer *writer, const struct quern_recipe *r)
{
    put_float(writer, r, "attention.layer_norm_epsilon", 1e-12f);
    quern_gguf_put_bool(writer, "bert.attention.causal", false);
    quern_gguf_put_u32(writer, "tokenizer.ggml.token_type_count", 2);
}

static void put_nomic_keys(struct quern_gguf_writer *writer, const struct quern_recipe *r)
{
    put_float(writer, r, "attention.layer_norm_epsilon", 1e-12f);
    quern_gguf_put_bool(writer, "nomic-bert.attention.causal", false);
    quern_gguf_put_u32(writer, "tokenizer.ggml.token_type_count", 2);
    put_float(writer, r, "rope.freq_base", 1e3f);
}

static void put_qwen3_keys(struct quern_gguf_writer *writer, const struct quern_recipe *r)
{
    put_number(writer, r, "attention.head_count_kv", r->kv_heads);
    put_number(writer, r, "attention.key_length", r->head_dimensions);
    put_number(writer, r, "attention.value_length", r->head_dimensions);
    put_float(writer, r, "attention.layer_norm_rms_epsilon", 1e-6f);
    put_float(writer, r, "rope.freq_base", 1e6f);
}

static void put_modern_keys(struct quern_gguf_writer *writer, const struct quern_recipe *r)
{
    put_number(writer, r, "attention.sliding_window", r->window);
    put_number(writer, r, "attention.sliding_window_pattern", 3);
    put_float(writer, r, "attention.layer_norm_epsilon", 1e-5f);
    quern_gguf_put_bool(writer, "modern-bert.attention.causal", false);
    put_float(writer, r, "rope.freq_base", 160000.0f);
    put_float(writer, r, "rope.freq_base_swa", 1e4f);
    put_string(writer, "modern-bert.rope.scaling.type", "none");
    if (r->activation != NULL)
        put_string(writer, "modern-bert.hidden_activation", r->activation);
}

/* The keys that one architecture has. */
static void (*const own_keys[])(struct quern_gguf_writer *writer, const struct quern_recipe *r) = {
    [QUERN_RECIPE_GEMMA] = put_gemma_keys, [QUERN_RECIPE_GEMMA2] = put_gemma2_keys,
    [QUERN_RECIPE_BERT] = put_bert_keys, [QUERN_RECIPE_NOMIC_BERT] = put_nomic_keys,
    [QUERN_RECIPE_QWEN3] = put_qwen3_keys, [QUERN_RECIPE_MODERN_BERT] = put_modern_keys,
};

static void put_model_keys(struct quern_gguf_writer *writer, const struct quern_recipe *r)
{
    put_string(writer, "general.architecture", architecture(r));
    put_string(writer, "general.type", "model");
    put_string(writer, "general.name", r->name != NULL ? r->name : "Test model of random weights");
    if (r->prompts != NULL)
        put_string(writer, "quern.prompts", r->prompts);
    for (size_t i = 0; i < QUERN_COUNT(r->file_prompts) && r->file_prompts[i].name != NULL; i++) {
        char key[96];
        snprintf(key, sizeof key, "quern.prompt.%s", r->file_prompts[i].name);
        put_string(writer, key, r->file_prompts[i].text);
    }
    quern_gguf_put_u32(writer, "general.file_type", quern_file_type(r->type));
    quern_gguf_put_u32(writer, "general.quantization_version", 2);
    put_number(writer, r, "context_length", r->context);
    put_number(writer, r, "embedding_length", r->embedding);
    put_number(writer, r, "block_count", r->layers);
    put_number(writer, r, "feed_forward_length", r->ffn);
    put_number(writer, r, "attention.head_count", r->heads);
    own_keys[r->arch](writer, r);
    if (r->pooling >= 0)
        put_number(writer, r, "pooling_type", r->pooling);
    if (r->head) {
        put_number(writer, r, "dense_2_feat_in", r->embedding);
        put_number(writer, r, "dense_2_feat_out", r->hidden);
        put_number(writer, r, "dense_3_feat_in", r->hidden);
        put_number(writer, r, "dense_3_feat_out", r->embedding);
    }
}

static int put_merges(struct quern_gguf_writer *writer, const struct quern_made_vocabulary *vocabulary,
                      quern_error *error)
{
    struct quern_made_merges merges;
    const struct quern_vocabulary_source source = {
        .texts = vocabulary->texts, .kinds = vocabulary->kinds, .count = vocabulary->count};
    QUERN_TRY(quern_merges_make(&merges, &source, 0, error));
    quern_gguf_put_strings(writer, "tokenizer.ggml.merges", merges.texts, merges.count);
    quern_merges_unmake(&merges);
    return QUERN_OK;
}

/* A character map that turns 'w' into "of": see charsmap.h. */
static void put_charsmap(struct quern_gguf_writer *writer)
{
    enum { UNITS = 0x77, ROOT = 1, KEY = ROOT ^ 'w', VALUE = 2 };
    unsigned char map[4 + 4 * UNITS + 3] = {[0] = 4 * UNITS & 255, [1] = 4 * UNITS >> 8};
    const uint32_t units[UNITS] = {
        [0] = ROOT << 10, [KEY] = 'w' | 256u | (KEY ^ VALUE) << 10, [VALUE] = (uint32_t)1 << 31};
    for (size_t i = 0; i < 4 * UNITS; i++)
        map[4 + i] = (unsigned char)(units[i / 4] >> 8 * (i % 4) & 255);
    memcpy(map + 4 + 4 * UNITS, "of", 3);
    quern_gguf_put_array(writer, "tokenizer.ggml.precompiled_charsmap", QUERN_GGUF_I8, map, sizeof map);
}

static const char *tokenizer_of(const struct quern_recipe *r)
{
    if (r->tokenizer != NULL)
        return r->tokenizer;
    return r->unigram ? "t5" : r->arch == QUERN_RECIPE_BERT ? "bert" : r->merges ? "gemma4" : "llama";
}

static int put_vocabulary(struct quern_gguf_writer *writer, const struct quern_recipe *r, quern_error *error)
{
    struct quern_made_vocabulary vocabulary;
    QUERN_TRY(quern_vocabulary_make(&vocabulary, r->vocabulary, error));
    for (size_t i = 0; i < vocabulary.count && r->unigram; i++) /* unigram has no pieces for bytes */
        if (vocabulary.kinds[i] == QUERN_PIECE_BYTE)
            vocabulary.kinds[i] = QUERN_PIECE_UNUSED;
    put_string(writer, "tokenizer.ggml.model", tokenizer_of(r));
    put_string(writer, "tokenizer.ggml.pre", r->pre != NULL ? r->pre : "default");
    quern_gguf_put_strings(writer, "tokenizer.ggml.tokens", vocabulary.texts, vocabulary.count);
    quern_gguf_put_array(writer, "tokenizer.ggml.scores", QUERN_GGUF_F32, vocabulary.scores, vocabulary.count);
    quern_gguf_put_array(writer, "tokenizer.ggml.token_type", QUERN_GGUF_I32, vocabulary.kinds, vocabulary.count);
    quern_gguf_put_u32(writer, "tokenizer.ggml.bos_token_id", 2);
    quern_gguf_put_u32(writer, "tokenizer.ggml.eos_token_id", 1);
    quern_gguf_put_u32(writer, "tokenizer.ggml.unknown_token_id", 3);
    quern_gguf_put_u32(writer, "tokenizer.ggml.padding_token_id", 0);
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_bos_token", true);
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_eos_token", true);
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_sep_token", false);
    quern_gguf_put_bool(writer, "tokenizer.ggml.add_space_prefix", r->spaced);
    if (r->unigram)
        put_charsmap(writer);
    if (strcmp(tokenizer_of(r), "bert") == 0) {
        quern_gguf_put_u32(writer, "tokenizer.ggml.seperator_token_id", 1);
        quern_gguf_put_bool(writer, "tokenizer.ggml.normalizer.lowercase", true);
        quern_gguf_put_bool(writer, "tokenizer.ggml.normalizer.strip_accents", true);
    }
    const int code = r->merges ? put_merges(writer, &vocabulary, error) : QUERN_OK;
    quern_vocabulary_unmake(&vocabulary);
    return code;
}

int quern_model_put_keys(struct quern_gguf_writer *writer, const struct quern_recipe *recipe, quern_error *error)
{
    put_model_keys(writer, recipe);
    return put_vocabulary(writer, recipe, error);
}
