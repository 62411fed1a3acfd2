/* Reads the tokenizers of Gemma: BPE over characters, with U+2581 for spaces. */
#ifndef QUERN_CONVERT_GEMMA_PIECES_H
#define QUERN_CONVERT_GEMMA_PIECES_H

#include "pieces.h"

/* Of EmbeddingGemma: pieces with scores, from tokenizer.model, or from tokenizer.json if there is none. */
extern const struct quern_pieces_kind quern_pieces_of_gemma;

/* Of EmbeddingGemma 2: pieces and a list of merges, from tokenizer.json. */
extern const struct quern_pieces_kind quern_pieces_of_gemma2;

#endif
