/* A tokenizer in the form that GGUF files have: pieces by id, with scores, kinds and special ids. */
#ifndef QUERN_CONVERT_PIECES_H
#define QUERN_CONVERT_PIECES_H

#include "base/map.h"
#include "json_file.h"

struct quern_pieces {
    const char *tokenizer_kind; /* tokenizer.ggml.model */
    bool is_wordpiece;
    bool lowercase, strip_accents; /* WordPiece: what is done to texts first */
    int32_t mask;                  /* WordPiece: an id, or -1 */
    size_t count;
    quern_text *texts; /* [count] */
    float *scores;     /* [count] */
    int32_t *kinds;    /* [count], quern_piece_kind; 0: no piece was set */
    int32_t bos, eos, unknown, padding; /* ids; padding -1: none */
    bool add_bos, add_eos, add_space_prefix;
    bool has_template;          /* tokenizer.json says which ids stand around a text: */
    int32_t opening, closing;   /* one of each, or -1 */
    const char *overruled;      /* "add_eos_token": it says otherwise than the template, and counts; NULL: none does */
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
