/* How vocabularies in the manner of SentencePiece spell texts: U+2581 stands for a space, and a byte piece, such as
 * "<0x0A>", for a byte of a character that is not a piece. */
#ifndef QUERN_TEXT_METASPACE_H
#define QUERN_TEXT_METASPACE_H

#include "text/piece_table.h"
#include "text/tokenizer_kind.h"

/* The place of the piece "<0xNN>" of a byte, or QUERN_NO_PIECE. */
uint32_t quern_metaspace_byte(const struct quern_piece_table *table, int byte);

/* The text that a piece stands for: the function piece_text of a kind. */
size_t quern_metaspace_text(const struct quern_vocabulary *vocabulary, int32_t id, bool skip_space, char *out,
                            size_t room);

#endif
