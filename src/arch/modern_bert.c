/* ModernBERT, as gte-modernbert and granite-embedding 2 use it: LayerNorm without biases before each block, RoPE, a
 * window in two of three layers, feed-forward blocks whose gate and up are one matrix. */
#include "arch/arch.h"
#include "base/count.h"

static const struct quern_arch_key keys[] = {
    {"context_length", QUERN_P_CONTEXT, QUERN_KEY_INTEGER, 2, 1 << 20, .required = true},
    {"embedding_length", QUERN_P_WIDTH, QUERN_KEY_INTEGER, 1, 1 << 16, .required = true},
    {"block_count", QUERN_P_LAYERS, QUERN_KEY_INTEGER, 1, QUERN_MOST_LAYERS, .required = true},
    {"feed_forward_length", QUERN_P_FFN, QUERN_KEY_INTEGER, 1, 1 << 20, .required = true},
    {"attention.head_count", QUERN_P_HEADS, QUERN_KEY_INTEGER, 1, 1024, .required = true},
    {"attention.layer_norm_epsilon", QUERN_P_EPSILON, QUERN_KEY_FLOAT, 0, 0.999, .required = true},
    {"attention.causal", QUERN_P_CAUSAL, QUERN_KEY_BOOL, 0, 1, .fallback = 0},
    {"attention.sliding_window", QUERN_P_WINDOW, QUERN_KEY_INTEGER, 1, 1 << 20, .required = true},
    {"attention.sliding_window_pattern", QUERN_P_PATTERN, QUERN_KEY_PATTERN, 0, QUERN_MOST_LAYERS, .fallback = 3},
    {"rope.dimension_count", QUERN_P_ROTATED, QUERN_KEY_INTEGER, 1, 4096, .fallback = 0},
    {"rope.freq_base", QUERN_P_ROPE_BASE, QUERN_KEY_FLOAT, 1.0001, 1e12, .fallback = 10000},
    {"rope.freq_base_swa", QUERN_P_ROPE_BASE_LOCAL, QUERN_KEY_FLOAT, 1.0001, 1e12, .fallback = 10000},
    {"hidden_activation", QUERN_P_FFN_KIND, QUERN_KEY_FFN_KIND, 0, 0, .required = false},
    {"pooling_type", QUERN_P_POOLING, QUERN_KEY_INTEGER, 0, 255, .required = true},
};

const struct quern_arch quern_arch_modern_bert = {
    .name = "modern-bert",
    .title = "ModernBERT",
    .keys = keys,
    .key_count = QUERN_COUNT(keys),
    .tensors = {
        [QUERN_T_TOKENS] = {"token_embd", .rows = QUERN_P_VOCABULARY, .length = QUERN_P_WIDTH},
        [QUERN_T_EMBEDDING_NORM] = {"token_embd_norm", .length = QUERN_P_WIDTH},
        [QUERN_T_ATTENTION_NORM] = {"attn_norm", .length = QUERN_P_WIDTH, .not_in_first = true},
        [QUERN_T_QUERY] = {"attn_q", .rows = QUERN_P_QUERIES, .length = QUERN_P_WIDTH},
        [QUERN_T_KEY] = {"attn_k", .rows = QUERN_P_KEYS, .length = QUERN_P_WIDTH},
        [QUERN_T_VALUE] = {"attn_v", .rows = QUERN_P_KEYS, .length = QUERN_P_WIDTH},
        [QUERN_T_QKV] = {"attn_qkv", .rows = QUERN_P_QKV, .length = QUERN_P_WIDTH},
        [QUERN_T_OUTPUT] = {"attn_output", .rows = QUERN_P_WIDTH, .length = QUERN_P_QUERIES},
        [QUERN_T_FFN_NORM] = {"ffn_norm", .length = QUERN_P_WIDTH},
        [QUERN_T_GATE_UP] = {"ffn_up", .rows = QUERN_P_GATE_UP, .length = QUERN_P_WIDTH},
        [QUERN_T_DOWN] = {"ffn_down", .rows = QUERN_P_WIDTH, .length = QUERN_P_FFN},
        [QUERN_T_FINAL_NORM] = {"output_norm", .length = QUERN_P_WIDTH},
    },
    .norm = QUERN_NORM_LAYER,
    .sum = QUERN_PLAIN_SUM,
    .ffn = QUERN_FFN_GEGLU_ERF,
    .pattern = QUERN_PATTERN_FIRST_OF_PERIOD_GLOBAL,
    .geometry = {
        [QUERN_LAYER_GLOBAL] = {QUERN_P_HEAD, QUERN_P_VALUE_HEAD, QUERN_P_ROTATED, QUERN_P_NONE, QUERN_P_ROPE_BASE},
        [QUERN_LAYER_LOCAL] = {QUERN_P_HEAD, QUERN_P_VALUE_HEAD, QUERN_P_ROTATED, QUERN_P_WINDOW,
                               QUERN_P_ROPE_BASE_LOCAL},
    },
    .poolings = 1 << QUERN_POOLING_MEAN | 1 << QUERN_POOLING_CLS,
    .digest_seed = 6,
};
