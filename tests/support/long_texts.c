#include "long_texts.h"

#include "base/count.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What a kind of text is made of, in random order. */
static const struct {
    const char *parts[12];
} kinds[] = {
    {{"the ", "quick ", "brown ", "fox ", "jumps. ", "Over ", "it! ", "said \"so.\" ", "\n", "\n\n", "dog, "}},
    {{"word ", "another ", "x "}},                                    /* no sentences */
    {{"a"}},                                                          /* no end of anything */
    {{"5"}},                                                          /* a token for each byte */
    {{"abcdefgh", "qrst", "\xc3\xa9", "\xe6\x97\xa5"}},               /* no white space */
    {{"\n"}}, {{" "}}, {{" ", "\n", "\t", "\xe2\x80\x83", "\r\n"}},   /* nothing but white space */
    {{"\xe6\x97\xa5\xe6\x9c\xac", "\xe8\xaa\x9e", "\xe3\x80\x82", "\xef\xbc\x9f\xe3\x80\x8d", "\xe3\x80\x80"}},
    {{"\xf0\x9f\x98\x80", "\xe2\x96\x81", "  "}},                     /* emoji, and the character of a space */
    {{"\x80"}}, {{"\xff", "\xc3", "\xe2\x82", "\xf0\x9f", "ok ", "\xed\xa0\x80", "\xc0\x80"}}, /* not UTF-8 */
    {{"<eos>", "<bos>", "<0x0A>", " text "}},                         /* special tokens, spelled out */
    {{"\"", "'", ")", ". ", "."}},
    {{"a line of some words\n", "short\n", "\n"}},
    {{"a                                        ", "b"}},             /* runs of spaces */
};

quern_text trial_text(int i, size_t bytes)
{
    if (i < 0 || (size_t)i >= QUERN_COUNT(kinds))
        return (quern_text){NULL, 0};
    const char *const *parts = kinds[i].parts;
    size_t count = 0, length = 0;
    while (count < QUERN_COUNT(kinds[i].parts) && parts[count] != NULL)
        count++;
    char *data = malloc(bytes + 64);
    for (uint32_t random = 1; data != NULL && length < bytes;) {
        random = random * 1664525 + 1013904223;
        const char *part = parts[(random >> 16) % count];
        memcpy(data + length, part, strlen(part));
        length += strlen(part);
    }
    return (quern_text){data, length};
}
