/* Vectors of 128 bits. */
#include <arm_neon.h>

#define LANES 4
#define VF_FMA(a, b, c) ((vf)vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b)))
#define VF_MAX(a, b) ((vf)vmaxq_f32((float32x4_t)(a), (float32x4_t)(b)))
#define VF_FROM_HALF(p) ((vf)vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8((const uint8_t *)(const void *)(p)))))
#define VF_FROM_BYTES(p) vf_from_int(vi_from_bytes(p))
#define VF_ROUND(x) ((vf)vrndnq_f32((float32x4_t)(x)))
#define VF_REDUCE_ADD(a) vaddv_f32(vadd_f32(vget_low_f32((float32x4_t)(a)), vget_high_f32((float32x4_t)(a))))
#define VF_REDUCE_MAX(a) vmaxvq_f32((float32x4_t)(a))
#define VI_MAX(a, b) ((vi)vmaxq_s32((int32x4_t)(a), (int32x4_t)(b)))
#define VI_REDUCE_MAX(a) vmaxvq_s32((int32x4_t)(a))
#define VB_REDUCE_ADD(a) vaddvq_s32((int32x4_t)__builtin_convertvector(a, vi))
#define VI_ROUND(x) ((vi)vcvtnq_s32_f32((float32x4_t)(x)))
#define LOOKUP(table, index) ((vi)vqtbl1q_s8(vld1q_s8(table), (uint8x16_t)(index)))
#define COUNT_BITS(x) ((vl)vcntq_u8((uint8x16_t)(x)))
#define SUM_BYTES(x) ((vl)vpaddlq_u32(vpaddlq_u16(vpaddlq_u8((uint8x16_t)(x)))))
#include "kernels/templates/vector.inc.h"

/* Four signed bytes */
INLINE vi vi_from_bytes(const void *p)
{
    return (vi)vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_s32(vld1_dup_s32((const int32_t *)p)))));
}
