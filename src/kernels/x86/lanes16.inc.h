/* Vectors of 512 bits. */
#define LANES 16
#define VF_FMA(a, b, c) ((vf)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define VF_MAX(a, b) ((vf)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define VF_FROM_HALF(p) ((vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p))))
#define VF_FROM_BYTES(p)                                                                                               \
    ((vf)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p)))))
#define VF_REDUCE_MAX(a) _mm512_reduce_max_ps((__m512)(a))
#define VI_MAX(a, b) ((vi)_mm512_max_epi32((__m512i)(a), (__m512i)(b)))
#define VI_REDUCE_MAX(a) _mm512_reduce_max_epi32((__m512i)(a))
#define VF_ROUND(x) ((vf)_mm512_roundscale_ps((__m512)(x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))
#define VF_REDUCE_ADD(a) _mm512_reduce_add_ps((__m512)(a))
#define VI_ROUND(x) ((vi)_mm512_cvtps_epi32((__m512)(x)))
#define VB_REDUCE_ADD(a) add_bytes((__m128i)(a))
#define VF_RECIPROCAL(x) vf_reciprocal(x)
#define VF_RECIPROCAL_SHORT(x) ((vf)_mm512_rcp14_ps((__m512)(x)))
#define LOOKUP(table, index)                                                                                          \
    ((vi)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(table))),          \
                             (__m512i)(index)))
#define COUNT_BITS(x) ((vl)count_bits((__m512i)(x)))
#define SUM_BYTES(x) ((vl)_mm512_sad_epu8((__m512i)(x), _mm512_setzero_si512()))
#include "kernels/templates/vector.inc.h"

/* The ones of the lower and of the upper four bits of each byte are looked up. */
INLINE __m512i count_bits(__m512i x)
{
    static const int8_t ones[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    const __m512i mask = _mm512_set1_epi8(15);
    return _mm512_add_epi8((__m512i)LOOKUP(ones, _mm512_and_si512(x, mask)),
                           (__m512i)LOOKUP(ones, _mm512_and_si512(_mm512_srli_epi16(x, 4), mask)));
}

/* vpsadbw adds up eight unsigned bytes, so 128 is added to each byte before, and 16 * 128 taken from the sum. */
INLINE int32_t add_bytes(__m128i a)
{
    const __m128i sums = _mm_sad_epu8(_mm_xor_si128(a, _mm_set1_epi8(-128)), _mm_setzero_si128());
    return _mm_cvtsi128_si32(sums) + _mm_extract_epi32(sums, 2) - 16 * 128;
}

/* The estimate has 14 bits; one step of Newton's method doubles them. */
INLINE vf vf_reciprocal(vf x)
{
    vf y = (vf)_mm512_rcp14_ps((__m512)x);
    return VF_FMA(y, VF_FMA(-x, y, vf_set(1.0f)), y);
}
