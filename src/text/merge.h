/* Greedy merging of words. Of all neighbours that together are a piece, those that give the piece with the best
 * score are joined first; of equal scores, the leftmost. This goes on until no neighbours are a piece. For
 * sentencepiece_bpe.c.
 *
 * Nearly all words are short, and a short word is merged by going over its pairs again and again. The time of this
 * grows with the square of the length. So a long word has its pairs in a heap. Several short words take steps in turn:
 * while one waits for memory, the others go on. */
#ifndef QUERN_TEXT_MERGE_H
#define QUERN_TEXT_MERGE_H

#include "text/heap.h"
#include "text/short_word.h"

/* A symbol of a long word: a sequence of bytes that is one character, or one piece by now. It is stored at the index of
 * its first byte. Its length is stored at the index of its last byte too, where the symbol behind it finds it. */
struct quern_symbol {
    uint32_t length;
    uint32_t piece; /* that the symbol is; QUERN_NO_PIECE: a character, whose piece is not known */
    uint32_t joint; /* the piece that the symbol and the next one make; QUERN_NO_PIECE: they make none, or no symbol
                     * begins here any longer */
    uint32_t rank;  /* of the joint */
};

/* Working memory. Begins as zeros, and grows when it must. */
struct quern_merger {
    struct quern_short_word words[QUERN_WORDS_AT_ONCE];
    unsigned char *text;          /* [capacity + QUERN_TEXT_KEY_SLACK]: the word, with U+2581 in place of spaces */
    struct quern_symbol *symbols; /* [capacity] */
    struct quern_heap heap;       /* [2 * capacity]: rank << 32 | index of the left symbol */
    size_t capacity;              /* bytes of the longest word so far */
};

/* Appends the ids of the words, and sets ends[i] to the number of ids behind word i. QUERN_WORD_SLACK bytes from a
 * word's first one on are readable. Errors: QUERN_ENOMEM; QUERN_EFORMAT when a character is unknown and the vocabulary
 * has pieces neither for its bytes nor for unknown characters. */
int quern_merger_run(struct quern_merger *merger, const struct quern_sentencepiece_bpe *vocabulary,
                     const struct quern_new_word *words, size_t count, size_t *ends, struct quern_ids *ids,
                     quern_error *error);

void quern_merger_release(struct quern_merger *merger);

#endif
