/* What is done with a text beside embedding it: preparing, truncation, chunks, spans, detokenising; and number formats,
 * with the text as vectors. Whatever the bytes and sizes are, the promises of quern.h hold.
 *
 * Input: task, flags, limit, overlap and number format, a byte each; then the text. Bit 7 of the task chooses a model
 * whose tokenizer puts a space before a text. */
#include "fuzz.h"
#include "base/utf8.h"
#include "formats/formats.h"
#include "model_maker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTEXT = 48, MOST_TEXT = 1 << 16, MOST_IDS = MOST_TEXT + 256, MOST_CHUNKS = MOST_TEXT };

static quern_model *models[2]; /* by whether a space is put before a text */
static quern_context *contexts[2];
static int32_t ids[MOST_IDS];
static quern_token_span spans[MOST_IDS];
static quern_chunk chunks[MOST_CHUNKS];
static char detokenized[4 * MOST_IDS];

/* Once for all inputs. */
static void open_models(void)
{
    for (int spaced = 0; spaced < 2; spaced++) {
        char path[] = "/tmp/quern-fuzz-XXXXXX";
        const int file = mkstemp(path);
        struct quern_recipe recipe = quern_recipe_tiny();
        const quern_model_options options = {.size = sizeof options, .threads = 1};
        const quern_context_options how = {.size = sizeof how, .threads = 1, .step_tokens = 64};
        recipe.type = QUERN_TYPE_Q4_0;
        recipe.context = CONTEXT;
        recipe.spaced = spaced;
        expect(file >= 0 && close(file) == 0 && quern_model_make(path, &recipe, NULL) == QUERN_OK &&
               quern_model_open(&models[spaced], path, &options, NULL) == QUERN_OK &&
               quern_context_new(&contexts[spaced], models[spaced], &how, NULL) == QUERN_OK, "a model can be made");
        unlink(path);
    }
}

static size_t count_tokens(quern_context *context, quern_text text, quern_embed_options options)
{
    size_t count = 0;
    options.flags &= QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL;
    quern_tokenize(context, text, &options, NULL, 0, &count, NULL);
    return count;
}

static void check_tokens(int spaced, quern_text text, quern_embed_options options)
{
    size_t count, length, again, covered[3] = {0};
    options.flags &= QUERN_PARSE_SPECIAL | QUERN_NO_SPECIAL;
    if (quern_tokenize(contexts[spaced], text, &options, ids, MOST_IDS, &count, NULL) != QUERN_OK)
        return;
    expect(quern_token_spans(contexts[spaced], text, &options, ids, count, spans, NULL) == QUERN_OK,
           "tokens have spans");
    for (size_t i = 0; i < count; i++) {
        const quern_token_span *span = &spans[i];
        expect(span->begin >= covered[span->part] && span->end >= span->begin, "spans ascend");
        covered[span->part] = span->end;
    }
    expect(covered[QUERN_PART_TEXT] <= text.length, "spans lie in the text");
    expect(quern_detokenize(models[spaced], ids, count, 0, detokenized, sizeof detokenized, &length, NULL) == QUERN_OK,
           "tokens have a text");
    if (length > 0)
        expect(quern_detokenize(models[spaced], ids, count, 0, detokenized, length - 1, &again, NULL) ==
               QUERN_ETOOLONG && again == length, "a length is told where there is no room");
}

static void check_prepared(quern_context *context, quern_text text, const quern_embed_options *options, size_t limit)
{
    quern_result result;
    const int code = quern_prepare(context, text, options, ids, CONTEXT, &result, NULL);
    if (code != QUERN_OK)
        return;
    expect(result.tokens > 0 && result.tokens <= CONTEXT, "a text is cut to what the model takes");
    expect(result.tokens + result.truncated <= count_tokens(context, text, *options), "no token is counted twice");
    const size_t left = quern_truncate_tokens(ids, result.tokens, limit, options->flags);
    expect(left == (limit < result.tokens ? limit : result.tokens), "tokens are cut to a limit");
}

static void check_part(quern_context *context, quern_text text, quern_embed_options options, size_t limit)
{
    const int from_end = (options.flags & QUERN_TRUNCATE_START) != 0;
    quern_text part;
    if (quern_truncate(context, text, &options, limit, &part, NULL) != QUERN_OK)
        return;
    limit = limit != 0 ? limit : CONTEXT;
    expect(part.length <= text.length &&
           part.data == (from_end ? text.data + (text.length - part.length) : text.data), "a part is of the text");
    expect(quern_utf8_is_boundary(text, from_end ? text.length - part.length : part.length), "characters stay whole");
    expect(part.length == 0 || count_tokens(context, part, options) <= limit, "a part fits");
}

static void check_chunks(quern_context *context, quern_text text, const quern_embed_options *options, size_t limit,
                         size_t overlap)
{
    const quern_chunk_options how = {.size = sizeof how, .tokens = limit, .overlap = overlap};
    size_t count, covered = 0;
    if (quern_chunk_text(context, text, options, &how, chunks, MOST_CHUNKS, &count, NULL) != QUERN_OK)
        return;
    limit = limit != 0 ? limit : CONTEXT;
    for (size_t i = 0; i < count; i++) {
        const quern_chunk *chunk = &chunks[i];
        const quern_text part = {text.data + chunk->begin, chunk->end - chunk->begin};
        expect(chunk->begin < chunk->end && chunk->end <= text.length && chunk->end > covered, "chunks ascend");
        expect(quern_utf8_is_boundary(text, chunk->begin) && quern_utf8_is_boundary(text, chunk->end),
               "characters stay whole");
        expect(chunk->tokens <= limit && count_tokens(context, part, *options) == chunk->tokens, "a chunk fits");
        for (size_t at = covered; at < chunk->begin; at++)
            expect((unsigned char)text.data[at] <= ' ' || (unsigned char)text.data[at] >= 0x80, "nothing is left out");
        covered = chunk->end;
    }
}

static void check_formats(const uint8_t *data, size_t size, int number, int dimensions)
{
    static float vectors[MOST_TEXT / sizeof(float)], back[MOST_TEXT / sizeof(float)];
    static unsigned char encoded[MOST_TEXT], twice[MOST_TEXT];
    const quern_dtype dtype = (quern_dtype)number;
    const size_t bytes = quern_encoded_bytes(dtype, dimensions);
    const size_t count = dimensions > 0 ? size / sizeof(float) / (size_t)dimensions : 1;
    memcpy(vectors, data, size / sizeof(float) * sizeof(float));
    if (quern_encode(dtype, vectors, count, dimensions, encoded, sizeof encoded, NULL) != QUERN_OK) {
        expect(bytes == 0, "vectors can be stored");
        return;
    }
    expect(quern_encode(dtype, vectors, count, dimensions, encoded, count * bytes, NULL) == QUERN_OK &&
           (count == 0 || quern_encode(dtype, vectors, count, dimensions, encoded, count * bytes - 1, NULL) ==
            QUERN_ETOOLONG), "the size of stored vectors is exact");
    expect(quern_decode(dtype, encoded, count, dimensions, back, count * (size_t)dimensions, NULL) == QUERN_OK &&
           quern_encode(dtype, back, count, dimensions, twice, sizeof twice, NULL) == QUERN_OK &&
           memcmp(encoded, twice, count * bytes) == 0, "what was stored and read is stored the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5 || size > MOST_TEXT)
        return 0;
    if (models[0] == NULL)
        open_models();
    const int spaced = data[0] >> 7;
    const quern_text text = {(const char *)data + 5, size - 5};
    const quern_embed_options options = {.size = sizeof options, .task = (data[0] & 15) - 1, .flags = data[1] & 63};
    check_tokens(spaced, text, options);
    check_prepared(contexts[spaced], text, &options, data[2]);
    check_part(contexts[spaced], text, options, data[2]);
    check_chunks(contexts[spaced], text, &options, data[2], data[3]);
    check_formats(data + 5, size - 5, data[4] % 7 - 1, data[3] - 1);
    return 0;
}
