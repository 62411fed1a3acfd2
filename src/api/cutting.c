/* Cutting texts by tokens: to a length, and into chunks. */
#include "api/boundary.h"
#include "api/window.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/utf8.h"

/* ---------------------------------------------------------------- truncation */

/* The first bytes of a text, or its last ones. */
static quern_text keep(quern_text text, size_t bytes, bool from_end)
{
    return from_end ? (quern_text){text.data + (text.length - bytes), bytes} : (quern_text){text.data, bytes};
}

/* The bytes of the first tokens of a window, or of its last ones, without characters that are cut in two. What has no
 * token, such as white space, belongs to them up to the next token. */
static size_t bytes_of(const struct quern_window *window, size_t tokens, bool from_end)
{
    const size_t length = window->text.length;
    if (tokens == 0)
        return 0;
    if (tokens >= window->tokens)
        return length;
    return from_end ? length - quern_utf8_ceil(window->text, window->spans[window->tokens - tokens - 1].end)
                    : quern_utf8_floor(window->text, window->spans[tokens].begin);
}

/* How many bytes to keep of a text, to keep one character more than with these bytes. */
static size_t one_more(quern_text text, size_t bytes, bool from_end)
{
    return from_end ? text.length - quern_utf8_floor(text, text.length - bytes - 1) : quern_utf8_ceil(text, bytes + 1);
}

static int truncate_text(quern_context *context, quern_text text, const quern_embed_options *options, size_t limit,
                         quern_text *part, quern_error *error)
{
    const bool from_end = (options->flags & QUERN_TRUNCATE_START) != 0;
    struct quern_window window;
    size_t count = 0;
    QUERN_TRY(quern_window_read(&window, context, text, options, limit, from_end, error));
    size_t tokens = limit > window.around ? limit - window.around : 0;
    *part = text;
    if (window.is_whole && window.tokens <= tokens && window.around <= limit)
        return QUERN_OK;
    /* A cut changes the tokens beside it, so the number of tokens may differ a little from what the spans say. */
    size_t bytes = bytes_of(&window, tokens, from_end);
    for (size_t back = 1; bytes > 0; back *= 2) {
        QUERN_TRY(quern_window_count(context, keep(text, bytes, from_end), options, &count, error));
        if (count <= limit)
            break;
        tokens -= back < tokens ? back : tokens;
        bytes = bytes_of(&window, tokens, from_end);
    }
    while (bytes < text.length && window.around <= limit) {
        const size_t more = one_more(text, bytes, from_end);
        QUERN_TRY(quern_window_count(context, keep(text, more, from_end), options, &count, error));
        if (count > limit)
            break;
        bytes = more;
    }
    *part = keep(text, bytes, from_end);
    return QUERN_OK;
}

int quern_truncate(quern_context *context, quern_text text, const quern_embed_options *options, size_t tokens,
                   quern_text *part, quern_error *error)
{
    const unsigned known = QUERN_TRUNCATE | QUERN_TRUNCATE_START | QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL;
    quern_embed_options o;
    quern_text found;
    if (context == NULL || part == NULL || (text.data == NULL && text.length != 0))
        return quern_fail(error, QUERN_EINVAL, "quern_truncate: context, text or part is NULL");
    QUERN_TRY(quern_embed_options_read(context->model, options, &o, error));
    QUERN_TRY(quern_flags_check(o.flags, known, error));
    QUERN_TRY(truncate_text(context, text, &o, tokens != 0 ? tokens : (size_t)context->model->network.shape.context,
                            &found, error));
    *part = found;
    return QUERN_OK;
}

/* ---------------------------------------------------------------- chunks */

struct chunker {
    quern_context *context;
    quern_embed_options options;
    quern_text text; /* without white space at its end */
    size_t limit, overlap; /* tokens */
};

/* The best place to cut text[begin, end) at, in its last quarter. */
static size_t best_cut(quern_text text, size_t begin, size_t end)
{
    enum quern_boundary best = QUERN_BOUNDARY_NONE;
    size_t cut = end;
    for (size_t at = end, low = end - (end - begin) / 4; at >= low && at > begin && best < QUERN_BOUNDARY_PARAGRAPH;
         at--) {
        const enum quern_boundary boundary =
            quern_utf8_is_boundary(text, at) ? quern_boundary_at(text, at) : QUERN_BOUNDARY_NONE;
        if (boundary > best) {
            best = boundary;
            cut = at;
        }
    }
    return cut;
}

/* Where the next chunk begins, behind a chunk that ends at `end`. The window begins where that chunk began, at
 * `begin`. */
static size_t next_begin(const struct chunker *chunker, const struct quern_window *window, size_t begin, size_t end)
{
    const quern_text text = chunker->text;
    const size_t behind = quern_white_skip(text, end);
    size_t token = 0;
    while (token < window->tokens && begin + window->spans[token].end <= end)
        token++;
    if (chunker->overlap == 0 || token <= chunker->overlap || behind == text.length)
        return behind;
    const size_t wanted = quern_utf8_ceil(text, begin + window->spans[token - chunker->overlap].begin);
    if (wanted < end && quern_white_trim(text, begin, wanted) < wanted && quern_white_skip(text, wanted) == wanted)
        return wanted; /* the beginning of a word */
    for (size_t at = wanted; at < end; at++) { /* the next one */
        const size_t word = quern_white_skip(text, at);
        if (word > at && word < end)
            return word;
    }
    return wanted > begin && wanted < end ? wanted : behind;
}

static int refuse_small(const struct chunker *chunker, size_t around, quern_error *error)
{
    return quern_fail(error, QUERN_EINVAL,
                      "chunks of %zu tokens are too small: prompt and special tokens take %zu, and the text needs more "
                      "than are left: ask for larger chunks", chunker->limit, around);
}

/* Finds the chunk that begins at chunk->begin, and where the next one begins. */
static int find_chunk(const struct chunker *chunker, quern_chunk *chunk, size_t *next, quern_error *error)
{
    const quern_text rest = {chunker->text.data + chunk->begin, chunker->text.length - chunk->begin};
    struct quern_window window;
    size_t count = 0;
    QUERN_TRY(quern_window_read(&window, chunker->context, rest, &chunker->options, chunker->limit, false, error));
    size_t tokens = chunker->limit > window.around ? chunker->limit - window.around : 0;
    if (chunker->overlap > 0 && chunker->overlap >= (tokens + 1) / 2)
        return quern_fail(error, QUERN_EINVAL,
                          "an overlap of %zu tokens is too large for chunks that have room for %zu tokens of text: it "
                          "must be less than half of that", chunker->overlap, tokens);
    for (size_t back = 1;; back *= 2) {
        const bool is_rest = window.is_whole && window.tokens <= tokens;
        const size_t most = chunk->begin + bytes_of(&window, tokens, false);
        if (most == chunk->begin)
            return refuse_small(chunker, window.around, error);
        const size_t cut = is_rest ? most : best_cut(chunker->text, chunk->begin, most);
        chunk->end = quern_white_trim(chunker->text, chunk->begin, cut);
        const quern_text part = {rest.data, chunk->end - chunk->begin};
        QUERN_TRY(quern_window_count(chunker->context, part, &chunker->options, &count, error));
        if (count <= chunker->limit)
            break;
        tokens -= back < tokens ? back : tokens;
    }
    chunk->tokens = (uint32_t)count;
    *next = next_begin(chunker, &window, chunk->begin, chunk->end);
    return QUERN_OK;
}

static int chunk_all(const struct chunker *chunker, quern_chunk *chunks, size_t capacity, size_t *count,
                     quern_error *error)
{
    size_t next = quern_white_skip(chunker->text, 0), end = 0;
    *count = 0;
    while (next < chunker->text.length) {
        quern_chunk chunk = {.begin = next};
        QUERN_TRY(find_chunk(chunker, &chunk, &next, error));
        if (chunk.end <= end) { /* all of it was in the chunk before: go on behind that, without an overlap */
            next = quern_white_skip(chunker->text, end);
            continue;
        }
        end = chunk.end;
        if (*count < capacity)
            chunks[*count] = chunk;
        ++*count;
    }
    return QUERN_OK;
}

static int read_chunk_options(struct chunker *chunker, const quern_chunk_options *options, quern_error *error)
{
    const size_t context_length = (size_t)chunker->context->model->network.shape.context;
    quern_chunk_options o = {0};
    QUERN_TRY(quern_options_read(&o, sizeof o, options, error));
    if (o.tokens > context_length)
        return quern_fail(error, QUERN_EINVAL, "chunks of %zu tokens asked for; the model takes %zu", o.tokens,
                          context_length);
    chunker->limit = o.tokens != 0 ? o.tokens : context_length;
    chunker->overlap = o.overlap;
    return QUERN_OK;
}

int quern_chunk_text(quern_context *context, quern_text text, const quern_embed_options *options,
                     const quern_chunk_options *chunk_options, quern_chunk *chunks, size_t capacity, size_t *count,
                     quern_error *error)
{
    struct chunker chunker = {.context = context, .text = text};
    size_t found;
    if (context == NULL || count == NULL || (chunks == NULL && capacity != 0) ||
        (text.data == NULL && text.length != 0))
        return quern_fail(error, QUERN_EINVAL, "quern_chunk_text: context, text, chunks or count is NULL");
    QUERN_TRY(quern_embed_options_read(context->model, options, &chunker.options, error));
    QUERN_TRY(quern_flags_check(chunker.options.flags, QUERN_EMBED_FLAGS, error));
    QUERN_TRY(read_chunk_options(&chunker, chunk_options, error));
    chunker.text.length = quern_white_trim(text, 0, text.length);
    QUERN_TRY(chunk_all(&chunker, chunks, capacity, &found, error));
    *count = found;
    if (found > capacity)
        return quern_fail(error, QUERN_ETOOLONG, "the text gives %zu chunks, there is room for %zu", found, capacity);
    return QUERN_OK;
}
