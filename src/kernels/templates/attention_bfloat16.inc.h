/* Attention on tiles of bfloat16. A template; see vector.inc.h, attention.inc.h and gemm_bfloat16.inc.h.
 *
 * A block of 32 keys is packed in this order. First come the keys: for each 32 dimensions, two tiles of
 * [16 pairs of dimensions][16 keys][2]. Then come the values: for each 16 dimensions, one tile of
 * [16 pairs of keys][16 dimensions][2]. */
#include "kernels/templates/attention.inc.h"

enum { BFLOAT16_QUERIES = 32 }; /* query rows computed together: two tiles */

/* A thread's scratch memory. */
struct attention_bfloat16_scratch {
    unsigned char *queries; /* [2][dimensions / 32] tiles of [16 rows][32 dimensions] */
    unsigned char *weights; /* [2][blocks] tiles of [16 rows][32 keys] */
    float *scores;          /* [BFLOAT16_QUERIES][stride] */
    size_t stride;          /* keys, rounded up to a block */
};

INLINE size_t attention_bfloat16_block(int dimensions)
{
    return (size_t)dimensions * 32 * 2 * sizeof(uint16_t);
}

static size_t attention_bfloat16_packed(int tokens, int dimensions)
{
    return (size_t)((tokens + 31) / 32) * attention_bfloat16_block(dimensions);
}

static size_t attention_bfloat16_scratch(int tokens, int dimensions)
{
    const size_t stride = (size_t)((tokens + 31) / 32) * 32;
    return BFLOAT16_QUERIES * ((size_t)dimensions * sizeof(uint16_t) + stride * (sizeof(uint16_t) + sizeof(float)));
}

/* A key becomes a column: in the first tile of each pair of tiles if it is one of the first 16 keys of its block, else
 * in the second one. Rows past the end of a text are zeros, and no token attends to them. */
INLINE void pack_key_bfloat16(unsigned char *block, int key, const float *row, int dimensions)
{
    unsigned char *to = block + key / 16 * TILE_BYTES + key % 16 * 4;
    for (int i = 0; i < dimensions; i += 32, to += 2 * TILE_BYTES) {
        unsigned char pairs[TILE_LINE_BYTES] = {0};
        if (row != NULL) {
            bfloat16_store(pairs, vf_load(row + i));
            bfloat16_store(pairs + 32, vf_load(row + i + 16));
        }
        for (int pair = 0; pair < TILE_LINES; pair++)
            memcpy(to + pair * TILE_LINE_BYTES, pairs + pair * 4, 4);
    }
}

/* Two rows of values, keys 2 i and 2 i + 1, become line i of the tiles. */
INLINE void pack_values_bfloat16(unsigned char *values, int pair, const float *row, const float *next, int dimensions)
{
    unsigned char *to = values + pair * TILE_LINE_BYTES;
    for (int i = 0; i < dimensions; i += 16, to += TILE_BYTES)
        bfloat16_store_pairs(to, row != NULL ? vf_load(row + i) : vf_set(0.0f),
                         next != NULL ? vf_load(next + i) : vf_set(0.0f));
}

static void attention_bfloat16_pack(unsigned char *packed, const float *keys, const float *values, size_t stride,
                                    int first, int count, int dimensions)
{
    for (int j = 0; j < (count + 31) / 32 * 32; j += 2) {
        unsigned char *block = packed + (size_t)((first + j) / 32) * attention_bfloat16_block(dimensions);
        const size_t row = (size_t)j * stride;
        const bool here = j < count, next = j + 1 < count;
        pack_key_bfloat16(block, j % 32, here ? keys + row : NULL, dimensions);
        pack_key_bfloat16(block, j % 32 + 1, next ? keys + row + stride : NULL, dimensions);
        pack_values_bfloat16(block + (size_t)dimensions * 32 * sizeof(uint16_t), j % 32 / 2, here ? values + row : NULL,
                         next ? values + row + stride : NULL, dimensions);
    }
}

/* Writes query rows [first, first + count), times the scale of scores and times log2 e, so that weights are 2^score.
 * Rows after them repeat the first one. */
INLINE void load_queries_bfloat16(const struct attention_bfloat16_scratch *s, const struct quern_attention_job *job,
                                  int first, int count)
{
    const vf scale = vf_set(job->scale * VF_LOG2_E);
    for (int r = 0; r < (count + 15) / 16 * 16; r++) {
        const float *query = query_row(job, first + (r < count ? r : 0));
        unsigned char *to = bfloat16_line(s->queries, r, job->dimensions, 0);
        for (int i = 0; i < job->dimensions; i += 32, to += TILE_BYTES) {
            bfloat16_store(to, vf_load(query + i) * scale);
            bfloat16_store(to + 32, vf_load(query + i + 16) * scale);
        }
    }
}

/* Scores of the query rows against the keys of one block. */
INLINE void scores_bfloat16(bool both, const struct attention_bfloat16_scratch *s, const unsigned char *keys, int block,
                            int dimensions)
{
    const size_t tiles = (size_t)dimensions / 32;
    zero_results(both);
    for (size_t i = 0; i < tiles; i++)
        add_products(both, (struct factors){s->queries + i * TILE_BYTES, s->queries + (tiles + i) * TILE_BYTES,
                                            keys + 2 * i * TILE_BYTES, keys + (2 * i + 1) * TILE_BYTES});
    store_results(both, s->scores + (size_t)block * 32, s->stride);
}

/* Row r's scores of blocks [begin, end) become weights of values in bfloat16: 2^(score - the largest visible one), and
 * 0 for keys that the token does not attend to. Returns the sum of the exponentials, which is at least 1. */
INLINE float weigh_bfloat16(const struct attention_bfloat16_scratch *s, int r, const struct quern_attention_job *job,
                            int token, int begin, int end)
{
    const int low = first_visible(job, token), high = end_visible(job, token);
    float *scores = s->scores + (size_t)r * s->stride;
    unsigned char *to = bfloat16_line(s->weights, r, (int)s->stride, begin * 32);
    vf top = vf_set(-3e38f), sum = vf_set(0.0f);
    vi lanes;
    for (int i = 0; i < LANES; i++)
        lanes[i] = i;
    for (int j = begin * 32; j < end * 32; j += LANES) {
        vf score = vf_load(scores + j);
        if (j < low || j + LANES > high) { /* an edge of what is visible */
            const vi key = lanes + vi_set(j);
            score = vf_select((vi)(key >= vi_set(low)) & (vi)(key < vi_set(high)), score, vf_set(-3e38f));
            vf_store(scores + j, score);
        }
        top = VF_MAX(top, score);
    }
    const vf max = vf_set(VF_REDUCE_MAX(top));
    for (int j = begin * 32; j < end * 32; j += 32, to += TILE_BYTES) {
        const vf left = vf_exp2_short(vf_load(scores + j) - max);
        const vf right = vf_exp2_short(vf_load(scores + j + 16) - max);
        sum += left;
        sum += right;
        bfloat16_store(to, left);
        bfloat16_store(to + 32, right);
    }
    return VF_REDUCE_ADD(sum);
}

/* out[rows][dimensions], from dimension i to i + 32, = the weighted sum of the values of blocks [begin, end). */
INLINE void values_bfloat16(bool both, float *out, const struct attention_bfloat16_scratch *s,
                            const unsigned char *packed, int begin, int end, int i, int dimensions)
{
    const size_t tiles = s->stride / 32, values_at = (size_t)dimensions * 32 * sizeof(uint16_t);
    zero_results(both);
    for (size_t b = (size_t)begin; b < (size_t)end; b++) {
        const unsigned char *values =
            packed + b * attention_bfloat16_block(dimensions) + values_at + (size_t)(i / 16) * TILE_BYTES;
        add_products(both, (struct factors){s->weights + b * TILE_BYTES, s->weights + (tiles + b) * TILE_BYTES, values,
                                            values + TILE_BYTES});
    }
    store_results(both, out + i, (size_t)dimensions);
}

INLINE void run_bfloat16(bool both, float *out, const struct quern_attention_job *job, int first, int count,
                     const struct attention_bfloat16_scratch *s)
{
    const int dimensions = job->dimensions;
    float factor[BFLOAT16_QUERIES];
    int begin, end;
    visible_blocks(job, first, count, &begin, &end);
    load_queries_bfloat16(s, job, first, count);
    for (int b = begin; b < end; b++)
        scores_bfloat16(both, s, job->packed + (size_t)b * attention_bfloat16_block(dimensions), b, dimensions);
    for (int r = 0; r < count; r++)
        factor[r] = 1.0f / weigh_bfloat16(s, r, job, (first + r) / job->group, begin, end);
    for (int i = 0; i < dimensions; i += 32)
        values_bfloat16(both, out, s, job->packed, begin, end, i, dimensions);
    for (int r = 0; r < count; r++)
        for (int i = 0; i < dimensions; i += LANES) {
            float *at = out + (size_t)r * (size_t)dimensions + i;
            vf_store(at, vf_load(at) * vf_set(factor[r]));
        }
}

static void attention_bfloat16_run(float *out, const struct quern_attention_job *job, int first, int count,
                               unsigned char *scratch)
{
    struct attention_bfloat16_scratch s = {.stride = (size_t)((job->tokens + 31) / 32) * 32, .queries = scratch};
    s.weights = s.queries + BFLOAT16_QUERIES * (size_t)job->dimensions * sizeof(uint16_t);
    s.scores = (float *)(void *)(s.weights + BFLOAT16_QUERIES * s.stride * sizeof(uint16_t));
    if (count > 16)
        run_bfloat16(true, out, job, first, count, &s);
    else
        run_bfloat16(false, out, job, first, count, &s);
}

static const struct quern_attention attention_bfloat16 = {BFLOAT16_QUERIES, 16, attention_bfloat16_packed,
                                                          attention_bfloat16_scratch, attention_bfloat16_pack,
                                                          attention_bfloat16_run};
