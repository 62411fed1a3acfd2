#include "kernels/spec.h"

#include "base/half.h"

#include <math.h>

static uint16_t get16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static int raw_bytes(enum quern_form form)
{
    return form == QUERN_FORM_Q8_0 ? 34 : 18;
}

/* GGUF: a block of Q8_0 is a half scale and 32 signed bytes; one of Q4_0 a half scale and 16 bytes, of which byte i holds
 * elements i (low nibble) and i + 16 (high nibble) plus 8. */
static int integer_weight(enum quern_form form, const unsigned char *block, int k)
{
    if (form == QUERN_FORM_Q8_0)
        return (int8_t)block[2 + k];
    return (k < 16 ? block[2 + k] & 15 : block[2 + k - 16] >> 4) - 8;
}

void quern_spec_weights(double *w, enum quern_form form, const unsigned char *row, int length)
{
    for (int k = 0; k < length; k++) {
        const unsigned char *block = row + (size_t)(k / 32) * (size_t)raw_bytes(form);
        switch (form) {
        case QUERN_FORM_F32:
            w[k] = quern_bits_to_float(get16(row + (size_t)k * 4) | (uint32_t)get16(row + (size_t)k * 4 + 2) << 16);
            break;
        case QUERN_FORM_F16: w[k] = quern_half_to_float(get16(row + (size_t)k * 2)); break;
        case QUERN_FORM_BF16: w[k] = quern_bits_to_float((uint32_t)get16(row + (size_t)k * 2) << 16); break;
        default: w[k] = (double)quern_half_to_float(get16(block)) * integer_weight(form, block, k % 32);
        }
    }
}

double quern_spec_product_q8(const struct quern_q8 *a, enum quern_form form, const unsigned char *row, int length,
                             double *magnitude)
{
    double sum = 0;
    *magnitude = 0;
    for (int b = 0; b < length / 32; b++) {
        const unsigned char *block = row + (size_t)b * (size_t)raw_bytes(form);
        int dot = 0;
        for (int k = 0; k < 32; k++)
            dot += a[b].q[k] * integer_weight(form, block, k);
        const double part = (double)a[b].scale * quern_half_to_float(get16(block)) * dot;
        sum += part;
        *magnitude += fabs(part);
    }
    return sum;
}

double quern_spec_product_f32(const float *a, const double *w, int length, double *magnitude)
{
    double sum = 0;
    *magnitude = 0;
    for (int k = 0; k < length; k++) {
        sum += a[k] * w[k];
        *magnitude += fabs(a[k] * w[k]);
    }
    return sum;
}

/* Softmax attention (Vaswani et al. 2017) with a window around the query's token. */
void quern_spec_attention(double *out, double *weights, const struct quern_spec_attention *job, int row)
{
    const size_t d = (size_t)job->dimensions;
    const int token = row / job->group;
    const float *query = job->queries + (size_t)token * job->token_stride + (size_t)(row % job->group) * d;
    double max = -INFINITY, sum = 0;

    for (int j = 0; j < job->tokens; j++) {
        weights[j] = -INFINITY;
        if (token - j > job->window || j - token > job->window)
            continue;
        weights[j] = 0;
        for (size_t i = 0; i < d; i++)
            weights[j] += (double)query[i] * job->keys[(size_t)j * job->stride + i];
        weights[j] *= job->scale;
        max = fmax(max, weights[j]);
    }
    for (int j = 0; j < job->tokens; j++)
        sum += weights[j] = exp(weights[j] - max);
    for (size_t i = 0; i < d; i++)
        out[i] = 0;
    for (int j = 0; j < job->tokens; j++) {
        weights[j] /= sum;
        for (size_t i = 0; i < d && weights[j] > 0; i++)
            out[i] += weights[j] * job->values[(size_t)j * job->stride + i];
    }
}

/* RMSNorm (Zhang and Sennrich 2019) */
void quern_spec_norm(double *dst, const float *x, const float *weight, int length, double epsilon)
{
    double sum = 0;
    for (int i = 0; i < length; i++)
        sum += (double)x[i] * x[i];
    for (int i = 0; i < length; i++)
        dst[i] = x[i] / sqrt(sum / length + epsilon) * weight[i];
}

/* Rotary position embedding (Su et al. 2021), pairs half a head apart */
void quern_spec_norm_rope(double *dst, const float *x, const float *weight, const float *cosine, const float *sine,
                          int length, double epsilon)
{
    const int half = length / 2;
    quern_spec_norm(dst, x, weight, length, epsilon);
    for (int i = 0; i < half; i++) {
        const double a = dst[i], b = dst[half + i];
        dst[i] = a * cosine[i] - b * sine[i];
        dst[half + i] = a * sine[i] + b * cosine[i];
    }
}

/* GEGLU (Shazeer 2020) with the tanh form of GELU (Hendrycks and Gimpel 2016). 1 + tanh(t) = 2 / (1 + e^(-2 t)) keeps its
 * digits where tanh is near -1. */
void quern_spec_geglu(double *dst, const float *gate, const float *up, int length)
{
    for (int i = 0; i < length; i++) {
        const double z = gate[i], t = sqrt(2 / 3.14159265358979323846) * (z + 0.044715 * z * z * z);
        dst[i] = z / (1 + exp(-2 * t)) * up[i];
    }
}

double quern_spec_quantize(double q[QUERN_BLOCK], const double x[QUERN_BLOCK])
{
    double max = 0;
    for (int i = 0; i < QUERN_BLOCK; i++)
        max = fmax(max, fabs(x[i]));
    const double scale = max > 1e-30 ? max / 127 : 0;
    for (int i = 0; i < QUERN_BLOCK; i++)
        q[i] = scale > 0 ? x[i] / scale : 0;
    return scale;
}
