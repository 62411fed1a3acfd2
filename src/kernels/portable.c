/* For any CPU: four lanes, which compilers map to the vector instructions that every 64-bit CPU has. */
#include "kernels/panels.h"
#include "kernels/tables.h"

#define LANES 4
#define VF_FMA(a, b, c) ((a) * (b) + (c))
#define VF_MAX(a, b) vf_select((vi)((a) > (b)), a, b)
#include "kernels/templates/vector.inc.h"

typedef int16_t vs8 __attribute__((vector_size(16)));

/* A product of signed bytes fits 16 bits, and so does a sum of two of them: it is at most 2 * 128 * 127 = 32512. */
INLINE vi dot4(vi sum, vi w, vi a)
{
    vs8 x = (vs8)w, y = (vs8)a;
    vi pairs = (vi)(((x << 8) >> 8) * ((y << 8) >> 8) + (x >> 8) * (y >> 8));
    return sum + ((pairs << 16) >> 16) + (pairs >> 16);
}

#define DOT4(sum, w, a) dot4(sum, w, a)
#define PREFETCH(p) ((void)(p))
#define PANEL_FLIP 0
#define F32_ROWS 2
#define INT8_ROWS 2
#define INT8_VECTORS 2
#include "kernels/templates/gemm_float32.inc.h"
#include "kernels/templates/gemm_int8.inc.h"
#include "kernels/templates/rows.inc.h"
#include "kernels/templates/activation_int8.inc.h"
#include "kernels/templates/attention_float32.inc.h"
#include "kernels/templates/scan.inc.h"
#include "kernels/templates/table.inc.h"

const struct quern_kernels quern_kernels_portable = QUERN_TABLE("portable", 0, attention_float32);
