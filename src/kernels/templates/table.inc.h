/* The functions of the templates as a table. Before it includes this file, a table's source file may define
 *
 *   FAST_GEMM(layout)         product on the fast path for a layout of whole numbers; default: gemm_int8_##layout
 *   FAST_FLOAT_GEMM(layout)   the same for a layout of floats; default: NULL
 *   FAST_ACTIVATION           the format of activations on the fast path; default: int8
 *   PRODUCT_ROWS, FFN_ROWS    as in struct quern_kernels; default: 192
 *   SCAN_BYTES                scan.bytes of struct quern_kernels; default: scan_bytes
 *   THREAD_BEGIN, THREAD_END  as in struct quern_kernels; default: NULL */
#define PATHS(fast, exact) {[QUERN_PATH_FAST] = fast, [QUERN_PATH_EXACT] = exact}

#ifndef FAST_GEMM
#define FAST_GEMM(layout) gemm_int8_##layout
#endif
#ifndef FAST_FLOAT_GEMM
#define FAST_FLOAT_GEMM(layout) NULL
#endif

/* The packer and the products of a type of weights. */
#define DEFINE_TYPE(name, type, layout, fast)                                                                          \
    static void pack_##name(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)             \
    {                                                                                                                  \
        const struct quern_panel_order order = {PANEL_TOGETHER, PANEL_FLIP};                                           \
        quern_pack(panel, quern_panel_##layout, order, type, rows, row_bytes, length);                                 \
    }                                                                                                                  \
    static const struct quern_gemm gemm_##name = {QUERN_PANEL_##layout##_BYTES, pack_##name,                           \
                                                  PATHS(fast, gemm_float32_##layout)};

#define FLOAT_TYPE(NAME, name, number, file_type, bytes, panel)                                                        \
    DEFINE_TYPE(name, QUERN_TYPE_##NAME, panel, FAST_FLOAT_GEMM(panel))
#define BLOCK_TYPE(NAME, name, number, file_type, elements, bytes, scale, base, panel)                                 \
    DEFINE_TYPE(name, QUERN_TYPE_##NAME, panel, FAST_GEMM(panel))
#include "formats/formats.def"

static const struct quern_gemm *const gemm_of_types[QUERN_TYPES] = {
#define FLOAT_TYPE(NAME, name, ...) [QUERN_TYPE_##NAME] = &gemm_##name,
#define BLOCK_TYPE(NAME, name, ...) [QUERN_TYPE_##NAME] = &gemm_##name,
#include "formats/formats.def"
};

#ifndef FAST_ACTIVATION
#define FAST_ACTIVATION int8
#endif

/* How many rows stay in the second-level cache: 192 rows of int8 activations of 1.4 KB each, and 192 rows of gate and
 * up for the columns of two panels, 48 KB. */
#ifndef PRODUCT_ROWS
#define PRODUCT_ROWS 192
#define FFN_ROWS 192
#endif

#ifndef SCAN_BYTES
#define SCAN_BYTES scan_bytes
#endif

#ifndef THREAD_BEGIN
#define THREAD_BEGIN NULL
#define THREAD_END NULL
#endif

#define QUERN_TABLE(table_name, table_features, fast_attention)                                                        \
    {                                                                                                                  \
        .name = table_name, .features = table_features, .gemm = gemm_of_types,                                         \
        .activation = PATHS(&FAST_ACTIVATION, &float32), .attention = PATHS(&fast_attention, &attention_float32),      \
        .product_rows = PRODUCT_ROWS, .ffn_rows = FFN_ROWS, .thread_begin = THREAD_BEGIN, .thread_end = THREAD_END,    \
        .rms_norm = rms_norm, .add_norm = add_norm, .layer_norm = layer_norm, .add = add, .rope = rope,                \
        .norm_rope = norm_rope, .scan = {SCAN_BYTES, scan_bits, scan_dot_float32, scan_dot_float16}                    \
    }
