/* Tiles that fit 16 registers of 256 bits. */
#define PREFETCH(p) _mm_prefetch((const char *)(p), _MM_HINT_T1)
#define F32_ROWS 3
#define Q8_ROWS 4
#define Q8_VECTORS 2
#define INT16_QUERIES 6
#define INT16_VECTORS 2
#include "kernels/gemm_f32.inc.h"
#include "kernels/gemm_q8.inc.h"
#include "kernels/rows.inc.h"
#include "kernels/attention.inc.h"
#include "kernels/attention_f32.inc.h"
#include "kernels/attention_int16.inc.h"
#include "kernels/table.inc.h"
