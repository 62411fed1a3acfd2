/* How a text is divided into characters. */
#ifndef QUERN_TEXT_CHARACTER_H
#define QUERN_TEXT_CHARACTER_H

#include "base/utf8.h"

/* Bytes of the character that begins at p. p < end. Only the first byte decides, and the others are not checked. So any
 * sequence of bytes can be divided into characters. */
static inline size_t quern_character_length(const unsigned char *p, const unsigned char *end)
{
    static const unsigned char by_lead[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
    size_t length = by_lead[*p >> 4];
    size_t left = (size_t)(end - p);

    return length < left ? length : left;
}

/* The same, but only the characters of UTF-8 are longer than a byte: any other byte is a character by itself. */
static inline size_t quern_well_formed_length(const unsigned char *p, const unsigned char *end)
{
    const size_t length = quern_utf8_length(p, (size_t)(end - p));

    return length > 0 ? length : 1;
}

#endif
