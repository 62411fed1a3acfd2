/* A slow unigram tokenizer that follows the definition: a list of replacements instead of a double array, boundaries of
 * grapheme clusters that look back as the rules of Unicode are written, and linear searches for pieces. */
#ifndef QUERN_TESTS_NAIVE_UNIGRAM_H
#define QUERN_TESTS_NAIVE_UNIGRAM_H

#include "charsmap_maker.h"
#include "text/tokenizer.h"

#include <stdbool.h>

/* Bytes of a text, and ids of its tokens, at most. */
#define QUERN_NAIVE_UNIGRAM_BYTES 512
#define QUERN_NAIVE_UNIGRAM_IDS (QUERN_NAIVE_UNIGRAM_BYTES * 256 + 2)

/* Whether a grapheme cluster ends before codes[at]. at < count */
bool quern_naive_boundary(const uint32_t *codes, size_t at);

/* Writes the tokens of a text to ids, as quern_tokenizer_run does; flags as there. Returns their number, or -1 when
 * a character has no piece and there is no unknown one. The vocabulary has no user-defined pieces of spaces only. */
int quern_naive_unigram(const struct quern_vocabulary_source *source, const struct quern_replacement *replacements,
                        size_t replacement_count, quern_text text, unsigned flags, int32_t *ids);

#endif
