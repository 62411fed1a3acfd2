/* The computation: one engine per context, used by one thread at a time.
 *
 * Texts are added to a step until it is full, packed back to back without padding, and computed together. Attention is
 * restricted to each text's span; all other operations are row-wise, with a row for every token. Nothing is allocated
 * after quern_engine_new.
 *
 * A pass is made of a few operations, which read what to do from the network: embed (token ids to rows), norm, project
 * (queries, keys, values), attend, product, ffn, add, pool (rows to a row for each text) and the dense head. */
#ifndef QUERN_ENGINE_ENGINE_H
#define QUERN_ENGINE_ENGINE_H

#include "base/arena.h"
#include "network/network.h"
#include "quern.h"

struct quern_pool;

/* Where a text's vector goes. */
struct quern_target {
    float *vector; /* [dimensions] */
    int dimensions;
    bool centred; /* the mean of the whole vector is subtracted */
    size_t index; /* of the text among the texts of the call, for the caller */
};

/* A text of the step: rows [first, first + count) of every buffer. */
struct quern_text_span {
    int first, count;
    int block; /* the first of its blocks of keys, counted over the step */
    struct quern_target target;
};

/* Parts of a pass that are timed. */
enum quern_pass_part {
    QUERN_PASS_EMBED, /* and the first norm */
    QUERN_PASS_PROJECT,
    QUERN_PASS_HEADS, /* head norms, rotation, packing of keys and values */
    QUERN_PASS_ATTEND,
    QUERN_PASS_OUTPUT,
    QUERN_PASS_ADD, /* a block's result to the residual stream, and the norm for the next product */
    QUERN_PASS_FFN,
    QUERN_PASS_DOWN,
    QUERN_PASS_INPUT, /* the three products of the layer's own input */
    QUERN_PASS_POOL, /* and the dense head */
    QUERN_PASS_PARTS
};

struct quern_engine {
    const struct quern_network *network;
    const struct quern_attention *attention;
    struct quern_pool *pool;
    enum quern_path path;

    int row_capacity, span_capacity; /* what fits into a step */
    int fill;                        /* when a step has so many rows, no further text is added */

    /* The step. */
    int rows, spans, blocks;      /* blocks: of QUERN_KEY_BLOCK keys; the last one of a text may be shorter */
    int32_t *ids;                 /* [row_capacity] */
    int32_t *position;            /* [row_capacity]: of a row's token in its text */
    struct quern_text_span *span; /* [span_capacity] */
    int *block_span;              /* [blocks]: the span that a block belongs to */

    /* Buffers, a row for every token. */
    float *x;              /* residual stream [rows][width] */
    unsigned char *input;  /* of the next product, in the activation format of its matrix */
    unsigned char *rest;   /* what rounding left over of the input of qkv; NULL where its format has no split */
    float *key_rest;       /* what the rest adds to keys [rows][kv_heads * head] */
    float *qkv;            /* queries, keys, values [rows][qkv.rows of the layer] */
    float *y;              /* a product's result [rows][width]; in the memory of qkv */
    unsigned char *hidden; /* input of the second product of a feed-forward block; in the memory of qkv */
    unsigned char *packed; /* keys and values of all texts: [kv_heads][bytes that row_capacity tokens need] */

    /* Where layers have their own input; else NULL. */
    unsigned char *embedded; /* what x was before the first layer, in the activation format of the matrix */
    float *layer_input;      /* of the layer that is computed [rows][layer_input] */

    /* A row for every text. */
    float *pooled;             /* [spans][width]; in turn with head_hidden, input and result of the dense matrices */
    float *head_hidden;
    unsigned char *head_input; /* of a dense matrix: the texts' rows, then what rounding left over of them */

    unsigned char *scratch; /* [threads][scratch_bytes]: result_bytes of attention's results first; or gate and up */
    size_t scratch_bytes, result_bytes;

    void (*pause)(void *argument); /* called between two layers; NULL, the default: nothing */
    void *pause_argument;
    bool is_paused; /* pause is being called */

    uint64_t *part_ns; /* [QUERN_PASS_PARTS], to which every pass adds. NULL, the default: nothing is timed */
    uint64_t lap_ns;   /* when the part under way began */

    struct quern_arena arena;
};

/* fill: rows that make a step worth computing; 0: a good number. */
int quern_engine_new(struct quern_engine *engine, const struct quern_network *network, struct quern_pool *pool,
                     enum quern_path path, int fill, quern_error *error);
void quern_engine_free(struct quern_engine *engine);

/* Whether a text of count tokens fits into what is left of the step; an empty step takes any text the network takes. */
bool quern_engine_fits(const struct quern_engine *engine, int count);

/* Adds a text that fits. Ids are in the vocabulary, 1 <= count <= context. */
void quern_engine_add(struct quern_engine *engine, const int32_t *ids, int count, const struct quern_target *target);

/* Empties the step. */
void quern_engine_clear(struct quern_engine *engine);

/* Computes the leading dimensions of the step's vectors, as the model gives them: not normalised, not checked. The step
 * stays until quern_engine_clear. QUERN_EIO: the file was lost, and the vectors are undefined. */
int quern_engine_run(struct quern_engine *engine, quern_error *error);

/* ---------------------------------------------------------------- operations, for the step as it stands */

/* layers.c: all layers; ids -> x */
void quern_engine_layers(struct quern_engine *engine);

/* lap.c: ends a part of the pass, where parts are timed. */
void quern_engine_lap(struct quern_engine *engine, enum quern_pass_part part);

/* The input that the next product reads: x itself, or its norm. */
struct quern_input {
    const struct quern_norm *norm;
    const struct quern_matrix *matrix; /* of that product */
    unsigned char *rest;               /* where to put what rounding leaves over; NULL: it is not wanted */
};

/* stream.c: x = the embeddings of ids; then its input */
void quern_engine_embed(struct quern_engine *engine, struct quern_input next);

/* How a block's result y is added to x: with this norm, as the architecture does. Then x is multiplied by scale. */
struct quern_addition {
    const struct quern_norm *norm;
    float scale;
};

/* stream.c: adds y to x; then its input */
void quern_engine_add_and_norm(struct quern_engine *engine, struct quern_addition addition, struct quern_input next);

/* stream.c: the same behind the last block, which has no next product */
void quern_engine_add_last(struct quern_engine *engine, struct quern_addition addition);

/* stream.c: adds y to x; then layer_input = its norm, and x itself is the input of the layer's input_gate */
void quern_engine_add_before_input(struct quern_engine *engine, struct quern_addition addition,
                                   const struct quern_layer *layer);

/* stream.c: dst = norm(x), by the kind of norm that the architecture has. dst may be x. */
void quern_engine_norm_row(const struct quern_engine *engine, float *dst, const float *x,
                           const struct quern_norm *norm);

/* attend.c: qkv -> input */
void quern_engine_attend(struct quern_engine *engine, const struct quern_layer *layer);

/* product.c: c[i] = W a[i] + bias for i < count. a is a buffer of rows in the activation format of the matrix. Only the
 * first matrix_rows rows of W are computed, rounded up to QUERN_PANEL_COLUMNS. */
void quern_engine_product(struct quern_engine *engine, const struct quern_matrix *matrix, int matrix_rows,
                          const unsigned char *a, int count, float *c, size_t c_stride);

/* product.c: input -> hidden, the first product of a feed-forward block and its activation function */
void quern_engine_ffn(struct quern_engine *engine, const struct quern_layer *layer);

/* product.c: input and layer_input -> hidden, the same with layer_input in the place of a product */
void quern_engine_gate_input(struct quern_engine *engine, const struct quern_layer *layer);

/* head.c: x -> vectors: final norm, pooling, dense head */
void quern_engine_head(struct quern_engine *engine);

/* The path on which products with this matrix are computed. */
static inline enum quern_path quern_engine_path(const struct quern_engine *engine, const struct quern_matrix *matrix)
{
    return engine->path == QUERN_PATH_FAST && matrix->fast ? QUERN_PATH_FAST : QUERN_PATH_EXACT;
}

/* The format of the rows that they take. */
static inline const struct quern_activation *quern_engine_format(const struct quern_engine *engine,
                                                                 const struct quern_matrix *matrix)
{
    return engine->network->kernels->activation[quern_engine_path(engine, matrix)];
}

#endif
