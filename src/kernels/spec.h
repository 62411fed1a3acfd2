/* What each kernel computes, in double precision and plain loops, from operands as they are before packing. This is not
 * a kernel table: tests compare the tables with it. Rows of weights are raw, as in a GGUF file. */
#ifndef QUERN_KERNELS_SPEC_H
#define QUERN_KERNELS_SPEC_H

#include "kernels/int8.h"

/* w[length] of one raw row */
void quern_spec_weights(double *w, enum quern_type type, const unsigned char *row, int length);

/* One element of a product with weights of blocks. A weight is scale * q + minimum, with the same scale and minimum for
 * a group of 32 weights (16 in some types). So a group adds two terms: its sum of products of bytes, times the scales;
 * and its sum of activations, times the minimum. Both sums are whole numbers. *magnitude is the sum of the absolute
 * values of all these terms: errors of rounding are in proportion to it. */
double quern_spec_product_int8(const struct quern_int8_block *a, enum quern_type type,
                               const unsigned char *row, int length, double *magnitude);

/* One element of a product with float activations; *magnitude is the sum of |a[k] * w[k]|. */
double quern_spec_product_f32(const float *a, const double *w, int length, double *magnitude);

struct quern_spec_attention {
    const float *queries;      /* as in struct quern_attention_job */
    const float *keys, *values; /* [tokens][dimensions], rows stride floats apart */
    size_t token_stride, stride;
    int group, dimensions, tokens, before, after;
    float scale;
};

/* out[dimensions] of one query row; weights[tokens] are the softmax, 0 for keys that the query does not attend to. */
void quern_spec_attention(double *out, double *weights, const struct quern_spec_attention *job, int row);

/* The row kernels of struct quern_kernels. */
void quern_spec_rms_norm(double *dst, const float *x, const float *weight, int length, double epsilon);
void quern_spec_layer_norm(double *dst, const float *x, const float *weight, const float *bias, int length,
                           double epsilon);
void quern_spec_rope(double *x, const float *cosine, const float *sine, int length);

/* What enum quern_ffn_kind says; up may be NULL for a kind without it. */
void quern_spec_ffn(enum quern_ffn_kind kind, double *dst, const float *gate, const float *up, int length);

/* One result of each function of struct quern_scan, from rows that are not in groups; half floats are floats here. */
int64_t quern_spec_scan_bytes(const uint8_t *row, const int8_t *query, size_t length);
uint32_t quern_spec_scan_bits(const uint64_t *row, const uint64_t *query, size_t words);
double quern_spec_scan_dot(const float *row, const float *query, size_t length);

/* Quantises a block: returns the scale and sets q, which is not rounded yet. Blocks with no |x| above 1e-30 count as
 * zeros, since the reciprocal of their scale would overflow in float32. */
double quern_spec_quantize(double q[QUERN_BLOCK_ELEMENTS], const double x[QUERN_BLOCK_ELEMENTS]);

#endif
