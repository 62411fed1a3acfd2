/* Reads the tokenizer of a sentence-transformers folder. */
#ifndef QUERN_CONVERT_PIECE_FILES_H
#define QUERN_CONVERT_PIECE_FILES_H

#include "pieces.h"

/* All kinds of tokenizers; their number to count. */
const struct quern_pieces_kind *const *quern_pieces_kinds(int *count);

/* Reads tokenizer.json and tokenizer_config.json; of some kinds, tokenizer.model or vocab.txt too. names: of the kinds
 * that the folder may have, a second one or NULL. count: pieces that the model has. Larger ids are left out; ids that
 * the tokenizer lacks become unused pieces. Checks that the library's tokenizer accepts the result. */
int quern_pieces_read(struct quern_pieces *pieces, const char *folder, const char *const names[2], size_t count,
                      quern_error *error);

#endif
