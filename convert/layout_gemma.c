/* Folders of EmbeddingGemma: Gemma3TextModel. */
#include "base/count.h"
#include "base/error.h"
#include "config_json.h"
#include "layout.h"

static int check_architecture(const struct quern_json *config, quern_error *error)
{
    bool bidirectional = false;
    QUERN_TRY(quern_json_get_bool(config, config->root, "use_bidirectional_attention", &bidirectional, error));
    if (!bidirectional)
        return quern_config_refuse(config, "use_bidirectional_attention is not true", error);
    QUERN_TRY(quern_config_only_text(config, "model_type", "gemma3_text", error));
    QUERN_TRY(quern_config_only_text(config, "hidden_activation", "gelu_pytorch_tanh", error));
    QUERN_TRY(quern_config_only_bool(config, "attention_bias", false, error));
    return quern_config_no_number(config, "attn_logit_softcapping", error);
}

/* The limits are the same as when a model is opened. */
static int read_sizes(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    int scale;
    QUERN_TRY(quern_config_size(config, "max_position_embeddings", 1 << 20, &s->context, error));
    QUERN_TRY(quern_config_size(config, "hidden_size", 1 << 16, &s->width, error));
    QUERN_TRY(quern_config_size(config, "num_hidden_layers", 512, &s->layers, error));
    QUERN_TRY(quern_config_size(config, "intermediate_size", 1 << 20, &s->ffn, error));
    QUERN_TRY(quern_config_size(config, "num_attention_heads", 1024, &s->heads, error));
    QUERN_TRY(quern_config_size(config, "num_key_value_heads", 1024, &s->kv_heads, error));
    QUERN_TRY(quern_config_size(config, "head_dim", 4096, &s->head, error));
    QUERN_TRY(quern_config_size(config, "sliding_window", 1 << 20, &s->window, error));
    QUERN_TRY(quern_config_size(config, "vocab_size", 1 << 24, &s->vocabulary, error));
    scale = s->head;
    QUERN_TRY(quern_json_get_integer(config, config->root, "query_pre_attn_scalar", 1, 4096, &scale, error));
    if (scale != s->head)
        return quern_config_refuse(config, "query_pre_attn_scalar is not head_dim", error);
    return QUERN_OK;
}

/* Reads the period of layers, which layer_types must agree with if it is there. */
static int read_period(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    bool listed;
    s->period = 6;
    QUERN_TRY(quern_json_get_integer(config, config->root, "sliding_window_pattern", 1, 512, &s->period, error));
    QUERN_TRY(quern_json_get_integer(config, config->root, "_sliding_window_pattern", 1, 512, &s->period, error));
    QUERN_TRY(quern_config_layer_types(config, s->layers, s->is_local, &listed, error));
    for (int l = 0; l < s->layers && listed; l++)
        if (s->is_local[l] != (l % s->period < s->period - 1))
            return quern_config_refuse(config, "layer_types has another order of layers", error);
    return QUERN_OK;
}

static int read_config(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    s->epsilon = 1e-6;
    s->rope_base = 1e6;
    s->rope_base_local = 1e4;
    QUERN_TRY(check_architecture(config, error));
    QUERN_TRY(read_sizes(s, config, error));
    QUERN_TRY(read_period(s, config, error));
    QUERN_TRY(quern_json_get_number(config, config->root, "rms_norm_eps", 0, 0.999, &s->epsilon, error));
    QUERN_TRY(quern_config_rope_base(config, "rope_theta", "full_attention", &s->rope_base, error));
    QUERN_TRY(quern_config_rope_base(config, "rope_local_base_freq", "sliding_attention", &s->rope_base_local, error));
    if (s->period == 6) /* the default of readers */
        s->period = 0;
    return QUERN_OK;
}

static const struct quern_layout_key keys[] = {
    {"attention.layer_norm_rms_epsilon", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, epsilon)},
    {"attention.key_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, head)},
    {"attention.value_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, head)},
    {"rope.freq_base", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, rope_base)},
    {"rope.freq_base_swa", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, rope_base_local)},
    {"attention.sliding_window", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, window)},
    {"attention.sliding_window_pattern", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, period)},
    {"attention.head_count_kv", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, kv_heads)},
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
    [QUERN_T_ATTENTION_SUM_NORM] = "post_attention_layernorm",
    [QUERN_T_FFN_NORM] = "pre_feedforward_layernorm",
    [QUERN_T_GATE] = "mlp.gate_proj",
    [QUERN_T_UP] = "mlp.up_proj",
    [QUERN_T_DOWN] = "mlp.down_proj",
    [QUERN_T_FFN_SUM_NORM] = "post_feedforward_layernorm",
    [QUERN_T_FINAL_NORM] = "norm",
};

const struct quern_layout quern_layout_gemma = {
    .arch = &quern_arch_gemma_embedding,
    .class_names = {"Gemma3TextModel"},
    .prefixes = {"", "model."},
    .layers = "layers.",
    .tensors = tensors,
    .lacks_one = true,
    .tokenizers = {"llama"},
    .keys = keys,
    .key_count = QUERN_COUNT(keys),
    .read = read_config,
};
