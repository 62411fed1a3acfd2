/* Reads BPE tokenizers over bytes, of the kinds of Qwen and ModernBERT, from tokenizer.json. */
#ifndef QUERN_CONVERT_BYTE_PIECES_H
#define QUERN_CONVERT_BYTE_PIECES_H

#include "pieces.h"

extern const struct quern_pieces_kind quern_byte_pieces;

#endif
