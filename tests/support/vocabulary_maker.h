/* Makes a vocabulary in the layout of Gemma 3, without any file:
 *
 *     <pad> <eos> <bos> <unk> <mask> [multimodal] <unused...> <start_of_turn> <end_of_turn>
 *     runs of newlines, runs of spaces (from two on), HTML tags, the 256 bytes
 *     normal pieces: several characters first, then single ones; the score is minus the rank
 *     runs of tabs, <start_of_image> <end_of_image>, more <unused...>
 *
 * Each beginning of a normal piece is a piece too, so that merging can build the piece. */
#ifndef QUERN_TESTS_VOCABULARY_MAKER_H
#define QUERN_TESTS_VOCABULARY_MAKER_H

#include "quern.h"

/* Numbers of pieces. The tiny vocabulary has short runs and few tags, and a piece of the kind "unused". In the full
 * one, all pieces but the normal ones have the ids that they have in Gemma 3. */
#define QUERN_VOCABULARY_TINY 640
#define QUERN_VOCABULARY_FULL 262144

struct quern_made_vocabulary {
    size_t count;
    quern_text *texts; /* [count] */
    float *scores;     /* [count] */
    int32_t *kinds;    /* [count], quern_piece_kind */
    char *bytes;       /* the bytes of all texts */
};

/* Makes a vocabulary of so many pieces, one of the two numbers above. quern_vocabulary_unmake frees it. */
int quern_vocabulary_make(struct quern_made_vocabulary *vocabulary, size_t count, quern_error *error);
void quern_vocabulary_unmake(struct quern_made_vocabulary *vocabulary);

#endif
