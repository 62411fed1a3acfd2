/* A cache of words: a text repeats most of its words, and so their ids need not be found again. The functions that find
 * a word are in this header, because they take most of the time of a tokenizer. */
#ifndef QUERN_TEXT_WORDS_H
#define QUERN_TEXT_WORDS_H

#include "text/ids.h"

#include <stdbool.h>
#include <string.h>

#define QUERN_WORD_BYTES 32 /* of the longest word in the cache */
#define QUERN_WORD_IDS 7    /* most ids of a word in the cache */
#define QUERN_WORD_SETS_LOG2 14

struct quern_word {
    uint64_t text[QUERN_WORD_BYTES / 8]; /* as it stands in the text, followed by zeros */
    unsigned char length;                /* 0: the entry is empty */
    unsigned char count;                 /* of ids */
    int32_t ids[QUERN_WORD_IDS];
};

struct quern_words {
    struct quern_word (*sets)[2]; /* [1 << QUERN_WORD_SETS_LOG2], 2 words each, the newer one first: 2 MiB */
};

/* A word of 1 to QUERN_WORD_BYTES bytes, and the set of the cache where it belongs. */
struct quern_word_key {
    uint64_t text[QUERN_WORD_BYTES / 8];
    size_t length;
    struct quern_word *set;
};

int quern_words_new(struct quern_words *words, quern_error *error); /* Error: QUERN_ENOMEM. */
void quern_words_free(struct quern_words *words);

/* Keeps the ids of a word, unless they are too many. */
void quern_words_keep(const struct quern_word_key *key, const int32_t *ids, size_t count);

static inline uint64_t quern_load64(const unsigned char *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

/* Reads a word. QUERN_WORD_BYTES from its first byte on are readable; those behind the word become zeros. */
static inline void quern_words_read(const struct quern_words *words, const unsigned char *word, size_t length,
                                    struct quern_word_key *key)
{
    static const unsigned char mask[2 * QUERN_WORD_BYTES] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

    for (size_t i = 0; i < QUERN_WORD_BYTES / 8; i++)
        key->text[i] = quern_load64(word + 8 * i) & quern_load64(mask + QUERN_WORD_BYTES - length + 8 * i);
    uint64_t hash = (key->text[0] ^ length) * 0x9e3779b97f4a7c15u + key->text[1] * 0xc2b2ae3d27d4eb4fu;
    hash += key->text[2] * 0x165667b19e3779f9u + key->text[3] * 0xd6e8feb86659fd93u;
    hash ^= hash >> 32;
    key->length = length;
    key->set = words->sets[(hash * 0x9e3779b97f4a7c15u) >> (64 - QUERN_WORD_SETS_LOG2)];
}

/* Appends the ids of a word if they are in the cache. */
static inline bool quern_words_put(const struct quern_word_key *key, struct quern_ids *ids)
{
    for (const struct quern_word *word = key->set; word < key->set + 2; word++) {
        uint64_t difference = word->length ^ key->length;
        for (size_t i = 0; i < QUERN_WORD_BYTES / 8; i++)
            difference |= word->text[i] ^ key->text[i];
        if (difference != 0)
            continue;
        for (size_t i = 0; i < word->count; i++)
            quern_ids_put(ids, word->ids[i]);
        return true;
    }
    return false;
}

#endif
