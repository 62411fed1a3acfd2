/* Vectors of 256 bits. */
#define LANES 8
#define VF_FMA(a, b, c) ((vf)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define VF_MAX(a, b) ((vf)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define VF_FROM_HALF(p) ((vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p))))
#define VF_FROM_BYTES(p)                                                                                               \
    ((vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p)))))
#define VI_MAX(a, b) ((vi)_mm256_max_epi32((__m256i)(a), (__m256i)(b)))
#define LOOKUP(table, index)                                                                                          \
    ((vi)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(table))),     \
                             (__m256i)(index)))
#include "kernels/vector.inc.h"
