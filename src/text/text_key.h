/* Short texts as numbers, which are compared and hashed at once. */
#ifndef QUERN_TEXT_TEXT_KEY_H
#define QUERN_TEXT_TEXT_KEY_H

#include <stddef.h>
#include <stdint.h>

#define QUERN_TEXT_KEY_BYTES 15 /* of the longest text that a key holds */
#define QUERN_TEXT_KEY_SLACK 16 /* bytes from a text's first one on that are read */

struct quern_text_key {
    uint64_t low, high; /* the bytes of the text, followed by zeros. The highest byte of high is free for a tag */
};

/* Little-endian on every machine. Compilers turn it into one load. */
static inline uint64_t quern_load64(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
           (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

/* length <= QUERN_TEXT_KEY_BYTES */
static inline struct quern_text_key quern_text_key_read(const unsigned char *text, size_t length, uint64_t tag)
{
#define MASK(bytes) (((uint64_t)1 << 8 * (bytes)) - 1)
    static const struct quern_text_key masks[QUERN_TEXT_KEY_BYTES + 1] = {
        {0, 0}, {MASK(1), 0}, {MASK(2), 0}, {MASK(3), 0}, {MASK(4), 0}, {MASK(5), 0}, {MASK(6), 0}, {MASK(7), 0},
        {UINT64_MAX, 0}, {UINT64_MAX, MASK(1)}, {UINT64_MAX, MASK(2)}, {UINT64_MAX, MASK(3)}, {UINT64_MAX, MASK(4)},
        {UINT64_MAX, MASK(5)}, {UINT64_MAX, MASK(6)}, {UINT64_MAX, MASK(7)}};
#undef MASK

    return (struct quern_text_key){quern_load64(text) & masks[length].low,
                                   (quern_load64(text + 8) & masks[length].high) | tag << 56};
}

#endif
