/* Weights out of packed blocks (kernels/panels.h), for products. A template; see vector.inc.h.
 *
 * A table's source file defines one of
 *
 *   PANEL_FLIP        steps of four k, and what BYTES are combined with by exclusive or: 0, or 0x80 where the table's
 *                     dot products take weights as unsigned
 *   PANEL_WORDS(block, word, v)   steps of eight k. Gives word number `word` of the block, which is four bytes, for the
 *                     columns of vector v: one column in each lane. Bytes are signed
 *
 * and may define
 *
 *   LOOKUP(table, index)   in each byte the entry of an int8_t table[16] whose number this byte of index is */
#ifndef QUERN_TEMPLATES_WEIGHTS_INC_H
#define QUERN_TEMPLATES_WEIGHTS_INC_H

#include "kernels/panels.h"

#ifndef PANEL_WORDS
#define PANEL_WORDS(block, word, v) vi_load((block) + (word) * 128 + (v) * LANES * 4)
#define PANEL_TOGETHER 4
#else
#define PANEL_FLIP 0
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

/* The same in the upper half of their byte: 16 times the nibble. */
INLINE vi upper_nibbles_at(const unsigned char *block, int word, int v)
{
    const vu both = (vu)PANEL_WORDS(block, word % 4, v);
    return (vi)((word < 4 ? both << 4 : both) & 0xf0f0f0f0u);
}

/* Unsigned sub-byte numbers, as bytes. */
INLINE vi sub_bytes_at(struct quern_panel_layout layout, const unsigned char *block, int word, int v)
{
    const vi nibbles = nibbles_at(block, word, v);
    if (layout.bits <= 4)
        return nibbles;
    const int words = PANEL_TOGETHER / 4, step = word / words, shift = 2 * (step % 4);
    const vu upper = (vu)PANEL_WORDS(block + QUERN_PANEL_UPPER, step / 4 * words + word % words, v);
    return nibbles | (vi)((shift < 4 ? upper << (4 - shift) : upper >> (shift - 4)) & 0x30303030);
}

/* What the numbers of a group are multiplied by. */
INLINE vf scale_at(struct quern_panel_layout layout, const unsigned char *block, int group, int v)
{
    if (layout.kind != QUERN_PANEL_SUB_BYTE)
        return VF_FROM_HALF(block + layout.block_bytes - 64 + v * LANES * 2);
    return VF_FROM_BYTES(block + quern_panel_factors(layout) + group * 32 + v * LANES) *
           VF_FROM_HALF(block + quern_panel_scales(layout) + v * LANES * 2);
}

/* What is added to that, in layouts with a minimum. */
INLINE vf minimum_at(struct quern_panel_layout layout, const unsigned char *block, int group, int v)
{
    return VF_FROM_BYTES(block + quern_panel_shifts(layout) + group * 32 + v * LANES) *
           VF_FROM_HALF(block + quern_panel_bases(layout) + v * LANES * 2);
}

#endif
