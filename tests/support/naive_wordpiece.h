/* A slow WordPiece tokenizer that follows the definition: the whole text goes through one step after the other, with
 * the lists of code points instead of a table, and linear searches for pieces. */
#ifndef QUERN_TESTS_NAIVE_WORDPIECE_H
#define QUERN_TESTS_NAIVE_WORDPIECE_H

#include "text/tokenizer.h"

/* Bytes of a text, at most, and ids of the tokens of so many bytes. */
#define QUERN_NAIVE_WORDPIECE_BYTES 4096
#define QUERN_NAIVE_WORDPIECE_IDS(bytes) ((bytes) + 2)

/* Writes the tokens of a text to ids, as quern_tokenizer_run does; flags as there. Returns their number. The vocabulary
 * has no user-defined pieces of spaces only. */
size_t quern_naive_wordpiece(const struct quern_vocabulary_source *source, quern_text text, unsigned flags,
                             int32_t *ids);

#endif
