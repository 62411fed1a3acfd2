/* A network ready to compute: the numbers that describe it, and its weights packed for one kernel table. It is bound
 * from a model file by the description of its architecture. Immutable after quern_network_load; shared by any number of
 * threads. */
#ifndef QUERN_NETWORK_NETWORK_H
#define QUERN_NETWORK_NETWORK_H

#include "arch/arch.h"
#include "base/arena.h"
#include "gguf/gguf.h"
#include "kernels/kernels.h"
#include "quern.h"

#include <stdbool.h>

struct quern_panel {
    const struct quern_gemm *gemm; /* reads data */
    const unsigned char *data;
};

/* y = W x + bias. The rows of several tensors may lie in one matrix, in different formats. */
struct quern_matrix {
    int rows, length;
    bool fast;                        /* every panel can be computed on the fast path */
    const struct quern_panel *panels; /* [rows / QUERN_PANEL_COLUMNS] */
    const float *bias;                /* [rows], in the order of the panels; NULL: none */
};

/* Of the kind that the architecture has. */
struct quern_norm {
    const float *weight; /* [length]; NULL: there is no norm here */
    const float *bias;   /* [length]; NULL: none */
};

struct quern_layer {
    /* How the layer attends. */
    int heads, kv_heads, head;  /* head: elements of one */
    int window;                 /* token i attends to token j when |i - j| <= window; INT_MAX: to all */
    float score_scale;          /* of products of queries and keys */
    double rope_base;           /* 0: nothing is rotated */
    const float *cosine, *sine; /* of RoPE [context][head / 2]; NULL: nothing is rotated */

    struct quern_norm attention_norm; /* before attention; none: attention reads the residual stream itself */
    struct quern_matrix qkv;          /* queries of all heads, then keys, then values */
    const float *query_norm, *key_norm; /* [head], an RMS norm of every head before RoPE; NULL: none */
    const float *value_norm;            /* [head] ones, an RMS norm of every head of values; NULL: none */
    struct quern_matrix output;
    struct quern_norm attention_sum_norm; /* where the result is added to the residual stream: see enum quern_sum */

    struct quern_norm ffn_norm; /* before the feed-forward block; none: it reads the residual stream itself */
    struct quern_matrix up;     /* of a gated block: a panel of gate, a panel of up, the next panel of gate, ... */
    struct quern_matrix down;
    struct quern_norm ffn_sum_norm;

    /* The layer's own input: see enum quern_tensor. Rows 0: it has none. */
    struct quern_matrix layer_input[QUERN_PATHS]; /* of the token's embedding, as each path takes it */
    struct quern_matrix input_gate, input_output;
    struct quern_norm input_sum_norm;

    float scale; /* of the residual stream at the end of the layer */
};

/* The numbers of a model: what its file says, with defaults filled in. 0: it has no such thing. */
struct quern_shape {
    int width;      /* of the residual stream */
    int dimensions; /* of a vector */
    int layers;
    int heads, kv_heads, head; /* of the first layer */
    int ffn;
    int layer_input; /* elements of the input that each layer has for itself */
    int context;        /* most tokens in a text, as the model is used */
    int file_context;   /* the same, as the file allows */
    int sliding_window; /* as the file has it: both sides together */
    int vocabulary;
    int head_hidden; /* between the two matrices of the dense head; 0: it has not two */
    enum quern_pooling pooling;
    float epsilon; /* of norms */
    double rope_base, rope_base_local;
};

enum { QUERN_MOST_DENSE = 2 };

struct quern_network {
    const struct quern_arch *arch;
    struct quern_shape shape;
    const struct quern_kernels *kernels;
    const struct quern_gguf *gguf;

    const struct quern_gguf_tensor *tokens; /* embeddings [vocabulary][width], in the file */
    const float *positions;                 /* added to them [file_context][width]; NULL: none */
    const float *token_type;                /* added to all of them [width]; NULL: none */
    struct quern_norm embedding_norm;
    const float *layer_input_norm;    /* [layer_input], the same for all layers; NULL: layers have no own input */
    enum quern_ffn_kind ffn;
    bool gated;                       /* feed-forward blocks have a gate */
    bool causal;                      /* no token attends to a later one */
    const struct quern_layer *layers; /* [shape.layers] */
    struct quern_norm final_norm;
    struct quern_matrix dense[QUERN_MOST_DENSE]; /* the dense head, one behind the other; rows 0: there is none more */

    uint64_t digest; /* of everything that decides the vector of given tokens */
    uint64_t parameters;
    size_t packed_bytes;

    struct quern_arena tables; /* what the pointers above lie in, except for packed panels */
    void *weights;             /* the packed panels, packed_bytes */
};

/* Checks and packs. gguf stays open as long as the network. threads: how many may pack; 0: nothing is packed, and there
 * is no digest, so the network can only be described. context: most tokens of a text, at least 1; 0: the usual number
 * for this architecture. QUERN_EINVAL for a context that the file does not allow, QUERN_EFORMAT for a file that
 * contradicts itself, QUERN_EUNSUPPORTED for a model that quern cannot run, QUERN_EIO, QUERN_ENOMEM. */
int quern_network_load(struct quern_network *network, const struct quern_gguf *gguf,
                       const struct quern_kernels *kernels, int threads, int context, quern_error *error);
void quern_network_free(struct quern_network *network); /* a zeroed one is allowed */

/* dst[width] = the embedding of a token at a position of its text, before any norm. 0 <= id < vocabulary,
 * 0 <= position < context. Reads the mapped file. */
void quern_network_embed(const struct quern_network *network, int32_t id, int position, float *dst);

#endif
