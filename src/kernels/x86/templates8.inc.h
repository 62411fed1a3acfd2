/* The templates with tiles that fit 16 registers of 256 bits. */
#define PREFETCH(p) _mm_prefetch((const char *)(p), _MM_HINT_T1)
#define F32_ROWS 3
#define INT8_ROWS 4
#define INT8_VECTORS 2
#define INT16_QUERIES 6
#define INT16_VECTORS 2
#include "kernels/templates/gemm_float32.inc.h"
#include "kernels/templates/gemm_int8.inc.h"
#include "kernels/templates/rows.inc.h"
#include "kernels/templates/activation_int8.inc.h"
#include "kernels/templates/attention_float32.inc.h"
#include "kernels/templates/attention_int16.inc.h"
#include "kernels/templates/scan.inc.h"
#include "kernels/templates/table.inc.h"
