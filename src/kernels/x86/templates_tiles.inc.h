/* A table on tiles of bfloat16, made from the operations of tiles and from vectors of 16 floats. Activations of 512
 * rows, 768 KB, stay in a second-level cache of 2 MB, and so do 512 rows of gate and up, 128 KB. */
#define PANEL_FLIP 0x80
#define F32_ROWS 4
#define PRODUCT_ROWS 512
#define FFN_ROWS 512
#include "kernels/templates/gemm_float32.inc.h"
#include "kernels/templates/rows.inc.h"
#include "kernels/templates/gemm_bfloat16.inc.h"
#include "kernels/templates/attention_float32.inc.h"
#include "kernels/templates/attention_bfloat16.inc.h"
#include "kernels/templates/scan.inc.h"
#include "kernels/templates/scan_tiles.inc.h"

#define FAST_GEMM(layout) gemm_bfloat16_##layout
#define FAST_FLOAT_GEMM(layout) gemm_bfloat16_##layout
#define FAST_ACTIVATION bfloat16
#define SCAN_BYTES scan_bytes_tiled
#define THREAD_BEGIN begin_tiles
#define THREAD_END end_tiles
#include "kernels/templates/table.inc.h"
