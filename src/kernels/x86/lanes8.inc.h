/* Vectors of 256 bits. */
#define LANES 8
#define VF_FMA(a, b, c) ((vf)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define VF_MAX(a, b) ((vf)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define VF_FROM_HALF(p) ((vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p))))
#define VF_FROM_BYTES(p)                                                                                               \
    ((vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p)))))
#define VF_REDUCE_ADD(a) add_lanes((__m256)(a))
#define VI_REDUCE_MAX(a) max_of_lanes((__m256i)(a))
#define VB_REDUCE_ADD(a) add_bytes(_mm_cvtsi64_si128((long long)(a)))
#define VI_ROUND(x) ((vi)_mm256_cvtps_epi32((__m256)(x)))
#define VI_MAX(a, b) ((vi)_mm256_max_epi32((__m256i)(a), (__m256i)(b)))
#define LOOKUP(table, index)                                                                                          \
    ((vi)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(table))),     \
                             (__m256i)(index)))

/* vpsadbw adds up eight unsigned bytes, so 128 is added to each byte before, and 8 * 128 taken from the sum. */
static inline int32_t add_bytes(__m128i a)
{
    return _mm_cvtsi128_si32(_mm_sad_epu8(_mm_xor_si128(a, _mm_set1_epi8(-128)), _mm_setzero_si128())) - 8 * 128;
}

static inline float add_lanes(__m256 a)
{
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

static inline int32_t max_of_lanes(__m256i a)
{
    __m128i x = _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}

#define COUNT_BITS(x) ((vl)count_bits((__m256i)(x)))
#define SUM_BYTES(x) ((vl)_mm256_sad_epu8((__m256i)(x), _mm256_setzero_si256()))
#include "kernels/templates/vector.inc.h"

/* The ones of the lower and of the upper four bits of each byte are looked up. */
INLINE __m256i count_bits(__m256i x)
{
    static const int8_t ones[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    const __m256i mask = _mm256_set1_epi8(15);
    return _mm256_add_epi8((__m256i)LOOKUP(ones, _mm256_and_si256(x, mask)),
                           (__m256i)LOOKUP(ones, _mm256_and_si256(_mm256_srli_epi16(x, 4), mask)));
}
