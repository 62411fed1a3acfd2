/* A word that is merged, as the text spells it: what merge.c and short_word.c share. Pieces spell it in another way,
 * with U+2581 for each space. This is all the normalisation of these vocabularies: everything else in the text stays as
 * it is. */
#ifndef QUERN_TEXT_NEW_WORD_H
#define QUERN_TEXT_NEW_WORD_H

#include "text/sentencepiece_bpe.h"

size_t quern_new_word_length(const struct quern_new_word *word); /* in bytes, as pieces spell it */
void quern_new_word_spell(const struct quern_new_word *word, unsigned char *out); /* writes it as pieces spell it */

/* A place in a word, as the text spells it. */
struct quern_cursor {
    const unsigned char *p;
    size_t rest; /* bytes of the U+2581 for the space before p that are not passed yet */
};

/* Moves a cursor over so many bytes of the word, as pieces spell it. There a space is U+2581, which has three bytes.
 * The cursor passes the space in the text with the first of them. */
void quern_cursor_move(struct quern_cursor *cursor, size_t bytes);

/* Appends an id that stands for so many of the next bytes. */
static inline void quern_cursor_put(struct quern_cursor *cursor, size_t bytes, int32_t id, struct quern_ids *ids)
{
    const unsigned char *first = cursor->p;

    if (ids->spans != NULL)
        quern_cursor_move(cursor, bytes);
    quern_ids_put_span(ids, id, first, cursor->p);
}

/* Appends a character that is not a piece: the pieces of its bytes, or the unknown piece. Error: QUERN_EFORMAT when the
 * vocabulary has neither. */
int quern_cursor_put_unknown(struct quern_cursor *cursor, const struct quern_sentencepiece_bpe *vocabulary,
                             const unsigned char *text, size_t length, struct quern_ids *ids, quern_error *error);

/* Appends the id of the piece at a place, or those of a character that is not a piece (QUERN_NO_PIECE). */
static inline int quern_cursor_put_piece(struct quern_cursor *cursor, const struct quern_sentencepiece_bpe *vocabulary,
                                         uint32_t place, const unsigned char *text, size_t length,
                                         struct quern_ids *ids, quern_error *error)
{
    if (place == QUERN_NO_PIECE)
        return quern_cursor_put_unknown(cursor, vocabulary, text, length, ids, error);
    quern_cursor_put(cursor, length, quern_sentencepiece_bpe_id(vocabulary, place), ids);
    return QUERN_OK;
}

#endif
