/* Packed layouts that tables share. A panel holds QUERN_PANEL_COLUMNS = 32 rows (columns of the product) and is a sequence of
 * blocks, one for every 32 of the length k:
 *
 *   Q8_0   8 steps of [32 rows][4 k] bytes, then 32 half scales: 1088 bytes. The four k of a row lie together as 4-way
 *          dot product instructions want them. Bytes are w, or w + 128 for instructions whose weight is unsigned.
 *   Q4_0   4 steps of [32 rows][4 k] bytes, then 32 half scales: 576 bytes. The low nibble of step s is k = 4 s + i,
 *          the high one k = 16 + 4 s + i; the value is nibble - 8.
 *   NL     the same for IQ4_NL; the value is found in a table.
 *   small  unsigned quants of 4 or 6 bits, for all the types between: see below.
 *   floats [32 k][32 rows], in the file's own type.
 *
 * All blocks are multiples of 64 bytes, so a panel can be read with aligned loads.
 *
 * A small block: nibbles as in Q4_0; with six bits two more steps of [32 rows][4 k] bytes, in which bits 2 (s % 4) and
 * up of number s / 4 are the upper bits of step s. Then, [32 rows] of each: a signed byte of factor for every group of
 * the block, one or two; in forms with a minimum as many of shift; half scales; with a minimum half bases. Weight k of
 * group g is scale * factor[g] * (q - offset) + base * shift[g], as the file has these numbers: exact, and short.
 *
 *   U4     4 bits, a group, a minimum: Q4_1, Q4_K. 704 bytes, 5.5 bits a weight
 *   U5     5 bits in 6, a group, a minimum: Q5_0, Q5_1, Q5_K. 960 bytes, 7.5 bits a weight
 *   U2     2 bits in 4, two groups, a minimum: Q2_K. 768 bytes, 6 bits a weight
 *   S6     6 bits, two groups, offset 32, no minimum: Q3_K, Q6_K. 896 bytes, 7 bits a weight */
#ifndef QUERN_KERNELS_PACK_H
#define QUERN_KERNELS_PACK_H

#include "formats/unpack.h"
#include "kernels/kernels.h"

/* Packed forms. */
enum quern_form {
    QUERN_FORM_Q8_0,
    QUERN_FORM_Q4_0,
    QUERN_FORM_NL,
    QUERN_FORM_U4,
    QUERN_FORM_U5,
    QUERN_FORM_U2,
    QUERN_FORM_S6,
    QUERN_FORM_F32,
    QUERN_FORM_F16,
    QUERN_FORM_BF16
};

/* Small forms, and where the parts of their blocks begin. The arguments are constants; so are the results. */
#define QUERN_IS_SMALL(form) ((form) >= QUERN_FORM_U4 && (form) <= QUERN_FORM_S6)
#define QUERN_GROUPS(form) ((form) == QUERN_FORM_U2 || (form) == QUERN_FORM_S6 ? 2 : 1)
#define QUERN_HAS_MINIMUM(form) ((form) >= QUERN_FORM_U4 && (form) <= QUERN_FORM_U2)
#define QUERN_SMALL_SIX_BITS(form) ((form) == QUERN_FORM_U5 || (form) == QUERN_FORM_S6)
#define QUERN_OFFSET(form) ((form) == QUERN_FORM_S6 ? 32 : (form) == QUERN_FORM_Q4_0 ? 8 : 0)
#define QUERN_SMALL_UPPER 512 /* upper bits, if it has six */
#define QUERN_SMALL_FACTORS(form) (QUERN_SMALL_UPPER + (QUERN_SMALL_SIX_BITS(form) ? 256 : 0))
#define QUERN_SMALL_SHIFTS(form) (QUERN_SMALL_FACTORS(form) + 32 * QUERN_GROUPS(form))
#define QUERN_SMALL_SCALES(form)                                                                                       \
    (QUERN_SMALL_SHIFTS(form) + (QUERN_HAS_MINIMUM(form) ? 32 * QUERN_GROUPS(form) : 0))
#define QUERN_SMALL_BASES(form) (QUERN_SMALL_SCALES(form) + 32 * 2)

#define QUERN_BLOCK_BYTES(form)                                                                                        \
    ((form) == QUERN_FORM_Q8_0                             ? 32 * 32 + 32 * 2                                          \
     : (form) == QUERN_FORM_Q4_0 || (form) == QUERN_FORM_NL ? 32 * 16 + 32 * 2                                         \
     : (form) == QUERN_FORM_F32                             ? 32 * 32 * 4                                              \
     : (form) == QUERN_FORM_F16 || (form) == QUERN_FORM_BF16 ? 32 * 32 * 2                                             \
                                                             : QUERN_SMALL_BASES(form) +                               \
                                                                   (QUERN_HAS_MINIMUM(form) ? 32 * 2 : 0))

void quern_pack_q8_signed(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length);
void quern_pack_q8_unsigned(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length);
void quern_pack_q4(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length); /* and IQ4_NL */
void quern_pack_f32(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length);
void quern_pack_f16(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length); /* and BF16 */

/* For small forms. together: how many k of a row lie together, 4 as above, or 8: then steps are half as many and
 * [32 rows][8 k]. */
void quern_pack_small(unsigned char *panel, enum quern_type type, enum quern_form form, int together,
                      const unsigned char *rows, size_t row_bytes, int length);

#endif
