/* The arithmetic of the engine: one constant table of functions per instruction set.
 *
 * Kernels compute and do nothing else. They do not allocate, do no I/O, start no threads and keep no globals, and they
 * cannot fail: the engine meets their preconditions. spec.h defines what each kernel computes. Every table holds every
 * function, unless NULL is allowed below. The results of a table depend on nothing but the operands: a row of a product
 * is added up in the same order however many rows are computed together with it. */
#ifndef QUERN_KERNELS_KERNELS_H
#define QUERN_KERNELS_KERNELS_H

#include "formats/formats.h"
#include "quern.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define QUERN_PATHS 2 /* the values of quern_path: indices of the arrays below */

#define QUERN_BLOCK_ELEMENTS 32 /* elements of a row that are stored together; lengths of rows are multiples of it */
#define QUERN_PANEL_COLUMNS 32  /* rows of a weight matrix that are packed together: columns of its product */
#define QUERN_KEY_BLOCK 32      /* keys of a text that are packed together for attention */

/* A panel's columns are whole blocks of the row that the next product reads. */
static_assert(QUERN_PANEL_COLUMNS % QUERN_BLOCK_ELEMENTS == 0, "a panel gives whole blocks");

/* ---------------------------------------------------------------- activations */

/* What a feed-forward layer does between its two products. */
enum quern_ffn_kind {
    QUERN_FFN_GEGLU_TANH, /* gelu(gate) * up, gelu(z) = z / 2 * (1 + tanh(sqrt(2 / pi) * (z + 0.044715 z^3))) */
    QUERN_FFN_GELU_ERF,   /* gelu(gate), gelu(z) = z / 2 * (1 + erf(z / sqrt(2))); there is no up */
    QUERN_FFN_GEGLU_ERF,  /* the same gelu(gate) * up */
    QUERN_FFN_SWIGLU,     /* silu(gate) * up, silu(z) = z / (1 + e^-z) */
    QUERN_FFN_KINDS
};

/* A format of activations: how the rows that enter a product are stored.
 *
 * Rows of one length lie in a buffer, in groups of rows_together rows; a group is contiguous. Within a group the format
 * decides where a row's blocks lie, so only these functions and products read or write a buffer. Functions take the
 * buffer and the number of a row. They write no other row, so threads may write different rows, or different blocks of
 * one row, at the same time. A buffer is aligned to 64 bytes and has room for a multiple of rows_together rows. */
struct quern_activation {
    const char *name;  /* "float32", "int8", "bfloat16" */
    int rows_together; /* divides product_rows and ffn_rows of the table */
    int block_bytes;   /* of QUERN_BLOCK_ELEMENTS elements of a row */

    /* Elements [first, first + count) of the row = x[count]. first and count are multiples of QUERN_BLOCK_ELEMENTS. */
    void (*write)(void *dst, int row, int length, int first, const float *x, int count);

    /* The row = x / sqrt(mean(x^2) + epsilon) * weight */
    void (*rms_norm)(void *dst, int row, const float *x, const float *weight, int length, float epsilon);

    /* Elements [first, first + count) of the row = what the kind makes of gate[count] and up[count]. up is NULL if the
     * kind has none. */
    void (*ffn[QUERN_FFN_KINDS])(void *dst, int row, int length, int first, const float *gate, const float *up,
                                 int count);

    /* The row of dst = x[length], and the row of rest = what rounding left over of it. The two together have 15 bits of
     * x or more. x is overwritten. NULL where the format rounds so little that the rest is not needed. */
    void (*split)(void *dst, void *rest, int row, float *x, int length);
};

/* Rows that a buffer must have room for. */
static inline size_t quern_activation_rows(const struct quern_activation *format, size_t rows)
{
    const size_t together = (size_t)format->rows_together;
    return (rows + together - 1) / together * together;
}

/* Bytes of a row. */
static inline size_t quern_activation_row_bytes(const struct quern_activation *format, int length)
{
    return (size_t)(length / QUERN_BLOCK_ELEMENTS) * (size_t)format->block_bytes;
}

/* ---------------------------------------------------------------- products */

/* What must agree stays together: a packed layout, its packer, and the products that read it. A matrix of
 * [rows][length] weights is packed in panels of QUERN_PANEL_COLUMNS rows. */
struct quern_gemm {
    size_t block_bytes; /* bytes of a panel for every QUERN_BLOCK_ELEMENTS of its length */

    /* Packs rows [QUERN_PANEL_COLUMNS][length], raw as in a GGUF file, to panel, which is aligned to 64 bytes. A row
     * begins row_bytes after the one before it. */
    void (*pack)(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length);

    /* c[i][j] = sum over k of a[first + i][k] * w[j][k], for i < count and the rows w of the panel; rows of c are
     * c_stride floats apart. a is a buffer of rows of `length` elements in the activation format of the path; first is
     * a multiple of its rows_together. Meanwhile the function prefetches the panel at next, with which this thread will
     * probably compute after this one; NULL: none.
     * run[QUERN_PATH_FAST] is NULL for types that are computed on the exact path only. */
    void (*run[QUERN_PATHS])(float *c, size_t c_stride, const void *a, int first, int count,
                             const unsigned char *panel, int length, const unsigned char *next);
};

/* ---------------------------------------------------------------- attention */

/* Queries of one text against its keys and values. A query row r is the query of token r / group, head r % group, where
 * group is the number of query heads that share the key and value head. */
struct quern_attention_job {
    const unsigned char *packed; /* keys and values */
    const float *queries;        /* row r at queries + r / group * token_stride + r % group * dimensions */
    size_t token_stride;         /* in floats */
    int group, dimensions;       /* dimensions is a multiple of 32 */
    int tokens;                  /* keys */
    int before, after;           /* token i attends to tokens i - before to i + after; both are 0 or more */
    float scale;
};

struct quern_attention {
    int rows; /* query rows that are computed together, even when fewer are asked for */

    /* The fewest tokens of a text whose queries a thread takes at a time: few enough for every thread to find work in a
     * short text. It is QUERN_KEY_BLOCK, or that halved some times. With three query heads that share keys, their rows
     * are a multiple of `rows`, or nearly so; for other groups the engine takes more tokens. */
    int tile_tokens;

    /* Bytes for the packed keys and values of a text, and for a thread's scratch memory with texts of up to that
     * length; multiples of 64. */
    size_t (*packed_bytes)(int tokens, int dimensions);
    size_t (*scratch_bytes)(int tokens, int dimensions);

    /* Packs keys and values [first, first + count) of a text, rows stride floats apart. first is a multiple of
     * QUERN_KEY_BLOCK; so is count, except at the end of the text. */
    void (*pack)(unsigned char *packed, const float *keys, const float *values, size_t stride, int first, int count,
                 int dimensions);

    /* out[i] = softmax(scale * query first + i * keys, over what is visible) * values, for i < count <= rows. out is
     * [rows][dimensions]; what comes after count rows is undefined. */
    void (*run)(float *out, const struct quern_attention_job *job, int first, int count, unsigned char *scratch);
};

/* ---------------------------------------------------------------- search */

#define QUERN_SCAN_ROWS 16          /* rows of an index that lie together: a group */
#define QUERN_SCAN_MULTIPLE 64      /* lengths of rows of bytes and of bits are multiples of it */
#define QUERN_SCAN_MAX_LENGTH 32768 /* of a row of bytes or of bits */

/* Compares rows of an index with queries. The first two functions take rows in groups of QUERN_SCAN_ROWS, aligned to 64
 * bytes, one group directly behind the other. They write the result of query q and row r (row r % QUERN_SCAN_ROWS of
 * group r / QUERN_SCAN_ROWS) as number q * stride + r of their first argument, so stride is at least the number of
 * rows. Their results are whole numbers, and those of the other two are defined to the last bit: every table gives the
 * same. group_count, count, words and length may be 0. Groups are read from memory once for every 128 queries; the
 * caller takes so few of them at a time that the results stay in the cache. */
struct quern_scan {
    /* Sums of (row[k] - 128) * query[k]. A group is [length / 4][QUERN_SCAN_ROWS][4] bytes. Queries are [count][length]
     * numbers from -127 to 127, of any alignment. The magnitude of a sum is at most
     * QUERN_SCAN_MAX_LENGTH * 128 * 127 < 2^29. Tables that add up row[k] * query[k] first, and correct the sum for the
     * 128 then, stay below 2^31: QUERN_SCAN_MAX_LENGTH * (255 + 128) * 127. */
    void (*bytes)(int32_t *sums, size_t stride, const uint8_t *groups, size_t group_count, size_t length,
                  const int8_t *queries, size_t count);

    /* How many bits of the row and the query differ. A group is [words][QUERN_SCAN_ROWS] words of 64 bits; words is at
     * most QUERN_SCAN_MAX_LENGTH / 64. Queries are [count][words]. */
    void (*bits)(uint32_t *distances, size_t stride, const uint64_t *groups, size_t group_count, size_t words,
                 const uint64_t *queries, size_t count);

    /* Sum of row[k] * query[k] in double precision, where a product of two floats is exact. Sixteen sums, each over the
     * k with one remainder of 16, in order of k; then those of the second eight remainders are added to the first
     * eight, then the second four to the first four, and so on. Rows and queries have any length, and the alignment of
     * their type. A NaN may have other bits in another table. */
    double (*dot_float32)(const float *row, const float *query, size_t length);
    double (*dot_float16)(const uint16_t *row, const float *query, size_t length);
};

/* ---------------------------------------------------------------- tables */

struct quern_kernels {
    const char *name;
    uint32_t features; /* enum quern_cpu_feature bits that the CPU must have */

    const struct quern_gemm *const *gemm; /* [QUERN_TYPES], by the type that the file has; NULL for other numbers */

    /* The two paths. The error of the fast attention is well below that of the fast activations. */
    const struct quern_activation *activation[QUERN_PATHS];
    const struct quern_attention *attention[QUERN_PATHS];

    /* Rows of activations that one call of a product takes at most: as many as stay in the second-level cache while
     * they are read again for every panel. ffn_rows: the same for the two products of a gated feed-forward layer,
     * whose results lie in scratch memory, too. */
    int product_rows, ffn_rows;

    /* What a thread runs before its first kernel, and after its last one. NULL: nothing. Calls do not nest. */
    void (*thread_begin)(void);
    void (*thread_end)(void);

    /* Row kernels, all in float32. */

    /* dst = x / sqrt(mean(x^2) + epsilon) * weight; dst may be x */
    void (*rms_norm)(float *dst, const float *x, const float *weight, int length, float epsilon);
    /* x += rms_norm(y) */
    void (*add_norm)(float *x, const float *y, const float *weight, int length, float epsilon);
    /* dst = (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) * weight + bias; dst may be x. bias NULL: zeros */
    void (*layer_norm)(float *dst, const float *x, const float *weight, const float *bias, int length, float epsilon);
    /* x += y */
    void (*add)(float *x, const float *y, int length);
    /* Rotation of one head by the angles of its position: element i pairs with i + length / 2. cosine and sine are
     * [length / 2]. */
    void (*rope)(float *x, const float *cosine, const float *sine, int length);
    /* rms_norm of one head, then rope */
    void (*norm_rope)(float *x, const float *weight, const float *cosine, const float *sine, int length, float epsilon);

    struct quern_scan scan;
};

/* Prepares the calling thread for a table's kernels, and gives back what this took. A pool that was made with the
 * functions of the table prepares its own threads, but not the one that calls it and computes, too. */
static inline void quern_kernels_begin(const struct quern_kernels *kernels)
{
    if (kernels->thread_begin != NULL)
        kernels->thread_begin();
}

static inline void quern_kernels_end(const struct quern_kernels *kernels)
{
    if (kernels->thread_end != NULL)
        kernels->thread_end();
}

/* ---------------------------------------------------------------- choosing a table */

enum quern_cpu_feature {
    QUERN_CPU_AVX2 = 1 << 0,       /* AVX2, FMA and F16C */
    QUERN_CPU_AVXVNNI = 1 << 1,    /* vpdpbusd on 256-bit registers, VEX-encoded */
    QUERN_CPU_AVX512VNNI = 1 << 2, /* AVX-512 F, BW, DQ, VL and VNNI */
    QUERN_CPU_NEON = 1 << 3,       /* AArch64's own */
    QUERN_CPU_DOTPROD = 1 << 4,    /* sdot */
    QUERN_CPU_I8MM = 1 << 5,       /* smmla */
    QUERN_CPU_AMX = 1 << 6         /* tiles, and their products of bfloat16 and of bytes */
};

/* The features of this CPU that the operating system supports. Where a process needs a permission for a feature, this
 * asks for it; a feature that is refused is not reported. */
uint32_t quern_cpu_features(void);

/* All tables built into this library, the best last; their number to count. */
const struct quern_kernels *const *quern_kernels_all(int *count);

/* The best table that needs no other features. limit: the name of the best table that may be taken; NULL or "": any
 * may. Returns NULL when no table has that name. */
const struct quern_kernels *quern_kernels_select(uint32_t features, const char *limit);

#endif
