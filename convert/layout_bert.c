/* Folders of MiniLM, BGE, E5, GTE and their like: BertModel. */
#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "config_json.h"
#include "layout.h"

static int read_config(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    quern_text activation = {"gelu", 4}, positions = {"absolute", 8};
    bool decoder = false;
    s->epsilon = 1e-12;
    QUERN_TRY(quern_config_size(config, "max_position_embeddings", 1 << 20, &s->context, error));
    QUERN_TRY(quern_config_size(config, "hidden_size", 1 << 16, &s->width, error));
    QUERN_TRY(quern_config_size(config, "num_hidden_layers", QUERN_MOST_LAYERS, &s->layers, error));
    QUERN_TRY(quern_config_size(config, "intermediate_size", 1 << 20, &s->ffn, error));
    QUERN_TRY(quern_config_size(config, "num_attention_heads", 1024, &s->heads, error));
    QUERN_TRY(quern_config_size(config, "type_vocab_size", 1 << 16, &s->token_types, error));
    QUERN_TRY(quern_config_size(config, "vocab_size", 1 << 24, &s->vocabulary, error));
    QUERN_TRY(quern_json_get_number(config, config->root, "layer_norm_eps", 0, 0.999, &s->epsilon, error));
    QUERN_TRY(quern_json_get_string(config, config->root, "hidden_act", &activation, error));
    QUERN_TRY(quern_json_get_string(config, config->root, "position_embedding_type", &positions, error));
    QUERN_TRY(quern_json_get_bool(config, config->root, "is_decoder", &decoder, error));
    if (s->width % s->heads != 0)
        return quern_fail(error, QUERN_EFORMAT, "%s: hidden_size %d is no multiple of num_attention_heads %d",
                          config->path, s->width, s->heads);
    s->head = s->width / s->heads;
    s->kv_heads = s->heads;
    if (!quern_text_is(activation, "gelu"))
        return quern_config_refuse(config, "hidden_act is not gelu", error);
    if (!quern_text_is(positions, "absolute"))
        return quern_config_refuse(config, "position_embedding_type is not absolute", error);
    return decoder ? quern_config_refuse(config, "is_decoder is true", error) : QUERN_OK;
}

static const struct quern_layout_key keys[] = {
    {"context_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, context)},
    {"embedding_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, width)},
    {"block_count", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, layers)},
    {"feed_forward_length", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, ffn)},
    {"attention.head_count", QUERN_LAYOUT_SIZE, offsetof(struct quern_settings, heads)},
    {"attention.layer_norm_epsilon", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, epsilon)},
};

const struct quern_layout quern_layout_bert = {
    .arch = &quern_arch_bert,
    .class_name = "BertModel",
    .prefixes = {"", "bert."},
    .layers = "encoder.layer.",
    .tensors = {
        [QUERN_T_TOKENS] = "embeddings.word_embeddings",
        [QUERN_T_POSITIONS] = "embeddings.position_embeddings",
        [QUERN_T_TOKEN_TYPES] = "embeddings.token_type_embeddings",
        [QUERN_T_EMBEDDING_NORM] = "embeddings.LayerNorm",
        [QUERN_T_QUERY] = "attention.self.query",
        [QUERN_T_KEY] = "attention.self.key",
        [QUERN_T_VALUE] = "attention.self.value",
        [QUERN_T_OUTPUT] = "attention.output.dense",
        [QUERN_T_ATTENTION_SUM_NORM] = "attention.output.LayerNorm",
        [QUERN_T_UP] = "intermediate.dense",
        [QUERN_T_DOWN] = "output.dense",
        [QUERN_T_FFN_SUM_NORM] = "output.LayerNorm",
    },
    .left_out = {"pooler.", "embeddings.position_ids"},
    .tokenizer = "bert",
    .keys = keys,
    .key_count = QUERN_COUNT(keys),
    .read = read_config,
};
