/* The packed layouts of weights that tables share.
 *
 * A panel holds 32 rows of a weight matrix, which are columns of the product. It is a sequence of blocks, one for every
 * 32 of the length k. All blocks are multiples of 64 bytes, so they can be read with aligned loads.
 *
 * Floats (FLOAT32, FLOAT16, BFLOAT16): the numbers as the file has them. For one k, those of all rows lie together.
 *
 *     k = 0     row 0 | row 1 | ... | row 31
 *     k = 1     row 0 | row 1 | ... | row 31
 *     ...
 *
 * Whole numbers lie in steps. In a step, several k of a row lie together, as many as the dot product instructions of
 * the table want: 4, as shown here, or 8. With 8 there are half as many steps, and each is twice as long.
 *
 * BYTES (Q8_0): signed bytes w, or bytes w + 128 for instructions that take weights without sign.
 *
 *     at byte  0     step 0   row 0, k = 0 .. 3   | row 1, k = 0 .. 3   | ... | row 31, k = 0 .. 3
 *            128     step 1   row 0, k = 4 .. 7   | row 1, k = 4 .. 7   | ... | row 31, k = 4 .. 7
 *                    ...
 *            896     step 7   row 0, k = 28 .. 31 | row 1, k = 28 .. 31 | ... | row 31, k = 28 .. 31
 *           1024     scales   row 0 | row 1 | ... | row 31                                            half floats
 *           1088
 *
 * NIBBLES (Q4_0) and LOOKUP (IQ4_NL): a byte has two numbers of 4 bits (nibbles), for k and k + 16. A weight is
 * scale * (nibble - 8) in NIBBLES, and scale * (the table's entry for the nibble) in LOOKUP.
 *
 *     at byte  0     step 0   row 0: low nibbles k = 0 .. 3, high nibbles k = 16 .. 19  | row 1 | ... | row 31
 *                    ...
 *            384     step 3   row 0: low nibbles k = 12 .. 15, high nibbles k = 28 .. 31 | row 1 | ... | row 31
 *            512     scales   row 0 | row 1 | ... | row 31                                            half floats
 *            576
 *
 * Unsigned sub-byte numbers (U4, U5, U2, S6), for all other types. A block has one or two groups of k. Weight k of
 * group g is scale * factor[g] * (q - offset) + base * shift[g]. These numbers are those of the file, so nothing is
 * rounded again, and each has few bits.
 *
 *     at byte  0     nibbles  as above: the low four bits of q
 *            512     upper    only with more than four bits: two steps t = 0, 1, like those of BYTES. Bits 2 u and
 *                             2 u + 1 of a byte are the upper bits of the q at the same place in step 4 t + u, as
 *                             BYTES number steps                                                         (256 bytes)
 *                    factors  for each group: row 0 | row 1 | ... | row 31                            signed bytes
 *                    shifts   only with a minimum: the same                                           signed bytes
 *                    scales   row 0 | row 1 | ... | row 31                                            half floats
 *                    bases    only with a minimum: the same                                           half floats
 */
#ifndef QUERN_KERNELS_PANELS_H
#define QUERN_KERNELS_PANELS_H

#include "formats/unpack.h"
#include "kernels/kernels.h"

#include <stdbool.h>

enum quern_panel_kind {
    QUERN_PANEL_FLOATS_32,
    QUERN_PANEL_FLOATS_16,
    QUERN_PANEL_BFLOATS_16,
    QUERN_PANEL_SIGNED_BYTES,
    QUERN_PANEL_PLAIN_NIBBLES,
    QUERN_PANEL_TABLE_NIBBLES,
    QUERN_PANEL_SUB_BYTE
};

/* All layouts: LAYOUT(name, kind, bits of a number, groups of a block, whether there is a minimum, offset of numbers,
 * bytes of a block). formats.def says which types are packed in which layout. */
#define QUERN_PANEL_LAYOUTS(LAYOUT)                                                                                    \
    LAYOUT(FLOAT32, QUERN_PANEL_FLOATS_32, 32, 1, false, 0, 4096)                                                      \
    LAYOUT(FLOAT16, QUERN_PANEL_FLOATS_16, 16, 1, false, 0, 2048)                                                      \
    LAYOUT(BFLOAT16, QUERN_PANEL_BFLOATS_16, 16, 1, false, 0, 2048)                                                    \
    QUERN_PANEL_INTEGER_LAYOUTS(LAYOUT)

/* The layouts of whole numbers. Tables whose fast activations are int8 have products for these on the fast path. */
#define QUERN_PANEL_INTEGER_LAYOUTS(LAYOUT)                                                                            \
    LAYOUT(BYTES, QUERN_PANEL_SIGNED_BYTES, 8, 1, false, 0, 1088)                                                      \
    LAYOUT(NIBBLES, QUERN_PANEL_PLAIN_NIBBLES, 4, 1, false, 8, 576)                                                    \
    LAYOUT(LOOKUP, QUERN_PANEL_TABLE_NIBBLES, 4, 1, false, 0, 576)                                                     \
    LAYOUT(U4, QUERN_PANEL_SUB_BYTE, 4, 1, true, 0, 704)                                                               \
    LAYOUT(U5, QUERN_PANEL_SUB_BYTE, 5, 1, true, 0, 960)                                                               \
    LAYOUT(U2, QUERN_PANEL_SUB_BYTE, 2, 2, true, 0, 768)                                                               \
    LAYOUT(S6, QUERN_PANEL_SUB_BYTE, 6, 2, false, 32, 896)

/* A layout. The templates take it as a constant, so every question about it is answered when they are compiled. */
struct quern_panel_layout {
    enum quern_panel_kind kind;
    int bits;     /* stored numbers are below 2^bits */
    int groups;   /* of a block: 1 or 2 */
    bool minimum; /* each group has a shift, and the block a base */
    int offset;   /* what is subtracted from stored numbers */
    int block_bytes;
};

#define QUERN_PANEL_LAYOUT(name, kind, bits, groups, minimum, offset, bytes)                                           \
    static const struct quern_panel_layout quern_panel_##name = {kind, bits, groups, minimum, offset, bytes};          \
    enum { QUERN_PANEL_##name##_BYTES = (bytes) };
QUERN_PANEL_LAYOUTS(QUERN_PANEL_LAYOUT)
#undef QUERN_PANEL_LAYOUT

/* Where the parts of a block with unsigned sub-byte numbers begin. */
enum { QUERN_PANEL_UPPER = 512 };

static inline int quern_panel_factors(struct quern_panel_layout layout)
{
    return QUERN_PANEL_UPPER + (layout.bits > 4 ? 256 : 0);
}

static inline int quern_panel_shifts(struct quern_panel_layout layout)
{
    return quern_panel_factors(layout) + QUERN_PANEL_COLUMNS * layout.groups;
}

static inline int quern_panel_scales(struct quern_panel_layout layout)
{
    return quern_panel_shifts(layout) + (layout.minimum ? QUERN_PANEL_COLUMNS * layout.groups : 0);
}

static inline int quern_panel_bases(struct quern_panel_layout layout)
{
    return quern_panel_scales(layout) + 2 * QUERN_PANEL_COLUMNS;
}

/* The order of whole numbers that a table wants. */
struct quern_panel_order {
    int together;  /* k of a row that lie together: 4 or 8 */
    unsigned flip; /* what BYTES are combined with by exclusive or: 0, or 0x80 for w + 128 */
};

/* Packs rows of a type as struct quern_gemm says. */
void quern_pack(unsigned char *panel, struct quern_panel_layout layout, struct quern_panel_order order,
                enum quern_type type, const unsigned char *rows, size_t row_bytes, int length);

#endif
