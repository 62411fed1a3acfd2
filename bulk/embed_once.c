#include "embed_once.h"

#include "jobs_error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int quern_once_open(struct quern_once *once, const quern_model *model, quern_context *context, const char *folder,
                    quern_error *error)
{
    quern_model_info info = {.size = sizeof info};
    quern_context_info path = {.size = sizeof path};
    char space[QUERN_SPACE_SIZE], name[112] = "";
    *once = (struct quern_once){.context = context};
    int code = quern_model_describe(model, &info, error);
    if (code == QUERN_OK)
        code = quern_context_describe(context, &path, error);
    if (code == QUERN_OK)
        code = quern_space(model, NULL, space, error);
    if (code != QUERN_OK)
        return code;
    snprintf(name, sizeof name, "%s-%.24s-%.8s", space, info.kernels, path.path);
    SHA256Init(&once->start);
    SHA256Update(&once->start, (const uint8_t *)name, sizeof name);
    once->width = (size_t)info.dimensions;
    once->is_centred_cut = info.centred_cut;
    once->most_tokens = (size_t)info.context_length;
    once->vectors = malloc(QUERN_ONCE_TEXTS * once->width * sizeof *once->vectors);
    once->computed = malloc(QUERN_ONCE_TEXTS * once->width * sizeof *once->computed);
    if (once->vectors == NULL || once->computed == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the vectors of %d texts", QUERN_ONCE_TEXTS);
    return quern_vector_table_open(&once->table, folder, name, once->width, error);
}

void quern_once_close(struct quern_once *once)
{
    quern_vector_table_close(&once->table);
    free(once->ids);
    free(once->vectors);
    free(once->computed);
    *once = (struct quern_once){.context = NULL};
}

void quern_once_begin(struct quern_once *once)
{
    once->count = once->missing_count = once->id_count = 0;
}

/* Makes room for the tokens of a text. */
static int reserve(struct quern_once *once, quern_error *error)
{
    if (once->id_capacity - once->id_count >= once->most_tokens)
        return QUERN_OK;
    const size_t capacity = 2 * once->id_capacity + once->most_tokens;
    int32_t *ids = realloc(once->ids, capacity * sizeof *ids);
    if (ids == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %zu tokens", capacity);
    once->ids = ids;
    once->id_capacity = capacity;
    return QUERN_OK;
}

static void make_key(const struct quern_once *once, struct quern_once_text *text)
{
    SHA2_CTX context = once->start;
    SHA256Update(&context, (const uint8_t *)(once->ids + once->id_count), text->result.tokens * sizeof *once->ids);
    SHA256Final(text->key, &context);
}

/* Finds the vector of the text that was added last, whose tokens stand behind those of the missing ones. */
static void look_up(struct quern_once *once)
{
    const size_t at = once->count - 1;
    struct quern_once_text *text = &once->texts[at];
    make_key(once, text);
    for (size_t m = 0; m < once->missing_count; m++)
        if (memcmp(once->texts[once->missing[m]].key, text->key, QUERN_TABLE_KEY) == 0) {
            text->from = m;
            once->copied++;
            return;
        }
    if (quern_vector_table_find(&once->table, text->key, once->vectors + at * once->width)) {
        once->copied++;
        return;
    }
    text->from = once->missing_count;
    once->missing[once->missing_count] = at;
    once->begins[once->missing_count++] = once->id_count;
    once->id_count += text->result.tokens;
}

/* Whether a failure concerns one text only. */
static bool is_of_text(int code)
{
    return code == QUERN_EINVAL || code == QUERN_ETOOLONG || code == QUERN_EFORMAT;
}

int quern_once_add(struct quern_once *once, quern_text text, const quern_embed_options *options, quern_error *error)
{
    struct quern_once_text *added = &once->texts[once->count];
    quern_error problem = {.code = QUERN_OK};
    int code = reserve(once, error);
    if (code != QUERN_OK)
        return code;
    *added = (struct quern_once_text){.from = QUERN_ONCE_TEXTS};
    code = quern_prepare(once->context, text, options, once->ids + once->id_count, once->most_tokens, &added->result,
                         &problem);
    if (code != QUERN_OK && !is_of_text(code)) {
        if (error != NULL)
            *error = problem;
        return code;
    }
    added->result.code = code;
    once->count++;
    if (code == QUERN_OK)
        look_up(once);
    return QUERN_OK;
}

/* Computes the vectors of the missing texts, and keeps them. */
static int compute(struct quern_once *once, quern_error *error)
{
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_NO_NORMALIZE};
    const size_t count = once->missing_count;
    quern_tokens tokens[QUERN_ONCE_TEXTS];
    quern_result results[QUERN_ONCE_TEXTS];
    quern_error problem = {.code = QUERN_OK};
    once->begins[count] = once->id_count;
    for (size_t m = 0; m < count; m++)
        tokens[m] = (quern_tokens){once->ids + once->begins[m], once->begins[m + 1] - once->begins[m]};
    const int code = count == 0 ? QUERN_OK : quern_embed_tokens(once->context, tokens, count, &options, once->computed,
                                                                count * once->width, results, &problem);
    if (code != QUERN_OK && problem.index < 0) {
        if (error != NULL)
            *error = problem;
        return code;
    }
    for (size_t m = 0; m < count; m++) {
        struct quern_once_text *text = &once->texts[once->missing[m]];
        text->result.code = results[m].code;
        if (results[m].code == QUERN_OK && once->failure == 0 &&
            !quern_vector_table_put(&once->table, text->key, once->computed + m * once->width))
            once->failure = errno;
    }
    return QUERN_OK;
}

int quern_once_finish(struct quern_once *once, const quern_embed_options *options, float *rows, quern_result *results,
                      quern_error *error)
{
    const size_t width = options->dimensions > 0 ? (size_t)options->dimensions : once->width;
    const int code = compute(once, error);
    for (size_t i = 0; code == QUERN_OK && i < once->count; i++) {
        const struct quern_once_text *text = &once->texts[i];
        float *vector = once->vectors + i * once->width;
        results[i] = text->result;
        if (text->from < QUERN_ONCE_TEXTS) {
            results[i].code = once->texts[once->missing[text->from]].result.code;
            memcpy(vector, once->computed + text->from * once->width, once->width * sizeof *vector);
        }
        if (results[i].code != QUERN_OK)
            continue;
        if (once->is_centred_cut && width < once->width)
            quern_centre(vector, (int)once->width, vector);
        quern_finish(vector, (int)width, options->flags & QUERN_NO_NORMALIZE, rows + i * width);
    }
    return code;
}
