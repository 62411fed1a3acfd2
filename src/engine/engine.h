/* The computation: one engine per context, for one thread at a time.
 *
 * Texts are added to a step until it is full, packed back to back without padding, and computed together. Nothing is
 * allocated after quern_engine_new. */
#ifndef QUERN_ENGINE_ENGINE_H
#define QUERN_ENGINE_ENGINE_H

#include "base/arena.h"
#include "model/network.h"
#include "quern.h"

struct quern_pool;

/* Where a text's vector goes. */
struct quern_target {
    float *vector; /* [dimensions] */
    int dimensions;
    size_t index;  /* of the text among the texts of the call, for the caller */
};

/* A text of the step: rows [first, first + count) of every buffer. */
struct quern_span {
    int first, count;
    int block;     /* its first one, counted over the step */
    size_t packed; /* where its keys and values lie in every key and value head's part, in bytes */
    struct quern_target target;
};

/* Stages of a run. */
enum quern_stage {
    QUERN_STAGE_EMBED, /* and the first norm */
    QUERN_STAGE_QKV,
    QUERN_STAGE_ROPE, /* head norms, rotation, packing of keys and values */
    QUERN_STAGE_ATTENTION,
    QUERN_STAGE_OUTPUT,
    QUERN_STAGE_NORM, /* norm of a result, sum, norm for the next product */
    QUERN_STAGE_GATE_UP,
    QUERN_STAGE_DOWN,
    QUERN_STAGE_HEAD, /* final norm, mean, dense layers */
    QUERN_STAGES
};

struct quern_engine {
    const struct quern_network *network;
    const struct quern_attention *attention;
    struct quern_pool *pool;
    enum quern_path path;

    int row_capacity, span_capacity; /* what fits into a step */
    int fill;                        /* rows from which on no further text is added */

    /* The step. */
    int rows, spans, blocks;  /* blocks: of QUERN_KEY_BLOCK keys, counting every text's last one as whole */
    int32_t *ids;             /* [row_capacity] */
    struct quern_span *span;  /* [span_capacity] */
    int *block_span;          /* [blocks]: the span that a block belongs to */

    /* Buffers, a row for every token. */
    float *x;                /* residual stream [rows][width] */
    unsigned char *input;    /* of the next product, in the activation format of its matrix */
    unsigned char *rest;     /* what rounding left over of the input of qkv; NULL where its format has no split */
    float *key_rest;         /* and what that adds to keys [rows][kv_heads * head] */
    float *qkv;              /* queries, keys, values [rows][(heads + 2 * kv_heads) * head] */
    float *y;                /* a product's result [rows][width]; in the memory of qkv */
    unsigned char *hidden;   /* input of the feed-forward layer's second product; in the memory of qkv */
    unsigned char *packed;   /* keys and values of all texts [kv_heads][packed_bytes] */
    size_t packed_bytes;

    /* A row for every text. */
    float *mean;               /* [spans][width]; room for head_rows, as head_hidden has */
    float *head_hidden;        /* [spans][head_hidden] */
    unsigned char *head_input; /* of a dense layer: the texts' rows, then what rounding left over of them */

    unsigned char *scratch; /* [threads][scratch_bytes]; first result_bytes of attention's results, or gate and up */
    size_t scratch_bytes, result_bytes;
    float score_scale; /* 1 / sqrt(head) */

    uint64_t *stage_ns; /* [QUERN_STAGES], to which every run adds; NULL, as at first: nothing is timed */
    uint64_t lap_ns;    /* when the stage under way began */

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

/* The parts of a run, for the step as it stands. */
void quern_engine_layers(struct quern_engine *engine);                                     /* layers.c: ids -> x */
void quern_engine_attend(struct quern_engine *engine, const struct quern_layer *layer);    /* attend.c: qkv -> input */
void quern_engine_head(struct quern_engine *engine);                                       /* head.c: x -> vectors */

/* layers.c: ends a stage, where one is timed. */
void quern_engine_lap(struct quern_engine *engine, enum quern_stage stage);

/* product.c: c[i] = W a[i] for i < count. a is a buffer of rows in the activation format of the matrix. Only the first
 * matrix_rows rows of W are computed, rounded up to QUERN_PANEL_COLUMNS. */
void quern_engine_product(struct quern_engine *engine, const struct quern_matrix *matrix, int matrix_rows,
                          const unsigned char *a, int count, float *c, size_t c_stride);

/* product.c: hidden = gelu(gate) * up, of input. */
void quern_engine_geglu(struct quern_engine *engine, const struct quern_layer *layer);

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
