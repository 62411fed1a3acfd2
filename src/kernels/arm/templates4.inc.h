/* Tiles that fit 32 registers of 128 bits. Attention in float32 is the fastest here: a 16-bit product and its sum take
 * two instructions for as many lanes. */
#define PREFETCH(p) __builtin_prefetch(p)
#define PANEL_Q8_FLIP 0
#define F32_ROWS 4
#define Q8_ROWS 6
#define Q8_VECTORS 2
#include "kernels/gemm_f32.inc.h"
#include "kernels/gemm_q8.inc.h"
#include "kernels/rows.inc.h"
#include "kernels/attention.inc.h"
#include "kernels/attention_f32.inc.h"
#include "kernels/table.inc.h"
