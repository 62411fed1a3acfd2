/* Greedy merging of one word. Of all neighbours that together are a piece, those that give the piece with the best
 * score are joined first; of equal scores, the leftmost. This goes on until no neighbours are a piece. For
 * sentencepiece_bpe.c.
 *
 * Nearly all words are short, and a short word is merged by going over its pairs again and again. The time of this
 * grows with the square of the length. So a long word has its pairs in a heap. */
#ifndef QUERN_TEXT_MERGE_H
#define QUERN_TEXT_MERGE_H

#include "text/sentencepiece_bpe.h"

#define QUERN_SHORT_WORD 48 /* bytes of a short word at most, as pieces spell it */

/* A symbol of a long word: a sequence of bytes that is one character, or one piece by now. It is stored at the index of
 * its first byte. Its length is stored at the index of its last byte too, where the symbol behind it finds it. */
struct quern_symbol {
    uint32_t length;
    int32_t id; /* of the piece that the symbol is; -1: it is still a character, whose piece was not searched yet */
    struct quern_joint joint; /* of this symbol and the next one; id -1 too when a symbol no longer begins here */
};

/* Working memory. Begins as zeros, and grows when it must. */
struct quern_merger {
    unsigned char *text;          /* [capacity + QUERN_PIECE_SLACK]: the word, with U+2581 in place of spaces */
    struct quern_symbol *symbols; /* [capacity] */
    uint64_t *heap;               /* [2 * capacity]: rank << 32 | index of the left symbol */
    size_t capacity;              /* bytes of the longest word so far */
    size_t heap_count;
};

/* Appends the ids of a word. Errors: QUERN_ENOMEM; QUERN_EFORMAT when a character is unknown and the vocabulary has
 * pieces neither for its bytes nor for unknown characters. */
int quern_merger_run(struct quern_merger *merger, const struct quern_sentencepiece_bpe *vocabulary,
                     const unsigned char *word, size_t length, struct quern_ids *ids, quern_error *error);

void quern_merger_release(struct quern_merger *merger);

#endif
