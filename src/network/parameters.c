/* From the metadata of a file to the parameters of its model. */
#include "base/count.h"
#include "base/error.h"
#include "base/view.h"
#include "network/binder.h"

#include <stdio.h>

/* Tokens times elements of a head: bounds the tables of RoPE to 128 MiB, whatever a file asks for. */
#define MOST_ANGLES (1 << 24)

/* How much of a file's string a message shows. */
static int shown(quern_text text)
{
    return (int)(text.length < 64 ? text.length : 64);
}

/* Files that are known not to work, whatever architecture they name. */
static int check_refusals(const struct quern_gguf *gguf, quern_error *error)
{
    int count;
    const struct quern_arch *const *all = quern_arch_all(&count);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < all[i]->refusal_count; j++)
            if (quern_gguf_tensor_find(gguf, all[i]->refusals[j].tensor) != NULL)
                return quern_fail(error, QUERN_EUNSUPPORTED, "%s", all[i]->refusals[j].reason);
    return QUERN_OK;
}

static int unknown_arch(quern_text name, quern_error *error)
{
    char names[128] = "";
    int count, used = 0;
    const struct quern_arch *const *all = quern_arch_all(&count);
    for (int i = 0; i < count && used < (int)sizeof names; i++)
        used += snprintf(names + used, sizeof names - (size_t)used, "%s\"%s\"", i > 0 ? ", " : "", all[i]->name);
    if (name.length == 0)
        return quern_fail(error, QUERN_EFORMAT, "key general.architecture is missing; convert the model again with a "
                          "program that writes it");
    if (quern_text_is(name, "clip"))
        return quern_fail(error, QUERN_EUNSUPPORTED, "this file holds the part of a model that sees or hears (mmproj); "
                          "give the file of the same model that reads texts");
    return quern_fail(error, QUERN_EUNSUPPORTED, "architecture \"%.*s\" is not supported: quern runs models that embed "
                      "texts, with %s, and none that generate them; 'quern pull --list' lists some",
                      shown(name), name.data, names);
}

int quern_binder_find_arch(struct quern_binder *binder)
{
    const struct quern_gguf *gguf = binder->gguf;
    quern_error *error = binder->error;
    quern_text name = {"", 0}, type = {"model", 5};
    int64_t splits = 1;
    QUERN_TRY(check_refusals(gguf, error));
    QUERN_TRY(quern_gguf_string(gguf, "general.architecture", &name, error));
    binder->arch = quern_arch_find(name);
    if (binder->arch == NULL)
        return unknown_arch(name, error);
    QUERN_TRY(quern_gguf_string(gguf, "general.type", &type, error));
    if (!quern_text_is(type, "model"))
        return quern_fail(error, QUERN_EUNSUPPORTED, "general.type is \"%.*s\": this file holds no whole model",
                          shown(type), type.data);
    QUERN_TRY(quern_gguf_integer(gguf, "split.count", 0, 65535, &splits, error));
    if (splits > 1)
        return quern_fail(error, QUERN_EUNSUPPORTED, "the model is split over %d files; merge them first", (int)splits);
    return QUERN_OK;
}

/* A key that has a value for each layer, each from low to high, or one for all of them, as the description says. */
static int read_layers(struct quern_binder *binder, const struct quern_arch_key *key, const char *name, int64_t low,
                       int64_t high, int64_t values[QUERN_MOST_LAYERS], bool *is_array)
{
    const int layers = quern_binder_size(binder, QUERN_P_LAYERS);
    const struct quern_gguf_value *found = quern_gguf_find(binder->gguf, name);
    int64_t one = (int64_t)key->fallback;
    *is_array = found != NULL && found->kind == QUERN_GGUF_ARRAY;
    if (*is_array)
        return quern_gguf_integers(binder->gguf, name, low, high, values, (size_t)layers, binder->error);
    QUERN_TRY(quern_gguf_integer(binder->gguf, name, (int64_t)key->low, (int64_t)key->high, &one, binder->error));
    for (int l = 0; l < layers; l++)
        values[l] = one;
    return QUERN_OK;
}

static int read_kv_heads(struct quern_binder *binder, const struct quern_arch_key *key, const char *name)
{
    int64_t values[QUERN_MOST_LAYERS];
    bool is_array;
    QUERN_TRY(read_layers(binder, key, name, (int64_t)key->low, (int64_t)key->high, values, &is_array));
    for (int l = 0; l < quern_binder_size(binder, QUERN_P_LAYERS); l++)
        binder->layers[l].kv_heads = (int)values[l];
    return QUERN_OK;
}

static int read_pattern(struct quern_binder *binder, const struct quern_arch_key *key, const char *name)
{
    int64_t values[QUERN_MOST_LAYERS];
    bool is_array;
    QUERN_TRY(read_layers(binder, key, name, 0, 1, values, &is_array));
    for (int l = 0; l < quern_binder_size(binder, QUERN_P_LAYERS); l++)
        binder->layers[l].kind = is_array ? (values[l] != 0 ? QUERN_LAYER_LOCAL : QUERN_LAYER_GLOBAL)
                                          : quern_layer_kind_of(binder->arch, l, (int)values[l]);
    return QUERN_OK;
}

static int read_ffn_kind(struct quern_binder *binder, const char *name)
{
    static const struct {
        const char *name;
        enum quern_ffn_kind kind;
    } kinds[] = {{"gelu", QUERN_FFN_GEGLU_ERF}, {"silu", QUERN_FFN_SWIGLU}};
    quern_text activation;
    if (quern_gguf_find(binder->gguf, name) == NULL)
        return QUERN_OK;
    QUERN_TRY(quern_gguf_string(binder->gguf, name, &activation, binder->error));
    for (size_t i = 0; i < QUERN_COUNT(kinds); i++)
        if (quern_text_is(activation, kinds[i].name)) {
            binder->values[QUERN_P_FFN_KIND] = kinds[i].kind;
            return QUERN_OK;
        }
    return quern_fail(binder->error, QUERN_EUNSUPPORTED, "key %s is \"%.*s\"; quern has \"gelu\" and \"silu\"", name,
                      shown(activation), activation.data);
}

static int read_key(struct quern_binder *binder, const struct quern_arch_key *key)
{
    char name[96];
    double *value = &binder->values[key->parameter];
    int64_t integer = (int64_t)key->fallback;
    bool flag = key->fallback != 0;
    snprintf(name, sizeof name, "%s.%s", binder->arch->name, key->name);
    if (key->required && key->parameter == QUERN_P_POOLING && quern_gguf_find(binder->gguf, name) == NULL)
        return quern_fail(binder->error, QUERN_EFORMAT,
                          "key %s is missing: this model generates texts, or its file was converted by an old program; "
                          "take a file that was made for embedding", name);
    if (key->required && quern_gguf_find(binder->gguf, name) == NULL)
        return quern_fail(binder->error, QUERN_EFORMAT,
                          "key %s is missing; convert the model again with a program that writes it", name);
    switch (key->kind) {
    case QUERN_KEY_INTEGER:
        QUERN_TRY(quern_gguf_integer(binder->gguf, name, (int64_t)key->low, (int64_t)key->high, &integer,
                                     binder->error));
        *value = (double)integer;
        break;
    case QUERN_KEY_FLOAT:
        *value = key->fallback;
        return quern_gguf_float(binder->gguf, name, key->low, key->high, value, binder->error);
    case QUERN_KEY_BOOL:
        QUERN_TRY(quern_gguf_bool(binder->gguf, name, &flag, binder->error));
        *value = flag;
        break;
    case QUERN_KEY_KV_HEADS: return read_kv_heads(binder, key, name);
    case QUERN_KEY_PATTERN: return read_pattern(binder, key, name);
    case QUERN_KEY_FFN_KIND: return read_ffn_kind(binder, name);
    }
    return QUERN_OK;
}

static void fall_back(double *values, enum quern_parameter parameter, double value)
{
    if (values[parameter] == 0)
        values[parameter] = value;
}

/* What follows from other parameters where the file does not give it. */
static void fill_defaults(struct quern_binder *binder)
{
    double *v = binder->values;
    v[QUERN_P_GATE_UP] = 2 * v[QUERN_P_FFN];
    fall_back(v, QUERN_P_DIMENSIONS, v[QUERN_P_WIDTH]);
    fall_back(v, QUERN_P_HEAD, (int)(v[QUERN_P_WIDTH] / v[QUERN_P_HEADS]));
    fall_back(v, QUERN_P_VALUE_HEAD, v[QUERN_P_HEAD]);
    fall_back(v, QUERN_P_ROTATED, v[QUERN_P_HEAD]);
    fall_back(v, QUERN_P_LOCAL_HEAD, v[QUERN_P_HEAD]);
    fall_back(v, QUERN_P_LOCAL_VALUE_HEAD, v[QUERN_P_LOCAL_HEAD]);
    fall_back(v, QUERN_P_LOCAL_ROTATED, v[QUERN_P_LOCAL_HEAD]);
    v[QUERN_P_LAYER_INPUTS] = v[QUERN_P_LAYERS] * v[QUERN_P_LAYER_INPUT];
    for (int l = 0; l < quern_binder_size(binder, QUERN_P_LAYERS); l++)
        if (binder->layers[l].kv_heads == 0)
            binder->layers[l].kv_heads = quern_binder_size(binder, QUERN_P_HEADS);
}

/* Most tokens of a text: what the caller asks for, or the usual number. */
static int choose_limit(struct quern_binder *binder)
{
    const int allowed = quern_binder_size(binder, QUERN_P_CONTEXT), usual = binder->arch->usual_context;
    if (binder->limit > allowed)
        return quern_fail(binder->error, QUERN_EINVAL, "texts of %d tokens asked for; the file allows up to %d",
                          binder->limit, allowed);
    if (binder->limit == 0)
        binder->limit = usual > 0 && usual < allowed ? usual : allowed;
    return QUERN_OK;
}

/* Whether a size is one that kernels take. */
static bool is_whole(int size)
{
    return size > 0 && size % QUERN_BLOCK_ELEMENTS == 0;
}

/* How layers of one kind attend. */
static int check_geometry(const struct quern_binder *binder, const struct quern_arch_geometry *geometry)
{
    const int head = quern_binder_size(binder, geometry->head);
    const int values = quern_binder_size(binder, geometry->value_head);
    const int rotated = quern_binder_size(binder, geometry->rotated);
    if (values != head)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "values have %d dimensions a head, keys %d", values, head);
    if (rotated != head)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "RoPE over %d of %d dimensions is not supported", rotated,
                          head);
    if (!is_whole(head))
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "heads have %d dimensions, not a multiple of %d", head,
                          QUERN_BLOCK_ELEMENTS);
    if (geometry->rope_base != QUERN_P_NONE && (int64_t)binder->limit * head > MOST_ANGLES)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "texts of %d tokens are too long for heads of %d "
                          "dimensions: open the model for texts of at most %d", binder->limit, head,
                          MOST_ANGLES / head);
    return QUERN_OK;
}

static int check_sizes(const struct quern_binder *binder)
{
    const int width = quern_binder_size(binder, QUERN_P_WIDTH), ffn = quern_binder_size(binder, QUERN_P_FFN);
    const int heads = quern_binder_size(binder, QUERN_P_HEADS);
    const int dimensions = quern_binder_size(binder, QUERN_P_DIMENSIONS);
    const int input = quern_binder_size(binder, QUERN_P_LAYER_INPUT);
    if (input % QUERN_BLOCK_ELEMENTS != 0)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "inputs of layers have %d dimensions, not a multiple of "
                          "%d", input, QUERN_BLOCK_ELEMENTS);
    if (!is_whole(width) || !is_whole(ffn) || !is_whole(dimensions))
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "width %d, feed-forward %d and dimensions %d must be "
                          "multiples of %d", width, ffn, dimensions, QUERN_BLOCK_ELEMENTS);
    for (int l = 0; l < quern_binder_size(binder, QUERN_P_LAYERS); l++) {
        const struct quern_layer_keys *layer = &binder->layers[l];
        if (heads % layer->kv_heads != 0)
            return quern_fail(binder->error, QUERN_EFORMAT, "layer %d: %d heads cannot share %d key and value heads", l,
                              heads, layer->kv_heads);
        QUERN_TRY(check_geometry(binder, &binder->arch->geometry[layer->kind]));
    }
    return QUERN_OK;
}

static int refuse_pooling(const struct quern_binder *binder, int pooling)
{
    if (pooling == QUERN_POOLING_RANK)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "pooling type %d is that of a reranker: it scores pairs "
                          "of texts, and gives no vectors", pooling);
    return quern_fail(binder->error, QUERN_EUNSUPPORTED, "pooling type %d is not supported for %s", pooling,
                      binder->arch->name);
}

/* Files of an architecture may ask for variants that quern does not compute. */
static int refuse_variants(const struct quern_binder *binder)
{
    const int pooling = (int)binder->values[QUERN_P_POOLING];
    if (pooling >= 32 || (binder->arch->poolings >> pooling & 1) == 0)
        return refuse_pooling(binder, pooling);
    if (binder->values[QUERN_P_SHARING] != 0)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "layers that share the keys and values of others are not "
                          "supported (attention.shared_kv_layers is %d)", (int)binder->values[QUERN_P_SHARING]);
    if (binder->values[QUERN_P_CAUSAL] != 0 && !binder->arch->may_be_causal)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "causal attention is not supported for %s",
                          binder->arch->name);
    char key[96];
    quern_text scaling = {"none", 4};
    snprintf(key, sizeof key, "%s.rope.scaling.type", binder->arch->name);
    QUERN_TRY(quern_gguf_string(binder->gguf, key, &scaling, binder->error));
    if (!quern_text_is(scaling, "none"))
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "RoPE scaling \"%.*s\" is not supported", shown(scaling),
                          scaling.data);
    return QUERN_OK;
}

int quern_binder_read_keys(struct quern_binder *binder)
{
    binder->values[QUERN_P_FFN_KIND] = binder->arch->ffn;
    for (int i = 0; i < binder->arch->key_count; i++)
        QUERN_TRY(read_key(binder, &binder->arch->keys[i]));
    fill_defaults(binder);
    QUERN_TRY(choose_limit(binder));
    QUERN_TRY(check_sizes(binder));
    return refuse_variants(binder);
}
