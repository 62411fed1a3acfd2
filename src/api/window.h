/* Looking at the beginning or the end of a text that is too long: where do its tokens stand? Time and memory depend on
 * the number of tokens asked for, not on the length of the text. */
#ifndef QUERN_API_WINDOW_H
#define QUERN_API_WINDOW_H

#include "api/handles.h"

struct quern_window {
    quern_text text;               /* the part that was tokenised, behind the text's prompt */
    bool is_whole;                 /* it is the whole text */
    const quern_token_span *spans; /* [tokens]: where the tokens of the part stand in it; they belong to the context */
    size_t tokens;
    size_t around;                 /* further tokens: the prompt, and those that open and close the text */
};

/* Tokenises a part of a text, at its start or at its end, that has more than limit tokens, or the whole text. The
 * window is valid until another one is read or a text is prepared in the same context. */
int quern_window_read(struct quern_window *window, quern_context *context, quern_text text,
                      const quern_embed_options *options, size_t limit, bool from_end, quern_error *error);

/* Counts the tokens of a text with its prompt and the tokens that open and close it. A window stays valid. */
int quern_window_count(quern_context *context, quern_text text, const quern_embed_options *options, size_t *tokens,
                       quern_error *error);

#endif
