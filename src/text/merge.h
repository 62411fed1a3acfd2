/* Greedy merging of one stretch of text: the pair of neighbours that gives the piece of the best score is joined
 * first, the leftmost of equals, until no pair gives a piece. Inside the text layer only. */
#ifndef QUERN_TEXT_MERGE_H
#define QUERN_TEXT_MERGE_H

#include "text/vocabulary.h"

struct quern_ids {
    int32_t *ids; /* [capacity]; may be NULL when that is 0 */
    size_t capacity;
    size_t count; /* may pass capacity: what does not fit is only counted */
};

static inline void quern_ids_put(struct quern_ids *ids, int32_t id)
{
    if (ids->count < ids->capacity)
        ids->ids[ids->count] = id;
    ids->count++;
}

/* A run of bytes that is one character or one piece by now. Symbols live at the place of their first byte; length is
 * also kept at the place of the last, where the symbol after it finds it. */
struct quern_symbol {
    uint32_t length;
    uint32_t rank;  /* of the piece that this symbol and the next one give: less is better */
    int32_t merged; /* that piece; -1: none, or no symbol begins here any more */
    int32_t id;     /* piece that the symbol is; -1: still a character, not looked up */
};

/* Scratch memory, grown on demand and kept. */
struct quern_merger {
    const struct quern_vocabulary *vocabulary;
    unsigned char *text;          /* [capacity]: the stretch, with blanks as pieces spell them */
    struct quern_symbol *symbols; /* [capacity] */
    uint64_t *heap;               /* [2 * capacity]: rank << 32 | place of the left symbol */
    size_t capacity;              /* bytes of the longest stretch so far */
    size_t heap_count;
};

/* Appends the ids of a stretch of text. QUERN_ENOMEM; QUERN_EFORMAT when a character is unknown and the vocabulary has
 * no piece for its bytes, and none for unknown characters. */
int quern_merger_run(struct quern_merger *merger, const unsigned char *text, size_t length, struct quern_ids *ids,
                     quern_error *error);

void quern_merger_release(struct quern_merger *merger);

#endif
