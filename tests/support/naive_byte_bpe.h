/* A slow tokenizer for the kind "gpt2" that follows the definition: the patterns of the published tokenizers, read
 * literally, over code points, and one merge at a time. Tests compare the library's tokenizer with it. Which code
 * points are letters, and what normal form C is, it has from the library. */
#ifndef QUERN_TESTS_NAIVE_BYTE_BPE_H
#define QUERN_TESTS_NAIVE_BYTE_BPE_H

#include "text/tokenizer.h"

/* Writes the tokens of a text to ids, as quern_tokenizer_run does; flags as there. Returns their number, at most
 * QUERN_NAIVE_BYTE_TOKENS(text.length), or -1 when the vocabulary has no token for some byte. */
#define QUERN_NAIVE_BYTE_TOKENS(length) (4 * (length) + 3)
int quern_naive_byte_bpe(const struct quern_vocabulary_source *source, quern_text text, unsigned flags, int32_t *ids);

/* Writes bytes in the alphabet of such a vocabulary, and returns the length, at most 2 for a byte. */
size_t quern_naive_spell(const char *text, size_t length, char *out);

#endif
