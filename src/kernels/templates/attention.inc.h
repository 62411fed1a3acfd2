/* What the forms of attention share. A template; see vector.inc.h.
 *
 * Keys come in blocks of 32, which are numbered from the start of the text. So the places where sums are cut depend on
 * the text only, not on the rows that are computed together. */
#ifndef QUERN_TEMPLATES_ATTENTION_INC_H
#define QUERN_TEMPLATES_ATTENTION_INC_H

INLINE int first_visible(const struct quern_attention_job *job, int token)
{
    return token > job->before ? token - job->before : 0;
}

INLINE int end_visible(const struct quern_attention_job *job, int token)
{
    return job->tokens - token > job->after ? token + job->after + 1 : job->tokens;
}

/* The blocks [*begin, *end) in which some of the query rows [first, first + count) see keys. */
INLINE void visible_blocks(const struct quern_attention_job *job, int first, int count, int *begin, int *end)
{
    *begin = first_visible(job, first / job->group) / 32;
    *end = (end_visible(job, (first + count - 1) / job->group) + 31) / 32;
}

INLINE const float *query_row(const struct quern_attention_job *job, int row)
{
    return job->queries + (size_t)(row / job->group) * job->token_stride +
           (size_t)(row % job->group) * (size_t)job->dimensions;
}

/* Replaces scores[32 * begin .. 32 * end) of a token's query by e^(score - the largest visible score), or by 0 for keys
 * that are not visible to the token. Returns their sum, which is at least 1. exact: within 2 ulp, else 2^-14. */
INLINE float exponentials(bool exact, float *scores, const struct quern_attention_job *job, int token, int begin,
                          int end)
{
    const vi low = vi_set(first_visible(job, token)), high = vi_set(end_visible(job, token));
    vi lanes;
    for (int i = 0; i < LANES; i++)
        lanes[i] = i;
    vf top = vf_set(-3e38f);
    for (int j = begin * 32; j < end * 32; j += LANES) {
        vi key = lanes + vi_set(j);
        vf s = vf_select((vi)(key >= low) & (vi)(key < high), vf_load(scores + j), vf_set(-3e38f));
        vf_store(scores + j, s);
        top = VF_MAX(top, s);
    }
    const vf max = vf_set(VF_REDUCE_MAX(top));
    vf sum = vf_set(0.0f);
    for (int j = begin * 32; j < end * 32; j += LANES) {
        const vf below = vf_load(scores + j) - max;
        const vf e = exact ? vf_exp(below) : vf_exp2_short(below * vf_set(VF_LOG2_E));
        vf_store(scores + j, e);
        sum += e;
    }
    return VF_REDUCE_ADD(sum);
}

#endif
