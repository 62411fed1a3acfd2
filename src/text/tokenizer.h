/* SentencePiece BPE as GGUF files describe it ("llama" tokenizers): greedy merges by score, byte fallback,
 * user-defined and special pieces cut out first.
 *
 * Ids are those of the published tokenizer where it is defined, and those of llama.cpp for invalid UTF-8, where a lead
 * byte alone says how long a character is. The two differ in these, and so do we from llama.cpp:
 * - U+2581 in the text. A run of it is the piece that stands for as many spaces, taken out first; one that is left
 *   counts as a space, in runs of spaces too. llama.cpp knows such pieces spelled in spaces only.
 * - A user-defined piece stays one whatever its text; llama.cpp takes some, such as </s>, for control pieces.
 * - Without QUERN_PARSE_SPECIAL, no text becomes a control, unknown or byte piece, not by merging either.
 *
 * The vocabulary is immutable and shared; a tokenizer is one thread's scratch memory over it. */
#ifndef QUERN_TEXT_TOKENIZER_H
#define QUERN_TEXT_TOKENIZER_H

#include "quern.h"

#include <stdbool.h>

struct quern_vocabulary;

struct quern_vocabulary_source { /* views; texts and scores must outlive the vocabulary, the rest is copied */
    const quern_text *texts;     /* [count], any bytes */
    const float *scores;         /* [count], finite; may be unaligned in a file, so the caller aligns it */
    const int32_t *kinds;        /* [count], quern_piece_kind */
    size_t count;
    int32_t bos, eos, unknown;   /* ids; -1: none */
    bool add_bos, add_eos, add_space_prefix;
};

/* QUERN_EFORMAT for a duplicate or empty text, a kind or an id out of range, a score that is not finite;
 * QUERN_ENOMEM. */
int quern_vocabulary_new(struct quern_vocabulary **vocabulary, const struct quern_vocabulary_source *source,
                         quern_error *error);
void quern_vocabulary_free(struct quern_vocabulary *vocabulary); /* NULL is allowed */

size_t quern_vocabulary_count(const struct quern_vocabulary *vocabulary);
size_t quern_vocabulary_bytes(const struct quern_vocabulary *vocabulary); /* memory taken */
quern_piece quern_vocabulary_piece(const struct quern_vocabulary *vocabulary, int32_t id); /* id in range */
int32_t quern_vocabulary_bos(const struct quern_vocabulary *vocabulary); /* -1 if none is added */
int32_t quern_vocabulary_eos(const struct quern_vocabulary *vocabulary);
int32_t quern_vocabulary_unknown(const struct quern_vocabulary *vocabulary); /* -1: none */
bool quern_vocabulary_puts_space(const struct quern_vocabulary *vocabulary); /* before every text */

struct quern_tokenizer;
int quern_tokenizer_new(struct quern_tokenizer **tokenizer, const struct quern_vocabulary *vocabulary,
                        quern_error *error);
void quern_tokenizer_free(struct quern_tokenizer *tokenizer); /* NULL is allowed */

/* Tokenises the concatenation of parts. flags: QUERN_PARSE_SPECIAL, QUERN_NO_SPECIAL. Writes at most capacity ids, and
 * to count how many there are. Time is linear in the length. Memory is kept from call to call and grows only for a
 * text that needs more than any before. QUERN_ENOMEM, or QUERN_EINVAL for more than 2^31 - 1 bytes. */
int quern_tokenizer_run(struct quern_tokenizer *tokenizer, const quern_text *parts, size_t part_count, unsigned flags,
                        int32_t *ids, size_t capacity, size_t *count, quern_error *error);

#endif
