#include "kernels/panels.h"

#include <string.h>

enum { COLUMNS = QUERN_PANEL_COLUMNS, BLOCK = QUERN_BLOCK_ELEMENTS };

static_assert(BLOCK == QUERN_TYPE_BLOCK, "a block of weights meets one block of activations");

/* The parts of a block fill it. */
#define BYTES_OF(name, kind, bits, groups, minimum, offset, bytes)                                                     \
    static_assert((kind) != QUERN_PANEL_SUB_BYTE ||                                                                    \
                      (bytes) == QUERN_PANEL_UPPER + ((bits) > 4 ? 256 : 0) +                                          \
                                     COLUMNS * ((groups) + 2) * ((minimum) ? 2 : 1),                                   \
                  "bytes of " #name);                                                                                  \
    static_assert((bytes) % 64 == 0, #name " can be read with aligned loads");
QUERN_PANEL_LAYOUTS(BYTES_OF)

/* Where number k of a row lies in its steps. */
static size_t place(struct quern_panel_order order, int row, int k)
{
    return (size_t)(k / order.together * COLUMNS * order.together + row * order.together + k % order.together);
}

static void pack_floats_32(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)
{
    for (int k = 0; k < length; k++)
        for (int r = 0; r < COLUMNS; r++, panel += 4)
            memcpy(panel, rows + (size_t)r * row_bytes + (size_t)k * 4, 4);
}

static void pack_floats_16(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)
{
    for (int k = 0; k < length; k++)
        for (int r = 0; r < COLUMNS; r++, panel += 2)
            memcpy(panel, rows + (size_t)r * row_bytes + (size_t)k * 2, 2);
}

/* For types whose blocks are a half float, the scale, and then bytes, which keep their order: 32 bytes in Q8_0, 16 in
 * Q4_0 and IQ4_NL. */
static void pack_bytes(unsigned char *panel, struct quern_panel_order order, int bytes, unsigned flip,
                       const unsigned char *rows, size_t row_bytes, int length)
{
    const uint32_t mask = flip * 0x01010101u;
    for (int b = 0; b < length / BLOCK; b++, panel += COLUMNS * (bytes + 2))
        for (int r = 0; r < COLUMNS; r++) {
            const unsigned char *block = rows + (size_t)r * row_bytes + (size_t)b * (size_t)(2 + bytes);
            for (int i = 0; i < bytes; i += 4) {
                uint32_t word;
                memcpy(&word, block + 2 + i, 4);
                word ^= mask;
                memcpy(panel + place(order, r, i), &word, 4);
            }
            memcpy(panel + COLUMNS * bytes + r * 2, block, 2);
        }
}

/* Writes a row's part of a block of unsigned sub-byte numbers. */
static void put_sub_byte(unsigned char *block, struct quern_panel_layout layout, struct quern_panel_order order, int r,
                         const struct quern_unpacked *from)
{
    uint8_t q[BLOCK];
    for (int k = 0; k < BLOCK; k++)
        q[k] = (uint8_t)(from->q[k] + layout.offset);
    for (int k = 0; k < BLOCK / 2; k++)
        block[place(order, r, k)] = (uint8_t)((q[k] & 15) | q[k + BLOCK / 2] << 4);
    for (int i = 0; i < BLOCK / 4 && layout.bits > 4; i++) {
        unsigned bits = 0;
        for (int u = 0; u < 4; u++)
            bits |= (unsigned)(q[(4 * (i / order.together) + u) * order.together + i % order.together] >> 4) << 2 * u;
        block[QUERN_PANEL_UPPER + place(order, r, i)] = (unsigned char)bits;
    }
    for (int g = 0; g < layout.groups; g++) {
        memcpy(block + quern_panel_factors(layout) + g * COLUMNS + r, &from->factor[g], 1);
        if (layout.minimum)
            memcpy(block + quern_panel_shifts(layout) + g * COLUMNS + r, &from->shift[g], 1);
    }
    memcpy(block + quern_panel_scales(layout) + 2 * r, &from->scale, 2);
    if (layout.minimum)
        memcpy(block + quern_panel_bases(layout) + 2 * r, &from->base, 2);
}

static void pack_sub_byte(unsigned char *panel, struct quern_panel_layout layout, struct quern_panel_order order,
                          enum quern_type type, const unsigned char *rows, size_t row_bytes, int length)
{
    struct quern_unpacked unpacked[QUERN_UNPACKED_MOST];
    for (int r = 0; r < COLUMNS; r++) {
        const unsigned char *raw = rows + (size_t)r * row_bytes;
        unsigned char *block = panel;
        for (int k = 0; k < length;) {
            const int count = quern_unpack(type, unpacked, &raw);
            for (int i = 0; i < count; i++, k += BLOCK, block += layout.block_bytes)
                put_sub_byte(block, layout, order, r, &unpacked[i]);
        }
    }
}

void quern_pack(unsigned char *panel, struct quern_panel_layout layout, struct quern_panel_order order,
                enum quern_type type, const unsigned char *rows, size_t row_bytes, int length)
{
    switch (layout.kind) {
    case QUERN_PANEL_FLOATS_32: pack_floats_32(panel, rows, row_bytes, length); break;
    case QUERN_PANEL_FLOATS_16:
    case QUERN_PANEL_BFLOATS_16: pack_floats_16(panel, rows, row_bytes, length); break;
    case QUERN_PANEL_SIGNED_BYTES: pack_bytes(panel, order, BLOCK, order.flip, rows, row_bytes, length); break;
    case QUERN_PANEL_PLAIN_NIBBLES:
    case QUERN_PANEL_TABLE_NIBBLES: pack_bytes(panel, order, BLOCK / 2, 0, rows, row_bytes, length); break;
    case QUERN_PANEL_SUB_BYTE: pack_sub_byte(panel, layout, order, type, rows, row_bytes, length); break;
    }
}
