#include "model_maker.h"

#include "base/count.h"
#include "base/error.h"
#include "block_maker.h"
#include "formats/conversion.h"
#include "gguf/writer.h"
#include "merge_maker.h"
#include "vocabulary_maker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 16384 /* elements made at once: whole blocks of every type */

struct tensor {
    char name[64];
    uint32_t type;
    uint64_t shape[2]; /* shape[1] == 1: a vector */
    float mean, deviation;
};

struct plan {
    struct tensor *tensors; /* [count], room for all */
    size_t count;
};

struct quern_recipe quern_recipe_tiny(void)
{
    return (struct quern_recipe){.layers = 6, .embedding = 64, .ffn = 96, .heads = 2, .kv_heads = 1,
                                 .head_dimensions = 32, .context = 256, .window = 16, .hidden = 128,
                                 .vocabulary = QUERN_VOCABULARY_TINY, .type = QUERN_TYPE_Q8_0, .pooling = 1,
                                 .seed = 1};
}

struct quern_recipe quern_recipe_wide(void)
{
    struct quern_recipe recipe = quern_recipe_tiny();
    recipe.embedding = 256;
    recipe.ffn = 288;
    recipe.head_dimensions = 128;
    recipe.hidden = 512;
    recipe.type = QUERN_TYPE_Q4_K;
    return recipe;
}

struct quern_recipe quern_recipe_full(void)
{
    return (struct quern_recipe){.layers = 24, .embedding = 768, .ffn = 1152, .heads = 3, .kv_heads = 1,
                                 .head_dimensions = 256, .context = 2048, .window = 512, .hidden = 3072,
                                 .vocabulary = QUERN_VOCABULARY_FULL, .type = QUERN_TYPE_Q8_0, .pooling = 1,
                                 .seed = 1};
}

struct quern_recipe quern_recipe_bert(void)
{
    return (struct quern_recipe){.layers = 3, .embedding = 64, .ffn = 96, .heads = 2, .kv_heads = 2,
                                 .head_dimensions = 32, .context = 256, .vocabulary = QUERN_VOCABULARY_TINY,
                                 .type = QUERN_TYPE_F32, .arch = QUERN_RECIPE_BERT, .pooling = 1, .seed = 1};
}

struct quern_recipe quern_recipe_nomic(void)
{
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.arch = QUERN_RECIPE_NOMIC_BERT;
    recipe.fused = true;
    return recipe;
}

struct quern_recipe quern_recipe_qwen3(void)
{
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.arch = QUERN_RECIPE_QWEN3;
    recipe.heads = 4;
    recipe.pooling = 3;
    return recipe;
}

struct quern_recipe quern_recipe_modern(void)
{
    struct quern_recipe recipe = quern_recipe_bert();
    recipe.arch = QUERN_RECIPE_MODERN_BERT;
    recipe.layers = 6;
    recipe.window = 16;
    recipe.pooling = 2;
    return recipe;
}

struct quern_recipe quern_recipe_gemma2(void)
{
    return (struct quern_recipe){.layers = 6, .embedding = 64, .ffn = 96, .heads = 4, .kv_heads = 2,
                                 .head_dimensions = 32, .context = 256, .window = 16, .layer_input = 32,
                                 .dimensions = 96, .vocabulary = QUERN_VOCABULARY_TINY, .type = QUERN_TYPE_F32,
                                 .arch = QUERN_RECIPE_GEMMA2, .pooling = 1, .seed = 1};
}

/* ---------------------------------------------------------------- tensors */

/* The type that llama.cpp's quantiser takes instead, when a row is not a whole number of blocks of the type. */
static uint32_t fitting_type(uint32_t type, int length)
{
    if (length % quern_type_info(type)->block_elements == 0)
        return type;
    switch (type) {
    case QUERN_TYPE_Q4_K: return QUERN_TYPE_Q5_0;
    case QUERN_TYPE_Q5_K: return QUERN_TYPE_Q5_1;
    case QUERN_TYPE_Q6_K: return QUERN_TYPE_Q8_0;
    default: return QUERN_TYPE_Q4_0; /* Q2_K, Q3_K */
    }
}

/* The type of a matrix in a file of a type: the mixtures of llama.cpp's quantiser, Q4_K and Q5_K being its Q4_K_M and
 * Q5_K_M. These give more bits to values and to the last product of every layer near an end, and of every third. */
static uint32_t mixed_type(const struct quern_recipe *r, int layer, const char *part)
{
    const int eighth = r->layers / 8;
    const bool more = layer < eighth || layer >= 7 * r->layers / 8 || (layer - eighth) % 3 == 2;
    const bool matters = strcmp(part, "attn_v") == 0 || strcmp(part, "ffn_down") == 0;
    if ((r->type == QUERN_TYPE_Q4_K || r->type == QUERN_TYPE_Q5_K) && matters && more)
        return QUERN_TYPE_Q6_K;
    return r->type;
}

/* The type of token_embd. Its rounding matters, and the table is large. */
static uint32_t embedding_type(const struct quern_recipe *r)
{
    if (r->type == QUERN_TYPE_Q4_0)
        return QUERN_TYPE_Q8_0;
    return quern_blocks_makeable(r->type) ? QUERN_TYPE_Q6_K : r->type;
}

/* y = W x for x[in], y[out]. With a deviation of 1 / sqrt(in), y is about as large as x. */
static void plan_matrix(struct plan *plan, uint32_t type, int in, size_t out, const char *name)
{
    struct tensor *tensor = &plan->tensors[plan->count++];
    *tensor = (struct tensor){.type = fitting_type(type, in), .shape = {(uint64_t)in, out},
                              .deviation = 1.0f / sqrtf((float)in)};
    snprintf(tensor->name, sizeof tensor->name, "%s.weight", name);
}

static void plan_vector(struct plan *plan, int length, float mean, float deviation, const char *name, const char *part)
{
    struct tensor *tensor = &plan->tensors[plan->count++];
    *tensor = (struct tensor){.type = QUERN_TYPE_F32, .shape = {(uint64_t)length, 1}, .mean = mean,
                              .deviation = deviation};
    snprintf(tensor->name, sizeof tensor->name, "%s.%s", name, part);
}

static void plan_norm(struct plan *plan, int length, float mean, float deviation, const char *name)
{
    plan_vector(plan, length, mean, deviation, name, "weight");
}

/* q and k come out of their norms with a deviation of 1.5, so that scores have about 1.5^2 and attention is not
 * uniform. What a layer adds to the residual stream is half as large as what a norm gives the layer. */
static void plan_layer(struct plan *plan, const struct quern_recipe *r, int layer)
{
    char name[48];
    size_t queries = (size_t)(r->heads * r->head_dimensions), keys = (size_t)(r->kv_heads * r->head_dimensions);
#define NAMED(part) (snprintf(name, sizeof name, "blk.%d." part, layer), name)
    plan_norm(plan, r->embedding, 1.0f, 0.1f, NAMED("attn_norm"));
    plan_matrix(plan, r->type, r->embedding, queries, NAMED("attn_q"));
    plan_matrix(plan, r->type, r->embedding, keys, NAMED("attn_k"));
    plan_matrix(plan, mixed_type(r, layer, "attn_v"), r->embedding, keys, NAMED("attn_v"));
    plan_norm(plan, r->head_dimensions, 1.5f, 0.2f, NAMED("attn_q_norm"));
    plan_norm(plan, r->head_dimensions, 1.5f, 0.2f, NAMED("attn_k_norm"));
    plan_matrix(plan, r->type, (int)queries, (size_t)r->embedding, NAMED("attn_output"));
    plan_norm(plan, r->embedding, 0.5f, 0.1f, NAMED("post_attention_norm"));
    plan_norm(plan, r->embedding, 1.0f, 0.1f, NAMED("ffn_norm"));
    plan_matrix(plan, r->type, r->embedding, (size_t)r->ffn, NAMED("ffn_gate"));
    plan_matrix(plan, r->type, r->embedding, (size_t)r->ffn, NAMED("ffn_up"));
    plan_matrix(plan, mixed_type(r, layer, "ffn_down"), r->ffn, (size_t)r->embedding, NAMED("ffn_down"));
    plan_norm(plan, r->embedding, 0.5f, 0.1f, NAMED("post_ffw_norm"));
#undef NAMED
}

static void plan_layer_norm(struct plan *plan, int length, const char *name)
{
    plan_vector(plan, length, 1.0f, 0.1f, name, "weight");
    plan_vector(plan, length, 0.0f, 0.1f, name, "bias");
}

static void plan_linear(struct plan *plan, uint32_t type, int in, int out, const char *name)
{
    plan_matrix(plan, type, in, (size_t)out, name);
    plan_vector(plan, out, 0.0f, 0.1f, name, "bias");
}

static void plan_bert_layer(struct plan *plan, const struct quern_recipe *r, int layer)
{
    char name[48];
    const int queries = r->heads * r->head_dimensions;
#define NAMED(part) (snprintf(name, sizeof name, "blk.%d." part, layer), name)
    if (r->fused) {
        plan_linear(plan, r->type, r->embedding, 3 * queries, NAMED("attn_qkv"));
    } else {
        plan_linear(plan, r->type, r->embedding, queries, NAMED("attn_q"));
        plan_linear(plan, r->type, r->embedding, queries, NAMED("attn_k"));
        plan_linear(plan, r->type, r->embedding, queries, NAMED("attn_v"));
    }
    plan_linear(plan, r->type, queries, r->embedding, NAMED("attn_output"));
    plan_layer_norm(plan, r->embedding, NAMED("attn_output_norm"));
    plan_linear(plan, r->type, r->embedding, r->ffn, NAMED("ffn_up"));
    plan_linear(plan, r->type, r->ffn, r->embedding, NAMED("ffn_down"));
    plan_layer_norm(plan, r->embedding, NAMED("layer_output_norm"));
#undef NAMED
}

static void plan_bert(struct plan *plan, const struct quern_recipe *r)
{
    plan_matrix(plan, embedding_type(r), r->embedding, r->vocabulary, "token_embd");
    plan_matrix(plan, QUERN_TYPE_F32, r->embedding, (size_t)r->context, "position_embd");
    plan_matrix(plan, QUERN_TYPE_F32, r->embedding, 2, "token_types");
    plan_layer_norm(plan, r->embedding, "token_embd_norm");
    for (int layer = 0; layer < r->layers; layer++)
        plan_bert_layer(plan, r, layer);
}

static void plan_queries_keys_values(struct plan *plan, const struct quern_recipe *r, int layer)
{
    char name[48];
    const size_t queries = (size_t)(r->heads * r->head_dimensions), keys = (size_t)(r->kv_heads * r->head_dimensions);
#define NAMED(part) (snprintf(name, sizeof name, "blk.%d." part, layer), name)
    if (r->fused || r->arch == QUERN_RECIPE_MODERN_BERT) {
        plan_matrix(plan, r->type, r->embedding, queries + 2 * keys, NAMED("attn_qkv"));
    } else {
        plan_matrix(plan, r->type, r->embedding, queries, NAMED("attn_q"));
        plan_matrix(plan, r->type, r->embedding, keys, NAMED("attn_k"));
        plan_matrix(plan, mixed_type(r, layer, "attn_v"), r->embedding, keys, NAMED("attn_v"));
    }
#undef NAMED
}

static void plan_nomic_layer(struct plan *plan, const struct quern_recipe *r, int layer)
{
    char name[48];
#define NAMED(part) (snprintf(name, sizeof name, "blk.%d." part, layer), name)
    plan_queries_keys_values(plan, r, layer);
    plan_matrix(plan, r->type, r->heads * r->head_dimensions, (size_t)r->embedding, NAMED("attn_output"));
    plan_layer_norm(plan, r->embedding, NAMED("attn_output_norm"));
    plan_matrix(plan, r->type, r->embedding, (size_t)r->ffn, NAMED("ffn_up"));
    plan_matrix(plan, r->type, r->embedding, (size_t)r->ffn, NAMED("ffn_gate"));
    plan_matrix(plan, mixed_type(r, layer, "ffn_down"), r->ffn, (size_t)r->embedding, NAMED("ffn_down"));
    plan_layer_norm(plan, r->embedding, NAMED("layer_output_norm"));
#undef NAMED
}

static void plan_nomic(struct plan *plan, const struct quern_recipe *r)
{
    plan_matrix(plan, embedding_type(r), r->embedding, r->vocabulary, "token_embd");
    plan_matrix(plan, QUERN_TYPE_F32, r->embedding, 2, "token_types");
    plan_layer_norm(plan, r->embedding, "token_embd_norm");
    for (int layer = 0; layer < r->layers; layer++)
        plan_nomic_layer(plan, r, layer);
}

/* A layer of Qwen3 or of ModernBERT, whose norms stand before each block. */
static void plan_normed_layer(struct plan *plan, const struct quern_recipe *r, int layer)
{
    char name[48];
    const bool qwen3 = r->arch == QUERN_RECIPE_QWEN3;
#define NAMED(part) (snprintf(name, sizeof name, "blk.%d." part, layer), name)
    if (qwen3 || layer > 0)
        plan_norm(plan, r->embedding, 1.0f, 0.1f, NAMED("attn_norm"));
    plan_queries_keys_values(plan, r, layer);
    if (qwen3) {
        plan_norm(plan, r->head_dimensions, 1.5f, 0.2f, NAMED("attn_q_norm"));
        plan_norm(plan, r->head_dimensions, 1.5f, 0.2f, NAMED("attn_k_norm"));
    }
    plan_matrix(plan, r->type, r->heads * r->head_dimensions, (size_t)r->embedding, NAMED("attn_output"));
    plan_norm(plan, r->embedding, 1.0f, 0.1f, NAMED("ffn_norm"));
    plan_matrix(plan, r->type, r->embedding, (size_t)(qwen3 ? r->ffn : 2 * r->ffn), NAMED("ffn_up"));
    if (qwen3)
        plan_matrix(plan, r->type, r->embedding, (size_t)r->ffn, NAMED("ffn_gate"));
    plan_matrix(plan, mixed_type(r, layer, "ffn_down"), r->ffn, (size_t)r->embedding, NAMED("ffn_down"));
#undef NAMED
}

static void plan_normed(struct plan *plan, const struct quern_recipe *r)
{
    plan_matrix(plan, embedding_type(r), r->embedding, r->vocabulary, "token_embd");
    if (r->arch == QUERN_RECIPE_MODERN_BERT)
        plan_norm(plan, r->embedding, 1.0f, 0.1f, "token_embd_norm");
    for (int layer = 0; layer < r->layers; layer++)
        plan_normed_layer(plan, r, layer);
    plan_norm(plan, r->embedding, 1.0f, 0.1f, "output_norm");
}

/* The embedding's deviation makes a row's length 1; the model multiplies by sqrt(embedding). */
static void plan_gemma(struct plan *plan, const struct quern_recipe *r)
{
    plan_matrix(plan, embedding_type(r), r->embedding, r->vocabulary, "token_embd");
    for (int layer = 0; layer < r->layers; layer++)
        plan_layer(plan, r, layer);
    plan_norm(plan, r->embedding, 1.0f, 0.1f, "output_norm");
    if (r->head) {
        plan_matrix(plan, r->type, r->embedding, (size_t)r->hidden, "dense_2");
        plan_matrix(plan, r->type, r->hidden, (size_t)r->embedding, "dense_3");
    }
}

/* Whether a layer of EmbeddingGemma 2 is local. */
static bool is_local(int layer)
{
    return layer % 3 < 2;
}

/* The type of the matrix of layers' own inputs: llama.cpp's quantiser leaves it in bfloat16. */
static uint32_t layer_input_type(const struct quern_recipe *r)
{
    const bool plain = r->type == QUERN_TYPE_F32 || r->type == QUERN_TYPE_F16;
    return plain ? r->type : QUERN_TYPE_BF16;
}

/* Norms are far from 1, as in the published model, and gates so large that all parts of a layer matter. */
static void plan_gemma2_layer(struct plan *plan, const struct quern_recipe *r, int layer)
{
    char name[48];
    const int kv_heads = is_local(layer) ? r->kv_heads : r->kv_heads / 2;
    const int head = is_local(layer) ? r->head_dimensions : 2 * r->head_dimensions;
    const size_t queries = (size_t)(r->heads * head), keys = (size_t)(kv_heads * head);
#define NAMED(part) (snprintf(name, sizeof name, "blk.%d." part, layer), name)
    plan_matrix(plan, r->type, r->embedding, keys, NAMED("attn_k"));
    plan_norm(plan, head, 2 / sqrtf((float)head), 0.2f / sqrtf((float)head), NAMED("attn_k_norm"));
    plan_norm(plan, r->embedding, 2.0f, 0.4f, NAMED("attn_norm"));
    plan_matrix(plan, r->type, (int)queries, (size_t)r->embedding, NAMED("attn_output"));
    plan_matrix(plan, r->type, r->embedding, queries, NAMED("attn_q"));
    plan_norm(plan, head, 1.0f, 0.1f, NAMED("attn_q_norm"));
    plan_matrix(plan, mixed_type(r, layer, "attn_v"), r->embedding, keys, NAMED("attn_v"));
    plan_matrix(plan, mixed_type(r, layer, "ffn_down"), r->ffn, (size_t)r->embedding, NAMED("ffn_down"));
    plan_matrix(plan, r->type, r->embedding, (size_t)r->ffn, NAMED("ffn_gate"));
    plan_norm(plan, r->embedding, 1.5f, 0.2f, NAMED("ffn_norm"));
    plan_matrix(plan, r->type, r->embedding, (size_t)r->ffn, NAMED("ffn_up"));
    plan_matrix(plan, r->type, r->embedding, (size_t)r->layer_input, NAMED("inp_gate"));
    plan_norm(plan, 1, 0.5f + 0.1f * (float)layer, 0, NAMED("layer_output_scale"));
    plan_norm(plan, r->embedding, 0.5f, 0.1f, NAMED("post_attention_norm"));
    plan_norm(plan, r->embedding, 0.5f, 0.1f, NAMED("post_ffw_norm"));
    plan_norm(plan, r->embedding, 0.5f, 0.1f, NAMED("post_norm"));
    plan_matrix(plan, r->type, r->layer_input, (size_t)r->embedding, NAMED("proj"));
#undef NAMED
}

static void plan_gemma2(struct plan *plan, const struct quern_recipe *r)
{
    plan_matrix(plan, r->type, r->embedding, (size_t)r->dimensions, "output");
    plan_norm(plan, r->embedding, 4.0f, 2.0f, "output_norm");
    plan_matrix(plan, layer_input_type(r), r->embedding, (size_t)(r->layers * r->layer_input), "per_layer_model_proj");
    plan_norm(plan, r->layer_input, 5.0f, 1.0f, "per_layer_proj_norm");
    plan_matrix(plan, embedding_type(r), r->embedding, r->vocabulary, "token_embd");
    for (int layer = 0; layer < r->layers; layer++)
        plan_gemma2_layer(plan, r, layer);
}

/* ---------------------------------------------------------------- weights */

/* Element i is the sum of the four 16-bit parts of a random word: bell-shaped, within 3.5 deviations. The variance of
 * one part is 65536^2 / 12. */
static void make_weights(float *out, size_t count, const struct tensor *tensor, uint64_t stream, uint64_t first)
{
    float scale = tensor->deviation * sqrtf(12.0f / 4.0f) / 65536.0f;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = quern_mix(stream + (first + i) * 0x9E3779B97F4A7C15u);
        int32_t sum = (int32_t)((word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + (word >> 48));
        out[i] = tensor->mean + scale * (float)(sum - 2 * 65535);
    }
}

static void put_weights(struct quern_gguf_writer *writer, const struct tensor *tensor, uint64_t seed, float *weights,
                        unsigned char *bytes)
{
    const struct quern_type_info *info = quern_type_info(tensor->type);
    uint64_t stream = quern_mix(seed), elements = tensor->shape[0] * tensor->shape[1];
    for (const char *c = tensor->name; *c; c++)
        stream = quern_mix(stream ^ (unsigned char)*c);
    for (uint64_t first = 0; first < elements; first += CHUNK) {
        size_t count = elements - first < CHUNK ? (size_t)(elements - first) : CHUNK;
        if (quern_blocks_makeable(tensor->type)) {
            quern_blocks_make(tensor->type, bytes, count, tensor->deviation, stream, first);
        } else {
            make_weights(weights, count, tensor, stream, first);
            quern_quantize(tensor->type, bytes, weights, count);
        }
        quern_gguf_put_data(writer, bytes, count / (size_t)info->block_elements * (size_t)info->block_bytes);
    }
}

static int put_tensors(struct quern_gguf_writer *writer, const struct plan *plan, uint64_t seed, quern_error *error)
{
    float *weights = malloc(CHUNK * sizeof *weights);
    unsigned char *bytes = malloc(CHUNK * sizeof *weights);
    if (weights && bytes) {
        for (size_t i = 0; i < plan->count; i++)
            quern_gguf_put_tensor(writer, plan->tensors[i].name, plan->tensors[i].type, plan->tensors[i].shape,
                                  plan->tensors[i].shape[1] == 1 ? 1 : 2);
        for (size_t i = 0; i < plan->count; i++)
            put_weights(writer, &plan->tensors[i], seed, weights, bytes);
    }
    int code = weights && bytes ? QUERN_OK : quern_fail(error, QUERN_ENOMEM, "no memory to make weights");
    free(weights);
    free(bytes);
    return code;
}

/* ---------------------------------------------------------------- keys */

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
        local[layer] = is_local(layer);
        kv_heads[layer] = is_local(layer) ? r->kv_heads : r->kv_heads / 2;
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

/* What differs from one architecture to another. */
static const struct maker {
    void (*plan)(struct plan *plan, const struct quern_recipe *r);
    void (*put_keys)(struct quern_gguf_writer *writer, const struct quern_recipe *r);
} makers[] = {
    [QUERN_RECIPE_GEMMA] = {plan_gemma, put_gemma_keys}, [QUERN_RECIPE_GEMMA2] = {plan_gemma2, put_gemma2_keys},
    [QUERN_RECIPE_BERT] = {plan_bert, put_bert_keys},
    [QUERN_RECIPE_NOMIC_BERT] = {plan_nomic, put_nomic_keys}, [QUERN_RECIPE_QWEN3] = {plan_normed, put_qwen3_keys},
    [QUERN_RECIPE_MODERN_BERT] = {plan_normed, put_modern_keys},
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
    makers[r->arch].put_keys(writer, r);
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

int quern_model_make(const char *path, const struct quern_recipe *recipe, quern_error *error)
{
    struct quern_gguf_writer *writer = NULL;
    struct plan plan = {.tensors = calloc((size_t)recipe->layers * 17 + 5, sizeof *plan.tensors)};
    int code = plan.tensors ? quern_gguf_writer_new(&writer, path, NULL, error)
                            : quern_fail(error, QUERN_ENOMEM, "no memory to plan a model");
    if (code != QUERN_OK)
        goto out;
    makers[recipe->arch].plan(&plan, recipe);
    put_model_keys(writer, recipe);
    code = put_vocabulary(writer, recipe, error);
    if (code == QUERN_OK)
        code = put_tensors(writer, &plan, recipe->seed, error);
    if (code == QUERN_OK)
        code = quern_gguf_writer_finish(writer, error);
    else
        quern_gguf_writer_abandon(writer);
out:
    free(plan.tensors);
    return code;
}
