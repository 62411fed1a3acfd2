/* The functions of the templates as a table. */
static const struct quern_gemm q8_0 = {QUERN_Q8_BLOCK_BYTES, PACK_Q8, gemm_q8_q8, gemm_f32_q8};
static const struct quern_gemm q4_0 = {QUERN_Q4_BLOCK_BYTES, PACK_Q4, gemm_q8_q4, gemm_f32_q4};
static const struct quern_gemm f32 = {QUERN_F32_BLOCK_BYTES, quern_pack_f32, NULL, gemm_f32_f32};
static const struct quern_gemm f16 = {QUERN_F16_BLOCK_BYTES, quern_pack_f16, NULL, gemm_f32_f16};
static const struct quern_gemm bf16 = {QUERN_F16_BLOCK_BYTES, quern_pack_f16, NULL, gemm_f32_bf16};

#define QUERN_TABLE(table_name, table_features, attention)                                                             \
    {                                                                                                                  \
        .name = table_name, .features = table_features, .gemm = {&q8_0, &q4_0, &f32, &f16, &bf16},                     \
        .attention_f32 = &attention_f32, .attention_q = &attention, .norm_f32 = norm_f32, .norm_q8 = norm_q8,          \
        .add_norm = add_norm, .norm_rope = norm_rope, .geglu_f32 = geglu_f32, .geglu_q8 = geglu_q8,                    \
        .quantize = quantize                                                                                           \
    }
