/* Reads the pieces of a WordPiece tokenizer. */
#ifndef QUERN_CONVERT_WORDPIECE_PIECES_H
#define QUERN_CONVERT_WORDPIECE_PIECES_H

#include "pieces.h"

/* Sets the pieces from pieces->tokenizer, or from vocab.txt of the folder if that file is not there, and what is done
 * to texts first. Room for the pieces must have been made, and pieces->config read. Pieces get the form that they have
 * in model files: the first one of a word begins with U+2581, and later ones without "##". Refuses what changes tokens
 * in a way that quern does not know. */
int quern_wordpiece_read(struct quern_pieces *pieces, const char *folder, quern_error *error);

#endif
