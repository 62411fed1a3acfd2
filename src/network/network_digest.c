/* The digest of a network, by which quern tells the spaces of vectors apart. It must never
 * change, because vectors are stored with it. */
#include "network/binder.h"

#include <string.h>

/* Eight bytes at a time, multiplied with an odd number and folded. */
uint64_t quern_digest_bytes(uint64_t digest, const void *data, size_t bytes)
{
    for (const unsigned char *at = data; bytes > 0;) {
        const size_t n = bytes < 8 ? bytes : 8;
        uint64_t word = 0;
        memcpy(&word, at, n);
        digest = (digest ^ word) * 0x9e3779b97f4a7c15u;
        digest ^= digest >> 32;
        at += n;
        bytes -= n;
    }
    return digest;
}

static uint64_t digest_shape(const struct quern_network *network)
{
    const struct quern_shape *s = &network->shape;
    const int32_t numbers[] = {s->width, s->layers, s->heads, s->kv_heads, s->head, s->ffn, s->sliding_window,
                               s->period, s->vocabulary, s->head_hidden, (int32_t)network->tokens->type,
                               (int32_t)(s->rope_base * 16), (int32_t)(s->rope_base_local * 16)};
    const int32_t pooling = s->pooling;
    uint64_t digest = quern_digest_bytes(network->arch->digest_seed, numbers, sizeof numbers);
    if (s->pooling != QUERN_POOLING_MEAN) /* the first models had no other, and keep their digests */
        digest = quern_digest_bytes(digest, &pooling, sizeof pooling);
    return digest;
}

/* Samples of the token embeddings, which are too large to be read at every start. */
static uint64_t digest_tokens(uint64_t digest, const struct quern_gguf_tensor *t)
{
    enum { SAMPLES = 512, SAMPLE_BYTES = 32 };
    for (size_t i = 0; i < SAMPLES && t->bytes >= SAMPLE_BYTES; i++)
        digest = quern_digest_bytes(digest, t->data + (t->bytes - SAMPLE_BYTES) / SAMPLES * i, SAMPLE_BYTES);
    return digest;
}

uint64_t quern_binder_digest(const struct quern_binder *binder)
{
    const struct quern_network *network = binder->network;
    const size_t width = (size_t)network->shape.width, context = (size_t)network->shape.context;
    uint64_t digest = digest_shape(network);
    for (size_t i = 0; i < binder->packing_count; i++)
        digest = quern_digest_bytes(digest, &binder->packings[i].digest, sizeof binder->packings[i].digest);
    for (size_t i = 0; i < binder->gguf->tensor_count; i++) {
        const struct quern_gguf_tensor *t = &binder->gguf->tensors[i];
        if (t->dimensions == 1)
            digest = quern_digest_bytes(digest, t->data, t->bytes);
    }
    if (network->positions != NULL)
        digest = quern_digest_bytes(digest, network->positions, context * width * sizeof *network->positions);
    if (network->token_type != NULL)
        digest = quern_digest_bytes(digest, network->token_type, width * sizeof *network->token_type);
    return digest_tokens(digest, network->tokens);
}
