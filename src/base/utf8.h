/* UTF-8 (RFC 3629) in text that may hold any bytes. */
#ifndef QUERN_BASE_UTF8_H
#define QUERN_BASE_UTF8_H

#include "quern.h"

#include <stdbool.h>

/* Returns the bytes of the well-formed character at s, 1 to 4, or 0 when there is none, or only the beginning of one.
 * left: how many bytes may be read, at least 1. A well-formed character has its shortest form and is not a
 * surrogate. */
static inline size_t quern_utf8_length(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4)
        return 0;
    const size_t length = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    const bool malformed = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
                           (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F);
    return malformed ? 0 : length;
}

/* The code point of the well-formed character at s, which has this length. */
static inline uint32_t quern_utf8_code(const unsigned char *s, size_t length)
{
    switch (length) {
    case 1:
        return s[0];
    case 2:
        return (s[0] & 0x1Fu) << 6 | (s[1] & 0x3Fu);
    case 3:
        return (s[0] & 0x0Fu) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu);
    default:
        return (s[0] & 0x07u) << 18 | (s[1] & 0x3Fu) << 12 | (s[2] & 0x3Fu) << 6 | (s[3] & 0x3Fu);
    }
}

/* Writes a code below 0x110000 to out, which has room for its 1 to 4 bytes. Returns how many they are. */
static inline size_t quern_utf8_write(unsigned char *out, uint32_t code)
{
    const size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (unsigned char)(0x80 | (code & 0x3F));
    out[0] = (unsigned char)(leads[length] | code);
    return length;
}

/* Whether a text can be cut before byte `at` without cutting a well-formed character in two. at <= text.length */
static inline bool quern_utf8_is_boundary(quern_text text, size_t at)
{
    const unsigned char *s = (const unsigned char *)text.data;
    for (size_t back = 1; back <= 3 && back <= at && at < text.length; back++) {
        if ((s[at - back + 1] & 0xC0) != 0x80)
            return true;
        if (quern_utf8_length(s + at - back, text.length - (at - back)) > back)
            return false;
    }
    return true;
}

/* The nearest place to cut at or before `at`, and at or after it. Both look at 3 bytes at most. */
static inline size_t quern_utf8_floor(quern_text text, size_t at)
{
    while (!quern_utf8_is_boundary(text, at))
        at--;
    return at;
}

static inline size_t quern_utf8_ceil(quern_text text, size_t at)
{
    while (!quern_utf8_is_boundary(text, at))
        at++;
    return at;
}

#endif
