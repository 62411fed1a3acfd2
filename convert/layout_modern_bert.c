/* Folders of gte-modernbert, granite-embedding 2 and modernbert-embed: ModernBertModel. */
#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "config_json.h"
#include "layout.h"

static int read_activation(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    static const char *const names[] = {"gelu", "silu"};
    quern_text name = {"gelu", 4};
    QUERN_TRY(quern_json_get_string(config, config->root, "hidden_activation", &name, error));
    for (size_t i = 0; i < QUERN_COUNT(names); i++)
        if (quern_text_is(name, names[i]))
            s->activation = names[i];
    return s->activation != NULL ? QUERN_OK
                                 : quern_config_refuse(config, "hidden_activation is neither gelu nor silu", error);
}

/* The first layer of each period is global. */
static int read_layers(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    bool listed;
    s->period = 3;
    QUERN_TRY(quern_json_get_integer(config, config->root, "global_attn_every_n_layers", 1, QUERN_MOST_LAYERS,
                                     &s->period, error));
    QUERN_TRY(quern_config_layer_types(config, s->layers, s->is_local, &listed, error));
    for (int l = 0; l < s->layers && listed; l++)
        if (s->is_local[l] != (l % s->period != 0))
            return quern_config_refuse(config, "layer_types has another order of layers", error);
    return QUERN_OK;
}

static int read_config(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    static const char *const biases[] = {"norm_bias", "attention_bias", "mlp_bias"};
    s->epsilon = 1e-5;
    s->rope_base = 160000;
    s->rope_base_local = 1e4;
    s->rope_scaling = "none";
    QUERN_TRY(quern_config_size(config, "max_position_embeddings", 1 << 20, &s->context, error));
    QUERN_TRY(quern_config_size(config, "hidden_size", 1 << 16, &s->width, error));
    QUERN_TRY(quern_config_size(config, "num_hidden_layers", QUERN_MOST_LAYERS, &s->layers, error));
    QUERN_TRY(quern_config_size(config, "intermediate_size", 1 << 20, &s->ffn, error));
    QUERN_TRY(quern_config_size(config, "num_attention_heads", 1024, &s->heads, error));
    QUERN_TRY(quern_config_size(config, "local_attention", 1 << 20, &s->window, error));
    QUERN_TRY(quern_config_size(config, "vocab_size", 1 << 24, &s->vocabulary, error));
    QUERN_TRY(quern_json_get_number(config, config->root, "norm_eps", 0, 0.999, &s->epsilon, error));
    QUERN_TRY(quern_config_rope_base(config, "global_rope_theta", "full_attention", &s->rope_base, error));
    QUERN_TRY(quern_config_rope_base(config, "local_rope_theta", "sliding_attention", &s->rope_base_local, error));
    for (size_t i = 0; i < QUERN_COUNT(biases); i++)
        QUERN_TRY(quern_config_only_bool(config, biases[i], false, error));
    QUERN_TRY(read_activation(s, config, error));
    QUERN_TRY(read_layers(s, config, error));
    s->kv_heads = s->heads;
    return quern_config_divide(config, "hidden_size", s->width, "num_attention_heads", s->heads, &s->head, error);
}

static const struct quern_layout_key keys[] = {
    {"attention.layer_norm_epsilon", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, epsilon)},
    {"attention.causal", QUERN_LAYOUT_FALSE, 0},
    {"attention.sliding_window", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, window)},
    {"attention.sliding_window_pattern", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, period)},
    {"rope.freq_base", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, rope_base)},
    {"rope.freq_base_swa", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, rope_base_local)},
    {"rope.scaling.type", QUERN_LAYOUT_NAME, offsetof(struct quern_settings, rope_scaling)},
    {"hidden_activation", QUERN_LAYOUT_NAME, offsetof(struct quern_settings, activation)},
};

static const char *const tensors[QUERN_TENSORS] = {
    [QUERN_T_TOKENS] = "embeddings.tok_embeddings",
    [QUERN_T_EMBEDDING_NORM] = "embeddings.norm",
    [QUERN_T_ATTENTION_NORM] = "attn_norm",
    [QUERN_T_QKV] = "attn.Wqkv",
    [QUERN_T_OUTPUT] = "attn.Wo",
    [QUERN_T_FFN_NORM] = "mlp_norm",
    [QUERN_T_GATE_UP] = "mlp.Wi",
    [QUERN_T_DOWN] = "mlp.Wo",
    [QUERN_T_FINAL_NORM] = "final_norm",
};

const struct quern_layout quern_layout_modern_bert = {
    .arch = &quern_arch_modern_bert,
    .class_names = {"ModernBertModel"},
    .prefixes = {"", "model."},
    .layers = "layers.",
    .tensors = tensors,
    .tokenizers = {"gpt2"},
    .keys = keys,
    .key_count = QUERN_COUNT(keys),
    .read = read_config,
};
