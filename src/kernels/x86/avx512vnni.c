/* AVX-512 with VNNI: 16 lanes, 32 registers, four byte products or two 16-bit products an instruction and lane. */
#include "kernels/panels.h"
#include "kernels/tables.h"

#include <immintrin.h>

#define TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"
#include "kernels/x86/target.h"
TARGET_BEGIN

#include "kernels/x86/lanes16.inc.h"

#define DOT4(sum, w, a) ((vi)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(w), (__m512i)(a)))
#define DOT2(sum, a, b) ((vi)_mm512_dpwssd_epi32((__m512i)(sum), (__m512i)(a), (__m512i)(b)))
#define PREFETCH(p) _mm_prefetch((const char *)(p), _MM_HINT_T1)
#define PANEL_FLIP 0x80
#define F32_ROWS 8
#define INT8_ROWS 6
#define INT8_VECTORS 2
#define INT16_QUERIES 12
#define INT16_VECTORS 2
#include "kernels/templates/gemm_float32.inc.h"
#include "kernels/templates/gemm_int8.inc.h"
#include "kernels/templates/rows.inc.h"
#include "kernels/templates/activation_int8.inc.h"
#include "kernels/templates/attention_float32.inc.h"
#include "kernels/templates/attention_int16.inc.h"
#include "kernels/templates/scan.inc.h"
#include "kernels/templates/table.inc.h"

TARGET_END

const struct quern_kernels quern_kernels_avx512vnni =
    QUERN_TABLE("avx512vnni", QUERN_CPU_AVX2 | QUERN_CPU_AVX512VNNI, attention_int16);
