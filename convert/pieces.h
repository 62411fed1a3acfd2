/* The tokenizer of a folder, as GGUF files hold it: pieces by id, with scores and kinds, and the special ones. */
#ifndef QUERN_CONVERT_PIECES_H
#define QUERN_CONVERT_PIECES_H

#include "base/map.h"
#include "json_file.h"

struct quern_pieces {
    size_t count;
    quern_text *texts; /* [count] */
    float *scores;     /* [count] */
    int32_t *kinds;    /* [count], quern_piece_kind; 0: no piece was set */
    int32_t bos, eos, unknown, padding; /* ids; padding -1: none */
    bool add_bos, add_eos, add_space_prefix;
    /* What the texts point into. */
    struct quern_map map;
    struct quern_json tokenizer, config;
    struct quern_copy *copies;
};

/* Reads tokenizer.model, or tokenizer.json if there is none, and tokenizer_config.json. count: pieces that the model
 * has; ids from there on are left out, and what the tokenizer lacks is filled up with unused pieces. Checks that the
 * tokenizer of the library takes the outcome. */
int quern_pieces_read(struct quern_pieces *pieces, const char *folder, size_t count, quern_error *error);
void quern_pieces_free(struct quern_pieces *pieces); /* a zeroed one is allowed */

/* For the readers of files: makes room for count pieces, none of them set. */
int quern_pieces_new(struct quern_pieces *pieces, size_t count, quern_error *error);

/* Sets a piece. An id that is no piece of the model is left out. The text must stay. */
void quern_pieces_set(struct quern_pieces *pieces, uint64_t id, quern_text text, float score, int32_t kind);

/* Sets one that texts are searched for before anything is merged: a control piece if it is special, or looks like one,
 * else a user-defined one, which is spelled with spaces instead of U+2581. */
int quern_pieces_set_added(struct quern_pieces *pieces, uint64_t id, quern_text text, bool special, quern_error *error);

/* tokenizer.json: reads pieces into room made for them. Such files have no scores, but list merges by score; so ids
 * must rise with the order of merges, as those of Gemma do. */
int quern_tokenizer_json_read(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error);

#endif
