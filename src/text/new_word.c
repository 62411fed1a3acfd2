#include "text/new_word.h"

#include "base/error.h"

#include <string.h>

size_t quern_new_word_length(const struct quern_new_word *word)
{
    size_t length = word->length;

    for (size_t i = 0; i < word->length; i++)
        length += word->text[i] == ' ' ? QUERN_METASPACE_LENGTH - 1 : 0;
    return length;
}

void quern_new_word_spell(const struct quern_new_word *word, unsigned char *out)
{
    for (size_t i = 0; i < word->length; i++) {
        if (word->text[i] == ' ') {
            memcpy(out, QUERN_METASPACE, QUERN_METASPACE_LENGTH);
            out += QUERN_METASPACE_LENGTH;
        } else {
            *out++ = word->text[i];
        }
    }
}

void quern_cursor_move(struct quern_cursor *cursor, size_t bytes)
{
    for (; bytes > 0; bytes--) {
        if (cursor->rest > 0)
            cursor->rest--;
        else if (*cursor->p++ == ' ')
            cursor->rest = QUERN_METASPACE_LENGTH - 1;
    }
}

int quern_cursor_put_unknown(struct quern_cursor *cursor, const struct quern_sentencepiece_bpe *v,
                             const unsigned char *text, size_t length, struct quern_ids *ids, quern_error *error)
{
    for (size_t i = 0; i < length; i++) {
        if (v->bytes[text[i]] >= 0)
            continue;
        if (v->base.source.unknown < 0)
            return quern_fail(error, QUERN_EFORMAT, "the vocabulary has no piece for the byte 0x%02X, and none for "
                              "unknown characters", (unsigned)text[i]);
        quern_cursor_put(cursor, length, v->base.source.unknown, ids);
        return QUERN_OK;
    }
    for (size_t i = 0; i < length; i++)
        quern_cursor_put(cursor, 1, v->bytes[text[i]], ids);
    return QUERN_OK;
}
