/* The table amx in plain C, so that every x86-64 machine can test its templates. What the CPU does with tiles is
 * written down here: products have the same bits as those of the CPU (tests/test_tiles.c). Other kernels may differ
 * from the CPU's in the last bit.
 *
 * A program that is linked with this file gets this table in the place of the library's, because linkers take an object
 * out of a static library only for a symbol that is still missing. TILES_IN_C is another name for the table, for a
 * program that needs both. */
#include "kernels/panels.h"
#include "kernels/tables.h"

#include <immintrin.h>
#include <stdlib.h>

#ifdef TILES_IN_C
extern const struct quern_kernels TILES_IN_C;
#else
#define TILES_IN_C quern_kernels_amx
#endif

/* The sum is computed in double precision and rounded to float32. The product is exact in double precision. So is the
 * sum wherever weights are unpacked, because their numbers and scales are short. */
#define LANES 16
#define VF_FMA(a, b, c) __builtin_convertvector(VD(a) * VD(b) + VD(c), vf)
#define VD(x) __builtin_convertvector(x, vd)
#define VF_MAX(a, b) vf_select((vi)((a) > (b)), a, b)
typedef double vd __attribute__((vector_size(8 * LANES)));
#include "kernels/templates/vector.inc.h"

enum { TILES = 8, LINES = 16, LINE_BYTES = 64 };

static _Thread_local struct {
    bool ready; /* between begin_tiles and end_tiles */
    unsigned char tiles[TILES][LINES][LINE_BYTES] __attribute__((aligned(64)));
} cpu;

/* A CPU raises an exception for an instruction on tiles that are not configured. */
static void expect_ready(bool ready)
{
    if (cpu.ready != ready)
        abort();
}

static void begin_tiles(void)
{
    expect_ready(false);
    memset(&cpu, 0, sizeof cpu);
    cpu.ready = true;
}

static void end_tiles(void)
{
    expect_ready(true);
    cpu.ready = false;
}

static void tile_zero(int t)
{
    expect_ready(true);
    memset(cpu.tiles[t], 0, sizeof cpu.tiles[t]);
}

static void tile_load(int t, const void *from, size_t stride)
{
    expect_ready(true);
    for (size_t i = 0; i < LINES; i++)
        memcpy(cpu.tiles[t][i], (const unsigned char *)from + i * stride, LINE_BYTES);
}

static void tile_store(int t, void *to, size_t stride)
{
    expect_ready(true);
    for (size_t i = 0; i < LINES; i++)
        memcpy((unsigned char *)to + i * stride, cpu.tiles[t][i], LINE_BYTES);
}

/* The numbers of a line in bfloat16 as floats, those with an even index and those with an odd one. */
static void widen_line(const unsigned char *line, float even[LINES], float odd[LINES])
{
    vu pairs;
    memcpy(&pairs, line, sizeof pairs);
    vf_store(even, (vf)(pairs << 16));
    vf_store(odd, (vf)(pairs & 0xffff0000u));
}

/* a * b + sum, rounded once. The product of two numbers of 8 bits is exact in double precision, and its sum with a
 * float is exact there or lies so near to one of the two that the second rounding gives the same float as one would.
 * So the slow fmaf of CPUs without such an instruction is not needed. */
static float multiply_add(float a, float b, float sum)
{
    return (float)((double)a * b + sum);
}

/* A result starts from two sums, one over even k and one over odd k. They are added up, then added to the tile. */
static void add_dot(float results[LINES][LINES], const unsigned char (*rows)[LINE_BYTES],
                    const unsigned char (*columns)[LINE_BYTES])
{
    float even[LINES][LINES], odd[LINES][LINES]; /* [pairs of k][columns] */
    for (int pair = 0; pair < LINES; pair++)
        widen_line(columns[pair], even[pair], odd[pair]);
    for (int r = 0; r < LINES; r++) {
        float row_even[LINES], row_odd[LINES], even_sums[LINES] = {0}, odd_sums[LINES] = {0};
        widen_line(rows[r], row_even, row_odd);
        for (int pair = 0; pair < LINES; pair++)
            for (int i = 0; i < LINES; i++) {
                even_sums[i] = multiply_add(row_even[pair], even[pair][i], even_sums[i]);
                odd_sums[i] = multiply_add(row_odd[pair], odd[pair][i], odd_sums[i]);
            }
        for (int i = 0; i < LINES; i++)
            results[r][i] += even_sums[i] + odd_sums[i];
    }
}

/* Subnormal operands and results count as zeros: for as long as add_dot runs, for all of this thread's arithmetic.
 * It is called by pointer, so that compilers cannot move its arithmetic out of there. */
static void tile_dot(int t, int a, int b)
{
    static void (*const volatile add)(float (*)[LINES], const unsigned char (*)[LINE_BYTES],
                                      const unsigned char (*)[LINE_BYTES]) = add_dot;
    float results[LINES][LINES];
    const unsigned control = _mm_getcsr();
    expect_ready(true);
    memcpy(results, cpu.tiles[t], sizeof results);
    _mm_setcsr(control | _MM_FLUSH_ZERO_ON | 0x40); /* 0x40: subnormal operands are zeros */
    add(results, (const unsigned char (*)[LINE_BYTES])cpu.tiles[a], (const unsigned char (*)[LINE_BYTES])cpu.tiles[b]);
    _mm_setcsr(control);
    memcpy(cpu.tiles[t], results, sizeof results);
}

/* In each lane sum + the products of four unsigned bytes of w and four signed bytes of a. */
static inline vi dot4(vi sum, vi w, vi a)
{
    for (int shift = 0; shift < 32; shift += 8)
        sum += (vi)((vu)w >> shift & 0xff) * ((vi)((vu)a << (24 - shift)) >> 24);
    return sum;
}

/* As tile_dot, with fours of bytes: those of a are signed, those of b unsigned. */
static void tile_dot_bytes(int t, int a, int b)
{
    expect_ready(true);
    for (int r = 0; r < LINES; r++) {
        vi sums = vi_load(cpu.tiles[t][r]);
        for (int four = 0; four < LINES; four++)
            sums = dot4(sums, vi_load(cpu.tiles[b][four]), vi_repeat((const int8_t *)cpu.tiles[a][r] + 4 * four));
        memcpy(cpu.tiles[t][r], &sums, sizeof sums);
    }
}

#define DOT4(sum, w, a) dot4(sum, w, a)
#define TILE_ZERO(t) tile_zero(t)
#define TILE_LOAD(t, p, stride) tile_load(t, p, stride)
#define TILE_STORE(t, p, stride) tile_store(t, p, stride)
#define TILE_DOT(t, a, b) tile_dot(t, a, b)
#define TILE_DOT_BYTES(t, a, b) tile_dot_bytes(t, a, b)
#define PREFETCH(p) ((void)(p))
#include "kernels/x86/templates_tiles.inc.h"

const struct quern_kernels TILES_IN_C = QUERN_TABLE("amx", 0, attention_bfloat16);
