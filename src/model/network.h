/* A network ready to compute: hyper-parameters and packed weights out of a GGUF file, for one kernel table.
 * Immutable after quern_network_load; shared by any number of threads. */
#ifndef QUERN_MODEL_NETWORK_H
#define QUERN_MODEL_NETWORK_H

#include "base/arena.h"
#include "gguf/gguf.h"
#include "kernels/kernels.h"
#include "quern.h"

#include <stdbool.h>

struct quern_panel {
    const struct quern_gemm *gemm; /* reads data */
    const unsigned char *data;
};

/* y = W x. Rows of several tensors may lie in one matrix, in different forms. */
struct quern_matrix {
    int rows, length;
    bool fast; /* every panel has a product on the fast path */
    const struct quern_panel *panels; /* [rows / QUERN_PANEL_COLUMNS] */
};

struct quern_layer {
    bool local; /* sees the sliding window only */
    struct quern_matrix qkv; /* queries of all heads, then keys, then values */
    struct quern_matrix output;
    struct quern_matrix gate_up; /* QUERN_PANEL_COLUMNS rows of gate, the same rows of up, the next of gate, ... */
    struct quern_matrix down;
    const float *attention_norm, *query_norm, *key_norm, *post_attention_norm, *ffn_norm, *post_ffn_norm;
};

struct quern_shape {
    int width; /* of the residual stream, and of a vector */
    int layers;
    int heads, kv_heads, head; /* head: dimensions of one */
    int ffn;
    int context;        /* most tokens in a text */
    int sliding_window; /* the whole width, as the file has it */
    int window;         /* half of it: in local layers token i sees j when |i - j| <= window */
    int period;         /* layer l is local when l % period < period - 1, or period is 0 */
    int vocabulary;
    int head_hidden; /* between the two dense layers; 0: no head */
    float epsilon;
    double rope_base, rope_base_local;
};

struct quern_network {
    struct quern_shape shape;
    const struct quern_kernels *kernels;
    const struct quern_layer *layers; /* [shape.layers] */
    const float *output_norm;         /* [width] */
    struct quern_matrix dense_2, dense_3; /* rows 0 without a head */
    const float *cosine[2], *sine[2]; /* [context][head / 2]; 0: global layers, 1: local ones */
    const struct quern_gguf *gguf;
    const struct quern_gguf_tensor *embedding; /* [vocabulary][width], in the file */
    uint64_t digest;                  /* of shapes and weights */
    uint64_t parameters;
    size_t packed_bytes;

    struct quern_arena tables; /* what the pointers above lie in, but for packed panels */
    void *weights;             /* those: packed_bytes */
};

/* Checks and packs. gguf stays open as long as the network. threads: how many may pack. */
int quern_network_load(struct quern_network *network, const struct quern_gguf *gguf,
                       const struct quern_kernels *kernels, int threads, quern_error *error);
void quern_network_free(struct quern_network *network); /* a zeroed one is allowed */

/* dst[width] = the embedding of token id, 0 <= id < vocabulary, times sqrt(width). Reads the mapped file. */
void quern_network_embedding(const struct quern_network *network, int32_t id, float *dst);

/* Reads the hyper-parameters of an EmbeddingGemma file, and checks that they make sense together. */
int quern_shape_read(struct quern_shape *shape, const struct quern_gguf *gguf, quern_error *error);

#endif
