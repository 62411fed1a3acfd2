/* The digest of a network, by which quern tells the spaces of vectors apart. It covers everything that decides a
 * vector, and nothing else: not the order of tensors in the file, nor the context length. It must never change, because
 * vectors are stored with it. */
#include "base/count.h"
#include "base/fold.h"
#include "network/binder.h"

static uint64_t digest_shape(const struct quern_network *network)
{
    const struct quern_shape *s = &network->shape;
    const int numbers[] = {s->width, s->layers, s->ffn, s->vocabulary, s->head_hidden, (int)s->pooling};
    uint64_t digest = network->arch->digest_seed;
    for (size_t i = 0; i < QUERN_COUNT(numbers); i++)
        digest = quern_digest_number(digest, (uint64_t)numbers[i]);
    return quern_digest_double(digest, s->epsilon);
}

/* What files of an architecture may choose. It counts only where it is not what the architecture has anyway, so that
 * digests stayed what they were before there was a choice. */
static uint64_t digest_choices(uint64_t digest, const struct quern_network *network)
{
    const int ffn = network->ffn != network->arch->ffn ? (int)network->ffn + 1 : 0, choices = 2 * ffn + network->causal;
    return choices != 0 ? quern_digest_number(digest, (uint64_t)choices) : digest;
}

/* How each layer attends. */
static uint64_t digest_layers(uint64_t digest, const struct quern_network *network)
{
    for (int l = 0; l < network->shape.layers; l++) {
        const struct quern_layer *layer = &network->layers[l];
        const int numbers[] = {layer->heads, layer->kv_heads, layer->head, layer->window};
        for (size_t i = 0; i < QUERN_COUNT(numbers); i++)
            digest = quern_digest_number(digest, (uint64_t)numbers[i]);
        digest = quern_digest_double(digest, layer->rope_base);
    }
    return digest;
}

/* The packed matrices, in the order in which they were bound. What is rounded besides, some tables only need. */
static uint64_t digest_matrices(uint64_t digest, const struct quern_binder *binder)
{
    for (size_t i = 0; i < binder->packing_count; i++) {
        if (binder->packings[i].rounded)
            continue;
        digest = quern_digest_number(digest, binder->packings[i].tensor->type);
        digest = quern_digest_number(digest, binder->packings[i].digest);
    }
    return digest;
}

/* The vectors of the file, with their names; the sum does not depend on their order. */
static uint64_t digest_vectors(const struct quern_gguf *gguf)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < gguf->tensor_count; i++) {
        const struct quern_gguf_tensor *t = &gguf->tensors[i];
        if (t->dimensions == 1)
            sum += quern_digest_bytes(quern_digest_bytes(t->name.length, t->name.data, t->name.length), t->data,
                                      t->bytes);
    }
    return sum;
}

static uint64_t digest_floats(uint64_t digest, const float *numbers, size_t count)
{
    for (size_t i = 0; numbers != NULL && i < count; i++)
        digest = quern_digest_double(digest, numbers[i]);
    return digest;
}

/* The token embeddings. A large table is not read whole at every start, but only samples of it. */
static uint64_t digest_tokens(uint64_t digest, const struct quern_gguf_tensor *t)
{
    enum { SAMPLES = 512, SAMPLE_BYTES = 32, MOST_WHOLE = 8 << 20 };
    digest = quern_digest_number(digest, t->type);
    if (t->bytes <= MOST_WHOLE)
        return quern_digest_bytes(digest, t->data, t->bytes);
    for (size_t i = 0; i < SAMPLES; i++)
        digest = quern_digest_bytes(digest, t->data + (t->bytes - SAMPLE_BYTES) / SAMPLES * i, SAMPLE_BYTES);
    return digest;
}

uint64_t quern_binder_digest(const struct quern_binder *binder)
{
    const struct quern_network *network = binder->network;
    const size_t width = (size_t)network->shape.width, context = (size_t)network->shape.file_context;
    uint64_t digest = digest_layers(digest_choices(digest_shape(network), network), network);
    digest = digest_matrices(digest, binder);
    digest = quern_digest_number(digest, digest_vectors(binder->gguf));
    digest = digest_floats(digest, network->positions, context * width);
    digest = digest_floats(digest, network->token_type, width);
    return digest_tokens(digest, network->tokens);
}
