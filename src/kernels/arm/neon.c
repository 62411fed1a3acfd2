/* Every AArch64 CPU: 4 lanes, 32 registers. */
#include "kernels/panels.h"
#include "kernels/tables.h"

#include "kernels/arm/lanes4.inc.h"

/* Products of signed bytes fit 16 bits, as do sums of two of them: at most 2 * 128 * 127 = 32512. */
INLINE vi dot4(vi sum, vi w, vi a)
{
    int8x16_t x = (int8x16_t)w, y = (int8x16_t)a;
    int16x8_t pairs = vpaddq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(y)), vmull_high_s8(x, y));
    return (vi)vpadalq_s16((int32x4_t)sum, pairs);
}

#define DOT4(sum, w, a) dot4(sum, w, a)
#include "kernels/arm/templates4.inc.h"

const struct quern_kernels quern_kernels_neon = QUERN_TABLE("neon", QUERN_CPU_NEON, attention_float32);
