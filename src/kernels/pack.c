#include "kernels/pack.h"

#include <string.h>

/* A GGUF Q8_0 block: half scale, 32 signed bytes. Q4_0: half scale, 16 bytes; byte i holds elements i and i + 16. */
enum { Q8_RAW = 34, Q4_RAW = 18 };

static void pack_q8(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length, unsigned flip)
{
    const uint32_t mask = flip * 0x01010101u;
    for (int b = 0; b < length / QUERN_BLOCK; b++, panel += QUERN_Q8_BLOCK_BYTES) {
        for (int r = 0; r < QUERN_BLOCK; r++) {
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
    for (int b = 0; b < length / QUERN_BLOCK; b++, panel += QUERN_Q4_BLOCK_BYTES) {
        for (int r = 0; r < QUERN_BLOCK; r++) {
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
        for (int r = 0; r < QUERN_BLOCK; r++, panel += 4)
            memcpy(panel, rows + (size_t)r * row_bytes + (size_t)k * 4, 4);
}

void quern_pack_f16(unsigned char *panel, const unsigned char *rows, size_t row_bytes, int length)
{
    for (int k = 0; k < length; k++)
        for (int r = 0; r < QUERN_BLOCK; r++, panel += 2)
            memcpy(panel, rows + (size_t)r * row_bytes + (size_t)k * 2, 2);
}
