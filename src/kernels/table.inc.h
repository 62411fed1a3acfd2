/* The functions of the templates as a table. */
#define QUERN_TABLE(table_name, table_features, attention)                                                             \
    {                                                                                                                  \
        .name = table_name, .features = table_features, .gemm = {&q8_0, &q4_0, &f32, &f16, &bf16},                     \
        .attention_f32 = &attention_f32, .attention_q = &attention, .norm_f32 = norm_f32, .norm_q8 = norm_q8,          \
        .add_norm = add_norm, .norm_rope = norm_rope, .geglu_f32 = geglu_f32, .geglu_q8 = geglu_q8,                    \
        .quantize = quantize                                                                                           \
    }
