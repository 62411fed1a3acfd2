/* Hyper-parameters: metadata keys of the gemma-embedding architecture, as llama.cpp reads them. */
#include "base/error.h"
#include "base/view.h"
#include "model/network.h"

#include <stdio.h>
#include <string.h>

static const char architecture[] = "gemma-embedding";

/* Tokens times dimensions of a head: bounds the tables of rotations to 128 MiB, whatever a file asks for. */
#define MOST_ANGLES (1 << 24)

/* What Ollama's own converter wrote has every weight, but it added 1 to norms by their names, and that of the last one,
 * norm.weight, is not among them: whether its 1 is missing does not show in the file. */
static int refuse_old_ollama(const struct quern_gguf *gguf, quern_error *error)
{
    if (quern_gguf_tensor_find(gguf, "dense.0.weight") == NULL &&
        quern_gguf_tensor_find(gguf, "dense.1.weight") == NULL)
        return QUERN_OK;
    return quern_fail(error, QUERN_EUNSUPPORTED,
                      "this is EmbeddingGemma as old versions of Ollama store it, and whether the 1 of its last norm "
                      "is in the weights cannot be known; take the file of ggml-org/embeddinggemma-300M-GGUF instead");
}

static int check_architecture(const struct quern_gguf *gguf, quern_error *error)
{
    quern_text name = {"", 0}, type = {"model", 5};
    QUERN_TRY(refuse_old_ollama(gguf, error));
    QUERN_TRY(quern_gguf_string(gguf, "general.architecture", &name, error));
    if (!quern_text_is(name, architecture))
        return quern_fail(error, QUERN_EUNSUPPORTED, "architecture \"%.*s\" is not supported; quern runs \"%s\"",
                          (int)(name.length < 64 ? name.length : 64), name.data, architecture);
    QUERN_TRY(quern_gguf_string(gguf, "general.type", &type, error));
    if (!quern_text_is(type, "model"))
        return quern_fail(error, QUERN_EUNSUPPORTED, "general.type is \"%.*s\": this file holds no whole model",
                          (int)(type.length < 64 ? type.length : 64), type.data);
    int64_t splits = 1;
    QUERN_TRY(quern_gguf_integer(gguf, "split.count", 0, 65535, &splits, error));
    if (splits > 1)
        return quern_fail(error, QUERN_EUNSUPPORTED, "the model is split over %d files; merge them first", (int)splits);
    return QUERN_OK;
}

/* An integer key of the architecture. fallback < 0: the key must be there. */
static int read_size(const struct quern_gguf *gguf, const char *key, int low, int high, int fallback, int *value,
                     quern_error *error)
{
    char name[96];
    int64_t number = fallback;
    snprintf(name, sizeof name, "%s.%s", architecture, key);
    if (fallback < 0 && quern_gguf_find(gguf, name) == NULL)
        return quern_fail(error, QUERN_EFORMAT, "key %s is missing", name);
    QUERN_TRY(quern_gguf_integer(gguf, name, low, high, &number, error));
    *value = (int)number;
    return QUERN_OK;
}

static int read_float(const struct quern_gguf *gguf, const char *key, double low, double high, double *value,
                      quern_error *error)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", architecture, key);
    return quern_gguf_float(gguf, name, low, high, value, error);
}

static int read_sizes(struct quern_shape *s, const struct quern_gguf *gguf, quern_error *error)
{
    int values = 0;
    QUERN_TRY(read_size(gguf, "context_length", 2, 1 << 20, -1, &s->context, error));
    QUERN_TRY(read_size(gguf, "embedding_length", 1, 1 << 16, -1, &s->width, error));
    QUERN_TRY(read_size(gguf, "block_count", 1, 512, -1, &s->layers, error));
    QUERN_TRY(read_size(gguf, "feed_forward_length", 1, 1 << 20, -1, &s->ffn, error));
    QUERN_TRY(read_size(gguf, "attention.head_count", 1, 1024, -1, &s->heads, error));
    QUERN_TRY(read_size(gguf, "attention.head_count_kv", 1, 1024, s->heads, &s->kv_heads, error));
    QUERN_TRY(read_size(gguf, "attention.key_length", 1, 4096, s->width / s->heads, &s->head, error));
    QUERN_TRY(read_size(gguf, "attention.value_length", 1, 4096, s->head, &values, error));
    QUERN_TRY(read_size(gguf, "attention.sliding_window", 1, 1 << 20, -1, &s->sliding_window, error));
    QUERN_TRY(read_size(gguf, "attention.sliding_window_pattern", 0, 512, 6, &s->period, error));
    s->window = s->sliding_window / 2;
    if (values != s->head)
        return quern_fail(error, QUERN_EUNSUPPORTED, "values have %d dimensions a head, keys %d", values, s->head);
    if (s->heads % s->kv_heads != 0)
        return quern_fail(error, QUERN_EFORMAT, "%d heads cannot share %d key and value heads", s->heads, s->kv_heads);
    if ((int64_t)s->context * s->head > MOST_ANGLES)
        return quern_fail(error, QUERN_EUNSUPPORTED, "a context of %d tokens is too long for heads of %d dimensions: "
                          "their product may be %d", s->context, s->head, MOST_ANGLES);
    if (s->width % QUERN_PANEL_COLUMNS != 0 || s->ffn % QUERN_PANEL_COLUMNS != 0 || s->head % QUERN_PANEL_COLUMNS != 0)
        return quern_fail(error, QUERN_EUNSUPPORTED, "width %d, feed-forward %d and head %d must be multiples of %d",
                          s->width, s->ffn, s->head, QUERN_PANEL_COLUMNS);
    return QUERN_OK;
}

/* What other files of this architecture could ask for and EmbeddingGemma does not. */
static int refuse_variants(const struct quern_shape *s, const struct quern_gguf *gguf, quern_error *error)
{
    int pooling = 1, rotated = s->head;
    QUERN_TRY(read_size(gguf, "pooling_type", 0, 255, 1, &pooling, error));
    if (pooling != 1)
        return quern_fail(error, QUERN_EUNSUPPORTED, "pooling type %d is not supported; quern takes the mean (1)",
                          pooling);
    QUERN_TRY(read_size(gguf, "rope.dimension_count", 1, 4096, s->head, &rotated, error));
    if (rotated != s->head)
        return quern_fail(error, QUERN_EUNSUPPORTED, "RoPE over %d of %d dimensions is not supported", rotated,
                          s->head);
    quern_text scaling = {"none", 4};
    QUERN_TRY(quern_gguf_string(gguf, "gemma-embedding.rope.scaling.type", &scaling, error));
    if (!quern_text_is(scaling, "none"))
        return quern_fail(error, QUERN_EUNSUPPORTED, "RoPE scaling \"%.*s\" is not supported",
                          (int)(scaling.length < 64 ? scaling.length : 64), scaling.data);
    return QUERN_OK;
}

int quern_shape_read(struct quern_shape *shape, const struct quern_gguf *gguf, quern_error *error)
{
    double epsilon = -1;
    *shape = (struct quern_shape){.rope_base = 10000, .rope_base_local = 10000};
    QUERN_TRY(check_architecture(gguf, error));
    QUERN_TRY(read_sizes(shape, gguf, error));
    QUERN_TRY(refuse_variants(shape, gguf, error));
    QUERN_TRY(read_float(gguf, "attention.layer_norm_rms_epsilon", 0, 0.999, &epsilon, error));
    QUERN_TRY(read_float(gguf, "rope.freq_base", 1.0001, 1e12, &shape->rope_base, error));
    QUERN_TRY(read_float(gguf, "rope.freq_base_swa", 1.0001, 1e12, &shape->rope_base_local, error));
    if (epsilon < 0)
        return quern_fail(error, QUERN_EFORMAT, "key %s.attention.layer_norm_rms_epsilon is missing", architecture);
    shape->epsilon = (float)epsilon;
    return QUERN_OK;
}
