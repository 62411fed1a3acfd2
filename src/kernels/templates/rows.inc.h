/* Kernels over one row: norms, rotation, and the activation functions of feed-forward layers. Results are float32 or in
 * an activation format. A template; see vector.inc.h. */

INLINE float mean_square(const float *x, int length)
{
    vf a = vf_set(0.0f), b = a; /* two chains, since an addition waits for the one before it */
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

/* ---------------------------------------------------------------- float32 */

static void rms_norm(float *dst, const float *x, const float *weight, int length, float epsilon)
{
    vf factor = norm_factor(x, length, epsilon);
    for (int i = 0; i < length; i += LANES)
        vf_store(dst + i, vf_load(x + i) * factor * vf_load(weight + i));
}

static void add_norm(float *x, const float *y, const float *weight, int length, float epsilon)
{
    vf factor = norm_factor(y, length, epsilon);
    for (int i = 0; i < length; i += LANES)
        vf_store(x + i, VF_FMA(vf_load(y + i) * factor, vf_load(weight + i), vf_load(x + i)));
}

static void layer_norm(float *dst, const float *x, const float *weight, const float *bias, int length, float epsilon)
{
    vf a = vf_set(0.0f), b = a;
    for (int i = 0; i < length; i += 32)
        for (int j = 0; j < 32; j += 2 * LANES) {
            a += vf_load(x + i + j);
            b += vf_load(x + i + j + LANES);
        }
    const vf mean = vf_set(VF_REDUCE_ADD(a + b) / (float)length);
    for (int i = 0; i < length; i += LANES)
        vf_store(dst + i, vf_load(x + i) - mean);
    const vf factor = norm_factor(dst, length, epsilon);
    for (int i = 0; i < length; i += LANES)
        vf_store(dst + i, VF_FMA(vf_load(dst + i) * factor, vf_load(weight + i),
                                 bias != NULL ? vf_load(bias + i) : vf_set(0.0f)));
}

static void add(float *x, const float *y, int length)
{
    for (int i = 0; i < length; i += LANES)
        vf_store(x + i, vf_load(x + i) + vf_load(y + i));
}

/* Rotates the pairs a, b by the angles of c (cosine) and s (sine). */
INLINE void rotate(float *at_a, float *at_b, vf a, vf b, vf c, vf s)
{
    vf_store(at_a, VF_FMA(a, c, -(b * s)));
    vf_store(at_b, VF_FMA(a, s, b * c));
}

static void rope(float *x, const float *cosine, const float *sine, int length)
{
    const int half = length / 2; /* at least 16: the widest vector */
    for (int i = 0; i < half; i += LANES)
        rotate(x + i, x + half + i, vf_load(x + i), vf_load(x + half + i), vf_load(cosine + i), vf_load(sine + i));
}

static void norm_rope(float *x, const float *weight, const float *cosine, const float *sine, int length, float epsilon)
{
    const int half = length / 2;
    vf factor = norm_factor(x, length, epsilon);
    for (int i = 0; i < half; i += LANES) {
        vf a = vf_load(x + i) * factor * vf_load(weight + i);
        vf b = vf_load(x + half + i) * factor * vf_load(weight + half + i);
        rotate(x + i, x + half + i, a, b, vf_load(cosine + i), vf_load(sine + i));
    }
}

/* z / 2 * (1 + tanh(t)) = z / (1 + e^(-2 t)), with t = sqrt(2 / pi) * (z + 0.044715 z^3) */
INLINE vf gelu_tanh(vf z)
{
    const vf a = vf_set(-2 * 0.7978845608f), b = vf_set(-2 * 0.7978845608f * 0.044715f);
    vf t = z * VF_FMA(z * z, b, a);
    return z * VF_RECIPROCAL(vf_set(1.0f) + vf_exp(t));
}

/* The same within 2^-12 of itself, with 2^(t log2 e) instead of e^t. */
INLINE vf gelu_tanh_short(vf z)
{
    const vf a = vf_set(-2 * 0.7978845608f * VF_LOG2_E), b = vf_set(-2 * 0.7978845608f * 0.044715f * VF_LOG2_E);
    const vf t = z * VF_FMA(z * z, b, a);
    return z * VF_RECIPROCAL_SHORT(vf_set(1.0f) + vf_exp2_short(t));
}

/* z / 2 * (1 + erf(z / sqrt(2))) = z q(|z|) for z < 0 and z (1 - q(z)) for z >= 0, where q(a) = erfc(a / sqrt(2)) / 2.
 * With t = 4 / (4 + a), q(a) = e^(-a^2 / 2) t p(t). The polynomial p was fitted by least squares at Chebyshev nodes for
 * 0 <= a <= 13.5, where its relative error is below 2e-8. For larger a, e^(-a^2 / 2) is 0 in float32, also where the
 * square overflows. */
INLINE vf gelu_erf(vf z)
{
    const vf a = (vf)vf_magnitude(z), t = VF_RECIPROCAL(VF_FMA(a, vf_set(0.25f), vf_set(1.0f)));
    vf p = vf_set(0.0165063292f);
    p = VF_FMA(p, t, vf_set(-0.0623418465f));
    p = VF_FMA(p, t, vf_set(0.0504533239f));
    p = VF_FMA(p, t, vf_set(0.0302492809f));
    p = VF_FMA(p, t, vf_set(0.0109982239f));
    p = VF_FMA(p, t, vf_set(0.0877039433f));
    p = VF_FMA(p, t, vf_set(0.0715865940f));
    p = VF_FMA(p, t, vf_set(0.0956167877f));
    p = VF_FMA(p, t, vf_set(0.0994786397f));
    p = VF_FMA(p, t, vf_set(0.0997487232f));
    const vf q = vf_exp(a * a * vf_set(-0.5f)) * t * p;
    return z * vf_select((vi)(z < vf_set(0.0f)), q, vf_set(1.0f) - q);
}

INLINE vf silu(vf z)
{
    return z * VF_RECIPROCAL(vf_set(1.0f) + vf_exp(-z));
}

/* The same within 2^-12 of itself. */
INLINE vf silu_short(vf z)
{
    return z * VF_RECIPROCAL_SHORT(vf_set(1.0f) + vf_exp2_short(z * vf_set(-1.44269504f)));
}

/* LANES results of a feed-forward layer's activation function, from element i on. is_short: those that have a form
 * within 2^-12 take it. */
INLINE vf ffn_at(bool is_short, enum quern_ffn_kind kind, const float *gate, const float *up, int i)
{
    const vf z = vf_load(gate + i);
    switch (kind) {
    case QUERN_FFN_GEGLU_TANH: return (is_short ? gelu_tanh_short(z) : gelu_tanh(z)) * vf_load(up + i);
    case QUERN_FFN_GELU_ERF: return gelu_erf(z);
    case QUERN_FFN_GEGLU_ERF: return gelu_erf(z) * vf_load(up + i);
    default: return (is_short ? silu_short(z) : silu(z)) * vf_load(up + i); /* SWIGLU */
    }
}

/* The functions of a format for every kind, made from FORMAT_ffn, which has the kind as its first parameter. */
#define DEFINE_FFN(format, name, kind)                                                                                 \
    static void format##_##name(void *dst, int row, int length, int first, const float *gate, const float *up,         \
                                int count)                                                                             \
    {                                                                                                                  \
        format##_ffn(kind, dst, row, length, first, gate, up, count);                                                  \
    }
#define DEFINE_FFN_KINDS(format)                                                                                       \
    DEFINE_FFN(format, geglu_tanh, QUERN_FFN_GEGLU_TANH)                                                               \
    DEFINE_FFN(format, gelu_erf, QUERN_FFN_GELU_ERF)                                                                   \
    DEFINE_FFN(format, geglu_erf, QUERN_FFN_GEGLU_ERF)                                                                 \
    DEFINE_FFN(format, swiglu, QUERN_FFN_SWIGLU)
#define FFN_KINDS(format)                                                                                              \
    {[QUERN_FFN_GEGLU_TANH] = format##_geglu_tanh, [QUERN_FFN_GELU_ERF] = format##_gelu_erf,                           \
     [QUERN_FFN_GEGLU_ERF] = format##_geglu_erf, [QUERN_FFN_SWIGLU] = format##_swiglu}

/* ---------------------------------------------------------------- rows of floats */

INLINE float *float32_row(void *dst, int row, int length)
{
    return (float *)dst + (size_t)row * (size_t)length;
}

static void float32_write(void *dst, int row, int length, int first, const float *x, int count)
{
    memcpy(float32_row(dst, row, length) + first, x, (size_t)count * sizeof *x);
}

static void float32_rms_norm(void *dst, int row, const float *x, const float *weight, int length, float epsilon)
{
    rms_norm(float32_row(dst, row, length), x, weight, length, epsilon);
}

INLINE void float32_ffn(enum quern_ffn_kind kind, void *dst, int row, int length, int first, const float *gate,
                        const float *up, int count)
{
    float *to = float32_row(dst, row, length) + first;
    for (int i = 0; i < count; i += LANES)
        vf_store(to + i, ffn_at(false, kind, gate, up, i));
}

DEFINE_FFN_KINDS(float32)

static const struct quern_activation float32 = {
    .name = "float32", .rows_together = 1, .block_bytes = 32 * sizeof(float),
    .write = float32_write, .rms_norm = float32_rms_norm, .ffn = FFN_KINDS(float32)};
