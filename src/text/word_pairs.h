/* The pairs of neighbouring symbols in a short word, for the files that merge such words. A pair is a number of 31
 * bits: its rank << QUERN_PAIR_BITS | its number in the word. So the smallest one is the best, and of equal ranks the
 * leftmost. */
#ifndef QUERN_TEXT_WORD_PAIRS_H
#define QUERN_TEXT_WORD_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define QUERN_WORDS_AT_ONCE 16 /* are merged in turn */
#define QUERN_PAIR_BITS 6
#define QUERN_PAIR_NUMBERS (1 << QUERN_PAIR_BITS) /* elements of an array of pairs. The last one does not count: there
                                                   * are written pairs that do not exist */
#define QUERN_NO_PAIR INT32_MAX /* the number of a pair that does not exist, and the pair */
#define QUERN_PAIRS_AT_ONCE 16  /* are compared without a branch */

/* UINT32_MAX as a rank makes a pair that is worse than all others. */
static inline int32_t quern_pair_of(uint32_t rank, int32_t number)
{
    return (int32_t)((rank << QUERN_PAIR_BITS | (uint32_t)number) & INT32_MAX);
}

static inline uint32_t quern_pair_rank(int32_t pair)
{
    return (uint32_t)pair >> QUERN_PAIR_BITS;
}

static inline size_t quern_pair_number(int32_t pair)
{
    return pair & (QUERN_PAIR_NUMBERS - 1);
}

/* Merges the best pair of a word. Returns false when there was none, or none is left. */
typedef bool quern_word_step(void *word, const void *tables);

/* Merges words[count], each of so many bytes, at most QUERN_WORDS_AT_ONCE: each takes a step in turn, until none has
 * one left. While one waits for memory, the others go on. step is a constant, so that compilers put it in place. */
__attribute__((always_inline)) static inline void quern_words_take_turns(void *words, size_t count, size_t bytes,
                                                                         quern_word_step *step, const void *tables)
{
    void *left[QUERN_WORDS_AT_ONCE];

    for (size_t i = 0; i < count; i++)
        left[i] = (char *)words + i * bytes;
    while (count > 0) {
        size_t still = 0;
        for (size_t i = 0; i < count; i++) {
            left[still] = left[i];
            still += step(left[i], tables);
        }
        count = still;
    }
}

/* Four pairs. gcc makes a chain of 16 comparisons of a loop over single ones. */
typedef int32_t quern_four_pairs __attribute__((vector_size(4 * sizeof(int32_t))));

static inline quern_four_pairs quern_lesser_four(quern_four_pairs a, quern_four_pairs b)
{
    const quern_four_pairs is_first = a < b;

    return (a & is_first) | (b & ~is_first);
}

static inline int32_t quern_lesser_pair(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* The smallest of QUERN_PAIRS_AT_ONCE pairs. */
static inline int32_t quern_least_of_some(const int32_t *pairs)
{
    quern_four_pairs p[QUERN_PAIRS_AT_ONCE / 4];

    memcpy(p, pairs, sizeof p);
    const quern_four_pairs two = quern_lesser_four(quern_lesser_four(p[0], p[1]), quern_lesser_four(p[2], p[3]));
    const quern_four_pairs one = quern_lesser_four(two, (quern_four_pairs){two[2], two[3], two[0], two[1]});
    return quern_lesser_pair(one[0], one[1]);
}

/* The smallest of so many pairs, which fill whole groups of QUERN_PAIRS_AT_ONCE. count >= 1. A CPU reads pairs slowly
 * that have just been written. */
static inline int32_t quern_least_pair(const int32_t *pairs, size_t count)
{
    int32_t least = quern_least_of_some(pairs);

    for (size_t i = QUERN_PAIRS_AT_ONCE; i < count; i += QUERN_PAIRS_AT_ONCE)
        least = quern_lesser_pair(least, quern_least_of_some(pairs + i));
    return least;
}

#endif
