/* Reads tokenizer_config.json, which folders may have beside tokenizer.json. */
#ifndef QUERN_CONVERT_TOKENIZER_CONFIG_H
#define QUERN_CONVERT_TOKENIZER_CONFIG_H

#include "pieces.h"

/* Reads the file into pieces->config, whose root is NULL if it is not there. */
int quern_tokenizer_config_open(struct quern_pieces *pieces, const char *folder, quern_error *error);

/* Sets the added pieces that the file lists too. Refuses one that is another in tokenizer.json. */
int quern_tokenizer_config_added(struct quern_pieces *pieces, quern_error *error);

/* Refuses settings that change the tokens of texts, and notes those of texts that are too long. */
int quern_tokenizer_config_settings(struct quern_pieces *pieces, quern_error *error);

/* Finds the id of a special piece, such as that of the key "bos_token". usual: its name if the file gives none; "": it
 * has none. *id: -1 if there is no such piece, which the second function refuses. */
int quern_tokenizer_config_id(const struct quern_pieces *pieces, const char *key, const char *usual, int32_t *id,
                              quern_error *error);
int quern_tokenizer_config_need(const struct quern_pieces *pieces, const char *key, const char *usual, int32_t *id,
                                quern_error *error);

/* Refuses a template of tokenizer.json with other tokens than bos and eos. */
int quern_tokenizer_config_check_ends(const struct quern_pieces *pieces, quern_error *error);

/* Sets add_bos and add_eos: as this file says it, else as the template does. */
int quern_tokenizer_config_ends(struct quern_pieces *pieces, quern_error *error);

#endif
