/* Qwen3, as Qwen3-Embedding uses it: a decoder, whose tokens attend to earlier ones only. RMS norms before each block,
 * head norms and RoPE, query heads that share keys and values. The last token's row is the vector. */
#include "arch/arch.h"
#include "base/count.h"

static const struct quern_arch_key keys[] = {
    {"context_length", QUERN_P_CONTEXT, QUERN_KEY_INTEGER, 2, 1 << 20, .required = true},
    {"embedding_length", QUERN_P_WIDTH, QUERN_KEY_INTEGER, 1, 1 << 16, .required = true},
    {"block_count", QUERN_P_LAYERS, QUERN_KEY_INTEGER, 1, QUERN_MOST_LAYERS, .required = true},
    {"feed_forward_length", QUERN_P_FFN, QUERN_KEY_INTEGER, 1, 1 << 20, .required = true},
    {"attention.head_count", QUERN_P_HEADS, QUERN_KEY_INTEGER, 1, 1024, .required = true},
    {"attention.head_count_kv", QUERN_P_KV_HEADS, QUERN_KEY_KV_HEADS, 1, 1024, .fallback = 0},
    {"attention.key_length", QUERN_P_HEAD, QUERN_KEY_INTEGER, 1, 4096, .fallback = 0},
    {"attention.value_length", QUERN_P_VALUE_HEAD, QUERN_KEY_INTEGER, 1, 4096, .fallback = 0},
    {"attention.layer_norm_rms_epsilon", QUERN_P_EPSILON, QUERN_KEY_FLOAT, 0, 0.999, .required = true},
    {"attention.causal", QUERN_P_CAUSAL, QUERN_KEY_BOOL, 0, 1, .fallback = 1},
    {"rope.dimension_count", QUERN_P_ROTATED, QUERN_KEY_INTEGER, 1, 4096, .fallback = 0},
    {"rope.freq_base", QUERN_P_ROPE_BASE, QUERN_KEY_FLOAT, 1.0001, 1e12, .fallback = 10000},
    {"pooling_type", QUERN_P_POOLING, QUERN_KEY_INTEGER, 0, 255, .required = true},
};

const struct quern_arch quern_arch_qwen3 = {
    .name = "qwen3",
    .title = "Qwen3",
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
        [QUERN_T_FFN_NORM] = {"ffn_norm", .length = QUERN_P_WIDTH},
        [QUERN_T_GATE] = {"ffn_gate", .rows = QUERN_P_FFN, .length = QUERN_P_WIDTH},
        [QUERN_T_UP] = {"ffn_up", .rows = QUERN_P_FFN, .length = QUERN_P_WIDTH},
        [QUERN_T_DOWN] = {"ffn_down", .rows = QUERN_P_WIDTH, .length = QUERN_P_FFN},
        [QUERN_T_FINAL_NORM] = {"output_norm", .length = QUERN_P_WIDTH},
    },
    .norm = QUERN_NORM_RMS,
    .sum = QUERN_PLAIN_SUM,
    .ffn = QUERN_FFN_SWIGLU,
    .may_be_causal = true,
    .pattern = QUERN_PATTERN_GLOBAL,
    .geometry = {
        [QUERN_LAYER_GLOBAL] = {QUERN_P_HEAD, QUERN_P_VALUE_HEAD, QUERN_P_ROTATED, QUERN_P_NONE, QUERN_P_ROPE_BASE},
    },
    .poolings = 1 << QUERN_POOLING_LAST,
    .usual_context = 8192,
    .closing_piece = "<|endoftext|>", /* its row is the vector; early files do not name it, or name another piece */
    .ignored = "output.weight", /* it turns rows into the next token */
    .digest_seed = 5,
};
