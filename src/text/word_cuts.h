/* Cutting a text into words, for vocabularies in the manner of SentencePiece.
 *
 * Text is cut between two characters that stand side by side in no piece. No merge can join them, because it would give
 * a piece that holds them side by side. So the text before and the text after can be tokenised on their own. U+2581
 * and a space are the same character. */
#ifndef QUERN_TEXT_WORD_CUTS_H
#define QUERN_TEXT_WORD_CUTS_H

#include "text/byte_pair.h"
#include "text/tokenizer_kind.h"

#define QUERN_ASCII_PAIRS (128u * 128u) /* the pair of left and right is at left << 7 | right */

/* Pairs of characters are bits. Two ASCII characters have a bit of their own. All other pairs share the rest by a
 * hash. So a bit may be set because of another pair, and then text is not cut although it could be. */
#define QUERN_HASHED_PAIRS_LOG2 20
#define QUERN_WORD_CUTS_BYTES ((QUERN_ASCII_PAIRS + (1u << QUERN_HASHED_PAIRS_LOG2)) / 8)

struct quern_word_cuts {
    bool well_formed; /* characters are those of UTF-8, and any other byte is one by itself; else the first byte of a
                       * character alone says how long it is */
    uint32_t *pairs;  /* [QUERN_WORD_CUTS_BYTES / 4]: bits: which characters stand side by side in a piece */
    unsigned char cuts[QUERN_BYTE_PAIRS / 2]; /* the same for two ASCII characters, by quern_byte_pair: 0; 1: they stand
                                               * in no piece */
};

/* Error: QUERN_ENOMEM. */
int quern_word_cuts_new(struct quern_word_cuts *cuts, bool well_formed, quern_error *error);
void quern_word_cuts_free(struct quern_word_cuts *cuts); /* zeros are allowed */

/* Adds a piece, of at least one byte. */
void quern_word_cuts_join(struct quern_word_cuts *cuts, const quern_text *piece);

/* Must be called behind the last piece. */
void quern_word_cuts_finish(struct quern_word_cuts *cuts);

/* The function split of a kind: puts a space in front, where the vocabulary says so, and passes the words on. */
int quern_word_cuts_split(const struct quern_word_cuts *cuts, struct quern_tokenizer *tokenizer, unsigned char *text,
                          const unsigned char *end, struct quern_ids *ids, quern_error *error);

#endif
