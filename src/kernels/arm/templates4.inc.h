/* The templates with tiles that fit 32 registers of 128 bits. Attention is in float32, which is the fastest here:
 * 16-bit products would take two instructions for as many lanes. */
#define PREFETCH(p) __builtin_prefetch(p)
#define PANEL_FLIP 0
#define F32_ROWS 4
#define INT8_ROWS 6
#define INT8_VECTORS 2
#include "kernels/templates/gemm_float32.inc.h"
#include "kernels/templates/gemm_int8.inc.h"
#include "kernels/templates/rows.inc.h"
#include "kernels/templates/activation_int8.inc.h"
#include "kernels/templates/attention_float32.inc.h"
#include "kernels/templates/scan.inc.h"
#include "kernels/templates/table.inc.h"
