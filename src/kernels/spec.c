#include "kernels/spec.h"

#include "formats/half.h"

#include <math.h>

static uint16_t get16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static double half_at(const unsigned char *p)
{
    return quern_half_to_float(get16(p));
}

/* scale * q + minimum */
struct weight {
    double scale, minimum;
    int q;
};

/* Weight i of a block of 32, by the layouts of the GGML project. In all of them byte i of 16 holds the low four bits of
 * elements i (low nibble) and i + 16 (high nibble); bit i of four bytes is worth 16 in element i. */
static struct weight weight_of_32(enum quern_type type, const unsigned char *block, int i)
{
    static const int8_t table[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    const double d = half_at(block), m = half_at(block + 2);
#define NIBBLE(at) ((at)[i % 16] >> i / 16 * 4 & 15)
#define FIFTH(at) (((at)[i / 8] >> i % 8 & 1) * 16)
    switch (type) {
    case QUERN_TYPE_Q8_0: return (struct weight){d, 0, (int8_t)block[2 + i]};
    case QUERN_TYPE_Q4_0: return (struct weight){d, 0, NIBBLE(block + 2) - 8};
    case QUERN_TYPE_IQ4_NL: return (struct weight){d, 0, table[NIBBLE(block + 2)]};
    case QUERN_TYPE_Q4_1: return (struct weight){d, m, NIBBLE(block + 4)};
    case QUERN_TYPE_Q5_0: return (struct weight){d, -16 * d, NIBBLE(block + 6) + FIFTH(block + 2)};
    default: return (struct weight){d, m, NIBBLE(block + 8) + FIFTH(block + 4)}; /* Q5_1 */
    }
#undef NIBBLE
#undef FIFTH
}

/* Weight i of a block of 256, in groups s of 32 or j of 16. */
static struct weight weight_of_256(enum quern_type type, const unsigned char *block, int i)
{
    const int s = i / 32, j = i / 16, l = i % 32;
#define TWO_BITS(at) ((at)[i / 128 * 32 + l] >> 2 * (s % 4) & 3)
#define NIBBLE(at) ((at)[s / 2 * 32 + l] >> 4 * (s % 2) & 15)
    if (type == QUERN_TYPE_Q2_K) {
        const double d = half_at(block + 80), m = half_at(block + 82);
        return (struct weight){d * (block[j] & 15), -m * (block[j] >> 4), TWO_BITS(block + 16)};
    }
    if (type == QUERN_TYPE_Q3_K) {
        const unsigned char *factors = block + 96;
        const int low = factors[j % 8] >> j / 8 * 4 & 15, high = factors[8 + j % 4] >> 2 * (j / 4) & 3;
        return (struct weight){half_at(block + 108) * (low + 16 * high - 32), 0,
                               TWO_BITS(block + 32) - 4 * !(block[l] >> s & 1)};
    }
    if (type == QUERN_TYPE_Q6_K) {
        const int low = block[i / 128 * 64 + i % 64] >> i % 128 / 64 * 4 & 15;
        return (struct weight){half_at(block + 208) * (int8_t)block[192 + j], 0, low + 16 * TWO_BITS(block + 128) - 32};
    }
    const double d = half_at(block), m = half_at(block + 2); /* Q4_K, Q5_K */
    const unsigned char *six = block + 4;
    const int factor = s < 4 ? six[s] & 63 : (six[s + 4] & 15) + (six[s - 4] >> 6) * 16;
    const int shift = s < 4 ? six[s + 4] & 63 : (six[s + 4] >> 4) + (six[s] >> 6) * 16;
    const int q = type == QUERN_TYPE_Q4_K ? NIBBLE(block + 16) : NIBBLE(block + 48) + (block[16 + l] >> s & 1) * 16;
    return (struct weight){d * factor, -m * shift, q};
#undef TWO_BITS
#undef NIBBLE
}

static struct weight weight_at(enum quern_type type, const unsigned char *row, int k)
{
    static const int bytes[QUERN_TYPES] = {
        [QUERN_TYPE_Q4_0] = 18, [QUERN_TYPE_Q4_1] = 20, [QUERN_TYPE_Q5_0] = 22,  [QUERN_TYPE_Q5_1] = 24,
        [QUERN_TYPE_Q8_0] = 34, [QUERN_TYPE_Q2_K] = 84, [QUERN_TYPE_Q3_K] = 110, [QUERN_TYPE_Q4_K] = 144,
        [QUERN_TYPE_Q5_K] = 176, [QUERN_TYPE_Q6_K] = 210, [QUERN_TYPE_IQ4_NL] = 18};
    if (bytes[type] > 34)
        return weight_of_256(type, row + k / 256 * bytes[type], k % 256);
    return weight_of_32(type, row + k / 32 * bytes[type], k % 32);
}

void quern_spec_weights(double *w, enum quern_type type, const unsigned char *row, int length)
{
    for (int k = 0; k < length; k++) {
        struct weight weight;
        switch (type) {
        case QUERN_TYPE_F32:
            w[k] = quern_bits_to_float(get16(row + (size_t)k * 4) | (uint32_t)get16(row + (size_t)k * 4 + 2) << 16);
            break;
        case QUERN_TYPE_F16: w[k] = half_at(row + (size_t)k * 2); break;
        case QUERN_TYPE_BF16: w[k] = quern_bits_to_float((uint32_t)get16(row + (size_t)k * 2) << 16); break;
        default:
            weight = weight_at(type, row, k);
            w[k] = weight.scale * weight.q + weight.minimum;
        }
    }
}

static int group_of(enum quern_type type)
{
    return type == QUERN_TYPE_Q2_K || type == QUERN_TYPE_Q3_K || type == QUERN_TYPE_Q6_K ? 16 : 32;
}

double quern_spec_product_int8(const struct quern_int8_block *a, enum quern_type type,
                               const unsigned char *row, int length, double *magnitude)
{
    const int group = group_of(type);
    double total = 0;
    *magnitude = 0;
    for (int first = 0; first < length; first += group) {
        const struct quern_int8_block *block = a + first / 32;
        struct weight w = {0, 0, 0};
        int dot = 0, sum = 0;
        for (int k = first; k < first + group; k++) {
            w = weight_at(type, row, k);
            dot += block->q[k % 32] * w.q;
            sum += block->q[k % 32];
        }
        total += block->scale * (w.scale * dot + w.minimum * sum);
        *magnitude += fabs(block->scale * w.scale * dot) + fabs(block->scale * w.minimum * sum);
    }
    return total;
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

/* Softmax attention (Vaswani et al. 2017) over some tokens before and after the query's. */
void quern_spec_attention(double *out, double *weights, const struct quern_spec_attention *job, int row)
{
    const size_t d = (size_t)job->dimensions;
    const int token = row / job->group;
    const float *query = job->queries + (size_t)token * job->token_stride + (size_t)(row % job->group) * d;
    double max = -INFINITY, sum = 0;

    for (int j = 0; j < job->tokens; j++) {
        weights[j] = -INFINITY;
        if (token - j > job->before || j - token > job->after)
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
void quern_spec_rms_norm(double *dst, const float *x, const float *weight, int length, double epsilon)
{
    double sum = 0;
    for (int i = 0; i < length; i++)
        sum += (double)x[i] * x[i];
    for (int i = 0; i < length; i++)
        dst[i] = x[i] / sqrt(sum / length + epsilon) * weight[i];
}

/* Layer normalisation (Ba, Kiros and Hinton 2016) */
void quern_spec_layer_norm(double *dst, const float *x, const float *weight, const float *bias, int length,
                           double epsilon)
{
    double mean = 0, variance = 0;
    for (int i = 0; i < length; i++)
        mean += (double)x[i] / length;
    for (int i = 0; i < length; i++)
        variance += (x[i] - mean) * (x[i] - mean) / length;
    for (int i = 0; i < length; i++)
        dst[i] = (x[i] - mean) / sqrt(variance + epsilon) * weight[i] + (bias != NULL ? bias[i] : 0);
}

/* Rotary position embedding (Su et al. 2021), pairs half a head apart */
void quern_spec_rope(double *x, const float *cosine, const float *sine, int length)
{
    for (int i = 0; i < length / 2; i++) {
        const double a = x[i], b = x[length / 2 + i];
        x[i] = a * cosine[i] - b * sine[i];
        x[length / 2 + i] = a * sine[i] + b * cosine[i];
    }
}

/* GELU (Hendrycks and Gimpel 2016): z times the normal distribution's probability of less than z. erfc keeps its digits
 * where that is small. */
static double gelu_erf(double z)
{
    return z * erfc(-z / sqrt(2)) / 2;
}

/* Its tanh form. 1 + tanh(t) = 2 / (1 + e^(-2 t)) keeps its digits where tanh is near -1. */
static double gelu_tanh(double z)
{
    const double t = sqrt(2 / 3.14159265358979323846) * (z + 0.044715 * z * z * z);
    return z / (1 + exp(-2 * t));
}

/* SiLU (Hendrycks and Gimpel 2016) */
static double silu(double z)
{
    return z / (1 + exp(-z));
}

/* GEGLU and SwiGLU: Shazeer 2020 */
void quern_spec_ffn(enum quern_ffn_kind kind, double *dst, const float *gate, const float *up, int length)
{
    for (int i = 0; i < length; i++)
        switch (kind) {
        case QUERN_FFN_GEGLU_TANH: dst[i] = gelu_tanh(gate[i]) * up[i]; break;
        case QUERN_FFN_GELU_ERF: dst[i] = gelu_erf(gate[i]); break;
        case QUERN_FFN_GEGLU_ERF: dst[i] = gelu_erf(gate[i]) * up[i]; break;
        default: dst[i] = silu(gate[i]) * up[i]; /* SWIGLU */
        }
}

int64_t quern_spec_scan_bytes(const uint8_t *row, const int8_t *query, size_t length)
{
    int64_t sum = 0;
    for (size_t k = 0; k < length; k++)
        sum += (row[k] - 128) * query[k];
    return sum;
}

uint32_t quern_spec_scan_bits(const uint64_t *row, const uint64_t *query, size_t words)
{
    uint32_t distance = 0;
    for (size_t i = 0; i < 64 * words; i++)
        distance += (row[i / 64] ^ query[i / 64]) >> i % 64 & 1;
    return distance;
}

double quern_spec_scan_dot(const float *row, const float *query, size_t length)
{
    double sums[16] = {0};
    for (size_t k = 0; k < length; k++)
        sums[k % 16] += (double)row[k] * query[k];
    for (int width = 8; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            sums[i] += sums[width + i];
    return sums[0];
}

double quern_spec_quantize(double q[QUERN_BLOCK_ELEMENTS], const double x[QUERN_BLOCK_ELEMENTS])
{
    double max = 0;
    for (int i = 0; i < QUERN_BLOCK_ELEMENTS; i++)
        max = fmax(max, fabs(x[i]));
    const double scale = max > 1e-30 ? max / 127 : 0;
    for (int i = 0; i < QUERN_BLOCK_ELEMENTS; i++)
        q[i] = scale > 0 ? x[i] / scale : 0;
    return scale;
}
