/* Kernels over one row at a time: norms, rotation, GeGLU, quantisation. A template; see vector.inc.h. */

INLINE float mean_square(const float *x, int length)
{
    vf a = vf_set(0.0f), b = a; /* two chains, since one addition waits for the last */
    for (int i = 0; i < length; i += 32)
        for (int j = 0; j < 32; j += 2 * LANES) {
            vf u = vf_load(x + i + j), v = vf_load(x + i + j + LANES);
            a = VF_FMA(u, u, a);
            b = VF_FMA(v, v, b);
        }
    return VF_REDUCE_ADD(a + b) / (float)length;
}

INLINE vf norm_factor(const float *x, int length, float epsilon)
{
    return vf_set(1.0f / sqrtf(mean_square(x, length) + epsilon));
}

/* Quantises the block of floats in v[]. */
INLINE void quantize_block(struct quern_q8 *dst, const vf v[32 / LANES])
{
    vi top = vf_magnitude(v[0]);
    for (int i = 1; i < 32 / LANES; i++)
        top = VI_MAX(top, vf_magnitude(v[i]));
    float max = vi_largest_magnitude(top);
    /* A maximum so small that 127 / max overflows is a block of zeros for all purposes; so is one of NaN, which the
     * engine reports when it checks the vector: its scale carries it there. */
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
    dst->bias = (int32_t)(-128u * (uint32_t)total); /* NaN may overflow it */
    dst->half = (int32_t)(-128u * (uint32_t)halves[0]);
}

static void quantize(struct quern_q8 *dst, const float *x, int length)
{
    for (int b = 0; b < length; b += 32) {
        vf v[32 / LANES];
        for (int i = 0; i < 32 / LANES; i++)
            v[i] = vf_load(x + b + i * LANES);
        quantize_block(dst + b / 32, v);
    }
}

static void norm_f32(float *dst, const float *x, const float *weight, int length, float epsilon)
{
    vf factor = norm_factor(x, length, epsilon);
    for (int i = 0; i < length; i += LANES)
        vf_store(dst + i, vf_load(x + i) * factor * vf_load(weight + i));
}

static void norm_q8(struct quern_q8 *dst, const float *x, const float *weight, int length, float epsilon)
{
    vf factor = norm_factor(x, length, epsilon);
    for (int b = 0; b < length; b += 32) {
        vf v[32 / LANES];
        for (int i = 0; i < 32 / LANES; i++)
            v[i] = vf_load(x + b + i * LANES) * factor * vf_load(weight + b + i * LANES);
        quantize_block(dst + b / 32, v);
    }
}

static void add_norm(float *x, const float *y, const float *weight, int length, float epsilon)
{
    vf factor = norm_factor(y, length, epsilon);
    for (int i = 0; i < length; i += LANES)
        vf_store(x + i, VF_FMA(vf_load(y + i) * factor, vf_load(weight + i), vf_load(x + i)));
}

static void norm_rope(float *x, const float *weight, const float *cosine, const float *sine, int length, float epsilon)
{
    const int half = length / 2; /* at least 16 = the widest vector */
    vf factor = norm_factor(x, length, epsilon);
    for (int i = 0; i < half; i += LANES) {
        vf a = vf_load(x + i) * factor * vf_load(weight + i);
        vf b = vf_load(x + half + i) * factor * vf_load(weight + half + i);
        vf c = vf_load(cosine + i), s = vf_load(sine + i);
        vf_store(x + i, VF_FMA(a, c, -(b * s)));
        vf_store(x + half + i, VF_FMA(a, s, b * c));
    }
}

/* z / 2 * (1 + tanh(t)) = z / (1 + e^(-2 t)), with t = sqrt(2 / pi) * (z + 0.044715 z^3) */
INLINE vf gelu(vf z)
{
    const vf a = vf_set(-2 * 0.7978845608f), b = vf_set(-2 * 0.7978845608f * 0.044715f);
    vf t = z * VF_FMA(z * z, b, a);
    return z * VF_RECIPROCAL(vf_set(1.0f) + vf_exp(t));
}

static void geglu_f32(float *dst, const float *gate, const float *up, int length)
{
    for (int i = 0; i < length; i += LANES)
        vf_store(dst + i, gelu(vf_load(gate + i)) * vf_load(up + i));
}

static void geglu_q8(struct quern_q8 *dst, const float *gate, const float *up, int length)
{
    for (int b = 0; b < length; b += 32) {
        vf v[32 / LANES];
        for (int i = 0; i < 32 / LANES; i++)
            v[i] = gelu(vf_load(gate + b + i * LANES)) * vf_load(up + b + i * LANES);
        quantize_block(dst + b / 32, v);
    }
}
