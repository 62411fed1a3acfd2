/* Reads unigram tokenizers of the kind of XLM-R, from tokenizer.json. */
#ifndef QUERN_CONVERT_UNIGRAM_PIECES_H
#define QUERN_CONVERT_UNIGRAM_PIECES_H

#include "pieces.h"

extern const struct quern_pieces_kind quern_unigram_pieces;

#endif
