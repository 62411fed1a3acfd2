/* The tokenizer by its definition: linear searches, and one merge at a time over a whole stretch of text. It is slow.
 * Tests compare the library's tokenizer with it. And what must hold for the spans and the text of any tokens. */
#ifndef QUERN_TESTS_NAIVE_TOKENIZER_H
#define QUERN_TESTS_NAIVE_TOKENIZER_H

#include "text/tokenizer.h"

/* The tokens of text, as quern_tokenizer_run gives them; flags as there. Returns their number, which is at most
 * QUERN_NAIVE_TOKENS(text.length), or -1 when the vocabulary has no token for some byte. */
#define QUERN_NAIVE_TOKENS(length) (3 * (length) * 2 + 2) /* a prefix before each fragment, a blank in 3 byte tokens */
int quern_naive_tokenize(const struct quern_vocabulary_source *source, quern_text text, unsigned flags, int32_t *ids);

/* Whether spans[count] cover a prompt and a text of these lengths, one behind the other and without gaps. */
bool quern_spans_cover(const quern_token_span *spans, size_t count, size_t prompt_length, size_t text_length);

/* Whether detokenising these ids, which must be those of the text without QUERN_NO_SPECIAL's tokens, gives the text
 * back; U+2581 counts as a space. True also where the vocabulary does not allow it: when a character is unknown, when
 * a piece that is not a byte piece stands for a byte, and when the vocabulary puts spaces before texts. */
bool quern_text_returns(const struct quern_vocabulary_source *source, const struct quern_vocabulary *vocabulary,
                        quern_text text, const int32_t *ids, size_t count);

#endif
