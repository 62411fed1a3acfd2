/* EmbeddingGemma 1: an encoder of Gemma 3's blocks. RMS norms before each block and on its result, head norms and RoPE,
 * a sliding window in five of six layers, the mean of all tokens, and a dense head. */
#include "arch/arch.h"
#include "base/count.h"

/* The converter of old versions of Ollama added 1 to the weights of norms by their names, and norm.weight, the last
 * one, was not among these names: the file does not show whether its 1 is missing. */
#define OLD_OLLAMA                                                                                                     \
    "this is EmbeddingGemma as old versions of Ollama store it, and the file does not show whether the 1 of its last " \
    "norm is in the weights; take the file of ggml-org/embeddinggemma-300M-GGUF instead"

static const struct quern_arch_key keys[] = {
    {"context_length", QUERN_P_CONTEXT, QUERN_KEY_INTEGER, 2, 1 << 20, .required = true},
    {"embedding_length", QUERN_P_WIDTH, QUERN_KEY_INTEGER, 1, 1 << 16, .required = true},
    {"block_count", QUERN_P_LAYERS, QUERN_KEY_INTEGER, 1, QUERN_MOST_LAYERS, .required = true},
    {"feed_forward_length", QUERN_P_FFN, QUERN_KEY_INTEGER, 1, 1 << 20, .required = true},
    {"attention.head_count", QUERN_P_HEADS, QUERN_KEY_INTEGER, 1, 1024, .required = true},
    {"attention.head_count_kv", QUERN_P_KV_HEADS, QUERN_KEY_KV_HEADS, 1, 1024, .fallback = 0},
    {"attention.key_length", QUERN_P_HEAD, QUERN_KEY_INTEGER, 1, 4096, .fallback = 0},
    {"attention.value_length", QUERN_P_VALUE_HEAD, QUERN_KEY_INTEGER, 1, 4096, .fallback = 0},
    {"attention.sliding_window", QUERN_P_WINDOW, QUERN_KEY_INTEGER, 1, 1 << 20, .required = true},
    {"attention.sliding_window_pattern", QUERN_P_PATTERN, QUERN_KEY_PATTERN, 0, QUERN_MOST_LAYERS, .fallback = 6},
    {"attention.layer_norm_rms_epsilon", QUERN_P_EPSILON, QUERN_KEY_FLOAT, 0, 0.999, .required = true},
    {"rope.dimension_count", QUERN_P_ROTATED, QUERN_KEY_INTEGER, 1, 4096, .fallback = 0},
    {"rope.freq_base", QUERN_P_ROPE_BASE, QUERN_KEY_FLOAT, 1.0001, 1e12, .fallback = 10000},
    {"rope.freq_base_swa", QUERN_P_ROPE_BASE_LOCAL, QUERN_KEY_FLOAT, 1.0001, 1e12, .fallback = 10000},
    {"pooling_type", QUERN_P_POOLING, QUERN_KEY_INTEGER, 0, 255, .fallback = QUERN_POOLING_MEAN},
};

static const struct quern_arch_refusal refusals[] = {
    {"dense.0.weight", OLD_OLLAMA},
    {"dense.1.weight", OLD_OLLAMA},
};

const struct quern_arch quern_arch_gemma_embedding = {
    .name = "gemma-embedding",
    .title = "EmbeddingGemma",
    .keys = keys,
    .key_count = QUERN_COUNT(keys),
    .tensors = {
        [QUERN_T_TOKENS] = {"token_embd", .rows = QUERN_P_VOCABULARY, .length = QUERN_P_WIDTH},
        [QUERN_T_ATTENTION_NORM] = {"attn_norm", .length = QUERN_P_WIDTH},
        [QUERN_T_QUERY] = {"attn_q", .rows = QUERN_P_QUERIES, .length = QUERN_P_WIDTH},
        [QUERN_T_KEY] = {"attn_k", .rows = QUERN_P_KEYS, .length = QUERN_P_WIDTH},
        [QUERN_T_VALUE] = {"attn_v", .rows = QUERN_P_KEYS, .length = QUERN_P_WIDTH},
        [QUERN_T_QUERY_NORM] = {"attn_q_norm", .length = QUERN_P_LAYER_HEAD},
        [QUERN_T_KEY_NORM] = {"attn_k_norm", .length = QUERN_P_LAYER_HEAD},
        [QUERN_T_OUTPUT] = {"attn_output", .rows = QUERN_P_WIDTH, .length = QUERN_P_QUERIES},
        [QUERN_T_ATTENTION_SUM_NORM] = {"post_attention_norm", .length = QUERN_P_WIDTH},
        [QUERN_T_FFN_NORM] = {"ffn_norm", .length = QUERN_P_WIDTH},
        [QUERN_T_GATE] = {"ffn_gate", .rows = QUERN_P_FFN, .length = QUERN_P_WIDTH},
        [QUERN_T_UP] = {"ffn_up", .rows = QUERN_P_FFN, .length = QUERN_P_WIDTH},
        [QUERN_T_DOWN] = {"ffn_down", .rows = QUERN_P_WIDTH, .length = QUERN_P_FFN},
        [QUERN_T_FFN_SUM_NORM] = {"post_ffw_norm", .length = QUERN_P_WIDTH},
        [QUERN_T_FINAL_NORM] = {"output_norm", .length = QUERN_P_WIDTH},
        [QUERN_T_DENSE_1] = {"dense_2", .rows = QUERN_P_HEAD_HIDDEN, .length = QUERN_P_WIDTH, .optional = true},
        [QUERN_T_DENSE_2] = {"dense_3", .rows = QUERN_P_WIDTH, .length = QUERN_P_HEAD_HIDDEN, .optional = true},
    },
    .norm = QUERN_NORM_RMS,
    .sum = QUERN_SUM_OF_NORM,
    .ffn = QUERN_FFN_GEGLU_TANH,
    .scales_embedding = true,
    .pattern = QUERN_PATTERN_LAST_OF_PERIOD_GLOBAL,
    .geometry = {
        [QUERN_LAYER_GLOBAL] = {QUERN_P_HEAD, QUERN_P_VALUE_HEAD, QUERN_P_ROTATED, QUERN_P_NONE, QUERN_P_ROPE_BASE},
        [QUERN_LAYER_LOCAL] = {QUERN_P_HEAD, QUERN_P_VALUE_HEAD, QUERN_P_ROTATED, QUERN_P_WINDOW,
                               QUERN_P_ROPE_BASE_LOCAL},
    },
    .poolings = 1 << QUERN_POOLING_MEAN,
    .prompts = { /* config_sentence_transformers.json of the published model */
        [QUERN_TASK_QUERY] = "task: search result | query: ",
        [QUERN_TASK_DOCUMENT] = "title: none | text: ",
        [QUERN_TASK_SIMILARITY] = "task: sentence similarity | query: ",
        [QUERN_TASK_CLASSIFICATION] = "task: classification | query: ",
        [QUERN_TASK_CLUSTERING] = "task: clustering | query: ",
        [QUERN_TASK_CODE] = "task: code retrieval | query: ",
        [QUERN_TASK_SUMMARIZATION] = "task: summarization | query: ",
        [QUERN_TASK_QUESTION_ANSWERING] = "task: question answering | query: ",
        [QUERN_TASK_FACT_CHECKING] = "task: fact checking | query: ",
    },
    .caveat = "its vectors are not EmbeddingGemma's official ones and must not be mixed with them",
    .opens_texts = true,
    .closes_texts = true,
    .refusals = refusals,
    .refusal_count = QUERN_COUNT(refusals),
    .digest_seed = 1,
};
