#include "base64.h"

#include <stdint.h>

static int digit_value(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* Four digits are three bytes. At the end two digits are one byte, three are two, and '=' takes the places that are
 * left of the four. */
ptrdiff_t quern_base64_decode(quern_text text, unsigned char *bytes)
{
    size_t digits = 0, count = 0;
    uint32_t bits = 0;
    for (; digits < text.length && text.data[digits] != '='; digits++) {
        const int value = digit_value(text.data[digits]);
        if (value < 0)
            return -1;
        bits = bits << 6 | (uint32_t)value;
        if (digits % 4 > 0)
            bytes[count++] = (unsigned char)(bits >> (6 - 2 * (digits % 4)));
    }
    const size_t padding = text.length - digits;
    for (size_t i = digits; i < text.length; i++)
        if (text.data[i] != '=')
            return -1;
    return text.length % 4 == 0 && padding <= 2 ? (ptrdiff_t)count : -1;
}
