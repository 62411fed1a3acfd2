/* What a kind of tokenizer must offer. For the files of src/text only.
 *
 * A text becomes ids in five steps. Steps 3 and 4 belong to the kind; the others are the same for all kinds.
 *
 *   1. The parts of the text (prompt, title, text) are copied one behind the other.
 *   2. Special pieces are cut out of the raw text: user-defined pieces always, control pieces only when the caller
 *      wants them parsed. The leftmost piece comes first, and of the pieces that begin at one place the longest one.
 *   3. split() normalises each stretch of text between special pieces and cuts it into words: parts whose ids do not
 *      depend on what stands beside them. It passes each word to quern_tokenizer_put_word.
 *   4. merge() finds the ids of a word. A cache keeps the ids of short words.
 *   5. The ids that open and close a text are put around the others.
 *
 * To add a kind: write a file like sentencepiece_bpe.c with a structure quern_tokenizer_kind at its end, and name
 * that structure in the list in tokenizer.c. A kind that needs more of a model's file, such as the merges of BPE or
 * the character map of unigram, adds fields for it to struct quern_vocabulary_source, and reads them in
 * api/vocabulary_read.c. */
#ifndef QUERN_TEXT_TOKENIZER_KIND_H
#define QUERN_TEXT_TOKENIZER_KIND_H

#include "base/error.h"
#include "text/ids.h"
#include "text/special.h"
#include "text/tokenizer.h"
#include "text/words.h"

/* What all vocabularies have in common. A kind's own vocabulary is a structure that begins with this one. */
struct quern_vocabulary {
    struct quern_vocabulary_source source; /* bos and eos are -1 if they are not added; kinds is NULL, and so are merges
                                            * when it is built */
    unsigned char *kinds;                  /* [count], a copy of the source's kinds */
    struct quern_special special;          /* pieces that are cut out of a text first */
    size_t longest_piece;                  /* most bytes of a text that an id stands for; or QUERN_ANY_LENGTH */
};

/* Whether a piece of this kind may stand for a text that does not name it. */
static inline bool quern_piece_is_plain(int kind)
{
    return kind == QUERN_PIECE_NORMAL || kind == QUERN_PIECE_USER_DEFINED || kind == QUERN_PIECE_UNUSED;
}

#define QUERN_MOST_WAITING 128

struct quern_new_word { /* a word that is not in the cache */
    const unsigned char *text;
    size_t length;
};

/* Words that wait until there are enough of them, in the order of the text. Then all are looked up in the cache, whose
 * entries have come from memory meanwhile, and those that are not there are merged together. Ids that are known already
 * stand between the words. */
struct quern_waiting {
    size_t count;
    struct quern_word_key keys[QUERN_MOST_WAITING]; /* length 0: there is no word, but an id */
    union {
        const unsigned char *word;
        int32_t id;
    } items[QUERN_MOST_WAITING];

    /* The ids of all that is known, without those of the new words. */
    int32_t known[QUERN_MOST_WAITING * 2 * QUERN_ENTRY_IDS];
    size_t known_count;
    size_t gap_count; /* of new words, the same one perhaps several times */
    struct {
        size_t end;  /* of the known ids in front of the new word */
        size_t miss; /* the number of the new word */
    } gaps[QUERN_MOST_WAITING];

    size_t miss_count; /* of different new words */
    struct quern_new_word misses[QUERN_MOST_WAITING];
    unsigned char sources[QUERN_MOST_WAITING]; /* their elements of keys */
    unsigned char latest[QUERN_MOST_WAITING];  /* see note_miss */
    size_t ends[QUERN_MOST_WAITING];           /* of their ids */
    int32_t ids[QUERN_MOST_WAITING * QUERN_WORD_BYTES * QUERN_METASPACE_LENGTH];
};

/* What all tokenizers have in common. A kind's own tokenizer is a structure that begins with this one. */
struct quern_tokenizer {
    const struct quern_vocabulary *vocabulary;
    struct quern_words words;
    struct quern_waiting waiting;
    unsigned char *text; /* [text_capacity]: one byte to spare, the text, QUERN_WORD_SLACK to spare */
    size_t text_capacity;
};

struct quern_tokenizer_kind {
    const char *name;      /* as quern_tokenizer_info has it */
    const char *gguf_name; /* as the key tokenizer.ggml.model has it */
    bool uses_scores;
    bool uses_charsmap;
    bool uses_merges;
    bool (*takes)(quern_text pre); /* whether the kind knows the rule for words of this name, see tokenizer.h; NULL: it
                                    * has no use for a name */
    bool plain_spaces; /* a special piece of spaces is matched like any other, and U+2581 is no space */
    const char *control_text; /* a piece with this text is a control piece, whatever the file says; NULL: none is */
    bool always_encloses, uses_case; /* see tokenizer.h */
    struct quern_vocabulary_source defaults; /* see quern_tokenizer_defaults */

    size_t vocabulary_size; /* bytes of the kind's own structures */
    size_t tokenizer_size;

    /* Fills the kind's part of a vocabulary, of which the common part is filled and the rest is zero. */
    int (*build)(struct quern_vocabulary *vocabulary, quern_error *error);
    /* Frees what build took, also when build failed half-way. */
    void (*release_vocabulary)(struct quern_vocabulary *vocabulary);
    /* Memory that build took. */
    size_t (*bytes)(const struct quern_vocabulary *vocabulary);
    /* Frees the kind's part of a tokenizer. It begins as zeros, and grows when it is used. */
    void (*release_tokenizer)(struct quern_tokenizer *tokenizer);

    /* Step 3, for the bytes [text, end), at least one. The byte before text may be overwritten. Words may lie in memory
     * of the kind's tokenizer; then merge must know where in the text they come from. */
    int (*split)(struct quern_tokenizer *tokenizer, unsigned char *text, const unsigned char *end,
                 struct quern_ids *ids, quern_error *error);
    /* Step 4. Appends the ids of the words by quern_ids_put_span, at most QUERN_METASPACE_LENGTH for a byte, and sets
     * ends[i] to the number of ids behind word i. */
    int (*merge)(struct quern_tokenizer *tokenizer, const struct quern_new_word *words, size_t count, size_t *ends,
                 struct quern_ids *ids, quern_error *error);
    /* Writes as much of the text that a piece stands for as fits into out[room], and returns the length of all of it,
     * which is at most that of the piece. The piece lies in a file that others may write to, so another call may return
     * another length. skip_space: without the space that the piece begins with. */
    size_t (*piece_text)(const struct quern_vocabulary *vocabulary, int32_t id, bool skip_space, char *out,
                         size_t room);
};

extern const struct quern_tokenizer_kind quern_sentencepiece_bpe_kind;
extern const struct quern_tokenizer_kind quern_unigram_kind;
extern const struct quern_tokenizer_kind quern_character_bpe_kind;
extern const struct quern_tokenizer_kind quern_wordpiece_kind;
extern const struct quern_tokenizer_kind quern_byte_bpe_kind;

/* Appends the ids of all words that wait. */
int quern_tokenizer_flush(struct quern_tokenizer *tokenizer, struct quern_ids *ids, quern_error *error);

/* Appends an id that stands for the bytes [begin, end) of the text, behind those of all words that wait. */
int quern_tokenizer_put_id(struct quern_tokenizer *tokenizer, int32_t id, const unsigned char *begin,
                           const unsigned char *end, struct quern_ids *ids, quern_error *error);

/* Appends the ids of a word at once, behind those of all words that wait. length >= 1 */
int quern_tokenizer_put_directly(struct quern_tokenizer *tokenizer, const unsigned char *word, size_t length,
                                 struct quern_ids *ids, quern_error *error);

/* Appends the ids of a word: at the latest when quern_tokenizer_flush is called, and until then the word's bytes must
 * stay as they are. QUERN_WORD_SLACK bytes from the word's first one on must be readable. length >= 1 */
static inline int quern_tokenizer_put_word(struct quern_tokenizer *tokenizer, const unsigned char *word, size_t length,
                                           struct quern_ids *ids, quern_error *error)
{
    struct quern_waiting *waiting = &tokenizer->waiting;

    if (length > QUERN_WORD_BYTES || ids->spans != NULL) /* the cache knows ids, not where they stand */
        return quern_tokenizer_put_directly(tokenizer, word, length, ids, error);
    quern_words_read(&tokenizer->words, word, length, &waiting->keys[waiting->count]);
    waiting->items[waiting->count++].word = word;
    return waiting->count < QUERN_MOST_WAITING ? QUERN_OK : quern_tokenizer_flush(tokenizer, ids, error);
}

#endif
