/* Reads the tokenizer of a sentence-transformers folder. */
#ifndef QUERN_CONVERT_PIECE_FILES_H
#define QUERN_CONVERT_PIECE_FILES_H

#include "pieces.h"

/* Reads tokenizer.model, or tokenizer.json if there is none, and tokenizer_config.json; of a WordPiece tokenizer
 * tokenizer.json, or vocab.txt if there is none, and tokenizer_config.json. kind: tokenizer.ggml.model that the
 * model file will have. count: pieces that the model has. Larger ids are left out; ids that the tokenizer lacks
 * become unused pieces. Checks that the library's tokenizer accepts the result. */
int quern_pieces_read(struct quern_pieces *pieces, const char *folder, const char *kind, size_t count,
                      quern_error *error);

#endif
