/* AVX2 with FMA: 8 lanes, 16 registers. */
#include "kernels/panels.h"
#include "kernels/tables.h"

#include <immintrin.h>

#define TARGET "avx2,fma,f16c"
#include "kernels/x86/target.h"
TARGET_BEGIN

#include "kernels/x86/lanes8.inc.h"

/* Keeps the compiler from adding in another order, which would need more registers than there are. */
INLINE vi in_order(__m256i sum)
{
    __asm__("" : "+x"(sum));
    return (vi)sum;
}

/* vpmaddubsw takes one operand as unsigned: |w|, with the sign of w moved to a. The sum of two products is at most
 * 2 * 128 * 127 = 32512, so it cannot saturate. */
INLINE vi dot4(vi sum, vi w, vi a)
{
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)w), _mm256_sign_epi8((__m256i)a, (__m256i)w));
    return in_order(_mm256_add_epi32((__m256i)sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))));
}

/* Unsigned weights do not need that. Where they have few bits, several sums of two products fit 16 bits together:
 * 8 * 2 * 15 * 127 = 30480 with 4 bits, 4 * 2 * 31 * 127 = 31496 with 5, 2 * 2 * 63 * 127 = 32004 with 6. */
INLINE vi dot4_narrow(vi sum, vi w, vi a)
{
    return in_order(_mm256_add_epi16((__m256i)sum, _mm256_maddubs_epi16((__m256i)w, (__m256i)a)));
}

#define DOT4(sum, w, a) dot4(sum, w, a)
#define DOT4_NARROW(sum, w, a) dot4_narrow(sum, w, a)
#define DOT4_NARROW_SUM(sum) ((vi)_mm256_madd_epi16((__m256i)(sum), _mm256_set1_epi16(1)))
#define NARROW_STEPS(bits) ((bits) <= 4 ? 8 : (bits) == 5 ? 4 : 2)
#define NARROW_FROM_ZERO 1
#define DOT2(sum, a, b) ((sum) + (vi)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#define PANEL_FLIP 0
#include "kernels/x86/templates8.inc.h"

TARGET_END

const struct quern_kernels quern_kernels_avx2 = QUERN_TABLE("avx2", QUERN_CPU_AVX2, attention_int16);
