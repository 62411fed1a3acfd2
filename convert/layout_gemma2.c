/* Folders of EmbeddingGemma 2: EmbeddingGemma2Model, of which the part for texts is taken. */
#include "base/count.h"
#include "base/error.h"
#include "config_json.h"
#include "layout.h"

#include <stdio.h>

static int check_architecture(const struct quern_json *text, quern_error *error)
{
    static const char *const absent[] = {"attention_bias", "attention_k_eq_v", "enable_moe_block",
                                         "use_double_wide_mlp"};
    QUERN_TRY(quern_config_only_text(text, "model_type", "embedding_gemma2_text", error));
    QUERN_TRY(quern_config_only_text(text, "hidden_activation", "gelu_pytorch_tanh", error));
    for (size_t i = 0; i < QUERN_COUNT(absent); i++)
        QUERN_TRY(quern_config_only_bool(text, absent[i], false, error));
    QUERN_TRY(quern_config_no_number(text, "attn_logit_softcapping", error));
    return quern_config_no_number(text, "num_kv_shared_layers", error);
}

/* Reads what per_layer_config says of a layer, which may number layers "5" or "05". Heads of global layers have one
 * size, and those of local layers are as in the rest of the settings. */
static int read_layer(struct quern_settings *s, const struct quern_json *text, const json_t *all, int layer,
                      quern_error *error)
{
    char plain[16], padded[16];
    int head = s->head, kv_heads = s->kv_heads;
    snprintf(plain, sizeof plain, "%d", layer);
    snprintf(padded, sizeof padded, "%02d", layer);
    const json_t *own = json_object_get(all, plain);
    own = own != NULL ? own : json_object_get(all, padded);
    QUERN_TRY(quern_json_get_integer(text, own, "head_dim", 1, 4096, &head, error));
    QUERN_TRY(quern_json_get_integer(text, own, "num_key_value_heads", 1, 1024, &kv_heads, error));
    if (!s->is_local[layer] && s->global_head == 0)
        s->global_head = head;
    s->layer_kv_heads[layer] = (int32_t)kv_heads;
    const size_t known = (size_t)(json_object_get(own, "head_dim") != NULL) +
                         (size_t)(json_object_get(own, "num_key_value_heads") != NULL);
    if (head == (s->is_local[layer] ? s->head : s->global_head) && json_object_size(own) == known)
        return QUERN_OK;
    return quern_fail(error, QUERN_EUNSUPPORTED, "%s: per_layer_config gives layer %d heads of another size, or a "
                      "setting that quern does not know", text->path, layer);
}

static int read_layers(struct quern_settings *s, const struct quern_json *text, quern_error *error)
{
    const json_t *all = NULL;
    bool listed;
    QUERN_TRY(quern_config_layer_types(text, s->layers, s->is_local, &listed, error));
    if (!listed)
        return quern_fail(error, QUERN_EFORMAT, "%s lacks layer_types", text->path);
    QUERN_TRY(quern_json_get_object(text, text->root, "per_layer_config", &all, error));
    for (int l = 0; l < s->layers; l++)
        QUERN_TRY(read_layer(s, text, all, l, error));
    if (s->global_head == 0)
        return quern_config_refuse(text, "layer_types has no global layers", error);
    return QUERN_OK;
}

/* The window is the farthest that a token attends to on either side; model files have its whole width. */
static int read_sizes(struct quern_settings *s, const struct quern_json *text, quern_error *error)
{
    QUERN_TRY(quern_config_size(text, "max_position_embeddings", 1 << 20, &s->context, error));
    QUERN_TRY(quern_config_size(text, "hidden_size", 1 << 16, &s->width, error));
    QUERN_TRY(quern_config_size(text, "embedding_dim", 1 << 16, &s->dimensions, error));
    QUERN_TRY(quern_config_size(text, "hidden_size_per_layer_input", 1 << 16, &s->layer_input, error));
    QUERN_TRY(quern_config_size(text, "num_hidden_layers", QUERN_MOST_LAYERS, &s->layers, error));
    QUERN_TRY(quern_config_size(text, "intermediate_size", 1 << 20, &s->ffn, error));
    QUERN_TRY(quern_config_size(text, "num_attention_heads", 1024, &s->heads, error));
    QUERN_TRY(quern_config_size(text, "num_key_value_heads", 1024, &s->kv_heads, error));
    QUERN_TRY(quern_config_size(text, "head_dim", 4096, &s->head, error));
    QUERN_TRY(quern_config_size(text, "sliding_window", 1 << 19, &s->window, error));
    QUERN_TRY(quern_config_size(text, "vocab_size", 1 << 24, &s->vocabulary, error));
    s->window *= 2;
    return QUERN_OK;
}

static int read_config(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    const json_t *found = NULL;
    s->epsilon = 1e-6;
    s->rope_base = 1e6;
    s->rope_base_local = 1e4;
    QUERN_TRY(quern_json_get_object(config, config->root, "text_config", &found, error));
    if (found == NULL)
        return quern_fail(error, QUERN_EFORMAT, "%s lacks text_config", config->path);
    const struct quern_json text = {config->path, (json_t *)found};
    QUERN_TRY(check_architecture(&text, error));
    QUERN_TRY(read_sizes(s, &text, error));
    QUERN_TRY(read_layers(s, &text, error));
    QUERN_TRY(quern_json_get_number(&text, text.root, "rms_norm_eps", 0, 0.999, &s->epsilon, error));
    QUERN_TRY(quern_config_rope_base(&text, "rope_theta", "full_attention", &s->rope_base, error));
    return quern_config_rope_base(&text, "rope_local_base_freq", "sliding_attention", &s->rope_base_local, error);
}

static const struct quern_layout_key keys[] = {
    {"attention.head_count_kv", QUERN_LAYOUT_SIZES, offsetof(struct quern_settings, layer_kv_heads)},
    {"rope.freq_base", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, rope_base)},
    {"rope.freq_base_swa", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, rope_base_local)},
    {"attention.layer_norm_rms_epsilon", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, epsilon)},
    {"attention.key_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, global_head)},
    {"attention.value_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, global_head)},
    {"attention.sliding_window", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, window)},
    {"attention.shared_kv_layers", QUERN_LAYOUT_ZERO, 0},
    {"embedding_length_per_layer_input", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, layer_input)},
    {"attention.sliding_window_pattern", QUERN_LAYOUT_FLAGS, offsetof(struct quern_settings, is_local)},
    {"attention.key_length_swa", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, head)},
    {"attention.value_length_swa", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, head)},
    {"rope.dimension_count", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, global_head)},
    {"rope.dimension_count_swa", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, head)},
    {"embedding_length_out", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, dimensions)},
    {"attention.causal", QUERN_LAYOUT_FALSE, 0},
};

static const char *const tensors[QUERN_TENSORS] = {
    [QUERN_T_TOKENS] = "embed_tokens",
    [QUERN_T_LAYER_INPUTS] = "ple.per_layer_model_projection",
    [QUERN_T_LAYER_INPUT_NORM] = "ple.per_layer_projection_norm",
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
    [QUERN_T_INPUT_GATE] = "ple_block.per_layer_input_gate",
    [QUERN_T_INPUT_OUTPUT] = "ple_block.per_layer_projection",
    [QUERN_T_INPUT_SUM_NORM] = "ple_block.post_per_layer_input_norm",
    [QUERN_T_LAYER_SCALE] = "layer_scalar",
    [QUERN_T_FINAL_NORM] = "norm",
    [QUERN_T_DENSE_1] = "embedding_projection",
};

const struct quern_layout quern_layout_gemma2 = {
    .arch = &quern_arch_gemma_embedding2,
    .class_names = {"EmbeddingGemma2Model"},
    .prefixes = {"language_model.", "", "model.language_model."},
    .layers = "layers.",
    .tensors = tensors,
    .left_out = {"vision_tower.", "audio_tower.", "embed_vision.", "embed_audio."},
    .tokenizers = {"gemma4"},
    .keys = keys,
    .key_count = QUERN_COUNT(keys),
    .read = read_config,
};
