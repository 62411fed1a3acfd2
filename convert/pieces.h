/* A tokenizer in the form that GGUF files have: pieces by id, with scores, kinds and special ids. */
#ifndef QUERN_CONVERT_PIECES_H
#define QUERN_CONVERT_PIECES_H

#include "base/map.h"
#include "json_file.h"

#define QUERN_SCORE_ADDED (-1000.0f) /* the score of pieces that are not merged, as in published files */

struct quern_pieces;

/* A kind of tokenizer. */
struct quern_pieces_kind {
    const char *name;   /* tokenizer.ggml.model */
    const char *type;   /* model.type in tokenizer.json */
    bool writes_scores; /* the model file gets scores */
    /* Sets the pieces that a tokenizer.json lists. Refuses what changes tokens in a way that quern does not know. */
    int (*parse)(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error);
    /* Sets all pieces from the files of a folder, of which pieces->config is read. */
    int (*read)(struct quern_pieces *pieces, const char *folder, quern_error *error);
    /* Finds the special ids, when there is a piece for each id. */
    int (*find_ids)(struct quern_pieces *pieces, quern_error *error);
};

struct quern_pieces {
    const struct quern_pieces_kind *kind;
    const char *pre; /* tokenizer.ggml.pre; NULL: there is none */
    bool lowercase, strip_accents; /* WordPiece: what is done to texts first */
    quern_text *merges;            /* [merge_count], each two pieces with a space between; NULL: there is no list */
    size_t merge_count;
    quern_text charsmap; /* unigram: a SentencePiece character map; empty: there is none */
    bool counts_spaces;  /* unigram: spaces at the end or after a space have tokens; for messages */
    size_t count;
    quern_text *texts; /* [count] */
    float *scores;     /* [count] */
    int32_t *kinds;    /* [count], quern_piece_kind; 0: no piece was set */
    int32_t bos, eos, unknown, padding, cls, separator, mask; /* ids; -1: none */
    bool add_bos, add_eos, add_space_prefix;
    bool has_template;          /* tokenizer.json says which ids stand around a text: */
    int32_t opening, closing;   /* one of each, or -1 */
    const char *overruled;      /* "add_eos_token": it says otherwise than the template, and counts; NULL: none does */
    size_t missing;             /* ids that the files of the tokenizer lack */
    bool cuts_start;            /* a text that is too long is cut at its start */
    int most_tokens;            /* of a text, as the tokenizer's files say; INT_MAX: they do not */
    /* The memory that the texts point into. */
    struct quern_map map;
    struct quern_json tokenizer, config;
    struct quern_copy *copies;
};

/* Makes room for count pieces, of which none is set. QUERN_ENOMEM. */
int quern_pieces_new(struct quern_pieces *pieces, size_t count, quern_error *error);
void quern_pieces_free(struct quern_pieces *pieces); /* a zeroed one is allowed */

/* Sets a piece. An id that the model does not have is ignored. The text must live as long as the pieces. */
void quern_pieces_set(struct quern_pieces *pieces, uint64_t id, quern_text text, float score, int32_t kind);

/* Sets an added piece, which is cut out of a text before anything is merged. It becomes a control piece if it is
 * special or looks special, else a user-defined piece, which is spelled with spaces instead of U+2581. */
int quern_pieces_set_added(struct quern_pieces *pieces, uint64_t id, quern_text text, bool special, quern_error *error);

/* Refuses an added piece that takes the spaces beside it, that must stand alone, or that is looked for in the text with
 * U+2581 for spaces although it has some and more. Special pieces are never found in a text, so theirs do not matter.
 * entry: its object in a file. */
int quern_pieces_check_added(const struct quern_json *json, const json_t *entry, quern_text text, quern_error *error);

/* Makes room for a text of up to length bytes, which lives as long as the pieces. NULL: no memory. */
char *quern_pieces_new_text(struct quern_pieces *pieces, size_t length);

#endif
