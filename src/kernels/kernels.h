/* The arithmetic of the engine: one constant table of functions per instruction set.
 *
 * Kernels compute and do nothing else: no allocation, no I/O, no threads, no globals; they cannot fail. Their
 * preconditions are met by the engine. spec.h defines what each computes; every table holds every function, and a
 * table's results depend on nothing but the operands: a row of a product is added up in the same order however many
 * rows are computed with it.
 *
 * All lengths (columns, head dimensions) are multiples of QUERN_BLOCK. */
#ifndef QUERN_KERNELS_KERNELS_H
#define QUERN_KERNELS_KERNELS_H

#include "base/quants.h"

#include <stddef.h>
#include <stdint.h>

#define QUERN_BLOCK 32 /* elements that share a scale, columns in a panel, keys in a block of attention */

/* Activations in 8 bits: x[i] = scale * q[i], |q[i]| <= 127. */
struct quern_q8 {
    float scale;
    float sum;    /* scale * sum(q): what minimums of weights are multiplied by */
    int32_t bias; /* -128 * sum(q): where sums of products with weights stored as w + 128 start */
    int32_t half; /* -128 * the sum of the first half of q */
    int8_t q[QUERN_BLOCK];
};

/* What must agree stays together: a packed layout, its packer, and the products that read it. A matrix of
 * [rows][length] weights is packed in panels of QUERN_BLOCK rows. */
struct quern_gemm {
    size_t block_bytes; /* bytes of a panel for every QUERN_BLOCK of its length */

    /* Packs rows [QUERN_BLOCK][length], raw as in a GGUF file and row_bytes apart, to panel, which is aligned to 64. */
    void (*pack)(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length);

    /* c[i][j] = sum over k of a[i][k] * w[j][k], for i < count and the panel's QUERN_BLOCK rows w; rows of c are
     * c_stride floats apart. a is [count][length], rows back to back as blocks or a_stride floats apart.
     * The 8-bit one is NULL for matrices of floats. While it computes it brings the panel at next nearer, the one that
     * this thread is likely to compute with next; NULL: none. */
    void (*run_q8)(float *c, size_t c_stride, const struct quern_q8 *a, int count, const unsigned char *panel,
                   int length, const unsigned char *next);
    void (*run_f32)(float *c, size_t c_stride, const float *a, size_t a_stride, int count, const unsigned char *panel,
                    int length);
};

/* Queries of one text against its keys and values. A query row r is the query of token r / group, head r % group, where
 * group is the number of query heads that share the key and value head. */
struct quern_attention_job {
    const unsigned char *packed; /* keys and values */
    const float *queries;        /* row r at queries + r / group * token_stride + r % group * dimensions */
    size_t token_stride;         /* in floats */
    int group, dimensions;
    int tokens; /* keys */
    int window; /* token i sees token j when |i - j| <= window */
    float scale;
};

struct quern_attention {
    int rows; /* query rows that are computed together, whether asked for or not */

    /* Bytes for the packed keys and values of a text, and for a thread's scratch memory with texts of up to that
     * length; multiples of 64. */
    size_t (*packed_bytes)(int tokens, int dimensions);
    size_t (*scratch_bytes)(int tokens, int dimensions);

    /* Packs keys and values [first, first + count) of a text, rows stride floats apart. first is a multiple of
     * QUERN_BLOCK; so is count, except at the end of the text. */
    void (*pack)(unsigned char *packed, const float *keys, const float *values, size_t stride, int first, int count,
                 int dimensions);

    /* out[i] = softmax(scale * query first + i * keys, over what is visible) * values, for i < count <= rows. out is
     * [rows][dimensions]; what comes after count rows is undefined. */
    void (*run)(float *out, const struct quern_attention_job *job, int first, int count, unsigned char *scratch);
};

struct quern_kernels {
    const char *name;
    uint32_t features; /* enum quern_cpu_feature bits that the CPU must have */

    const struct quern_gemm *gemm[QUERN_TYPES]; /* by the type that the file has; NULL for other numbers */
    const struct quern_attention *attention_f32; /* exact path */
    const struct quern_attention *attention_q;   /* 8-bit path; error well below that of 8-bit activations */

    /* dst = x / sqrt(mean(x^2) + epsilon) * weight */
    void (*norm_f32)(float *dst, const float *x, const float *weight, int length, float epsilon);
    /* the same, quantised */
    void (*norm_q8)(struct quern_q8 *dst, const float *x, const float *weight, int length, float epsilon);
    /* x += norm(y) */
    void (*add_norm)(float *x, const float *y, const float *weight, int length, float epsilon);
    /* norm of one head, then rotation by the angles of its position: element i pairs with i + length / 2.
     * cosine and sine are [length / 2]. */
    void (*norm_rope)(float *x, const float *weight, const float *cosine, const float *sine, int length, float epsilon);

    /* dst = gelu(gate) * up, with gelu(z) = z / 2 * (1 + tanh(sqrt(2 / pi) * (z + 0.044715 z^3))) */
    void (*geglu_f32)(float *dst, const float *gate, const float *up, int length);
    void (*geglu_q8)(struct quern_q8 *dst, const float *gate, const float *up, int length);

    /* scale = max|x| / 127, q = x / scale rounded to nearest, ties to even, per block. A block of zeros has scale 0. */
    void (*quantize)(struct quern_q8 *dst, const float *x, int length);
};

/* ---------------------------------------------------------------- choosing a table */

enum quern_cpu_feature {
    QUERN_CPU_AVX2 = 1 << 0,       /* AVX2, FMA and F16C */
    QUERN_CPU_AVXVNNI = 1 << 1,    /* vpdpbusd on 256-bit registers, VEX-encoded */
    QUERN_CPU_AVX512VNNI = 1 << 2, /* AVX-512 F, BW, DQ, VL and VNNI */
    QUERN_CPU_NEON = 1 << 3,       /* AArch64's own */
    QUERN_CPU_DOTPROD = 1 << 4,    /* sdot */
    QUERN_CPU_I8MM = 1 << 5        /* smmla */
};

/* The features of the CPU we run on that the operating system supports. */
uint32_t quern_cpu_features(void);

/* All tables built into this library, the best last; their number to count. */
const struct quern_kernels *const *quern_kernels_all(int *count);

/* The best table that needs no other features, named limit or standing before it; limit NULL or "": any. NULL when no
 * table has that name. */
const struct quern_kernels *quern_kernels_select(uint32_t features, const char *limit);

#endif
