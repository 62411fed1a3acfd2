/* Folders of Qwen3-Embedding: Qwen3ForCausalLM or Qwen3Model. */
#include "base/count.h"
#include "base/error.h"
#include "config_json.h"
#include "layout.h"

static int check_architecture(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    bool listed;
    QUERN_TRY(quern_config_only_text(config, "hidden_act", "silu", error));
    QUERN_TRY(quern_config_only_bool(config, "attention_bias", false, error));
    QUERN_TRY(quern_config_only_bool(config, "use_sliding_window", false, error));
    QUERN_TRY(quern_config_only_bool(config, "is_causal", true, error));
    QUERN_TRY(quern_config_layer_types(config, s->layers, s->is_local, &listed, error));
    for (int l = 0; l < s->layers; l++)
        if (s->is_local[l])
            return quern_config_refuse(config, "layer_types has layers with a window", error);
    return QUERN_OK;
}

static int read_config(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    s->epsilon = 1e-6;
    s->rope_base = 1e4;
    s->head = 128;
    QUERN_TRY(quern_config_size(config, "max_position_embeddings", 1 << 20, &s->context, error));
    QUERN_TRY(quern_config_size(config, "hidden_size", 1 << 16, &s->width, error));
    QUERN_TRY(quern_config_size(config, "num_hidden_layers", QUERN_MOST_LAYERS, &s->layers, error));
    QUERN_TRY(quern_config_size(config, "intermediate_size", 1 << 20, &s->ffn, error));
    QUERN_TRY(quern_config_size(config, "num_attention_heads", 1024, &s->heads, error));
    QUERN_TRY(quern_config_size(config, "num_key_value_heads", 1024, &s->kv_heads, error));
    QUERN_TRY(quern_json_get_integer(config, config->root, "head_dim", 1, 4096, &s->head, error));
    QUERN_TRY(quern_config_size(config, "vocab_size", 1 << 24, &s->vocabulary, error));
    QUERN_TRY(quern_json_get_number(config, config->root, "rms_norm_eps", 0, 0.999, &s->epsilon, error));
    QUERN_TRY(quern_config_rope_base(config, "rope_theta", NULL, &s->rope_base, error));
    return check_architecture(s, config, error);
}

static const struct quern_layout_key keys[] = {
    {"attention.head_count_kv", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, kv_heads)},
    {"attention.key_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, head)},
    {"attention.value_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, head)},
    {"attention.layer_norm_rms_epsilon", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, epsilon)},
    {"rope.freq_base", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, rope_base)},
};

static const char *const tensors[QUERN_TENSORS] = {
    [QUERN_T_TOKENS] = "embed_tokens",
    [QUERN_T_ATTENTION_NORM] = "input_layernorm",
    [QUERN_T_QUERY] = "self_attn.q_proj",
    [QUERN_T_KEY] = "self_attn.k_proj",
    [QUERN_T_VALUE] = "self_attn.v_proj",
    [QUERN_T_QUERY_NORM] = "self_attn.q_norm",
    [QUERN_T_KEY_NORM] = "self_attn.k_norm",
    [QUERN_T_OUTPUT] = "self_attn.o_proj",
    [QUERN_T_FFN_NORM] = "post_attention_layernorm",
    [QUERN_T_GATE] = "mlp.gate_proj",
    [QUERN_T_UP] = "mlp.up_proj",
    [QUERN_T_DOWN] = "mlp.down_proj",
    [QUERN_T_FINAL_NORM] = "norm",
};

const struct quern_layout quern_layout_qwen3 = {
    .arch = &quern_arch_qwen3,
    .class_names = {"Qwen3ForCausalLM", "Qwen3Model"},
    .prefixes = {"", "model."},
    .layers = "layers.",
    .tensors = tensors,
    .left_out = {"lm_head."}, /* turns rows into the next token */
    .tokenizers = {"gpt2"},
    .keys = keys,
    .key_count = QUERN_COUNT(keys),
    .read = read_config,
};
