#include "kcheck.h"

#include "formats/half.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CANARY = 0xa5 };

const char *const kcheck_kind_names[KCHECK_KINDS] = {"gauss", "uniform", "whole", "extreme", "zeros", "tiny", "huge"};

/* xorshift64* (Vigna 2016) */
uint32_t kcheck_random(struct kcheck *k)
{
    k->random ^= k->random >> 12;
    k->random ^= k->random << 25;
    k->random ^= k->random >> 27;
    return (uint32_t)(k->random * 0x2545f4914f6cdd1du >> 32);
}

double kcheck_uniform(struct kcheck *k)
{
    return kcheck_random(k) * 0x1p-31 - 1;
}

/* The sum of twelve uniform numbers of variance 1/3, halved: no libm, the same everywhere. */
double kcheck_gauss(struct kcheck *k)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += kcheck_uniform(k);
    return sum / 2;
}

/* Blocks: weights, bytes, where the half scale lies, and where the half minimum: the same place if there is none. */
static const struct format {
    int length, bytes, scale, minimum;
} formats[QUERN_TYPES] = {
    [QUERN_TYPE_F32] = {1, 4, 0, 0},         [QUERN_TYPE_F16] = {1, 2, 0, 0},
    [QUERN_TYPE_BF16] = {1, 2, 0, 0},        [QUERN_TYPE_Q8_0] = {32, 34, 0, 0},
    [QUERN_TYPE_Q4_0] = {32, 18, 0, 0},      [QUERN_TYPE_Q4_1] = {32, 20, 0, 2},
    [QUERN_TYPE_Q5_0] = {32, 22, 0, 0},      [QUERN_TYPE_Q5_1] = {32, 24, 0, 2},
    [QUERN_TYPE_IQ4_NL] = {32, 18, 0, 0},    [QUERN_TYPE_Q2_K] = {256, 84, 80, 82},
    [QUERN_TYPE_Q3_K] = {256, 110, 108, 108}, [QUERN_TYPE_Q4_K] = {256, 144, 0, 2},
    [QUERN_TYPE_Q5_K] = {256, 176, 0, 2},    [QUERN_TYPE_Q6_K] = {256, 210, 208, 208},
};

int kcheck_block_length(enum quern_type type)
{
    return formats[type].length;
}

size_t kcheck_row_bytes(enum quern_type type, int length)
{
    return (size_t)(length / formats[type].length) * (size_t)formats[type].bytes;
}

static double number(struct kcheck *k, size_t index, enum kcheck_kind kind, double largest)
{
    switch (kind) {
    case KCHECK_GAUSS: return kcheck_gauss(k);
    case KCHECK_WHOLE: return (int)(kcheck_random(k) % 201) - 100;
    case KCHECK_EXTREME: return kcheck_random(k) % 2 ? largest : -largest;
    case KCHECK_ZEROS: return index / 32 % 2 ? 0 : kcheck_gauss(k);
    case KCHECK_TINY: return kcheck_uniform(k) * 1e-39;
    case KCHECK_HUGE: return kcheck_gauss(k) * 1e10;
    default: return kcheck_uniform(k);
    }
}

void kcheck_fill_floats(struct kcheck *k, float *x, size_t count, enum kcheck_kind kind)
{
    for (size_t i = 0; i < count; i++)
        x[i] = (float)number(k, i, kind, 1e15);
}

int kcheck_byte(struct kcheck *k, enum kcheck_kind kind, int lowest, uint32_t pattern)
{
    if (kind == KCHECK_GAUSS)
        return (int)fmax(lowest, fmin(127, rint(40 * kcheck_gauss(k))));
    if (kind == KCHECK_EXTREME) /* blocks of the lowest, of the highest, of both */
        return pattern % 3 == 0 || (pattern % 3 == 1 && kcheck_random(k) % 2) ? lowest : 127;
    return lowest + (int)(kcheck_random(k) % (uint32_t)(128 - lowest));
}

static uint16_t half_scale(struct kcheck *k, enum kcheck_kind kind)
{
    switch (kind) {
    case KCHECK_WHOLE: return quern_float_to_half(1);
    case KCHECK_EXTREME: return kcheck_random(k) % 2 ? 0x7bff : 0xfbff; /* +- 65504 */
    case KCHECK_ZEROS: return kcheck_random(k) % 2 ? 0 : quern_float_to_half(0.5f);
    case KCHECK_TINY: return (uint16_t)(1 + kcheck_random(k) % 0x3ff); /* subnormal */
    case KCHECK_HUGE: return quern_float_to_half(10000);
    default: return quern_float_to_half((float)(0.01 * kcheck_uniform(k)));
    }
}

static void put16(unsigned char *p, uint32_t value)
{
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
}

/* Whole numbers and factors are any bytes. The extremes of Q8_0 are those of a byte. The extremes of numbers of fewer
 * bits are bytes whose bits are all 0 or all 1. */
static void fill_blocks(struct kcheck *k, unsigned char *row, enum quern_type type, int length, enum kcheck_kind kind)
{
    const struct format *f = &formats[type];
    for (int first = 0; first < length; first += f->length, row += f->bytes) {
        const uint32_t pattern = kcheck_random(k);
        for (int i = 0; i < f->bytes; i++)
            row[i] = (unsigned char)(type == QUERN_TYPE_Q8_0 || kind != KCHECK_EXTREME
                                         ? kcheck_byte(k, kind, -128, pattern)
                                     : pattern % 3 == 0 || (pattern % 3 == 1 && kcheck_random(k) % 2) ? 0xff : 0);
        put16(row + f->scale, half_scale(k, kind));
        if (f->minimum != f->scale)
            put16(row + f->minimum, half_scale(k, kind));
    }
}

void kcheck_fill_weights(struct kcheck *k, unsigned char *row, enum quern_type type, int length, enum kcheck_kind kind)
{
    if (formats[type].length > 1) {
        fill_blocks(k, row, type, length, kind);
        return;
    }
    for (size_t i = 0; i < (size_t)length; i++) {
        float x = (float)number(k, i, kind, type == QUERN_TYPE_F16 ? 65504 : 1e15);
        const uint32_t bits = quern_float_to_bits(x);
        if (type == QUERN_TYPE_F32) {
            put16(row + 4 * i, bits);
            put16(row + 4 * i + 2, bits >> 16);
        } else if (type == QUERN_TYPE_BF16) {
            put16(row + 2 * i, bits >> 16);
        } else {
            x = kind == KCHECK_TINY ? x * 1e34f : fmaxf(-65504, fminf(65504, x)); /* 1e-5 is a subnormal half */
            put16(row + 2 * i, quern_float_to_half(x));
        }
    }
}

void *kcheck_memory_new(struct kcheck_memory *m, size_t bytes, enum kcheck_edge edge)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    m->bytes = bytes;
    m->page_bytes = (bytes / page + 1) * page;
    m->pages = mmap(NULL, m->page_bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m->pages == MAP_FAILED || mprotect(m->pages + page, m->page_bytes, PROT_READ | PROT_WRITE) != 0) {
        perror("kcheck: memory");
        exit(2);
    }
    for (size_t i = 0; i < m->page_bytes; i++)
        m->pages[page + i] = CANARY;
    m->at = m->pages + page + (edge == KCHECK_END ? m->page_bytes - bytes : 0);
    return m->at;
}

void kcheck_memory_free(struct kcheck *k, struct kcheck_memory *m)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *begin = m->pages + page;
    bool whole = true;
    for (unsigned char *p = begin; p < begin + m->page_bytes; p++)
        whole = whole && ((p >= m->at && p < m->at + m->bytes) || *p == CANARY);
    kcheck_true(k, "nothing beside an operand is written", whole);
    munmap(m->pages, m->page_bytes + 2 * page);
}
