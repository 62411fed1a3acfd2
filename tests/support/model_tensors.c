#include "model_parts.h"

#include "base/error.h"
#include "block_maker.h"
#include "formats/conversion.h"
#include "merge_maker.h"

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
    const int kv_heads = quern_recipe_is_local(layer) ? r->kv_heads : r->kv_heads / 2;
    const int head = quern_recipe_is_local(layer) ? r->head_dimensions : 2 * r->head_dimensions;
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

static int put_planned(struct quern_gguf_writer *writer, const struct plan *plan, uint64_t seed, quern_error *error)
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

int quern_model_put_tensors(struct quern_gguf_writer *writer, const struct quern_recipe *recipe, quern_error *error)
{
    static void (*const planners[])(struct plan *plan, const struct quern_recipe *r) = {
        [QUERN_RECIPE_GEMMA] = plan_gemma, [QUERN_RECIPE_GEMMA2] = plan_gemma2, [QUERN_RECIPE_BERT] = plan_bert,
        [QUERN_RECIPE_NOMIC_BERT] = plan_nomic, [QUERN_RECIPE_QWEN3] = plan_normed,
        [QUERN_RECIPE_MODERN_BERT] = plan_normed,
    };
    struct plan plan = {.tensors = calloc((size_t)recipe->layers * 17 + 5, sizeof *plan.tensors)};
    if (plan.tensors == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to plan a model");
    planners[recipe->arch](&plan, recipe);
    const int code = put_planned(writer, &plan, recipe->seed, error);
    free(plan.tensors);
    return code;
}
