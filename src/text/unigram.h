/* The tables of a unigram vocabulary, and the working memory of its tokenizer. For unigram.c, unigram_words.c and
 * unigram_path.c. */
#ifndef QUERN_TEXT_UNIGRAM_H
#define QUERN_TEXT_UNIGRAM_H

#include "text/charsmap.h"
#include "text/grapheme.h"
#include "text/piece_trie.h"
#include "text/tokenizer_kind.h"

#define QUERN_UNIGRAM_SPACE 0x2581u /* the code point that pieces have in place of a space */
#define QUERN_MARKED_CODES 0x10000u /* code points with an entry in `marks` */

/* Marks of a code point: its quern_grapheme_class, and flags. */
#define QUERN_MARK_CLASS 31u
#define QUERN_MARK_KEY 32u   /* perhaps a key of the character map, or begins with one */
#define QUERN_MARK_WHITE 64u /* white space */

/* What an ASCII character is. */
enum {
    QUERN_ASCII_OTHER = 0, /* or not ASCII */
    QUERN_ASCII_PLAIN,     /* stays as it is, and belongs to a word */
    QUERN_ASCII_BLANK      /* is white space, or becomes white space */
};

struct quern_unigram {
    struct quern_vocabulary base;
    struct quern_charsmap charsmap;
    struct quern_piece_trie trie;
    float *scores;                           /* [count]: what a piece adds to the score of a word */
    double unknown_score;                    /* the same for a character without a piece */
    unsigned char marks[QUERN_MARKED_CODES]; /* by code point */
    unsigned char ascii[256];                /* by byte */
};

/* Where a byte of normalised text comes from: bytes [begin, end) of the text. */
struct quern_unigram_origin {
    uint32_t begin, end;
};

/* A place between two characters of a word. */
struct quern_unigram_place {
    double score;   /* of the best pieces from the beginning of the word to here */
    int32_t id;     /* the last of these pieces */
    uint32_t from;  /* the place where it begins */
    uint32_t code;  /* the character behind this place; QUERN_UNIGRAM_END: the word ends here */
    uint32_t begin; /* of this character in the word, in bytes */
};
#define QUERN_UNIGRAM_END UINT32_MAX

/* A piece that begins at a place. */
struct quern_unigram_match {
    uint32_t end; /* the place where it ends */
    int32_t id;
    uint32_t next; /* another match that begins at the same place; 0: there is none */
};

#define QUERN_UNIGRAM_LONGEST 255  /* bytes of a piece at most, so that the time for a text is bounded */
#define QUERN_UNIGRAM_AT_ONCE 128u /* places whose pieces are searched together */

struct quern_unigram_tokenizer {
    struct quern_tokenizer base;
    unsigned char *normal; /* [capacity + QUERN_WORD_SLACK]: normalised words that wait, and the one that is written */
    struct quern_unigram_origin *origins; /* [capacity], of the bytes of normal; for spans */
    size_t capacity;
    size_t word; /* where the word that is written begins in normal */
    size_t used; /* where it ends */
    struct quern_unigram_place *places; /* [place_capacity]: of some words, one behind the other */
    size_t place_capacity;
    /* From element 1 on. What comes behind the last match is written, too, before it is known that it is none. */
    struct quern_unigram_match matches[1 + QUERN_UNIGRAM_AT_ONCE * QUERN_UNIGRAM_LONGEST + 1];
};

static inline const struct quern_unigram *quern_unigram_of(const struct quern_vocabulary *vocabulary)
{
    return (const struct quern_unigram *)vocabulary;
}

/* Steps 3 and 4 of tokenizer_kind.h. */
int quern_unigram_split(struct quern_tokenizer *tokenizer, unsigned char *text, const unsigned char *end,
                        struct quern_ids *ids, quern_error *error);
int quern_unigram_merge(struct quern_tokenizer *tokenizer, const struct quern_new_word *words, size_t count,
                        size_t *ends, struct quern_ids *ids, quern_error *error);

#endif
