/* A slow tokenizer that follows the definition: linear searches, and one merge at a time over a whole stretch of text.
 * Tests compare the library's tokenizer with it. Also checks that hold for the spans and the text of any tokens. */
#ifndef QUERN_TESTS_NAIVE_TOKENIZER_H
#define QUERN_TESTS_NAIVE_TOKENIZER_H

#include "text/tokenizer.h"

/* Writes the tokens of a text to ids, as quern_tokenizer_run does; flags as there. For the kinds "llama" and "gemma4".
 * Returns their number, at most QUERN_NAIVE_TOKENS(text.length), or -1 when the vocabulary has no token for some byte.
 * Half of them are for spaces that are put before stretches; and each space may be three byte tokens. */
#define QUERN_NAIVE_TOKENS(length) (3 * (length) * 2 + 2)
int quern_naive_tokenize(const struct quern_vocabulary_source *source, quern_text text, unsigned flags, int32_t *ids);

/* Whether spans[count] cover a prompt and a text of these lengths, one behind the other and without gaps. */
bool quern_spans_cover(const quern_token_span *spans, size_t count, size_t prompt_length, size_t text_length);

/* Whether detokenising the ids of a text, made with QUERN_NO_SPECIAL, gives the text back; U+2581 counts as a space.
 * It is also true where the vocabulary does not allow this: when a character is unknown, when a piece that is not a
 * byte piece stands for a byte, and when the vocabulary puts spaces before texts. */
bool quern_text_returns(const struct quern_vocabulary_source *source, const struct quern_vocabulary *vocabulary,
                        quern_text text, const int32_t *ids, size_t count);

#endif
