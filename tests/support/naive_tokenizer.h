/* A slow tokenizer that follows the definition: linear searches, and one merge at a time over a whole fragment. Tests
 * compare the library's tokenizer with it. */
#ifndef QUERN_TESTS_NAIVE_TOKENIZER_H
#define QUERN_TESTS_NAIVE_TOKENIZER_H

#include "text/tokenizer.h"

/* The tokens of text, as quern_tokenizer_run gives them; flags as there. Returns their number, which is at most
 * QUERN_NAIVE_TOKENS(text.length), or -1 when the vocabulary has no token for some byte. */
#define QUERN_NAIVE_TOKENS(length) (3 * (length) * 2 + 2) /* a prefix before each fragment, a blank in 3 byte tokens */
int quern_naive_tokenize(const struct quern_vocabulary_source *source, quern_text text, unsigned flags, int32_t *ids);

#endif
