/* Vectors for the kernel templates, in the compiler's generic vector types. A table's source file defines, before it
 * includes this file,
 *
 *   LANES              floats in a vector
 *   VF_FMA(a, b, c)    a * b + c, rounded once where the CPU can
 *   VF_MAX(a, b)       the larger number in each lane
 *   VF_FROM_HALF(p)    LANES half floats at p
 *
 * and may define, where instructions are faster than the generic form,
 *
 *   VF_FROM_BYTES(p)   LANES signed bytes at p
 *   VF_ROUND(x)        nearest integer of each lane, ties to even, |x| < 2^22
 *   VF_REDUCE_ADD(a)   sum of the lanes, in the order of vf_reduce_add
 *   VF_REDUCE_MAX(a)   largest lane
 *   VI_MAX(a, b)       the larger number in each lane
 *   VI_REDUCE_MAX(a)   largest lane
 *   VB_REDUCE_ADD(a)   sum of LANES signed bytes
 *   VI_ROUND(x)        nearest integer of each lane, ties to even, |x| < 2^22
 *   VF_RECIPROCAL(x)   1 / x within 2 ulp
 *   VF_RECIPROCAL_SHORT(x)   1 / x within 2^-14 of itself
 */
#include "kernels/int8.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * LANES)));
typedef uint16_t vh __attribute__((vector_size(2 * LANES)));
typedef int8_t vb __attribute__((vector_size(LANES)));

#define INLINE static inline __attribute__((always_inline))

#define VF_LOG2_E 1.44269504f /* log2(e): e^x = 2^(x log2(e)) */

INLINE vf vf_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void vf_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

INLINE vf vf_set(float x)
{
    return x - (vf){0};
}

INLINE vi vi_load(const void *p)
{
    vi v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE vi vi_set(int32_t x)
{
    return x - (vi){0};
}

/* The same four bytes in every lane. */
INLINE vi vi_repeat(const void *p)
{
    int32_t x;
    memcpy(&x, p, sizeof x);
    return vi_set(x);
}

INLINE vf vf_from_int(vi v)
{
    return __builtin_convertvector(v, vf);
}

/* mask ? a : b, lane by lane; mask is all ones or all zeros. */
INLINE vf vf_select(vi mask, vf a, vf b)
{
    return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}

/* A sum with 1.5 * 2^23 has no bits left for a fraction. */
INLINE vf vf_round(vf x)
{
    const vf magic = vf_set(12582912.0f);
    return (x + magic) - magic;
}

#ifndef VF_ROUND
#define VF_ROUND(x) vf_round(x)
#endif

#ifndef VI_ROUND
#define VI_ROUND(x) __builtin_convertvector(VF_ROUND(x), vi)
#endif

#ifndef VF_RECIPROCAL
#define VF_RECIPROCAL(x) (vf_set(1.0f) / (x))
#endif

#ifndef VF_RECIPROCAL_SHORT
#define VF_RECIPROCAL_SHORT(x) VF_RECIPROCAL(x)
#endif

#ifndef VF_FROM_HALF
/* Moves exponent and mantissa into place, then multiplies by 2^(127 - 15), which corrects the bias of the exponent;
 * this is right for subnormal numbers, too. Infinity and NaN get the largest exponent. */
INLINE vf vf_from_half(const void *p)
{
    vh h;
    memcpy(&h, p, sizeof h);
    vu u = __builtin_convertvector(h, vu);
    vf magnitude = (vf)((u & 0x7fff) << 13) * vf_set(0x1p112f);
    const vu special = (vu)((u & 0x7fff) >= 0x7c00) & 0x7f800000;
    return (vf)((vu)magnitude | special | ((u & 0x8000) << 16));
}
#define VF_FROM_HALF(p) vf_from_half(p)
#endif

INLINE vf vf_from_bf16(const void *p)
{
    vh h;
    memcpy(&h, p, sizeof h);
    return (vf)(__builtin_convertvector(h, vu) << 16);
}

#ifndef VF_FROM_BYTES
INLINE vf vf_from_bytes(const void *p)
{
    vb bytes;
    memcpy(&bytes, p, sizeof bytes);
    return vf_from_int(__builtin_convertvector(bytes, vi));
}
#define VF_FROM_BYTES(p) vf_from_bytes(p)
#endif

/* Adds the upper half of the lanes to the lower half, then the upper quarter, and so on: the same order in every kernel
 * of a table. */
INLINE float vf_reduce_add(vf v)
{
    float x[LANES];
    vf_store(x, v);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            x[i] += x[i + width];
    return x[0];
}

#ifndef VF_REDUCE_ADD
#define VF_REDUCE_ADD(v) vf_reduce_add(v)
#endif

#ifndef VF_REDUCE_MAX
INLINE float vf_reduce_max(vf v)
{
    float x[LANES];
    vf_store(x, v);
    for (int i = 1; i < LANES; i++)
        x[0] = x[i] > x[0] ? x[i] : x[0];
    return x[0];
}
#define VF_REDUCE_MAX(v) vf_reduce_max(v)
#endif

#ifndef VI_MAX
#define VI_MAX(a, b) ((vi)vf_select((a) > (b), (vf)(a), (vf)(b)))
#endif

#ifndef VI_REDUCE_MAX
INLINE int32_t vi_reduce_max(vi v)
{
    int32_t max = v[0];
    for (int i = 1; i < LANES; i++)
        max = v[i] > max ? v[i] : max;
    return max;
}
#define VI_REDUCE_MAX(v) vi_reduce_max(v)
#endif

/* max|x| in two steps: first for each lane, with VI_MAX over magnitudes, then over the lanes. Compared as integers,
 * magnitudes have the same order, and a NaN is larger than all of them, so it cannot get lost. */
INLINE vi vf_magnitude(vf x)
{
    return (vi)x & vi_set(0x7fffffff);
}

INLINE float vi_largest_magnitude(vi top)
{
    const int32_t bits = VI_REDUCE_MAX(top);
    float max;
    memcpy(&max, &bits, sizeof max);
    return max;
}

#ifndef VB_REDUCE_ADD
INLINE int32_t vb_reduce_add(vb v)
{
    int32_t sum = 0;
    for (int i = 0; i < LANES; i++)
        sum += v[i];
    return sum;
}
#define VB_REDUCE_ADD(v) vb_reduce_add(v)
#endif

/* e^x within 2 ulp for x <= 0 or small positive x; 0 below -87.3, where e^x would leave the normal floats; about 3.4e38
 * above 88. With x = n ln 2 + r and |r| <= ln 2 / 2, e^r is computed by its Taylor polynomial of degree 7; the next
 * term is r^8 / 8! < 6e-9. */
INLINE vf vf_exp(vf x)
{
    const vf low = vf_set(-87.3f), high = vf_set(88.0f);
    vi normal = x > low;
    x = vf_select(normal, x, low);
    x = vf_select(x < high, x, high);
    vf n = VF_ROUND(x * vf_set(VF_LOG2_E));
    vf r = VF_FMA(n, vf_set(-0.693359375f), x); /* ln 2 in two parts, the first exact in few bits */
    r = VF_FMA(n, vf_set(2.12194440e-4f), r);
    vf p = vf_set(1.0f / 5040);
    p = VF_FMA(p, r, vf_set(1.0f / 720));
    p = VF_FMA(p, r, vf_set(1.0f / 120));
    p = VF_FMA(p, r, vf_set(1.0f / 24));
    p = VF_FMA(p, r, vf_set(1.0f / 6));
    p = VF_FMA(p, r, vf_set(0.5f));
    p = VF_FMA(p, r, vf_set(1.0f));
    p = VF_FMA(p, r, vf_set(1.0f));
    vi exponent = __builtin_convertvector(n, vi) << 23;
    return vf_select(normal, (vf)((vi)p + exponent), vf_set(0.0f));
}

/* 2^x within 2^-14 of itself, for results that are then rounded to bfloat16 or to 16 bits; 0 below -126, about 1.7e38
 * above 127. With x = n + f and |f| <= 1 / 2, 2^f is computed by its Taylor polynomial of degree 4; the next term is
 * (f ln 2)^5 / 5! < 4.2e-5. Adding 1.5 * 2^23 rounds to the whole number n, which is then in the lower bits. */
INLINE vf vf_exp2_short(vf x)
{
    const vf low = vf_set(-126.0f), high = vf_set(127.0f), magic = vf_set(12582912.0f);
    const vi normal = x > low;
    x = vf_select(x < high, VF_MAX(x, low), high);
    const vf shifted = x + magic, f = x - (shifted - magic);
    vf p = vf_set(0.00961812911f);
    p = VF_FMA(p, f, vf_set(0.0555041087f));
    p = VF_FMA(p, f, vf_set(0.240226507f));
    p = VF_FMA(p, f, vf_set(0.693147181f));
    p = VF_FMA(p, f, vf_set(1.0f));
    return vf_select(normal, (vf)((vi)p + (vi)((vu)shifted << 23)), vf_set(0.0f));
}
