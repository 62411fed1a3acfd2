/* Reads WordPiece tokenizers, from tokenizer.json, or from vocab.txt if there is none. Pieces get the form that they
 * have in model files: the first one of a word begins with U+2581, and later ones have no "##". */
#ifndef QUERN_CONVERT_WORDPIECE_PIECES_H
#define QUERN_CONVERT_WORDPIECE_PIECES_H

#include "pieces.h"

extern const struct quern_pieces_kind quern_wordpiece_pieces;

#endif
