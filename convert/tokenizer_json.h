/* What readers of tokenizer.json share. */
#ifndef QUERN_CONVERT_TOKENIZER_JSON_H
#define QUERN_CONVERT_TOKENIZER_JSON_H

#include "pieces.h"

/* Reads the file into pieces->tokenizer, unless it is there already. A missing file that is needed is an error. */
int quern_tokenizer_json_open(struct quern_pieces *pieces, const char *folder, bool is_needed, quern_error *error);

/* Whether an object has this "type". */
bool quern_tokenizer_json_is(const json_t *object, const char *type);

/* Refuses a part of the file that would change the tokens of texts. Returns QUERN_EUNSUPPORTED. */
int quern_tokenizer_json_refuse(const struct quern_json *json, const char *part, quern_error *error);

/* Refuses a model of BPE that does more than merging. */
int quern_tokenizer_json_only_merges(const struct quern_json *json, const json_t *model, quern_error *error);

/* Sets the pieces of model.vocab, an object of ids, as normal ones. has_bytes: "<0x0A>" is a piece of a byte. */
int quern_tokenizer_json_vocabulary(struct quern_pieces *pieces, const struct quern_json *json, const json_t *model,
                                    bool has_bytes, quern_error *error);

/* Sets added_tokens. */
int quern_tokenizer_json_added(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error);

/* Notes what is put around a text, and where long texts are cut. Padding changes no vector, as the tokens that are
 * added do not count, and the decoder changes no tokens. */
int quern_tokenizer_json_surroundings(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error);

/* Reads the two sides of a merge: "a b", or ["a", "b"]. False: it is neither. */
bool quern_tokenizer_json_merge(const json_t *merge, quern_text *left, quern_text *right);

/* Reads model.merges into pieces->merges. */
int quern_tokenizer_json_merges(struct quern_pieces *pieces, const struct quern_json *json, const json_t *model,
                                quern_error *error);

#endif
