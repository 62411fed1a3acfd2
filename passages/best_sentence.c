#include "best_sentence.h"

#include "jobs_error.h"
#include "sections.h"

#include <stdbool.h>
#include <stdlib.h>

enum { SENTENCES = 64 }; /* sentences that are embedded together */

struct sentences {
    quern_text texts[SENTENCES];
    struct {
        size_t text;
        struct quern_sentence where;
    } from[SENTENCES];
    size_t count;
    float *rows;    /* [SENTENCES][dimensions] */
    double *scores; /* [texts]: of the best sentence so far */
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A sentence without the white space around it. */
static struct quern_sentence trim(quern_text text, size_t begin, size_t end)
{
    while (begin < end && is_space(text.data[begin]))
        begin++;
    while (begin < end && is_space(text.data[end - 1]))
        end--;
    return (struct quern_sentence){begin, end};
}

static int embed_some(struct sentences *some, quern_context *context, const quern_embed_options *embed,
                      const float *query, int dimensions, struct quern_sentence *best, quern_error *error)
{
    const size_t width = (size_t)dimensions;
    quern_result results[SENTENCES];
    int code = QUERN_OK;
    if (some->count > 0)
        code = quern_embed(context, some->texts, some->count, embed, some->rows, SENTENCES * width, results, error);
    if (code != QUERN_OK && error->index < 0)
        return code;
    for (size_t i = 0; i < some->count; i++) {
        const size_t text = some->from[i].text;
        const double score = results[i].code == QUERN_OK ? quern_dot(query, some->rows + i * width, dimensions) : -2;
        if (score > some->scores[text]) {
            some->scores[text] = score;
            best[text] = some->from[i].where;
        }
    }
    some->count = 0;
    return QUERN_OK;
}

int quern_find_best_sentences(quern_context *context, const quern_embed_options *embed, const float *query,
                              int dimensions, const quern_text *texts, size_t count, struct quern_sentence *best,
                              quern_error *error)
{
    quern_error unwanted;
    quern_error *told = error != NULL ? error : &unwanted;
    quern_embed_options options = *embed;
    struct sentences some = {.rows = malloc(SENTENCES * (size_t)dimensions * sizeof *some.rows),
                             .scores = malloc((count + 1) * sizeof *some.scores)};
    int code = some.rows != NULL && some.scores != NULL
                   ? QUERN_OK : quern_jobs_fail(told, QUERN_ENOMEM, "no memory for sentences");
    options.flags |= QUERN_TRUNCATE;
    for (size_t i = 0; code == QUERN_OK && i < count; i++) {
        some.scores[i] = -2; /* below every cosine */
        const struct quern_sentence whole = best[i] = trim(texts[i], 0, texts[i].length);
        for (size_t begin = whole.begin, end; code == QUERN_OK && begin < texts[i].length; begin = end) {
            end = quern_sentence_end(texts[i], begin);
            const struct quern_sentence where = trim(texts[i], begin, end);
            if (where.begin == where.end || (begin == whole.begin && end >= whole.end)) /* the only one */
                continue;
            some.texts[some.count] = (quern_text){texts[i].data + where.begin, where.end - where.begin};
            some.from[some.count].text = i;
            some.from[some.count++].where = where;
            if (some.count == SENTENCES)
                code = embed_some(&some, context, &options, query, dimensions, best, told);
        }
    }
    if (code == QUERN_OK)
        code = embed_some(&some, context, &options, query, dimensions, best, told);
    free(some.rows);
    free(some.scores);
    return code;
}
