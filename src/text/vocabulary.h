/* The immutable tables over a vocabulary, and how a text falls into characters. Inside the text layer only. */
#ifndef QUERN_TEXT_VOCABULARY_H
#define QUERN_TEXT_VOCABULARY_H

#include "text/tokenizer.h"
#include "text/trie.h"

#define QUERN_BLANK "\xe2\x96\x81" /* U+2581: what a space is spelled as in pieces */
#define QUERN_BLANK_LENGTH 3

/* One piece by its text. All that a failed search or one for a short text needs lies in here, as vocabularies are too
 * large for the nearer caches. */
struct quern_slot {
    uint64_t key;    /* text of up to 7 bytes and, uppermost, its length; or a hash, uppermost 255 */
    uint32_t number; /* id + 1; 0: the slot is empty */
    uint32_t rank;   /* by score, less is better; QUERN_NO_RANK: not a piece that ordinary text can become */
};
#define QUERN_NO_RANK UINT32_MAX

struct quern_run {
    int32_t id;
    uint32_t length; /* in blanks; 0: no piece */
};

/* Pairs of characters, as bits. Two ASCII characters have a bit of their own; all other pairs share the rest by hash,
 * so that a set bit means "maybe". */
#define QUERN_ASCII_PAIRS (128u * 128u)
#define QUERN_HASHED_PAIRS_LOG2 20
#define QUERN_PAIR_WORDS ((QUERN_ASCII_PAIRS + (1u << QUERN_HASHED_PAIRS_LOG2)) / 32)

struct quern_vocabulary {
    const quern_text *texts; /* [count], the caller's */
    const float *scores;     /* [count], the caller's */
    unsigned char *kinds;    /* [count] */
    size_t count;
    struct quern_slot *slots; /* [slot_mask + 1]: all pieces, open addressing, at most half full */
    size_t slot_mask;
    uint64_t seed;
    size_t longest;          /* bytes of the longest piece that merging can give */
    uint32_t *pairs;         /* [QUERN_PAIR_WORDS]: characters that stand side by side in such a piece */
    struct quern_trie trie;  /* pieces that are cut out first, but for runs of spaces */
    unsigned char leads[256]; /* what a byte may begin, as flags: */
#define QUERN_LEADS_PIECE 1  /* a piece in the trie */
#define QUERN_LEADS_RUN 2    /* a run of spaces */
    struct quern_run *runs;  /* [longest_run + 1]: by n, the longest user-defined run of at most n blanks */
    size_t longest_run;      /* 0: none */
    size_t shortest_run;
    int32_t bytes[256];      /* the piece that stands for a byte of an unknown character; -1: none */
    int32_t bos, eos;        /* -1: not added */
    int32_t unknown;         /* -1: none */
    bool add_space_prefix;
};

/* The id of the piece with this text, or -1. */
int32_t quern_vocabulary_find(const struct quern_vocabulary *vocabulary, const unsigned char *text, size_t length);

/* The same for pieces that ordinary text can become, with the rank. Control, unknown and byte pieces are none of them,
 * whatever their text: what a text spells out never turns into one of these by merging. */
int32_t quern_vocabulary_find_plain(const struct quern_vocabulary *vocabulary, const unsigned char *text,
                                    size_t length, uint32_t *rank);

/* Bytes of the character that begins at p. The lead byte alone decides; what follows is not checked, so that every
 * byte sequence falls into characters. p < end. */
static inline size_t quern_character_length(const unsigned char *p, const unsigned char *end)
{
    static const unsigned char by_lead[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
    size_t length = by_lead[*p >> 4];
    size_t left = (size_t)(end - p);

    return length < left ? length : left;
}

/* The same, with the character's bytes as a number; U+2581 is the same as a space.
 *
 * Characters are those of the text as pieces spell it, with U+2581 for a space. So a space after a lead byte that waits
 * for more is torn: its first bytes end that character, its last ones stand alone. Both are taken as one here. */
#define QUERN_TORN UINT32_MAX
static inline size_t quern_character(const unsigned char *p, const unsigned char *end, uint32_t *code)
{
    uint32_t bytes = p[0];

    if (bytes < 128) {
        *code = bytes;
        return 1;
    }
    size_t length = quern_character_length(p, end);
    for (size_t i = 1; i < length; i++) {
        if (p[i] == ' ') {
            *code = QUERN_TORN;
            return i + 1;
        }
        bytes |= (uint32_t)p[i] << (8 * i);
    }
    *code = bytes == 0x8196e2 ? ' ' : bytes;
    return length;
}

/* The bit of a pair of characters. */
static inline uint32_t quern_pair_bit(uint32_t left, uint32_t right)
{
    if ((left | right) < 128)
        return left << 7 | right;
    uint64_t hash = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    return QUERN_ASCII_PAIRS + (uint32_t)((hash ^ hash << 29) >> (64 - QUERN_HASHED_PAIRS_LOG2));
}

/* Whether a merge may join what ends in left with what begins with right. A piece that such a merge gives holds the
 * two side by side; when no piece does, the text before and after can be tokenised on its own. */
static inline bool quern_pair_joins(const struct quern_vocabulary *vocabulary, uint32_t left, uint32_t right)
{
    if (left == QUERN_TORN || right == QUERN_TORN)
        return true;
    uint32_t bit = quern_pair_bit(left, right);
    return vocabulary->pairs[bit / 32] >> (bit % 32) & 1;
}

#endif
