/* The tokenizer: from a text to token ids, and back.
 *
 * A vocabulary holds what a model's file says about its tokenizer. It is immutable, and all threads share it. A
 * tokenizer is the working memory of one thread for one vocabulary.
 *
 * There are several kinds of tokenizers. A file names its kind in the key tokenizer.ggml.model. tokenizer_kind.h
 * says what a kind must offer, and how to add one. */
#ifndef QUERN_TEXT_TOKENIZER_H
#define QUERN_TEXT_TOKENIZER_H

#include "quern.h"

#include <stdbool.h>

#define QUERN_METASPACE "\xe2\x96\x81" /* U+2581: pieces of the vocabulary contain it in place of a space */
#define QUERN_METASPACE_LENGTH 3

#define QUERN_ANY_LENGTH SIZE_MAX /* as the longest piece: a token may stand for any number of bytes */

struct quern_tokenizer_kind;

/* The kind with this name in tokenizer.ggml.model, or NULL. */
const struct quern_tokenizer_kind *quern_tokenizer_kind_find(quern_text name);

/* ---------------------------------------------------------------- vocabularies */

/* What a vocabulary is made of. Texts, scores and character map must outlive it; the rest is copied, or not needed any
 * more when the vocabulary is made. */
struct quern_vocabulary_source {
    const struct quern_tokenizer_kind *tokenizer; /* the kind of tokenizer that the vocabulary is for */
    const quern_text *texts;                      /* [count], any bytes */
    const float *scores;                          /* [count], finite; NULL if the kind uses none */
    const int32_t *kinds;                         /* [count], each a quern_piece_kind */
    size_t count;
    quern_text pre;           /* the name of the rule by which the kind finds words; empty if it needs none */
    const quern_text *merges; /* [merge_count], each two pieces with a space between; NULL if the kind uses none */
    size_t merge_count;
    quern_text charsmap;      /* a SentencePiece character map, see charsmap.h; empty: nothing is replaced */
    int32_t bos, eos, unknown; /* ids; -1: there is none */
    bool add_bos, add_eos;     /* bos opens every text, eos closes it */
    bool closes_once;          /* eos closes no text that ends with it already */
    bool add_space_prefix;     /* a space is put before a text, and after every special piece in it */
    bool lowercase;            /* capitals become small letters, */
    bool strip_accents;        /* and letters with accents become those without; for kinds that have this choice */
};

/* Whether a vocabulary of this kind must have scores, and merges. */
bool quern_tokenizer_uses_scores(const struct quern_tokenizer_kind *kind);
bool quern_tokenizer_uses_merges(const struct quern_tokenizer_kind *kind);

/* Whether a vocabulary of this kind must have the name of a rule for words, from the key tokenizer.ggml.pre, and
 * whether the kind knows the rule of a name. */
bool quern_tokenizer_uses_pre(const struct quern_tokenizer_kind *kind);
bool quern_tokenizer_takes(const struct quern_tokenizer_kind *kind, quern_text pre);

/* Whether a vocabulary of this kind may have a character map. */
bool quern_tokenizer_uses_charsmap(const struct quern_tokenizer_kind *kind);

/* Whether every text is opened and closed, whatever a file says: the closing token is the separator of the file. */
bool quern_tokenizer_always_encloses(const struct quern_tokenizer_kind *kind);

/* Whether a vocabulary of this kind has the choice of lowercase and strip_accents. */
bool quern_tokenizer_uses_case(const struct quern_tokenizer_kind *kind);

/* Whether there are pieces for the start of a word with a capital of ASCII. With lowercase, no text becomes one. */
bool quern_pieces_have_capitals(const struct quern_vocabulary_source *source);

/* A source without pieces. Its settings are those that hold for a file of this kind which does not name them. */
struct quern_vocabulary_source quern_tokenizer_defaults(const struct quern_tokenizer_kind *kind);

struct quern_vocabulary;

/* Makes a vocabulary. Errors: QUERN_EFORMAT for an empty text, for two equal texts, for a kind or an id out of
 * range, and for a score that is not finite; QUERN_ENOMEM. */
int quern_vocabulary_new(struct quern_vocabulary **vocabulary, const struct quern_vocabulary_source *source,
                         quern_error *error);
void quern_vocabulary_free(struct quern_vocabulary *vocabulary); /* NULL is allowed */

/* Fills info, except its size. The strings are static. */
void quern_vocabulary_describe(const struct quern_vocabulary *vocabulary, quern_tokenizer_info *info);

size_t quern_vocabulary_longest_piece(const struct quern_vocabulary *vocabulary); /* as quern_tokenizer_info has it */
size_t quern_vocabulary_bytes(const struct quern_vocabulary *vocabulary); /* memory that it takes */
quern_piece quern_vocabulary_piece(const struct quern_vocabulary *vocabulary, int32_t id); /* id must be in range */
int32_t quern_vocabulary_bos(const struct quern_vocabulary *vocabulary); /* opens every text; -1: none does */
int32_t quern_vocabulary_eos(const struct quern_vocabulary *vocabulary); /* closes every text; -1: none does */

/* Writes the text that ids[count] stand for to out[capacity], and its number of bytes to length. See
 * quern_detokenize, which says what the flags mean. Errors: QUERN_EINVAL for an id out of range; QUERN_ETOOLONG when
 * capacity is too small: then length is set and nothing is written. */
int quern_vocabulary_detokenize(const struct quern_vocabulary *vocabulary, const int32_t *ids, size_t count,
                                unsigned flags, char *out, size_t capacity, size_t *length, quern_error *error);

/* ---------------------------------------------------------------- tokenizers */

struct quern_tokenizer;

/* Makes the working memory of a thread. The vocabulary must outlive it. Error: QUERN_ENOMEM. */
int quern_tokenizer_new(struct quern_tokenizer **tokenizer, const struct quern_vocabulary *vocabulary,
                        quern_error *error);
void quern_tokenizer_free(struct quern_tokenizer *tokenizer); /* NULL is allowed */

/* Tokenises the parts as one text, one part behind the other. Writes the first ids, at most capacity of them, and to
 * count how many ids the text has. ids may be NULL when capacity is 0. flags: QUERN_PARSE_SPECIAL, QUERN_NO_SPECIAL.
 * Memory is kept from call to call. It grows only for a text that needs more than any text before.
 * Errors: QUERN_EINVAL for more than 2^31 - 1 bytes; QUERN_EFORMAT when the vocabulary has no id for a character;
 * QUERN_ENOMEM. */
int quern_tokenizer_run(struct quern_tokenizer *tokenizer, const quern_text *parts, size_t part_count, unsigned flags,
                        int32_t *ids, size_t capacity, size_t *count, quern_error *error);

/* Writes to spans[count] where the tokens ids[count] of a text stand. parts and flags are those that
 * quern_tokenizer_run got; the last part is the text (QUERN_PART_TEXT), the parts before it are the prompt
 * (QUERN_PART_PROMPT). The spans of a part ascend and do not overlap. Errors: those of quern_tokenizer_run, and
 * QUERN_EINVAL when the tokens are not the tokens of this text. */
int quern_tokenizer_spans(struct quern_tokenizer *tokenizer, const quern_text *parts, size_t part_count, unsigned flags,
                          const int32_t *ids, size_t count, quern_token_span *spans, quern_error *error);

#endif
