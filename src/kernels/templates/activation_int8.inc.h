/* The activation format int8. A template; see vector.inc.h and rows.inc.h. */
INLINE struct quern_int8_block *int8_row(void *dst, int row, int length)
{
    return (struct quern_int8_block *)dst + (size_t)row * (size_t)(length / 32);
}

/* Quantises the block of floats in v[]. */
INLINE void quantize_block(struct quern_int8_block *dst, const vf v[32 / LANES])
{
    vi top = vf_magnitude(v[0]);
    for (int i = 1; i < 32 / LANES; i++)
        top = VI_MAX(top, vf_magnitude(v[i]));
    float max = vi_largest_magnitude(top);
    /* A block whose maximum is so small that 127 / max overflows counts as zeros. A block with a NaN gets q = 0, too,
     * but its scale is NaN. That reaches the vector, which is checked. */
    float inverse = max > 1e-30f ? 127.0f / max : 0.0f;
    dst->scale = max > 1e-30f || max != max ? max / 127.0f : 0.0f;
    int32_t halves[2] = {0, 0};
    for (int i = 0; i < 32 / LANES; i++) {
        vi q = VI_ROUND(v[i] * vf_set(inverse));
        vb bytes = __builtin_convertvector(q, vb);
        halves[i * LANES / 16] += VB_REDUCE_ADD(bytes);
        memcpy(dst->q + i * LANES, &bytes, sizeof bytes);
    }
    const int32_t total = halves[0] + halves[1];
    dst->sum = (float)total * dst->scale;
    dst->bias = (int32_t)(-128u * (uint32_t)total); /* unsigned, since NaN may overflow it */
    dst->half_block_bias = (int32_t)(-128u * (uint32_t)halves[0]);
}

static void quantize(struct quern_int8_block *dst, const float *x, int count)
{
    for (int b = 0; b < count; b += 32) {
        vf v[32 / LANES];
        for (int i = 0; i < 32 / LANES; i++)
            v[i] = vf_load(x + b + i * LANES);
        quantize_block(dst + b / 32, v);
    }
}

static void int8_write(void *dst, int row, int length, int first, const float *x, int count)
{
    quantize(int8_row(dst, row, length) + first / 32, x, count);
}

static void int8_rms_norm(void *dst, int row, const float *x, const float *weight, int length, float epsilon)
{
    struct quern_int8_block *to = int8_row(dst, row, length);
    vf factor = norm_factor(x, length, epsilon);
    for (int b = 0; b < length; b += 32) {
        vf v[32 / LANES];
        for (int i = 0; i < 32 / LANES; i++)
            v[i] = vf_load(x + b + i * LANES) * factor * vf_load(weight + b + i * LANES);
        quantize_block(to + b / 32, v);
    }
}

INLINE void int8_ffn(enum quern_ffn_kind kind, void *dst, int row, int length, int first, const float *gate,
                     const float *up, int count)
{
    struct quern_int8_block *to = int8_row(dst, row, length) + first / 32;
    for (int b = 0; b < count; b += 32) {
        vf v[32 / LANES];
        for (int i = 0; i < 32 / LANES; i++)
            v[i] = ffn_at(false, kind, gate, up, b + i * LANES);
        quantize_block(to + b / 32, v);
    }
}

DEFINE_FFN_KINDS(int8)

static void int8_split(void *dst, void *rest, int row, float *x, int length)
{
    struct quern_int8_block *to = int8_row(dst, row, length);
    quantize(to, x, length);
    for (int b = 0; b < length / 32; b++)
        for (int i = 0; i < 32; i++)
            x[b * 32 + i] -= to[b].scale * to[b].q[i];
    quantize(int8_row(rest, row, length), x, length);
}

static const struct quern_activation int8 = {
    .name = "int8", .rows_together = 1, .block_bytes = sizeof(struct quern_int8_block),
    .write = int8_write, .rms_norm = int8_rms_norm, .ffn = FFN_KINDS(int8), .split = int8_split};
