/* NEON with sdot: four byte products an instruction and lane. */
#include "kernels/panels.h"
#include "kernels/tables.h"

#include <arm_neon.h>

#ifndef __clang__
#pragma GCC target("arch=armv8.2-a+dotprod")
#elif !defined(__ARM_FEATURE_DOTPROD)
#error "clang needs -march=armv8.2-a+dotprod for this file"
#endif

#include "kernels/arm/lanes4.inc.h"

#define DOT4(sum, w, a) ((vi)vdotq_s32((int32x4_t)(sum), (int8x16_t)(w), (int8x16_t)(a)))
#include "kernels/arm/templates4.inc.h"

const struct quern_kernels quern_kernels_dotprod =
    QUERN_TABLE("dotprod", QUERN_CPU_NEON | QUERN_CPU_DOTPROD, attention_float32);
