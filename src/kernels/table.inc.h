/* The functions of the templates as a table. */
#define PATHS(fast, exact) {[QUERN_PATH_FAST] = fast, [QUERN_PATH_EXACT] = exact}

static const struct quern_gemm q8_0 = {QUERN_BLOCK_BYTES(QUERN_FORM_Q8_0), PACK_Q8, PATHS(gemm_q8_q8, gemm_f32_q8)};
static const struct quern_gemm q4_0 = {QUERN_BLOCK_BYTES(QUERN_FORM_Q4_0), PACK_Q4, PATHS(gemm_q8_q4, gemm_f32_q4)};
static const struct quern_gemm iq4_nl = {QUERN_BLOCK_BYTES(QUERN_FORM_NL), PACK_Q4, PATHS(gemm_q8_nl, gemm_f32_nl)};
static const struct quern_gemm f32 = {QUERN_BLOCK_BYTES(QUERN_FORM_F32), quern_pack_f32, PATHS(NULL, gemm_f32_f32)};
static const struct quern_gemm f16 = {QUERN_BLOCK_BYTES(QUERN_FORM_F16), quern_pack_f16, PATHS(NULL, gemm_f32_f16)};
static const struct quern_gemm bf16 = {QUERN_BLOCK_BYTES(QUERN_FORM_BF16), quern_pack_f16, PATHS(NULL, gemm_f32_bf16)};

#define DEFINE_SMALL(name, type, form, run_q8, run_f32)                                                                \
    static void pack_##name(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)             \
    {                                                                                                                  \
        quern_pack_small(panel, type, form, PANEL_TOGETHER, rows, row_bytes, length);                                  \
    }                                                                                                                  \
    static const struct quern_gemm name = {QUERN_BLOCK_BYTES(form), pack_##name, PATHS(run_q8, run_f32)};

DEFINE_SMALL(q4_1, QUERN_TYPE_Q4_1, QUERN_FORM_U4, gemm_q8_u4, gemm_f32_u4)
DEFINE_SMALL(q5_0, QUERN_TYPE_Q5_0, QUERN_FORM_U5, gemm_q8_u5, gemm_f32_u5)
DEFINE_SMALL(q5_1, QUERN_TYPE_Q5_1, QUERN_FORM_U5, gemm_q8_u5, gemm_f32_u5)
DEFINE_SMALL(q2_k, QUERN_TYPE_Q2_K, QUERN_FORM_U2, gemm_q8_u2, gemm_f32_u2)
DEFINE_SMALL(q3_k, QUERN_TYPE_Q3_K, QUERN_FORM_S6, gemm_q8_s6, gemm_f32_s6)
DEFINE_SMALL(q4_k, QUERN_TYPE_Q4_K, QUERN_FORM_U4, gemm_q8_u4, gemm_f32_u4)
DEFINE_SMALL(q5_k, QUERN_TYPE_Q5_K, QUERN_FORM_U5, gemm_q8_u5, gemm_f32_u5)
DEFINE_SMALL(q6_k, QUERN_TYPE_Q6_K, QUERN_FORM_S6, gemm_q8_s6, gemm_f32_s6)

/* Initializers of .gemm */
#define GEMM_OF_FLOATS [QUERN_TYPE_F32] = &f32, [QUERN_TYPE_F16] = &f16, [QUERN_TYPE_BF16] = &bf16
#define GEMM_OF_BLOCKS                                                                                                 \
    [QUERN_TYPE_Q4_0] = &q4_0, [QUERN_TYPE_Q4_1] = &q4_1, [QUERN_TYPE_Q5_0] = &q5_0, [QUERN_TYPE_Q5_1] = &q5_1,        \
    [QUERN_TYPE_Q8_0] = &q8_0, [QUERN_TYPE_Q2_K] = &q2_k, [QUERN_TYPE_Q3_K] = &q3_k, [QUERN_TYPE_Q4_K] = &q4_k,        \
    [QUERN_TYPE_Q5_K] = &q5_k, [QUERN_TYPE_Q6_K] = &q6_k, [QUERN_TYPE_IQ4_NL] = &iq4_nl

/* Activations of a tile of rows that stay in the second-level cache: 192 rows of 1.4 KB. Gate and up: 192 rows of two
 * panels' columns, 48 KB. */
#define QUERN_TABLE(table_name, table_features, fast_attention)                                                        \
    {                                                                                                                  \
        .name = table_name, .features = table_features, .gemm = {GEMM_OF_FLOATS, GEMM_OF_BLOCKS},                      \
        .activation = PATHS(&int8, &float32), .attention = PATHS(&fast_attention, &attention_f32),                     \
        .product_rows = 192, .ffn_rows = 192, .rms_norm = rms_norm, .add_norm = add_norm, .layer_norm = layer_norm,    \
        .add = add, .rope = rope, .norm_rope = norm_rope                                                               \
    }
