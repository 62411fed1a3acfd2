/* Attention with 16-bit integer products. A template; see vector.inc.h and attention.inc.h.
 *
 *   DOT2(sum, a, b)   in each lane sum + the two products of the 16-bit numbers of a and b, modulo 2^32
 *   INT16_QUERIES     query rows computed together
 *   INT16_VECTORS     vectors of keys, or of value dimensions, computed together; divides 32 / LANES
 *
 * Sums of products must stay below 2^31.
 * - Scores: queries and keys are scaled to a length of at most 46300. A score is then at most 46300^2, by the
 *   inequality of Cauchy and Schwarz. Rounding adds at most sqrt(dimensions) / 2 to a length. Up to 1,024 dimensions
 *   this keeps lengths below 46340, and 46340^2 < 2^31. For larger heads the bound depends on their dimensions. With
 *   256 dimensions, the root mean square of the elements is at most 46300 / 16, so an element has about 11 bits.
 * - Values: each row of values has its own scale, and then |v| <= 8191. The weight of a row is e * (scale of v). The
 *   weights of 128 keys are scaled to a sum of at most 261000, and rounding adds at most 1/2 to each. So a sum of
 *   products is at most 8191 * (261000 + 128 / 2) < 2^31. After every 128 keys, the sums are added up in float32.
 *
 * A block of 32 keys is packed as keys [dimensions / 2][32][2], then values [16][dimensions][2] (pairs of keys), then
 * 32 scales of keys, then 32 scales of values. */
#include "kernels/templates/attention.inc.h"

enum { CHUNK = 128 }; /* keys whose values are added up in integers */
enum { SLAB = 32 };   /* dimensions of a query that lie together: the distance between two rows is then this constant */

typedef int16_t vs __attribute__((vector_size(2 * LANES)));

/* A thread's scratch memory. */
struct attention_int16_scratch {
    int16_t *weights; /* [INT16_QUERIES][CHUNK] */
    int16_t *queries; /* [dimensions / SLAB][INT16_QUERIES][SLAB] */
    float *scores;    /* [INT16_QUERIES][stride] */
    size_t stride;    /* keys, rounded up to a block */
};

INLINE size_t attention_int16_block(int dimensions)
{
    return (size_t)dimensions * 32 * 2 * sizeof(int16_t) + 2 * 32 * sizeof(float);
}

INLINE const float *scales_of(const unsigned char *block, int dimensions)
{
    return (const float *)(const void *)(block + (size_t)dimensions * 32 * 2 * sizeof(int16_t));
}

static size_t attention_int16_packed(int tokens, int dimensions)
{
    return (size_t)((tokens + 31) / 32) * attention_int16_block(dimensions);
}

static size_t attention_int16_scratch(int tokens, int dimensions)
{
    const size_t stride = (size_t)((tokens + 31) / 32) * 32;
    return INT16_QUERIES * ((CHUNK + (size_t)dimensions) * sizeof(int16_t) + stride * sizeof(float));
}

INLINE float row_max(const float *x, int length)
{
    vi top = vf_magnitude(vf_load(x));
    for (int i = LANES; i < length; i += LANES)
        top = VI_MAX(top, vf_magnitude(vf_load(x + i)));
    return vi_largest_magnitude(top);
}

INLINE void round_row(int16_t *dst, const float *x, float factor, int length)
{
    for (int i = 0; i < length; i += LANES) {
        vs q = __builtin_convertvector(VI_ROUND(vf_load(x + i) * vf_set(factor)), vs);
        memcpy(dst + i, &q, sizeof q);
    }
}

/* What a query or a key is multiplied by to become integers. */
INLINE float vector_factor(const float *x, int length)
{
    float norm = sqrtf(mean_square(x, length) * (float)length), max = row_max(x, length);
    float by_norm = (length <= 1024 ? 46300.0f : 46340.0f - sqrtf((float)length)) / norm, by_max = 32767.0f / max;
    return max > 1e-30f || max != max ? (by_norm < by_max ? by_norm : by_max) : 0.0f;
}

INLINE float reciprocal(float factor)
{
    return factor != 0.0f ? 1.0f / factor : 0.0f;
}

/* Rows past the end of a text (NULL) are zeros with scale 0; no query sees them. */
INLINE float pack_key(int16_t *key, const float *row, int dimensions)
{
    const float factor = row != NULL ? vector_factor(row, dimensions) : 0.0f;
    for (int i = 0; i < dimensions; i += 32, key += 32 * 32) {
        int16_t q[32] = {0};
        if (row != NULL)
            round_row(q, row + i, factor, 32);
        for (int k = 0; k < 32; k += 2)
            memcpy(key + k * 32, q + k, 2 * sizeof *q);
    }
    return reciprocal(factor);
}

/* Packs two rows of values; their elements alternate. */
INLINE void pack_values(int16_t *pair, float *scale, const float *row, const float *next, int dimensions)
{
    const float *rows[2] = {row, next};
    float factor[2] = {0, 0};
    for (int r = 0; r < 2; r++) {
        const float max = rows[r] != NULL ? row_max(rows[r], dimensions) : 0.0f;
        factor[r] = max > 1e-30f || max != max ? 8191.0f / max : 0.0f;
        scale[r] = reciprocal(factor[r]);
    }
    for (int i = 0; i < dimensions; i += LANES) {
        vi low = row != NULL ? VI_ROUND(vf_load(row + i) * vf_set(factor[0])) : vi_set(0);
        vi high = next != NULL ? VI_ROUND(vf_load(next + i) * vf_set(factor[1])) : vi_set(0);
        vi both = (low & vi_set(0xffff)) | (vi)((vu)high << 16);
        memcpy(pair + 2 * i, &both, sizeof both);
    }
}

static void attention_int16_pack(unsigned char *packed, const float *keys, const float *values, size_t stride,
                                 int first, int count, int dimensions)
{
    const size_t d = (size_t)dimensions;
    for (int j = 0; j < (count + 31) / 32 * 32; j += 2) {
        unsigned char *block = packed + (size_t)((first + j) / 32) * attention_int16_block(dimensions);
        const size_t at = (size_t)j % 32, row = (size_t)j * stride;
        int16_t *key = (int16_t *)(void *)block;
        float *scales = (float *)(void *)(block + d * 32 * 2 * sizeof *key);
        const bool here = j < count, next = j + 1 < count;
        scales[at] = pack_key(key + at * 2, here ? keys + row : NULL, dimensions);
        scales[at + 1] = pack_key(key + at * 2 + 2, next ? keys + row + stride : NULL, dimensions);
        pack_values(key + 32 * d + at * d, scales + 32 + at, here ? values + row : NULL,
                    next ? values + row + stride : NULL, dimensions);
    }
}

/* The scores of all query rows against one block of keys. factor[r] turns integers of query r back into floats, and
 * includes the scale of the scores. */
INLINE void scores_int16(const struct attention_int16_scratch *s, const float *factor, const unsigned char *block,
                         int b, int dimensions)
{
    const float *scale = scales_of(block, dimensions);
    for (int v0 = 0; v0 < 32 / LANES; v0 += INT16_VECTORS) {
        const unsigned char *key = block + v0 * LANES * 4;
        const int16_t *q = s->queries;
        vi sum[INT16_QUERIES][INT16_VECTORS];
        for (int r = 0; r < INT16_QUERIES; r++)
            for (int v = 0; v < INT16_VECTORS; v++)
                sum[r][v] = vi_set(0);
        for (int slab = 0; slab < dimensions; slab += SLAB, q += INT16_QUERIES * SLAB)
            for (int i = 0; i < SLAB; i += 2, key += 128) {
                vi k[INT16_VECTORS];
                for (int v = 0; v < INT16_VECTORS; v++)
                    k[v] = vi_load(key + v * LANES * 4);
                for (int r = 0; r < INT16_QUERIES; r++) {
                    vi x = vi_repeat(q + r * SLAB + i);
                    for (int v = 0; v < INT16_VECTORS; v++)
                        sum[r][v] = DOT2(sum[r][v], k[v], x);
                }
            }
        for (int r = 0; r < INT16_QUERIES; r++)
            for (int v = 0; v < INT16_VECTORS; v++) {
                const int at = (v0 + v) * LANES;
                vf_store(s->scores + (size_t)r * s->stride + (size_t)(b * 32 + at),
                         vf_from_int(sum[r][v]) * (vf_load(scale + at) * vf_set(factor[r])));
            }
    }
}

/* Turns row r's exponentials of one chunk, blocks [begin, end), into integer weights of values. Returns the number that
 * sums of their products must be multiplied by. */
INLINE float weigh(const struct attention_int16_scratch *s, int r, const unsigned char *packed, int begin, int end,
                   int dimensions)
{
    float *e = s->scores + (size_t)r * s->stride;
    vf total = vf_set(0.0f), top = total;
    for (int b = begin; b < end; b++) {
        const float *scale = scales_of(packed + (size_t)b * attention_int16_block(dimensions), dimensions) + 32;
        for (int i = 0; i < 32; i += LANES) {
            vf w = vf_load(e + b * 32 + i) * vf_load(scale + i);
            vf_store(e + b * 32 + i, w);
            total += w;
            top = VF_MAX(top, w);
        }
    }
    /* A comparison may lose a NaN, but the sum keeps it. So the sum is tested. */
    const float sum = VF_REDUCE_ADD(total), by_sum = 261000.0f / sum, by_max = 32767.0f / VF_REDUCE_MAX(top);
    const float factor = sum > 1e-30f || sum != sum ? (by_max < by_sum ? by_max : by_sum) : 0.0f;
    round_row(s->weights + r * CHUNK, e + begin * 32, factor, (end - begin) * 32);
    return reciprocal(factor);
}

/* out[r] += worth[r] * (the weighted sum of the chunk's values), for all rows. */
INLINE void values_int16(float *out, const struct attention_int16_scratch *s, const float *worth,
                         const unsigned char *packed, int begin, int end, int dimensions)
{
    const size_t d = (size_t)dimensions;
    for (size_t i = 0; i < d; i += LANES * INT16_VECTORS) {
        vi sum[INT16_QUERIES][INT16_VECTORS];
        for (int r = 0; r < INT16_QUERIES; r++)
            for (int v = 0; v < INT16_VECTORS; v++)
                sum[r][v] = vi_set(0);
        for (int b = begin; b < end; b++) {
            const unsigned char *value =
                packed + (size_t)b * attention_int16_block(dimensions) + (32 * d + i * 2) * sizeof(int16_t);
            const int16_t *w = s->weights + (b - begin) * 32;
            for (int pair = 0; pair < 16; pair++, value += d * 4, w += 2) {
                vi x[INT16_VECTORS];
                for (int v = 0; v < INT16_VECTORS; v++)
                    x[v] = vi_load(value + v * LANES * 4);
                for (size_t r = 0; r < INT16_QUERIES; r++) {
                    vi weight = vi_repeat(w + r * CHUNK);
                    for (int v = 0; v < INT16_VECTORS; v++)
                        sum[r][v] = DOT2(sum[r][v], x[v], weight);
                }
            }
        }
        for (size_t r = 0; r < INT16_QUERIES; r++)
            for (size_t v = 0; v < INT16_VECTORS; v++) {
                float *at = out + r * d + i + v * LANES;
                vf_store(at, VF_FMA(vf_from_int(sum[r][v]), vf_set(worth[r]), vf_load(at)));
            }
    }
}

static void attention_int16_run(float *out, const struct quern_attention_job *job, int first, int count,
                                unsigned char *scratch)
{
    const int d = job->dimensions;
    const size_t block_bytes = attention_int16_block(d);
    struct attention_int16_scratch s = {.stride = (size_t)((job->tokens + 31) / 32) * 32};
    float factor[INT16_QUERIES], worth[INT16_QUERIES];
    int begin, end;
    s.weights = (int16_t *)(void *)scratch;
    s.queries = s.weights + INT16_QUERIES * CHUNK;
    s.scores = (float *)(void *)(s.queries + INT16_QUERIES * d);
    visible_blocks(job, first, count, &begin, &end);

    for (int r = 0; r < INT16_QUERIES; r++) { /* rows past count repeat the first one */
        const float *q = query_row(job, first + (r < count ? r : 0));
        const float to_int = vector_factor(q, d);
        for (int i = 0; i < d; i += SLAB)
            round_row(s.queries + i * INT16_QUERIES + r * SLAB, q + i, to_int, SLAB);
        factor[r] = reciprocal(to_int) * job->scale;
    }
    for (int b = begin; b < end; b++)
        scores_int16(&s, factor, job->packed + (size_t)b * block_bytes, b, d);
    for (int r = 0; r < INT16_QUERIES; r++)
        factor[r] = 1.0f / exponentials(false, s.scores + (size_t)r * s.stride, job,
                                        (first + (r < count ? r : 0)) / job->group, begin, end);
    memset(out, 0, (size_t)INT16_QUERIES * (size_t)d * sizeof *out);
    for (int b = begin, next; b < end; b = next) {
        next = (b / (CHUNK / 32) + 1) * (CHUNK / 32);
        next = next < end ? next : end;
        for (int r = 0; r < INT16_QUERIES; r++)
            worth[r] = weigh(&s, r, job->packed, b, next, d) * factor[r];
        values_int16(out, &s, worth, job->packed, b, next, d);
    }
}

static const struct quern_attention attention_int16 = {INT16_QUERIES, 4, attention_int16_packed,
                                                       attention_int16_scratch, attention_int16_pack,
                                                       attention_int16_run};
