/* Attention in float32. A template; see vector.inc.h and attention.inc.h.
 *
 * A block of 32 keys is packed as keys [dimensions][32], then values [32][dimensions]. */
#include "kernels/templates/attention.inc.h"

enum { F32_QUERIES = 4 }; /* query rows computed together */

INLINE size_t attention_float32_block(int dimensions)
{
    return (size_t)dimensions * 32 * 2 * sizeof(float);
}

static size_t attention_float32_packed(int tokens, int dimensions)
{
    return (size_t)((tokens + 31) / 32) * attention_float32_block(dimensions);
}

static size_t attention_float32_scratch(int tokens, int dimensions)
{
    (void)dimensions;
    return (size_t)((tokens + 31) / 32) * 32 * F32_QUERIES * sizeof(float);
}

static void attention_float32_pack(unsigned char *packed, const float *keys, const float *values, size_t stride,
                                   int first, int count, int dimensions)
{
    const size_t d = (size_t)dimensions;
    for (int j = first; j < first + (count + 31) / 32 * 32; j++) {
        float *key = (float *)(void *)(packed + (size_t)(j / 32) * attention_float32_block(dimensions)) + j % 32;
        float *value = key - j % 32 + 32 * d + (size_t)(j % 32) * d;
        const size_t at = (size_t)(j - first) * stride;
        for (size_t i = 0; i < d; i++) { /* rows past the end of the text are zeros; no query sees them */
            key[32 * i] = j < first + count ? keys[at + i] : 0.0f;
            value[i] = j < first + count ? values[at + i] : 0.0f;
        }
    }
}

INLINE void scores_float32(float *scores, size_t stride, const struct quern_attention_job *job, int first, int count,
                           const float *keys, int block)
{
    const float *q[F32_QUERIES];
    for (int r = 0; r < F32_QUERIES; r++)
        q[r] = query_row(job, first + (r < count ? r : 0));
    for (int v = 0; v < 32; v += LANES) {
        vf sum[F32_QUERIES];
        for (int r = 0; r < F32_QUERIES; r++)
            sum[r] = vf_set(0.0f);
        for (int i = 0; i < job->dimensions; i++) {
            vf k = vf_load(keys + i * 32 + v);
            for (int r = 0; r < F32_QUERIES; r++)
                sum[r] = VF_FMA(vf_set(q[r][i]), k, sum[r]);
        }
        for (int r = 0; r < F32_QUERIES; r++)
            vf_store(scores + (size_t)r * stride + (size_t)(block * 32 + v), sum[r] * vf_set(job->scale));
    }
}

/* out[r] += the block's values weighted with e, for F32_QUERIES rows. */
INLINE void values_float32(float *out, const float *e, size_t stride, const float *values, int dimensions)
{
    const size_t d = (size_t)dimensions;
    for (size_t i = 0; i < d; i += LANES) {
        vf sum[F32_QUERIES];
        for (size_t r = 0; r < F32_QUERIES; r++)
            sum[r] = vf_load(out + r * d + i);
        for (size_t j = 0; j < 32; j++) {
            vf v = vf_load(values + j * d + i);
            for (size_t r = 0; r < F32_QUERIES; r++)
                sum[r] = VF_FMA(vf_set(e[r * stride + j]), v, sum[r]);
        }
        for (size_t r = 0; r < F32_QUERIES; r++)
            vf_store(out + r * d + i, sum[r]);
    }
}

static void attention_float32_run(float *out, const struct quern_attention_job *job, int first, int count,
                                  unsigned char *scratch)
{
    const size_t d = (size_t)job->dimensions, stride = (size_t)((job->tokens + 31) / 32) * 32;
    const size_t block_bytes = attention_float32_block(job->dimensions);
    float *scores = (float *)(void *)scratch;
    float factor[F32_QUERIES];
    int begin, end;
    visible_blocks(job, first, count, &begin, &end);

    for (int b = begin; b < end; b++)
        scores_float32(scores, stride, job, first, count,
                       (const float *)(const void *)(job->packed + (size_t)b * block_bytes), b);
    for (int r = 0; r < F32_QUERIES; r++)
        factor[r] = 1.0f / exponentials(true, scores + (size_t)r * stride, job,
                                        (first + (r < count ? r : 0)) / job->group, begin, end);
    memset(out, 0, F32_QUERIES * d * sizeof *out);
    for (int b = begin; b < end; b++)
        values_float32(out, scores + (size_t)b * 32, stride,
                       (const float *)(const void *)(job->packed + (size_t)b * block_bytes) + 32 * d, job->dimensions);
    for (size_t r = 0; r < F32_QUERIES; r++)
        for (size_t i = 0; i < d; i += LANES)
            vf_store(out + r * d + i, vf_load(out + r * d + i) * vf_set(factor[r]));
}

static const struct quern_attention attention_float32 = {
    F32_QUERIES, 4, attention_float32_packed, attention_float32_scratch, attention_float32_pack,
    attention_float32_run};
