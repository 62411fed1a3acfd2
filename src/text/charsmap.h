/* The character map of a SentencePiece model (precompiled_charsmap): which sequences of bytes are replaced by which
 * text before a text is cut into pieces. It comes from a model's file, so any bytes may be in it.
 *
 * The format, all numbers little-endian: a 32-bit number n, then n bytes of 32-bit units, which are a double array,
 * then texts, each with a NUL at its end. A unit has a label (bits 0 to 7, and bit 31), a flag (bit 8) that says
 * whether a key ends here, and an offset (bits 10 to 30, times 256 if bit 9 is set). From the unit at a place, byte c
 * leads to the place (place ^ offset) ^ c, if the unit there has c as its label. Where a key ends, the unit at
 * place ^ offset has no label but, in bits 0 to 30, the place of the key's text. */
#ifndef QUERN_TEXT_CHARSMAP_H
#define QUERN_TEXT_CHARSMAP_H

#include "quern.h"

#include <stdbool.h>

#define QUERN_LONGEST_REPLACEMENT 255 /* bytes; the longest one of the published maps has 33 */

struct quern_charsmap {
    uint32_t *units; /* [unit_count]; NULL: an empty map */
    size_t unit_count;
    char *texts; /* [text_bytes]; the last byte is NUL, and no text is longer than QUERN_LONGEST_REPLACEMENT */
    size_t text_bytes;
};

/* Copies a map from a model's file; an empty one has no bytes. Errors: QUERN_EFORMAT, QUERN_ENOMEM. */
int quern_charsmap_new(struct quern_charsmap *map, quern_text bytes, quern_error *error);
void quern_charsmap_free(struct quern_charsmap *map); /* also what a failed one left; zeros are allowed */
size_t quern_charsmap_bytes(const struct quern_charsmap *map); /* memory that it takes */

/* Finds the shortest key that bytes[length] begin with, and the text that replaces it, which may be empty. Returns
 * false when there is none. A key ends before a NUL. */
bool quern_charsmap_find(const struct quern_charsmap *map, const unsigned char *bytes, size_t length,
                         quern_text *replacement);

#endif
