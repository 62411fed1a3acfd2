#include "kernels/pack.h"

#include "formats/unpack.h"

#include <string.h>

/* A GGUF Q8_0 block: half scale, 32 signed bytes. Q4_0: half scale, 16 bytes; byte i holds elements i and i + 16. */
enum { Q8_RAW = 34, Q4_RAW = 18 };

static void pack_q8(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length, unsigned flip)
{
    const uint32_t mask = flip * 0x01010101u;
    for (int b = 0; b < length / QUERN_PANEL_COLUMNS; b++, panel += QUERN_BLOCK_BYTES(QUERN_FORM_Q8_0)) {
        for (int r = 0; r < QUERN_PANEL_COLUMNS; r++) {
            const unsigned char *raw = rows + (size_t)r * row_bytes + (size_t)b * Q8_RAW;
            for (int step = 0; step < 8; step++) {
                uint32_t word;
                memcpy(&word, raw + 2 + 4 * step, 4);
                word ^= mask;
                memcpy(panel + step * 128 + r * 4, &word, 4);
            }
            memcpy(panel + 1024 + r * 2, raw, 2);
        }
    }
}

void quern_pack_q8_signed(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)
{
    pack_q8(panel, rows, row_bytes, length, 0);
}

void quern_pack_q8_unsigned(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)
{
    pack_q8(panel, rows, row_bytes, length, 0x80);
}

void quern_pack_q4(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)
{
    for (int b = 0; b < length / QUERN_PANEL_COLUMNS; b++, panel += QUERN_BLOCK_BYTES(QUERN_FORM_Q4_0)) {
        for (int r = 0; r < QUERN_PANEL_COLUMNS; r++) {
            const unsigned char *raw = rows + (size_t)r * row_bytes + (size_t)b * Q4_RAW;
            for (int step = 0; step < 4; step++)
                memcpy(panel + step * 128 + r * 4, raw + 2 + 4 * step, 4);
            memcpy(panel + 512 + r * 2, raw, 2);
        }
    }
}

void quern_pack_f32(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)
{
    for (int k = 0; k < length; k++)
        for (int r = 0; r < QUERN_PANEL_COLUMNS; r++, panel += 4)
            memcpy(panel, rows + (size_t)r * row_bytes + (size_t)k * 4, 4);
}

void quern_pack_f16(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)
{
    for (int k = 0; k < length; k++)
        for (int r = 0; r < QUERN_PANEL_COLUMNS; r++, panel += 2)
            memcpy(panel, rows + (size_t)r * row_bytes + (size_t)k * 2, 2);
}

/* Row r of a small block. */
static void pack_quants(unsigned char *block, enum quern_form form, int together, int r,
                        const struct quern_unpacked *from)
{
    const int groups = QUERN_GROUPS(form), stride = together * QUERN_PANEL_COLUMNS;
    uint8_t q[QUERN_PANEL_COLUMNS];
    for (int k = 0; k < QUERN_PANEL_COLUMNS; k++)
        q[k] = (uint8_t)(from->q[k] + QUERN_OFFSET(form));
    for (int k = 0; k < 16; k++)
        block[k / together * stride + r * together + k % together] = (uint8_t)((q[k] & 15) | q[k + 16] << 4);
    for (int i = 0; i < 8 && QUERN_SMALL_SIX_BITS(form); i++) {
        unsigned char *at = block + QUERN_SMALL_UPPER + i / together * stride + r * together + i % together;
        *at = 0;
        for (int s = 0; s < 4; s++)
            *at = (unsigned char)(*at | q[(4 * (i / together) + s) * together + i % together] >> 4 << 2 * s);
    }
    for (int g = 0; g < groups; g++) {
        memcpy(block + QUERN_SMALL_FACTORS(form) + g * QUERN_PANEL_COLUMNS + r, &from->factor[g], 1);
        if (QUERN_HAS_MINIMUM(form))
            memcpy(block + QUERN_SMALL_SHIFTS(form) + g * QUERN_PANEL_COLUMNS + r, &from->shift[g], 1);
    }
    memcpy(block + QUERN_SMALL_SCALES(form) + 2 * r, &from->scale, 2);
    if (QUERN_HAS_MINIMUM(form))
        memcpy(block + QUERN_SMALL_BASES(form) + 2 * r, &from->base, 2);
}

void quern_pack_small(unsigned char *panel, enum quern_type type, enum quern_form form, int together,
                      const unsigned char *rows, size_t row_bytes, int length)
{
    const size_t block_bytes = (size_t)QUERN_BLOCK_BYTES(form);
    struct quern_unpacked unpacked[QUERN_UNPACKED_MOST];
    for (int r = 0; r < QUERN_PANEL_COLUMNS; r++) {
        const unsigned char *raw = rows + (size_t)r * row_bytes;
        unsigned char *block = panel;
        for (int k = 0; k < length;) {
            const int count = quern_unpack(type, unpacked, &raw);
            for (int i = 0; i < count; i++, k += QUERN_PANEL_COLUMNS, block += block_bytes)
                pack_quants(block, form, together, r, &unpacked[i]);
        }
    }
}
