/* From the metadata of a file to the parameters of its model. */
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

static int read_key(struct quern_binder *binder, const struct quern_arch_key *key)
{
    char name[96];
    double *value = &binder->values[key->parameter];
    int64_t integer = (int64_t)key->fallback;
    bool flag = key->fallback != 0;
    snprintf(name, sizeof name, "%s.%s", binder->arch->name, key->name);
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
    }
    return QUERN_OK;
}

/* Parameters that follow from others where the file does not give them. */
static void fill_defaults(double *values)
{
    if (values[QUERN_P_KV_HEADS] == 0)
        values[QUERN_P_KV_HEADS] = values[QUERN_P_HEADS];
    if (values[QUERN_P_HEAD] == 0)
        values[QUERN_P_HEAD] = (int)(values[QUERN_P_WIDTH] / values[QUERN_P_HEADS]);
    if (values[QUERN_P_VALUE_HEAD] == 0)
        values[QUERN_P_VALUE_HEAD] = values[QUERN_P_HEAD];
    if (values[QUERN_P_ROTATED] == 0)
        values[QUERN_P_ROTATED] = values[QUERN_P_HEAD];
}

static int check_sizes(const struct quern_binder *binder)
{
    const int width = quern_binder_size(binder, QUERN_P_WIDTH), ffn = quern_binder_size(binder, QUERN_P_FFN);
    const int heads = quern_binder_size(binder, QUERN_P_HEADS), kv_heads = quern_binder_size(binder, QUERN_P_KV_HEADS);
    const int head = quern_binder_size(binder, QUERN_P_HEAD), values = quern_binder_size(binder, QUERN_P_VALUE_HEAD);
    const int context = quern_binder_size(binder, QUERN_P_CONTEXT);
    if (values != head)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "values have %d dimensions a head, keys %d", values, head);
    if (heads % kv_heads != 0)
        return quern_fail(binder->error, QUERN_EFORMAT, "%d heads cannot share %d key and value heads", heads,
                          kv_heads);
    if ((int64_t)context * head > MOST_ANGLES)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "a context of %d tokens is too long for heads of %d "
                          "dimensions: their product may be %d", context, head, MOST_ANGLES);
    if (width % QUERN_BLOCK_ELEMENTS != 0 || ffn % QUERN_BLOCK_ELEMENTS != 0 || head % QUERN_BLOCK_ELEMENTS != 0 ||
        head == 0)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "width %d, feed-forward %d and head %d must be multiples "
                          "of %d", width, ffn, head, QUERN_BLOCK_ELEMENTS);
    return QUERN_OK;
}

/* Files of an architecture may ask for variants that quern does not compute. */
static int refuse_variants(const struct quern_binder *binder)
{
    const int pooling = (int)binder->values[QUERN_P_POOLING];
    const int rotated = quern_binder_size(binder, QUERN_P_ROTATED), head = quern_binder_size(binder, QUERN_P_HEAD);
    if (pooling >= 32 || (binder->arch->poolings >> pooling & 1) == 0)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "pooling type %d is not supported for %s", pooling,
                          binder->arch->name);
    if (rotated != head)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "RoPE over %d of %d dimensions is not supported", rotated,
                          head);
    if (binder->values[QUERN_P_CAUSAL] != 0)
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
    for (int i = 0; i < binder->arch->key_count; i++)
        QUERN_TRY(read_key(binder, &binder->arch->keys[i]));
    fill_defaults(binder->values);
    QUERN_TRY(check_sizes(binder));
    return refuse_variants(binder);
}
