/* AVX2 with the 256-bit dot products of AVX-VNNI: 8 lanes, 16 registers. */
#include "kernels/panels.h"
#include "kernels/tables.h"

#include <immintrin.h>

#define TARGET "avx2,fma,f16c,avxvnni"
#include "kernels/x86/target.h"
TARGET_BEGIN

#include "kernels/x86/lanes8.inc.h"

#define DOT4(sum, w, a) ((vi)_mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(w), (__m256i)(a)))
#define DOT2(sum, a, b) ((vi)_mm256_dpwssd_avx_epi32((__m256i)(sum), (__m256i)(a), (__m256i)(b)))
#define PANEL_FLIP 0x80
#include "kernels/x86/templates8.inc.h"

TARGET_END

const struct quern_kernels quern_kernels_avxvnni =
    QUERN_TABLE("avxvnni", QUERN_CPU_AVX2 | QUERN_CPU_AVXVNNI, attention_int16);
