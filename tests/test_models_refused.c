/* Files that are valid GGUF, but not models that quern can run. Each is refused for one reason, which the message
 * names. They are copies of a tiny model in which a key and a tensor are left out, and others put in. */
#include "base/count.h"
#include "gguf/writer.h"
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define A "gemma-embedding."
#define B "bert."
#define C "gemma-embedding2."
#define N "nomic-bert."
#define Q "qwen3."
#define M "modern-bert."
#define T "tokenizer.ggml."

enum put { NOTHING, NUMBER, FLOAT, FLAG, TEXT };

struct damage {
    const char *key;     /* left out; and with put put in again with another value */
    enum put put;
    double number;
    const char *text;
    void (*edit)(struct quern_gguf_writer *writer, const struct quern_gguf_value *value); /* puts the key instead */
    const char *tensor;  /* left out; with shape[0] put in again with zeros */
    uint64_t shape[2];
    uint32_t type;
    int code;
    const char *message; /* a part of it */
};

/* ---------------------------------------------------------------- vocabularies */

enum { PIECES = 640 };

/* Copies an array of pieces, but for piece number 300, and leaves out the last. */
static void put_pieces(struct quern_gguf_writer *writer, const struct quern_gguf_value *value, size_t count,
                       const char *text)
{
    quern_text texts[PIECES];
    size_t cursor = 0;
    for (size_t i = 0; i < PIECES; i++)
        texts[i] = quern_gguf_next_string(value, &cursor);
    if (text != NULL)
        texts[300] = (quern_text){text, strlen(text)};
    quern_gguf_put_strings(writer, T "tokens", texts, count);
}

static void put_too_few(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    put_pieces(writer, value, PIECES - 1, NULL);
}

static void put_duplicate(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    put_pieces(writer, value, PIECES, "<bos>");
}

static void put_empty(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    put_pieces(writer, value, PIECES, "");
}

static void put_scores(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    static const uint32_t nan = 0x7fc00000;
    float scores[PIECES];
    memcpy(scores, value->data, sizeof scores);
    memcpy(&scores[300], &nan, sizeof nan);
    quern_gguf_put_array(writer, T "scores", QUERN_GGUF_F32, scores, PIECES);
}

static void put_kinds(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    int32_t kinds[PIECES];
    memcpy(kinds, value->data, sizeof kinds);
    kinds[300] = 7;
    quern_gguf_put_array(writer, T "token_type", QUERN_GGUF_I32, kinds, PIECES);
}

static void put_kinds_unsigned(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    quern_gguf_put_array(writer, T "token_type", QUERN_GGUF_U32, value->data, PIECES);
}

/* ---------------------------------------------------------------- a value for each layer */

static void put_layers(struct quern_gguf_writer *writer, const char *key, size_t count, int32_t last)
{
    int32_t numbers[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    numbers[count - 1] = last;
    quern_gguf_put_array(writer, key, QUERN_GGUF_I32, numbers, count);
}

static void put_few_heads(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    (void)value;
    put_layers(writer, A "attention.head_count_kv", 5, 1);
}

static void put_odd_heads(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    (void)value;
    put_layers(writer, A "attention.head_count_kv", 6, 3);
}

static void put_wider_heads(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    (void)value;
    put_layers(writer, A "attention.head_count_kv", 6, 2);
}

static void put_odd_kinds(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    (void)value;
    quern_gguf_put_u32(writer, A "attention.sliding_window", 16);
    put_layers(writer, A "attention.sliding_window_pattern", 6, 2);
}

/* ---------------------------------------------------------------- cases */

#define FORMAT .code = QUERN_EFORMAT, .message
#define UNSUPPORTED .code = QUERN_EUNSUPPORTED, .message

static const struct damage damages[] = {
    /* another model */
    {.key = "general.architecture", .put = TEXT, .text = "gemma3",
     UNSUPPORTED = "architecture \"gemma3\" is not supported: quern runs models that embed"},
    {.key = "general.architecture", FORMAT = "key general.architecture is missing"},
    {.key = "general.architecture", .put = TEXT, .text = "gemma3", .tensor = "dense.0.weight", .shape = {64, 32},
     UNSUPPORTED = "old versions of Ollama"},
    {.tensor = "dense.1.weight", .shape = {64, 32}, UNSUPPORTED = "old versions of Ollama"},
    {.key = "general.architecture", .put = NUMBER, .number = 1, FORMAT = "general.architecture"},
    {.key = "general.type", .put = TEXT, .text = "adapter", UNSUPPORTED = "no whole model"},
    {.key = "split.count", .put = NUMBER, .number = 2, UNSUPPORTED = "split over 2 files"},
    {.key = A "pooling_type", .put = NUMBER, .number = 2, UNSUPPORTED = "pooling type 2"},
    {.key = A "rope.dimension_count", .put = NUMBER, .number = 16, UNSUPPORTED = "RoPE over 16 of 32"},
    {.key = A "rope.scaling.type", .put = TEXT, .text = "yarn", UNSUPPORTED = "RoPE scaling \"yarn\""},

    /* sizes */
    {.key = A "context_length", FORMAT = "context_length is missing"},
    {.key = A "context_length", .put = FLOAT, .number = 256, FORMAT = "context_length"},
    {.key = A "context_length", .put = TEXT, .text = "256", FORMAT = "context_length"},
    {.key = A "context_length", .put = NUMBER, .number = 1, FORMAT = "context_length"},
    {.key = A "context_length", .put = NUMBER, .number = 1 << 20, UNSUPPORTED = "1048576 tokens are too long"},
    {.key = A "embedding_length", FORMAT = "embedding_length is missing"},
    {.key = A "embedding_length", .put = NUMBER, .number = 96, FORMAT = "token_embd.weight is [640][64]"},
    {.key = A "embedding_length", .put = NUMBER, .number = 72, UNSUPPORTED = "must be multiples of 32"},
    {.key = A "block_count", .put = NUMBER, .number = 0, FORMAT = "block_count"},
    {.key = A "block_count", .put = NUMBER, .number = 7, FORMAT = "blk.6.attn_norm.weight is missing"},
    {.key = A "block_count", .put = NUMBER, .number = 5, UNSUPPORTED = "which a gemma-embedding model of 5 layers"},
    {.key = A "block_count", .put = NUMBER, .number = 4294967295, FORMAT = "block_count"},
    {.key = A "feed_forward_length", .put = NUMBER, .number = 128, FORMAT = "ffn_gate.weight is [96][64]"},
    {.key = A "attention.head_count", FORMAT = "attention.head_count is missing"},
    {.key = A "attention.head_count", .put = NUMBER, .number = 0, FORMAT = "attention.head_count"},
    {.key = A "attention.head_count", .put = NUMBER, .number = 3, FORMAT = "attn_q.weight is [64][64]"},
    {.key = A "attention.head_count_kv", .put = NUMBER, .number = 3, FORMAT = "2 heads cannot share 3"},
    {.key = A "attention.head_count_kv", .put = NUMBER, .number = 0, FORMAT = "head_count_kv"},
    {.key = A "attention.head_count_kv", .edit = put_few_heads, FORMAT = "has 5 elements, but must have 6"},
    {.key = A "attention.head_count_kv", .edit = put_odd_heads, FORMAT = "layer 5: 2 heads cannot share 3"},
    {.key = A "attention.head_count_kv", .edit = put_wider_heads, FORMAT = "blk.5.attn_k.weight is [32][64]"},
    {.key = A "attention.sliding_window", .edit = put_odd_kinds, FORMAT = "pattern': element 5 is 2, but must be from"},
    {.key = A "attention.key_length", .put = NUMBER, .number = 64, UNSUPPORTED = "values have 32 dimensions"},
    {.key = A "attention.key_length", .put = NUMBER, .number = 1 << 30, FORMAT = "key_length"},
    {.key = A "attention.sliding_window", .put = NUMBER, .number = 0, FORMAT = "sliding_window"},
    {.key = A "attention.sliding_window", FORMAT = "sliding_window is missing"},
    {.key = A "attention.sliding_window_pattern", .put = NUMBER, .number = 100000, FORMAT = "sliding_window_pattern"},
    {.key = A "attention.layer_norm_rms_epsilon", FORMAT = "layer_norm_rms_epsilon is missing"},
    {.key = A "attention.layer_norm_rms_epsilon", .put = FLOAT, .number = -1, FORMAT = "layer_norm_rms_epsilon"},
    {.key = A "attention.layer_norm_rms_epsilon", .put = NUMBER, .number = 0, FORMAT = "layer_norm_rms_epsilon"},
    {.key = A "rope.freq_base", .put = FLOAT, .number = 0, FORMAT = "rope.freq_base"},
    {.key = A "rope.freq_base_swa", .put = FLOAT, .number = 1e30, FORMAT = "rope.freq_base_swa"},

    /* tensors */
    {.tensor = "token_embd.weight", FORMAT = "token_embd.weight is missing"},
    {.tensor = "output_norm.weight", FORMAT = "output_norm.weight is missing"},
    {.tensor = "blk.3.attn_k_norm.weight", FORMAT = "blk.3.attn_k_norm.weight is missing"},
    {.tensor = "blk.5.ffn_down.weight", FORMAT = "blk.5.ffn_down.weight is missing"},
    {.tensor = "blk.5.ffn_down.weight", .shape = {64, 96}, FORMAT = "blk.5.ffn_down.weight is [96][64]"},
    {.tensor = "blk.0.attn_norm.weight", .shape = {32, 1}, FORMAT = "blk.0.attn_norm.weight is [1][32]"},
    {.tensor = "blk.0.attn_norm.weight", .shape = {64, 1}, .type = QUERN_TYPE_F16,
     UNSUPPORTED = "norms and biases must be F32"},
    {.tensor = "blk.1.attn_v.weight", .shape = {64, 32}, .type = 24, UNSUPPORTED = "blk.1.attn_v.weight has type I8"},
    {.tensor = "dense_2.weight", FORMAT = "dense_2.weight is missing, though dense_3.weight is not"},
    {.tensor = "dense_3.weight", FORMAT = "dense_3.weight is missing"},
    {.tensor = "dense_2.weight", .shape = {64, 130}, UNSUPPORTED = "130 rows"},
    {.tensor = "dense_3.weight", .shape = {96, 64}, FORMAT = "dense_3.weight is [64][96]"},
    {.tensor = "extra.weight", .shape = {32, 1}, UNSUPPORTED = "tensor extra.weight, which a gem"},

    /* tokenizer */
    {.key = T "model", .put = NUMBER, .number = 1, FORMAT = "tokenizer.ggml.model"},
    {.key = T "tokens", FORMAT = "tokenizer.ggml.tokens is missing"},
    {.key = T "tokens", .put = TEXT, .text = "none", FORMAT = "tokens is not an array of strings"},
    {.key = T "tokens", .edit = put_too_few, FORMAT = "tokens has 639 elements, token_embd.weight 640 rows"},
    {.key = T "tokens", .edit = put_duplicate, FORMAT = "pieces 2 and 300"},
    {.key = T "tokens", .edit = put_empty, FORMAT = "300"},
    {.key = T "scores", FORMAT = "tokenizer.ggml.scores is missing"},
    {.key = T "scores", .edit = put_scores, FORMAT = "300"},
    {.key = T "token_type", .edit = put_kinds, FORMAT = "300"},
    {.key = T "token_type", .edit = put_kinds_unsigned, FORMAT = "token_type is not an array of integers"},
    {.key = T "bos_token_id", .put = NUMBER, .number = PIECES, FORMAT = "bos_token_id"},
    {.key = T "eos_token_id", .put = NUMBER, .number = 4294967295, FORMAT = "eos_token_id"},
    {.key = T "unknown_token_id", .put = TEXT, .text = "3", FORMAT = "unknown_token_id"},
    {.key = T "add_bos_token", .put = NUMBER, .number = 1, FORMAT = "add_bos_token"},
};

static const struct damage gemma2_damages[] = {
    {.key = "general.architecture", .put = TEXT, .text = "clip", UNSUPPORTED = "a model that sees or hears"},
    {.key = C "attention.shared_kv_layers", .put = NUMBER, .number = 2, UNSUPPORTED = "share the keys and values"},
    {.key = C "attention.causal", .put = FLAG, .number = 1, UNSUPPORTED = "causal attention"},
    {.key = C "attention.key_length_swa", UNSUPPORTED = "values have 32 dimensions a head, keys 64"},
    {.key = C "attention.value_length", .put = NUMBER, .number = 32, UNSUPPORTED = "values have 32 dimensions"},
    {.key = C "rope.dimension_count", .put = NUMBER, .number = 16, UNSUPPORTED = "RoPE over 16 of 64"},
    {.key = C "rope.dimension_count_swa", .put = NUMBER, .number = 16, UNSUPPORTED = "RoPE over 16 of 32"},
    {.key = C "attention.head_count_kv", FORMAT = "blk.0.attn_k.weight is [64][64], the metadata ask for [128][64]"},
    {.key = C "attention.sliding_window_pattern", FORMAT = "blk.2.attn_q_norm.weight is [1][64]"},
    {.key = C "embedding_length_per_layer_input", FORMAT = "embedding_length_per_layer_input is missing"},
    {.key = C "embedding_length_per_layer_input", .put = NUMBER, .number = 16,
     UNSUPPORTED = "inputs of layers have 16 dimensions"},
    {.key = C "embedding_length_per_layer_input", .put = NUMBER, .number = 64,
     FORMAT = "per_layer_model_proj.weight is [192][64]"},
    {.key = C "embedding_length_out", .put = NUMBER, .number = 48, UNSUPPORTED = "dimensions 48 must be multiples"},
    {.key = C "embedding_length_out", FORMAT = "output.weight is [96][64], the metadata ask for [64][64]"},
    {.key = C "block_count", .put = NUMBER, .number = 7, FORMAT = "'gemma-embedding2.attention.head_count_kv' has 6"},
    {.tensor = "output.weight", FORMAT = "output.weight is missing"},
    {.tensor = "blk.1.layer_output_scale.weight", FORMAT = "blk.1.layer_output_scale.weight is missing"},
    {.tensor = "blk.1.layer_output_scale.weight", .shape = {2, 1}, FORMAT = "layer_output_scale.weight is [1][2]"},
    {.tensor = "blk.2.attn_q_norm.weight", .shape = {32, 1}, FORMAT = "blk.2.attn_q_norm.weight is [1][32]"},
    {.tensor = "blk.2.attn_v.weight", .shape = {64, 128}, FORMAT = "blk.2.attn_v.weight is [128][64]"},
    {.tensor = "per_layer_proj_norm.weight", FORMAT = "per_layer_proj_norm.weight is missing"},
    {.tensor = "rope_freqs.weight", .shape = {32, 1}, UNSUPPORTED = "rope_freqs.weight, which"},
};

static const struct damage bert_damages[] = {
    {.key = B "pooling_type", FORMAT = "key bert.pooling_type is missing"},
    {.key = B "pooling_type", .put = NUMBER, .number = 0, UNSUPPORTED = "pooling type 0"},
    {.key = B "pooling_type", .put = NUMBER, .number = 3, UNSUPPORTED = "pooling type 3"},
    {.key = B "pooling_type", .put = NUMBER, .number = 64, UNSUPPORTED = "pooling type 64"},
    {.key = B "attention.causal", .put = FLAG, .number = 1, UNSUPPORTED = "causal attention"},
    {.key = B "attention.causal", .put = NUMBER, .number = 0, FORMAT = "attention.causal"},
    {.key = B "attention.layer_norm_epsilon", FORMAT = "layer_norm_epsilon is missing"},
    {.key = B "attention.head_count", .put = NUMBER, .number = 4, UNSUPPORTED = "heads have 16 dimensions"},
    {.key = B "attention.head_count", .put = NUMBER, .number = 128, UNSUPPORTED = "heads have 0 dimensions"},
    {.key = B "context_length", .put = NUMBER, .number = 128, FORMAT = "position_embd.weight is [256][64]"},
    {.tensor = "position_embd.weight", FORMAT = "position_embd.weight is missing"},
    {.tensor = "token_types.weight", .shape = {32, 2}, FORMAT = "token_types.weight is [2][32]"},
    {.tensor = "token_embd_norm.bias", FORMAT = "token_embd_norm.bias is missing"},
    {.tensor = "blk.1.attn_k.bias", FORMAT = "blk.1.attn_k.bias is missing"},
    {.tensor = "blk.1.attn_k.bias", .shape = {32, 1}, FORMAT = "blk.1.attn_k.bias is [1][32]"},
    {.tensor = "blk.1.ffn_up.bias", .shape = {96, 1}, .type = QUERN_TYPE_F16,
     UNSUPPORTED = "norms and biases must be F32"},
    {.tensor = "blk.2.layer_output_norm.weight", FORMAT = "blk.2.layer_output_norm.weight is missing"},
    {.tensor = "blk.0.attn_qkv.weight", .shape = {64, 96}, FORMAT = "blk.0.attn_qkv.weight is [96][64]"},
    {.tensor = "cls.weight", .shape = {64, 64}, UNSUPPORTED = "tensor cls.weight, which a bert model"},
};

static const struct damage nomic_damages[] = {
    {.key = N "pooling_type", FORMAT = "key nomic-bert.pooling_type is missing: this model generates texts, or"},
    {.key = N "pooling_type", .put = NUMBER, .number = 4, UNSUPPORTED = "pooling type 4 is that of a reranker"},
    {.key = N "pooling_type", .put = NUMBER, .number = 3, UNSUPPORTED = "pooling type 3 is not supported for nomic"},
    {.key = N "attention.causal", .put = FLAG, .number = 1, UNSUPPORTED = "causal attention"},
    {.key = N "rope.dimension_count", .put = NUMBER, .number = 16, UNSUPPORTED = "RoPE over 16 of 32 dimensions"},
    {.key = N "rope.scaling.type", .put = TEXT, .text = "yarn", UNSUPPORTED = "RoPE scaling \"yarn\""},
    {.key = N "attention.head_count", .put = NUMBER, .number = 3, UNSUPPORTED = "heads have 21 dimensions"},
    {.tensor = "token_types.weight", FORMAT = "token_types.weight is missing"},
    {.tensor = "blk.0.attn_qkv.weight", .shape = {64, 96}, FORMAT = "blk.0.attn_qkv.weight is [96][64]"},
    {.tensor = "blk.1.ffn_gate.weight", FORMAT = "blk.1.ffn_gate.weight is missing"},
    {.tensor = "blk.0.attn_qkv.bias", .shape = {192, 1}, UNSUPPORTED = "tensor blk.0.attn_qkv.bias, which"},
};

static const struct damage qwen3_damages[] = {
    {.key = Q "pooling_type", FORMAT = "key qwen3.pooling_type is missing: this model generates texts, or"},
    {.key = Q "pooling_type", .put = NUMBER, .number = 1, UNSUPPORTED = "pooling type 1 is not supported for qwen3"},
    {.key = Q "pooling_type", .put = NUMBER, .number = 4, UNSUPPORTED = "pooling type 4 is that of a reranker"},
    {.key = Q "rope.scaling.type", .put = TEXT, .text = "yarn", UNSUPPORTED = "RoPE scaling \"yarn\""},
    {.key = Q "attention.head_count_kv", .put = NUMBER, .number = 3, FORMAT = "cannot share 3"},
    {.key = Q "attention.head_count_kv", FORMAT = "blk.0.attn_k.weight is [64][64]"},
    {.key = Q "attention.key_length", .put = NUMBER, .number = 48, UNSUPPORTED = "values have 32 dimensions"},
    {.key = Q "attention.value_length", .put = NUMBER, .number = 64, UNSUPPORTED = "values have 64 dimensions"},
    {.tensor = "blk.2.attn_q_norm.weight", FORMAT = "blk.2.attn_q_norm.weight is missing"},
    {.tensor = "blk.2.attn_k_norm.weight", .shape = {64, 1}, FORMAT = "blk.2.attn_k_norm.weight is [1][64]"},
    {.tensor = "blk.0.attn_q.bias", .shape = {128, 1}, UNSUPPORTED = "tensor blk.0.attn_q.bias, which"},
};

static const struct damage modern_damages[] = {
    {.key = M "pooling_type", .put = NUMBER, .number = 3, UNSUPPORTED = "pooling type 3 is not supported for modern"},
    {.key = M "hidden_activation", .put = TEXT, .text = "relu", UNSUPPORTED = "hidden_activation is \"relu\""},
    {.key = M "hidden_activation", .put = NUMBER, .number = 1, FORMAT = "hidden_activation"},
    {.key = M "attention.sliding_window", FORMAT = "sliding_window is missing"},
    {.key = M "attention.sliding_window_pattern", .put = NUMBER, .number = 100000, FORMAT = "sliding_window_pattern"},
    {.key = M "rope.scaling.type", .put = TEXT, .text = "linear", UNSUPPORTED = "RoPE scaling \"linear\""},
    {.tensor = "blk.1.attn_norm.weight", FORMAT = "blk.1.attn_norm.weight is missing"},
    {.tensor = "blk.0.attn_norm.weight", .shape = {64, 1}, UNSUPPORTED = "the file has 39 tensors"},
    {.tensor = "blk.0.ffn_up.weight", .shape = {64, 96}, FORMAT = "blk.0.ffn_up.weight is [96][64]"},
};

/* ---------------------------------------------------------------- damaging */

static bool is(quern_text name, const char *expected)
{
    return expected != NULL && name.length == strlen(expected) && memcmp(name.data, expected, name.length) == 0;
}

static void copy_keys(struct quern_gguf_writer *writer, const struct quern_gguf *gguf, const struct damage *d)
{
    for (size_t i = 0; i < gguf->value_count; i++) {
        if (!is(gguf->values[i].key, d->key))
            quern_gguf_put_value(writer, &gguf->values[i]);
        else if (d->edit != NULL)
            d->edit(writer, &gguf->values[i]);
    }
    switch (d->put) {
    case NOTHING: break;
    case NUMBER: quern_gguf_put_u32(writer, d->key, (uint32_t)d->number); break;
    case FLOAT: quern_gguf_put_f32(writer, d->key, (float)d->number); break;
    case FLAG: quern_gguf_put_bool(writer, d->key, d->number != 0); break;
    case TEXT: quern_gguf_put_string(writer, d->key, (quern_text){d->text, strlen(d->text)}); break;
    }
}

static void copy_tensors(struct quern_gguf_writer *writer, const struct quern_gguf *gguf, const struct damage *d)
{
    static const unsigned char zeros[64 * 130 * 4];
    for (size_t i = 0; i < gguf->tensor_count; i++) {
        const struct quern_gguf_tensor *t = &gguf->tensors[i];
        char name[64] = "";
        memcpy(name, t->name.data, t->name.length);
        if (!is(t->name, d->tensor))
            quern_gguf_put_tensor(writer, name, t->type, t->shape, t->dimensions);
    }
    if (d->shape[0] != 0)
        quern_gguf_put_tensor(writer, d->tensor, d->type, d->shape, d->shape[1] == 1 ? 1 : 2);
    for (size_t i = 0; i < gguf->tensor_count; i++)
        if (!is(gguf->tensors[i].name, d->tensor))
            quern_gguf_put_data(writer, gguf->tensors[i].data, gguf->tensors[i].bytes);
    if (d->shape[0] != 0) {
        const struct quern_type_info *type = quern_type_info(d->type);
        const uint64_t blocks = d->shape[0] * d->shape[1] / (uint64_t)type->block_elements;
        assert_true(blocks * (uint64_t)type->block_bytes <= sizeof zeros);
        quern_gguf_put_data(writer, zeros, (size_t)blocks * (size_t)type->block_bytes);
    }
}

static void write_damaged(const char *path, const struct quern_gguf *gguf, const struct damage *d)
{
    struct quern_gguf_writer *writer;
    quern_error error;
    assert_int_equal(quern_gguf_writer_new(&writer, path, NULL, &error), QUERN_OK);
    copy_keys(writer, gguf, d);
    copy_tensors(writer, gguf, d);
    if (quern_gguf_writer_finish(writer, &error) != QUERN_OK)
        fail_msg("%s", error.text);
}

static void check_refused(const struct quern_recipe *recipe, const struct damage *list, size_t count)
{
    char sound[TRIAL_PATH], damaged[TRIAL_PATH + 8];
    struct quern_gguf gguf;
    trial_make(sound, recipe);
    strcat(strcpy(damaged, sound), ".bad");
    assert_int_equal(quern_gguf_open(&gguf, sound, NULL), QUERN_OK);
    for (size_t i = 0; i < count; i++) {
        const struct damage *d = &list[i];
        quern_model *model = NULL;
        quern_error error = {0};
        write_damaged(damaged, &gguf, d);
        const int code = quern_model_open(&model, damaged, NULL, &error);
        if (code != d->code || error.code != d->code || model != NULL || strstr(error.text, d->message) == NULL)
            fail_msg("case %zu (%s %s): code %d, \"%s\" does not say \"%s\"", i, d->key ? d->key : "tensor",
                     d->tensor ? d->tensor : "", code, error.text, d->message);
        assert_memory_equal(error.text, damaged, strlen(damaged));
    }
    /* a copy without damage is a model, so the damage is the reason */
    write_damaged(damaged, &gguf, &(struct damage){0});
    quern_model_close(trial_open(damaged, NULL));
    quern_gguf_close(&gguf);
    unlink(damaged);
    unlink(sound);
}

static void test_refused(void **state)
{
    (void)state;
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_F32, true);
    check_refused(&recipe, damages, QUERN_COUNT(damages));
}

static void test_gemma2_refused(void **state)
{
    (void)state;
    const struct quern_recipe recipe = quern_recipe_gemma2();
    check_refused(&recipe, gemma2_damages, QUERN_COUNT(gemma2_damages));
}

static void test_bert_refused(void **state)
{
    (void)state;
    const struct quern_recipe recipe = quern_recipe_bert();
    check_refused(&recipe, bert_damages, QUERN_COUNT(bert_damages));
}

static void test_families_refused(void **state)
{
    (void)state;
    const struct quern_recipe nomic = quern_recipe_nomic(), qwen3 = quern_recipe_qwen3();
    const struct quern_recipe modern = quern_recipe_modern();
    check_refused(&nomic, nomic_damages, QUERN_COUNT(nomic_damages));
    check_refused(&qwen3, qwen3_damages, QUERN_COUNT(qwen3_damages));
    check_refused(&modern, modern_damages, QUERN_COUNT(modern_damages));
}

/* Files of a decoder may hold the matrix that turns rows into the next token. It changes nothing. */
static void test_ignored_tensor(void **state)
{
    (void)state;
    static const struct damage more[] = {{0}, {.tensor = "output.weight", .shape = {64, 130}}};
    char sound[TRIAL_PATH], copy[TRIAL_PATH + 8], space[2][QUERN_SPACE_SIZE];
    quern_model_info info[2];
    struct quern_gguf gguf;
    const struct quern_recipe recipe = quern_recipe_qwen3();
    trial_make(sound, &recipe);
    strcat(strcpy(copy, sound), ".copy");
    assert_int_equal(quern_gguf_open(&gguf, sound, NULL), QUERN_OK);
    for (int i = 0; i < 2; i++) {
        info[i] = (quern_model_info){.size = sizeof info[i]};
        write_damaged(copy, &gguf, &more[i]);
        quern_model *model = trial_open(copy, NULL);
        assert_int_equal(quern_space(model, NULL, space[i], NULL), QUERN_OK);
        assert_int_equal(quern_model_describe(model, &info[i], NULL), QUERN_OK);
        quern_model_close(model);
    }
    assert_string_equal(space[0], space[1]);
    assert_true(info[0].parameters == info[1].parameters);
    quern_gguf_close(&gguf);
    unlink(copy);
    unlink(sound);
}

/* Tensors that may be absent: a file without them is another model, which has another space. */
static void test_optional_tensors(void **state)
{
    (void)state;
    static const struct damage absent[] = {
        {0}, {.tensor = "token_types.weight"}, {.tensor = "blk.0.attn_output.bias"}, {.tensor = "blk.1.ffn_up.bias"},
        {.tensor = "blk.2.ffn_down.bias"},
    };
    char sound[TRIAL_PATH], copy[TRIAL_PATH + 8], space[QUERN_COUNT(absent)][QUERN_SPACE_SIZE];
    struct quern_gguf gguf;
    const struct quern_recipe recipe = quern_recipe_bert();
    trial_make(sound, &recipe);
    strcat(strcpy(copy, sound), ".copy");
    assert_int_equal(quern_gguf_open(&gguf, sound, NULL), QUERN_OK);
    for (size_t i = 0; i < QUERN_COUNT(absent); i++) {
        write_damaged(copy, &gguf, &absent[i]);
        quern_model *model = trial_open(copy, NULL);
        assert_int_equal(quern_space(model, NULL, space[i], NULL), QUERN_OK);
        quern_model_close(model);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(space[i], space[j]);
    }
    quern_gguf_close(&gguf);
    unlink(copy);
    unlink(sound);
}

/* Keys that may be absent: a file without them is the same model. */
static void test_defaults(void **state)
{
    (void)state;
    static const struct damage absent[] = {
        {.key = A "pooling_type"}, {.key = "general.type"}, {.key = "general.name"},
        {.key = A "attention.value_length"}, {.key = A "attention.key_length"}, {.key = A "dense_2_feat_out"},
        {.key = A "rope.freq_base_swa"}, {.key = T "add_bos_token"}, {.key = T "pre"},
        {.key = "split.count", .put = NUMBER, .number = 1},
    };
    char sound[TRIAL_PATH], copy[TRIAL_PATH + 8], space[2][QUERN_SPACE_SIZE];
    struct quern_gguf gguf;
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, true);
    trial_make(sound, &recipe);
    strcat(strcpy(copy, sound), ".copy");
    assert_int_equal(quern_gguf_open(&gguf, sound, NULL), QUERN_OK);
    quern_model *model = trial_open(sound, NULL);
    assert_int_equal(quern_space(model, NULL, space[0], NULL), QUERN_OK);
    quern_model_close(model);
    for (size_t i = 0; i < QUERN_COUNT(absent); i++) {
        write_damaged(copy, &gguf, &absent[i]);
        model = trial_open(copy, NULL);
        assert_int_equal(quern_space(model, NULL, space[1], NULL), QUERN_OK);
        assert_string_equal(space[0], space[1]);
        quern_model_close(model);
    }
    quern_gguf_close(&gguf);
    unlink(copy);
    unlink(sound);
}

/* A model without a tokenizer, or with one that quern does not know, takes tokens only, and says so. */
static void test_no_tokenizer(void **state)
{
    (void)state;
    static const struct {
        struct damage damage;
        const char *message;
    } cases[] = {{{.key = T "model", .put = TEXT, .text = "rwkv"}, "tokenizer.ggml.model is \"rwkv\""},
                 {{.key = T "model"}, "tokenizer.ggml.model is missing"}};
    char sound[TRIAL_PATH], copy[TRIAL_PATH + 8];
    struct quern_gguf gguf;
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, true);
    trial_make(sound, &recipe);
    strcat(strcpy(copy, sound), ".copy");
    assert_int_equal(quern_gguf_open(&gguf, sound, NULL), QUERN_OK);
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        write_damaged(copy, &gguf, &cases[i].damage);
        quern_model *model = trial_open(copy, NULL);
        quern_context *context = trial_context(model, QUERN_PATH_FAST, 1, 0);
        const quern_text text = {"a text", 6};
        const int32_t ids[] = {2, 300, 1};
        const quern_tokens tokens = {ids, 3};
        float vector[TRIAL_WIDTH];
        quern_result result;
        quern_error error = {0};
        size_t count;
        quern_piece piece;
        quern_tokenizer_info info = {.size = sizeof info};
        assert_int_equal(quern_embed_tokens(context, &tokens, 1, NULL, vector, TRIAL_WIDTH, NULL, NULL), QUERN_OK);
        assert_int_equal(quern_embed(context, &text, 1, NULL, vector, TRIAL_WIDTH, &result, &error),
                         QUERN_EUNSUPPORTED);
        assert_non_null(strstr(error.text, cases[i].message));
        assert_int_equal(result.code, QUERN_EUNSUPPORTED);
        assert_int_equal(quern_tokenize(context, text, NULL, NULL, 0, &count, NULL), QUERN_EUNSUPPORTED);
        assert_int_equal(quern_piece_get(model, 300, &piece, NULL), QUERN_EUNSUPPORTED);
        assert_int_equal(quern_tokenizer_describe(model, &info, NULL), QUERN_EUNSUPPORTED);
        quern_context_free(context);
        quern_model_close(model);
    }
    quern_gguf_close(&gguf);
    unlink(copy);
    unlink(sound);
}

/* What a file calls its model goes to terminals. */
static void test_names_are_clean(void **state)
{
    (void)state;
    static const struct damage hostile = {.key = "general.name", .put = TEXT, .text = "a\x1b[31m\n\xff\xc3\xa9"};
    char sound[TRIAL_PATH], copy[TRIAL_PATH + 8];
    struct quern_gguf gguf;
    quern_model_info info = {.size = sizeof info};
    const struct quern_recipe recipe = trial_recipe(QUERN_TYPE_Q8_0, true);
    trial_make(sound, &recipe);
    strcat(strcpy(copy, sound), ".copy");
    assert_int_equal(quern_gguf_open(&gguf, sound, NULL), QUERN_OK);
    write_damaged(copy, &gguf, &hostile);
    quern_gguf_close(&gguf);
    quern_model *model = trial_open(copy, NULL);
    assert_int_equal(quern_model_describe(model, &info, NULL), QUERN_OK);
    assert_string_equal(info.name, "a?[31m??\xc3\xa9");
    quern_model_close(model);
    unlink(copy);
    unlink(sound);
}

static void test_no_file(void **state)
{
    (void)state;
    static const char *const paths[] = {"/tmp/quern-no-such-file", "/tmp", "/dev/null", "", "/proc/self/status"};
    for (size_t i = 0; i < QUERN_COUNT(paths); i++) {
        quern_model *model = NULL;
        quern_error error;
        assert_int_equal(quern_model_open(&model, paths[i], NULL, &error), QUERN_EIO);
        assert_non_null(strstr(error.text, paths[i]));
        assert_null(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_gemma2_refused),
        cmocka_unit_test(test_bert_refused),
        cmocka_unit_test(test_families_refused),
        cmocka_unit_test(test_ignored_tensor),
        cmocka_unit_test(test_optional_tensors),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_no_tokenizer),
        cmocka_unit_test(test_names_are_clean),
        cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
