/* Folders of MiniLM, BGE, E5, GTE and their like: BertModel, with WordPiece or, as multilingual MiniLM and E5 small
 * have it, with unigram. And those of XLM-R, such as BGE-M3 and multilingual E5 base: XLMRobertaModel, which counts
 * positions otherwise. */
#include "base/count.h"
#include "base/error.h"
#include "config_json.h"
#include "layout.h"

static int read_config(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    s->epsilon = 1e-12;
    QUERN_TRY(quern_config_size(config, "max_position_embeddings", 1 << 20, &s->context, error));
    QUERN_TRY(quern_config_size(config, "hidden_size", 1 << 16, &s->width, error));
    QUERN_TRY(quern_config_size(config, "num_hidden_layers", QUERN_MOST_LAYERS, &s->layers, error));
    QUERN_TRY(quern_config_size(config, "intermediate_size", 1 << 20, &s->ffn, error));
    QUERN_TRY(quern_config_size(config, "num_attention_heads", 1024, &s->heads, error));
    QUERN_TRY(quern_config_size(config, "type_vocab_size", 1 << 16, &s->token_types, error));
    QUERN_TRY(quern_config_size(config, "vocab_size", 1 << 24, &s->vocabulary, error));
    QUERN_TRY(quern_json_get_number(config, config->root, "layer_norm_eps", 0, 0.999, &s->epsilon, error));
    QUERN_TRY(quern_config_only_text(config, "hidden_act", "gelu", error));
    QUERN_TRY(quern_config_only_text(config, "position_embedding_type", "absolute", error));
    QUERN_TRY(quern_config_only_bool(config, "is_decoder", false, error));
    s->kv_heads = s->heads;
    return quern_config_divide(config, "hidden_size", s->width, "num_attention_heads", s->heads, &s->head, error);
}

/* The first token of a text has the position behind that of padding, and padding has its own id as its position. */
static int read_xlm_roberta(struct quern_settings *s, const struct quern_json *config, quern_error *error)
{
    int padding = 1;
    QUERN_TRY(read_config(s, config, error));
    QUERN_TRY(quern_json_get_integer(config, config->root, "pad_token_id", 0, 1 << 16, &padding, error));
    s->position_offset = padding + 1;
    s->context -= s->position_offset;
    if (s->context < 2)
        return quern_fail(error, QUERN_EFORMAT, "%s: max_position_embeddings leaves no positions behind that of "
                          "padding, %d", config->path, padding);
    return QUERN_OK;
}

static const struct quern_layout_key keys[] = {
    {"attention.layer_norm_epsilon", QUERN_LAYOUT_NUMBER, offsetof(struct quern_settings, epsilon)},
    {"attention.causal", QUERN_LAYOUT_FALSE, 0}, /* other programs want to be told so */
};

static const char *const tensors[QUERN_TENSORS] = {
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
};

const struct quern_layout quern_layout_bert = {
    .arch = &quern_arch_bert,
    .class_names = {"BertModel"},
    .prefixes = {"", "bert."},
    .layers = "encoder.layer.",
    .tensors = tensors,
    .left_out = {"pooler.", "embeddings.position_ids"},
    .tokenizers = {"bert", "t5"},
    .keys = keys,
    .key_count = QUERN_COUNT(keys),
    .read = read_config,
};

const struct quern_layout quern_layout_xlm_roberta = {
    .arch = &quern_arch_bert,
    .class_names = {"XLMRobertaModel"},
    .prefixes = {"", "roberta."},
    .layers = "encoder.layer.",
    .tensors = tensors,
    .left_out = {"pooler.", "embeddings.position_ids"},
    .tokenizers = {"t5"},
    .keys = keys,
    .key_count = QUERN_COUNT(keys),
    .read = read_xlm_roberta,
};
