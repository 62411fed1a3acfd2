/* A cache of words: a text repeats most of its words, and so their ids need not be found again. The functions that find
 * a word are in this header, because they take most of the time of a tokenizer. */
#ifndef QUERN_TEXT_WORDS_H
#define QUERN_TEXT_WORDS_H

#include "quern.h"
#include "text/text_key.h"

#include <stdbool.h>
#include <string.h>

#define QUERN_WORD_BYTES 30  /* of the longest word in the cache */
#define QUERN_WORD_SLACK 32  /* bytes from a word's first one on that are read */
#define QUERN_ENTRY_IDS 4    /* most ids in an entry */
#define QUERN_WORD_SETS_LOG2 15

/* A word of up to QUERN_TEXT_KEY_BYTES bytes and QUERN_ENTRY_IDS ids, or one half of a longer word. The text has a tag:
 *
 *     a short word                  its length << 3 | number of ids - 1
 *     the first half of a long one  QUERN_LONG_WORD | number of ids - 1
 *     its second half               QUERN_LONG_WORD + its whole length
 *     an empty entry                0 */
struct quern_word {
    struct quern_text_key text; /* as it stands in the text */
    int32_t ids[QUERN_ENTRY_IDS];
};
#define QUERN_LONG_WORD 128u
#define QUERN_WORD_COUNT_BITS ((uint64_t)7 << 56) /* of the tag */

/* Each set is one cache line: two short words, the newer one first, or a long one. */
struct quern_words {
    struct quern_word (*sets)[2]; /* [1 << QUERN_WORD_SETS_LOG2]: 2 MiB, one huge page */
};

/* A word of 1 to QUERN_WORD_BYTES bytes, and the set of the cache where it belongs. */
struct quern_word_key {
    struct quern_text_key text, rest; /* as entries have them, but without a number of ids; rest: of a long word */
    size_t length;
    struct quern_word *set;
};

int quern_words_new(struct quern_words *words, quern_error *error); /* Error: QUERN_ENOMEM. */
void quern_words_free(struct quern_words *words);

/* Keeps the ids of a word, unless they are too many. */
void quern_words_keep(const struct quern_word_key *key, const int32_t *ids, size_t count);

/* Reads a word, and has its set brought from memory. QUERN_WORD_SLACK bytes from its first one on are readable. */
static inline void quern_words_read(const struct quern_words *words, const unsigned char *word, size_t length,
                                    struct quern_word_key *key)
{
    uint64_t hash = 0;

    if (length <= QUERN_TEXT_KEY_BYTES) {
        key->text = quern_text_key_read(word, length, length << 3);
    } else {
        key->text = quern_text_key_read(word, QUERN_TEXT_KEY_BYTES, QUERN_LONG_WORD);
        key->rest = quern_text_key_read(word + QUERN_TEXT_KEY_BYTES, length - QUERN_TEXT_KEY_BYTES,
                                        QUERN_LONG_WORD + length);
        hash = key->rest.low * 0x165667b19e3779f9u + key->rest.high * 0xd6e8feb86659fd93u;
    }
    hash += key->text.low * 0x9e3779b97f4a7c15u + key->text.high * 0xc2b2ae3d27d4eb4fu;
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    key->length = length;
    key->set = words->sets[hash >> (64 - QUERN_WORD_SETS_LOG2)];
    __builtin_prefetch(key->set);
}

/* Whether two keys are the same word. */
static inline bool quern_words_same(const struct quern_word_key *a, const struct quern_word_key *b)
{
    return a->length == b->length && memcmp(&a->text, &b->text, sizeof a->text) == 0 &&
           (a->length <= QUERN_TEXT_KEY_BYTES || memcmp(&a->rest, &b->rest, sizeof a->rest) == 0);
}

/* Whether an entry is this word, or its first half. */
static inline bool quern_word_is(const struct quern_word *word, struct quern_text_key text)
{
    return ((word->text.low ^ text.low) | ((word->text.high ^ text.high) & ~QUERN_WORD_COUNT_BITS)) == 0;
}

/* The entry of a word, or NULL when it is not in the cache. Which entry of a set it is decides no branch, because a CPU
 * cannot predict it. */
static inline const struct quern_word *quern_words_find(const struct quern_word_key *key)
{
    const struct quern_word *first = key->set, *second = key->set + 1;
    const bool is_first = quern_word_is(first, key->text), is_second = quern_word_is(second, key->text);

    if (key->length > QUERN_TEXT_KEY_BYTES)
        return is_first && second->text.low == key->rest.low && second->text.high == key->rest.high ? first : NULL;
    return (is_first | is_second) ? second - is_first : NULL;
}

/* Writes the ids of a word to out[2 * QUERN_ENTRY_IDS], and returns how many there are. */
static inline size_t quern_word_ids(const struct quern_word *word, int32_t *out)
{
    const size_t count = (word->text.high >> 56 & 7) + 1;

    memcpy(out, word->ids, sizeof word->ids);
    if (count > QUERN_ENTRY_IDS)
        memcpy(out + QUERN_ENTRY_IDS, word[1].ids, sizeof word->ids);
    return count;
}

#endif
