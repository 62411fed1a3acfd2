/* Any texts with any options must give vectors or one clear error. A text's vector must not depend on the other texts.
 *
 * Input: one byte each for task, flags, dimensions and path. Then up to four texts, with a byte 0x1E between them.
 * Bit 7 of the flags makes the last text a title as well. */
#include "fuzz.h"
#include "model_maker.h"

#include "formats/formats.h"
#include "quern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 64, TEXTS = 4, CONTEXT = 48, SEPARATOR = 0x1E };

static quern_model *model;
static quern_context *contexts[2]; /* by path */

/* Makes the model and the contexts, once for all inputs. */
static void open_model(void)
{
    char path[] = "/tmp/quern-fuzz-XXXXXX";
    const int file = mkstemp(path);
    struct quern_recipe recipe = quern_recipe_tiny();
    quern_model_options options = {.size = sizeof options, .threads = 1};
    recipe.type = QUERN_TYPE_Q4_0;
    recipe.head = true;
    recipe.context = CONTEXT; /* short, so that some texts are too long */
    expect(file >= 0 && close(file) == 0 && quern_model_make(path, &recipe, NULL) == QUERN_OK &&
           quern_model_open(&model, path, &options, NULL) == QUERN_OK, "a model can be made");
    for (int i = 0; i < 2; i++) {
        const quern_context_options how = {.size = sizeof how, .threads = 1, .path = i, .step_tokens = 64};
        expect(quern_context_new(&contexts[i], model, &how, NULL) == QUERN_OK, "a context can be made");
    }
    unlink(path);
}

static size_t cut_texts(quern_text texts[TEXTS], const char *data, size_t size)
{
    size_t count = 0;
    for (const char *end = data + size, *next; count < TEXTS; data = next + 1) {
        next = memchr(data, SEPARATOR, (size_t)(end - data));
        texts[count++] = (quern_text){data, (size_t)((next != NULL ? next : end) - data)};
        if (next == NULL)
            break;
    }
    return count;
}

/* Each text alone has the same result and the same vector, bit for bit. */
static void check_vectors(quern_context *context, const quern_text *texts, size_t count,
                          const quern_embed_options *options, const float *vectors, const quern_result *results)
{
    const size_t dimensions = options->dimensions != 0 ? (size_t)options->dimensions : WIDTH;
    quern_embed_options tokenize = *options;
    tokenize.flags &= QUERN_PARSE_SPECIAL;
    for (size_t i = 0; i < count; i++) {
        float alone[WIDTH];
        size_t tokens = 0;
        const int code = quern_embed(context, &texts[i], 1, options, alone, WIDTH, NULL, NULL);
        expect(code == results[i].code, "one bad text does not fail the others");
        if (code != QUERN_OK)
            continue;
        quern_tokenize(context, texts[i], &tokenize, NULL, 0, &tokens, NULL);
        expect(results[i].tokens <= CONTEXT && results[i].tokens + results[i].truncated <= tokens &&
               (tokens > CONTEXT || results[i].tokens == tokens), "results count a text's tokens");
        expect(memcmp(alone, vectors + i * dimensions, dimensions * sizeof *alone) == 0, "a text's vector is its own");
        for (size_t k = 0; k < dimensions; k++)
            expect(isfinite(alone[k]), "vectors are finite");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    if (model == NULL)
        open_model();
    quern_text texts[TEXTS];
    float vectors[TEXTS * WIDTH];
    quern_result results[TEXTS];
    quern_error error = {0};
    quern_context *context = contexts[data[3] % 2];
    const size_t count = cut_texts(texts, (const char *)data + 4, size - 4);
    const quern_embed_options options = {
        .size = sizeof options, .task = data[0] % 12 - 1, .dimensions = data[2] % (WIDTH + 2), .flags = data[1] & 63,
        .title = data[1] & 128 ? texts[count - 1] : (quern_text){NULL, 0}};
    const int code = quern_embed(context, texts, count, &options, vectors, TEXTS * WIDTH, results, &error);
    if (code != QUERN_OK)
        expect((code == QUERN_EINVAL || code == QUERN_ETOOLONG) && error.code == code && error.text[0] != '\0' &&
               strchr(error.text, '\n') == NULL, "an error is clear");
    if (code == QUERN_OK || error.index >= 0)
        check_vectors(context, texts, count, &options, vectors, results);
    return 0;
}
