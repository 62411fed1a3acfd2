#include "api/window.h"

#include "base/error.h"
#include "base/utf8.h"

#include <stdlib.h>

/* A window has this many tokens more than asked for, because the end of the window changes the tokens beside it. A word
 * that WordPiece knows has up to 100. */
enum { WINDOW_MARGIN = 128 };

/* Bytes of a first window for each token; windows then double. */
enum { BYTES_PER_TOKEN = 6 };

static int reserve_spans(quern_context *context, size_t count, quern_error *error)
{
    if (count <= context->span_capacity)
        return QUERN_OK;
    quern_token_span *spans = count <= SIZE_MAX / sizeof *spans ? malloc(count * sizeof *spans) : NULL;
    if (spans == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for %zu tokens", count);
    free(context->spans);
    context->spans = spans;
    context->span_capacity = count;
    return QUERN_OK;
}

static quern_text part_of(quern_text text, size_t bytes, bool from_end)
{
    if (bytes >= text.length)
        return text;
    if (!from_end)
        return (quern_text){text.data, quern_utf8_floor(text, bytes)};
    const size_t begin = quern_utf8_ceil(text, text.length - bytes);
    return (quern_text){text.data + begin, text.length - begin};
}

/* Finds the spans of a window's count tokens, and those among them that are the text's own. */
static int find_spans(struct quern_window *window, quern_context *context, const quern_embed_options *options,
                      size_t count, quern_error *error)
{
    size_t first = 0, end;
    if (count > context->id_capacity) {
        QUERN_TRY(quern_context_reserve_ids(context, count, error));
        QUERN_TRY(quern_context_tokenize(context, window->text, options, context->ids, count, &count, error));
    }
    QUERN_TRY(reserve_spans(context, count, error));
    QUERN_TRY(quern_context_spans(context, window->text, options, context->ids, count, context->spans, error));
    while (first < count && context->spans[first].part != QUERN_PART_TEXT)
        first++;
    for (end = first; end < count && context->spans[end].part == QUERN_PART_TEXT;)
        end++;
    window->spans = context->spans + first;
    window->tokens = end - first;
    window->around = count - window->tokens;
    return QUERN_OK;
}

int quern_window_read(struct quern_window *window, quern_context *context, quern_text text,
                      const quern_embed_options *options, size_t limit, bool from_end, quern_error *error)
{
    const size_t wanted = limit < SIZE_MAX / BYTES_PER_TOKEN - WINDOW_MARGIN ? limit + WINDOW_MARGIN
                                                                             : SIZE_MAX / BYTES_PER_TOKEN;
    size_t bytes = wanted * BYTES_PER_TOKEN, count = 0;
    for (;; bytes *= 2) {
        window->text = part_of(text, bytes, from_end);
        window->is_whole = window->text.length == text.length;
        QUERN_TRY(quern_context_tokenize(context, window->text, options, context->ids, context->id_capacity, &count,
                                         error));
        if (window->is_whole || count > wanted)
            return find_spans(window, context, options, count, error);
    }
}

int quern_window_count(quern_context *context, quern_text text, const quern_embed_options *options, size_t *tokens,
                       quern_error *error)
{
    return quern_context_tokenize(context, text, options, NULL, 0, tokens, error);
}
