/* The layouts of blocks as the GGML project defines them, little-endian. A comment lists the parts of a block in their
 * order. */
#include "formats/unpack.h"

#include <string.h>

enum { BLOCK = QUERN_TYPE_BLOCK, GROUPS = QUERN_UNPACKED_MOST /* of 32 in a block of a K type */ };

const int8_t quern_iq4_nl_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

static uint16_t read_half(const unsigned char *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

/* Elements 0 to 15 are the low nibbles, 16 to 31 the high ones. */
static void unpack_nibbles(struct quern_unpacked *dst, const unsigned char *nibbles)
{
    for (int i = 0; i < BLOCK / 2; i++) {
        dst->q[i] = (int8_t)(nibbles[i] & 15);
        dst->q[i + BLOCK / 2] = (int8_t)(nibbles[i] >> 4);
    }
}

/* Bit i of four bytes is worth 16 in element i. */
static void add_fifth_bits(struct quern_unpacked *dst, const unsigned char *bits)
{
    for (int i = 0; i < BLOCK; i++)
        dst->q[i] = (int8_t)(dst->q[i] | (bits[i / 8] >> i % 8 & 1) << 4);
}

/* One scale and one minimum for the whole of a block. */
static void set_scales(struct quern_unpacked *dst, uint16_t scale, int factor, uint16_t base, int shift)
{
    dst->scale = scale;
    dst->base = base;
    dst->factor[0] = dst->factor[1] = (int8_t)factor;
    dst->shift[0] = dst->shift[1] = (int8_t)shift;
}

/* Scale (half float), 32 signed bytes. */
static void unpack_q8_0(struct quern_unpacked *dst, const unsigned char *block)
{
    set_scales(dst, read_half(block), 1, 0, 0);
    memcpy(dst->q, block + 2, BLOCK);
}

/* Scale, 16 bytes of nibbles. Weights are nibble - 8. */
static void unpack_q4_0(struct quern_unpacked *dst, const unsigned char *block)
{
    set_scales(dst, read_half(block), 1, 0, 0);
    unpack_nibbles(dst, block + 2);
    for (int i = 0; i < BLOCK; i++)
        dst->q[i] = (int8_t)(dst->q[i] - 8);
}

/* Scale, 16 bytes of nibbles, which are indices of the table of values. */
static void unpack_iq4_nl(struct quern_unpacked *dst, const unsigned char *block)
{
    set_scales(dst, read_half(block), 1, 0, 0);
    unpack_nibbles(dst, block + 2);
    for (int i = 0; i < BLOCK; i++)
        dst->q[i] = quern_iq4_nl_values[dst->q[i]];
}

/* Scale, minimum, nibbles. */
static void unpack_q4_1(struct quern_unpacked *dst, const unsigned char *block)
{
    set_scales(dst, read_half(block), 1, read_half(block + 2), 1);
    unpack_nibbles(dst, block + 4);
}

/* Scale, four bytes of fifth bits, nibbles. Weights are scale * (q - 16). */
static void unpack_q5_0(struct quern_unpacked *dst, const unsigned char *block)
{
    set_scales(dst, read_half(block), 1, read_half(block), -16);
    unpack_nibbles(dst, block + 6);
    add_fifth_bits(dst, block + 2);
}

/* Scale, minimum, four bytes of fifth bits, nibbles. */
static void unpack_q5_1(struct quern_unpacked *dst, const unsigned char *block)
{
    set_scales(dst, read_half(block), 1, read_half(block + 2), 1);
    unpack_nibbles(dst, block + 8);
    add_fifth_bits(dst, block + 4);
}

/* ---------------------------------------------------------------- K types: 256 weights, dst[8] */

/* Two-bit fields: 32 bytes hold four groups of 32, the first group in the lowest two bits. */
static int two_bits(const unsigned char *fields, int group, int i)
{
    return fields[group / 4 * 32 + i] >> 2 * (group % 4) & 3;
}

/* 16 bytes with a factor in the low nibble and a shift in the high one; 64 bytes of two-bit fields; scale and base. */
static void unpack_q2_k(struct quern_unpacked *dst, const unsigned char *block)
{
    for (int g = 0; g < GROUPS; g++, dst++) {
        dst->scale = read_half(block + 80);
        dst->base = read_half(block + 82);
        for (int i = 0; i < 2; i++) {
            dst->factor[i] = (int8_t)(block[2 * g + i] & 15);
            dst->shift[i] = (int8_t)-(block[2 * g + i] >> 4);
        }
        for (int i = 0; i < BLOCK; i++)
            dst->q[i] = (int8_t)two_bits(block + 16, g, i);
    }
}

/* 32 bytes of third bits: bit g of byte i is that of element i of group g; 64 bytes of two-bit fields; 12 bytes of
 * factors + 32, the low four bits in the first 8 bytes and the high two in the last 4; scale. */
static void unpack_q3_k(struct quern_unpacked *dst, const unsigned char *block)
{
    const unsigned char *factors = block + 96;
    for (int g = 0; g < GROUPS; g++, dst++) {
        set_scales(dst, read_half(block + 108), 0, 0, 0);
        for (int i = 0; i < 2; i++) {
            const int j = 2 * g + i, low = j < 8 ? factors[j] & 15 : factors[j - 8] >> 4;
            const int high = factors[8 + j % 4] >> 2 * (j / 4) & 3;
            dst->factor[i] = (int8_t)((low | high << 4) - 32);
        }
        for (int i = 0; i < BLOCK; i++)
            dst->q[i] = (int8_t)(two_bits(block + 32, g, i) - (block[i] >> g & 1 ? 0 : 4));
    }
}

/* 12 bytes with six bits for each factor and shift. Four bytes have the factors of groups 0 to 3, four their shifts;
 * the upper two bits of these eight bytes belong to groups 4 to 7, whose low four bits are in the last four bytes. */
static void set_six_bits(struct quern_unpacked *dst, const unsigned char *block, int group)
{
    const unsigned char *six = block + 4;
    int factor = six[group % 4] & 63, shift = six[group % 4 + 4] & 63;
    if (group >= 4) {
        factor = (six[group + 4] & 15) | six[group - 4] >> 6 << 4;
        shift = six[group + 4] >> 4 | six[group] >> 6 << 4;
    }
    set_scales(dst, read_half(block), factor, read_half(block + 2), -shift);
}

/* 32 bytes hold two groups of 32, the first group in the low nibbles. */
static void unpack_nibbles_of_group(struct quern_unpacked *dst, const unsigned char *nibbles, int group)
{
    for (int i = 0; i < BLOCK; i++)
        dst->q[i] = (int8_t)(nibbles[group / 2 * 32 + i] >> 4 * (group % 2) & 15);
}

/* Scale, base, 12 bytes of factors and shifts, 128 bytes of nibbles. */
static void unpack_q4_k(struct quern_unpacked *dst, const unsigned char *block)
{
    for (int g = 0; g < GROUPS; g++, dst++) {
        set_six_bits(dst, block, g);
        unpack_nibbles_of_group(dst, block + 16, g);
    }
}

/* Scale, base, 12 bytes of factors and shifts, 32 bytes of fifth bits in the order of the third bits of Q3_K, 128 bytes
 * of nibbles. */
static void unpack_q5_k(struct quern_unpacked *dst, const unsigned char *block)
{
    for (int g = 0; g < GROUPS; g++, dst++) {
        set_six_bits(dst, block, g);
        unpack_nibbles_of_group(dst, block + 48, g);
        for (int i = 0; i < BLOCK; i++)
            dst->q[i] = (int8_t)(dst->q[i] | (block[16 + i] >> g & 1) << 4);
    }
}

/* 128 bytes of nibbles: for groups 0 to 3, and then for 4 to 7, 64 bytes with two groups in the low nibbles and the two
 * next in the high ones; 64 bytes of the upper two bits; 16 signed factors; scale. Weights are q - 32. */
static void unpack_q6_k(struct quern_unpacked *dst, const unsigned char *block)
{
    for (int g = 0; g < GROUPS; g++, dst++) {
        const unsigned char *nibbles = block + g / 4 * 64 + g % 2 * 32;
        set_scales(dst, read_half(block + 208), 0, 0, 0);
        memcpy(dst->factor, block + 192 + 2 * g, 2);
        for (int i = 0; i < BLOCK; i++)
            dst->q[i] = (int8_t)(((nibbles[i] >> g / 2 % 2 * 4 & 15) | two_bits(block + 128, g, i) << 4) - 32);
    }
}

/* ---------------------------------------------------------------- all types */

static const struct {
    void (*unpack)(struct quern_unpacked *dst, const unsigned char *block);
    int bytes, count;
} types[QUERN_TYPES] = {
#define BLOCK_TYPE(NAME, name, number, file_type, elements, bytes, scale, base, panel)                                 \
    [number] = {unpack_##name, bytes, (elements) / BLOCK},
#include "formats/formats.def"
};

int quern_unpack(enum quern_type type, struct quern_unpacked *dst, const unsigned char **at)
{
    types[type].unpack(dst, *at);
    *at += types[type].bytes;
    return types[type].count;
}
