/* Any CPU: four lanes, which compilers map to what every 64-bit CPU has. */
#include "kernels/pack.h"
#include "kernels/tables.h"

#define LANES 4
#define VF_FMA(a, b, c) ((a) * (b) + (c))
#define VF_MAX(a, b) vf_select((vi)((a) > (b)), a, b)
#include "kernels/vector.inc.h"


INLINE vi dot4(vi sum, vi w, vi a)
{
    vi even = ((w << 24) >> 24) * ((a << 24) >> 24) + ((w << 16) >> 24) * ((a << 16) >> 24);
    vi odd = ((w << 8) >> 24) * ((a << 8) >> 24) + (w >> 24) * (a >> 24);
    return sum + even + odd;
}

#define DOT4(sum, w, a) dot4(sum, w, a)
#define PREFETCH(p) ((void)(p))
#define PREFETCH_AHEAD 0
#define PANEL_Q8_FLIP 0
#define F32_ROWS 2
#define Q8_ROWS 2
#define Q8_VECTORS 2
#include "kernels/gemm_f32.inc.h"
#include "kernels/gemm_q8.inc.h"
#include "kernels/rows.inc.h"
#include "kernels/attention.inc.h"
#include "kernels/attention_f32.inc.h"
#include "kernels/table.inc.h"

const struct quern_kernels quern_kernels_portable = QUERN_TABLE("portable", 0, attention_f32);
