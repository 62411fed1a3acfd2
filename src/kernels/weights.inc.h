/* Weights out of packed blocks (pack.h), for the products. A template; see vector.inc.h.
 *
 *   LOOKUP(table, index)   in each byte the entry of an int8_t table[16] that the byte of index names; index below 16.
 *                          May be left to the form below
 *
 * and one of
 *
 *   PANEL_Q8_FLIP     for the layouts of pack.h: 0x80 if this table packs Q8_0 weights as w + 128, else 0
 *   PANEL_WORDS(block, word, v)   for eights: in each lane the four bytes, number word of the block, of a column of
 *                     vector v; bytes signed */
#include "kernels/pack.h"

#ifndef PANEL_WORDS
#define PANEL_WORDS(block, word, v) vi_load((block) + (word) * 128 + (v) * LANES * 4)
#define PANEL_TOGETHER 4
#else
#define PANEL_Q8_FLIP 0
#define PANEL_TOGETHER 8
#endif

#ifndef LOOKUP
INLINE vi lookup(const int8_t table[16], vi index)
{
    int8_t bytes[sizeof index];
    memcpy(bytes, &index, sizeof index);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = table[bytes[i]];
    return vi_load(bytes);
}
#define LOOKUP(table, index) lookup(table, index)
#endif

/* The nibbles of four k, word number 0 to 7 of a block. */
INLINE vi nibbles_at(const unsigned char *block, int word, int v)
{
    const vu both = (vu)PANEL_WORDS(block, word % 4, v);
    return (vi)((word < 4 ? both : both >> 4) & 0x0f0f0f0f);
}

/* The quants of a small form, unsigned bytes. */
INLINE vi small_at(enum quern_form form, const unsigned char *block, int word, int v)
{
    const vi nibbles = nibbles_at(block, word, v);
    if (!QUERN_SMALL_SIX_BITS(form))
        return nibbles;
    const int words = PANEL_TOGETHER / 4, step = word / words, shift = 2 * (step % 4);
    const vu upper = (vu)PANEL_WORDS(block + QUERN_SMALL_UPPER, step / 4 * words + word % words, v);
    return nibbles | (vi)((shift < 4 ? upper << (4 - shift) : upper >> (shift - 4)) & 0x30303030);
}

/* What a group's quants are multiplied by, and what is added to that. */
INLINE vf small_scale(enum quern_form form, const unsigned char *block, int group, int v)
{
    return VF_FROM_BYTES(block + QUERN_SMALL_FACTORS(form) + group * 32 + v * LANES) *
           VF_FROM_HALF(block + QUERN_SMALL_SCALES(form) + v * LANES * 2);
}

INLINE vf small_minimum(enum quern_form form, const unsigned char *block, int group, int v)
{
    return VF_FROM_BYTES(block + QUERN_SMALL_SHIFTS(form) + group * 32 + v * LANES) *
           VF_FROM_HALF(block + QUERN_SMALL_BASES(form) + v * LANES * 2);
}
