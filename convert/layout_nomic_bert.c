/* Folders of nomic-embed-text 1 and 1.5: NomicBertModel, whose config.json spells its keys as that of GPT-2. */
#include "base/count.h"
#include "base/error.h"
#include "config_json.h"
#include "layout.h"

static int check_architecture(const struct quern_json *config, quern_error *error)
{
    static const char *const absent[] = {"qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias", "prenorm", "causal",
                                         "rotary_emb_interleaved", "use_rms_norm", "parallel_block",
                                         "scale_attn_by_inverse_layer_idx"};
    for (size_t i = 0; i < QUERN_COUNT(absent); i++)
        QUERN_TRY(quern_config_only_bool(config, absent[i], false, error));
    QUERN_TRY(quern_config_only_bool(config, "scale_attn_weights", true, error));
    QUERN_TRY(quern_config_only_text(config, "activation_function", "swiglu", error));
    QUERN_TRY(quern_config_only_number(config, "rotary_emb_fraction", 1, error));
    QUERN_TRY(quern_config_no_number(config, "rotary_emb_scale_base", error));
    return quern_config_no_number(config, "moe_every_n_layers", error);
}

/* Longer texts than those of the training need rotations that are scaled (rotary_scaling_factor), which model files do
 * not have. */
static int read_context(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    int trained = 2048;
    QUERN_TRY(quern_config_size(config, "n_positions", 1 << 20, &s->context, error));
    QUERN_TRY(quern_json_get_integer(config, config->root, "max_trained_positions", 2, 1 << 20, &trained, error));
    s->context = trained < s->context ? trained : s->context;
    return QUERN_OK;
}

static int read_config(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    s->epsilon = 1e-12;
    s->rope_base = 1e4;
    QUERN_TRY(check_architecture(config, error));
    QUERN_TRY(read_context(s, config, error));
    QUERN_TRY(quern_config_size(config, "n_embd", 1 << 16, &s->width, error));
    QUERN_TRY(quern_config_size(config, "n_layer", QUERN_MOST_LAYERS, &s->layers, error));
    QUERN_TRY(quern_config_size(config, "n_inner", 1 << 20, &s->ffn, error));
    QUERN_TRY(quern_config_size(config, "n_head", 1024, &s->heads, error));
    QUERN_TRY(quern_config_size(config, "type_vocab_size", 1 << 16, &s->token_types, error));
    QUERN_TRY(quern_config_size(config, "vocab_size", 1 << 24, &s->vocabulary, error));
    QUERN_TRY(quern_json_get_number(config, config->root, "layer_norm_epsilon", 0, 0.999, &s->epsilon, error));
    QUERN_TRY(quern_json_get_number(config, config->root, "rotary_emb_base", 1.0001, 1e12, &s->rope_base, error));
    s->kv_heads = s->heads;
    return quern_config_divide(config, "n_embd", s->width, "n_head", s->heads, &s->head, error);
}

static const struct quern_layout_key keys[] = {
    {"attention.layer_norm_epsilon", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, epsilon)},
    {"attention.causal", QUERN_LAYOUT_FALSE, 0},
    {"rope.freq_base", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, rope_base)},
};

static const char *const tensors[QUERN_TENSORS] = {
    [QUERN_T_TOKENS] = "embeddings.word_embeddings",
    [QUERN_T_TOKEN_TYPES] = "embeddings.token_type_embeddings",
    [QUERN_T_EMBEDDING_NORM] = "emb_ln",
    [QUERN_T_QKV] = "attn.Wqkv",
    [QUERN_T_OUTPUT] = "attn.out_proj",
    [QUERN_T_ATTENTION_SUM_NORM] = "norm1",
    [QUERN_T_GATE] = "mlp.fc12",
    [QUERN_T_UP] = "mlp.fc11",
    [QUERN_T_DOWN] = "mlp.fc2",
    [QUERN_T_FFN_SUM_NORM] = "norm2",
};

const struct quern_layout quern_layout_nomic_bert = {
    .arch = &quern_arch_nomic_bert,
    .class_names = {"NomicBertModel"},
    .prefixes = {"", "bert."},
    .layers = "encoder.layers.",
    .tensors = tensors,
    .left_out = {"pooler."},
    .tokenizers = {"bert"},
    .keys = keys,
    .key_count = QUERN_COUNT(keys),
    .read = read_config,
};
