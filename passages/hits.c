#include "hits.h"

#include "jobs_error.h"
#include "json_text.h"
#include "passage.h"
#include "word_search.h"

#include <stdlib.h>

enum { JOINED = 100 }; /* hits of each search that are joined at least */

int quern_hit_options(const quern_model *model, const quern_index_info *index, quern_task task,
                      quern_embed_options *embed, quern_error *error)
{
    quern_model_info info = {.size = sizeof info};
    const int code = quern_model_describe(model, &info, error);
    *embed = (quern_embed_options){.size = sizeof *embed, .flags = QUERN_TRUNCATE};
    if (code != QUERN_OK)
        return code;
    if (info.dimensions < index->dimensions)
        return quern_jobs_fail(error, QUERN_EINVAL, "the index has vectors of %d dimensions, and the model makes %d: "
                               "it was made with another model", index->dimensions, info.dimensions);
    embed->task = info.has_prompts ? task : QUERN_TASK_NONE;
    embed->dimensions = index->dimensions < info.dimensions ? index->dimensions : 0;
    return QUERN_OK;
}

size_t quern_hits_compared(size_t wanted, bool by_words)
{
    return by_words && wanted < JOINED ? JOINED : wanted;
}

/* Reads what is shown of hits[count]. */
static int fill(const quern_index *index, const quern_hit *found, struct quern_shown_hit *hits, size_t count,
                quern_error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct quern_passage passage;
        hits[i] = (struct quern_shown_hit){.hit = found[i]};
        const int code = quern_index_get(index, found[i].place, &hits[i].row, error);
        if (code != QUERN_OK)
            return code;
        quern_passage_read(&passage, hits[i].row.payload);
        hits[i].shown = passage.text;
        hits[i].end = passage.text.length;
    }
    return QUERN_OK;
}

/* Joins the hits by meaning of all queries with those by words. found[(2 * count + 1) * most]: those by meaning, and
 * scratch memory behind them. */
static int join_words(const struct quern_hit_search *search, const quern_search_options *options, quern_hit *found,
                      struct quern_shown_hit *hits, quern_search_result *results, quern_error *error)
{
    const size_t most = options->hits;
    const struct quern_word_queries queries = {search->words, search->count, options->only,
                                               search->threads > 0 ? search->threads : 1};
    quern_hit *by_words = found + search->count * most, *joined = by_words + search->count * most;
    size_t *counts = calloc(search->count + 1, sizeof *counts);
    if (counts == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the hits");
    int code = quern_word_search(&queries, search->index, most, by_words, counts, error);
    for (size_t i = 0; code == QUERN_OK && i < search->count; i++) {
        results[i].hits = quern_join_hits(found + i * most, results[i].hits, by_words + i * most, counts[i], joined,
                                          search->options.hits);
        code = fill(search->index, joined, hits + i * search->options.hits, results[i].hits, error);
    }
    free(counts);
    return code;
}

/* options: as quern_search gets them; found[(2 * count + 1) * options->hits] is scratch memory. */
static int find(const struct quern_hit_search *search, const quern_search_options *options, quern_hit *found,
                struct quern_shown_hit *hits, quern_search_result *results, quern_error *error)
{
    int code = quern_search(search->searcher, search->queries, search->count, options, found, results, error);
    if (code == QUERN_OK && search->words != NULL)
        return join_words(search, options, found, hits, results, error);
    for (size_t i = 0; code == QUERN_OK && i < search->count; i++)
        code = fill(search->index, found + i * options->hits, hits + i * search->options.hits, results[i].hits, error);
    return code;
}

int quern_find_hits(const struct quern_hit_search *search, struct quern_shown_hit *hits, quern_search_result *results,
                    quern_error *error)
{
    quern_search_options options = search->options;
    uint64_t *only = NULL, rows;
    int code = QUERN_OK;
    options.hits = quern_hits_compared(search->options.hits, search->words != NULL);
    if (search->filter != NULL)
        code = quern_row_filter_select(search->filter, search->index, &only, &rows, error);
    options.only = only;
    quern_hit *found = code == QUERN_OK ? calloc((2 * search->count + 1) * options.hits, sizeof *found) : NULL;
    if (found != NULL)
        code = find(search, &options, found, hits, results, error);
    else if (code == QUERN_OK)
        code = quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the hits");
    free(found);
    free(only);
    return code;
}

void quern_put_row_id(FILE *file, const quern_index_row *row, bool named)
{
    if (named)
        quern_json_put_string(file, row->name);
    else
        fprintf(file, "%llu", (unsigned long long)row->number);
}

void quern_put_hit(FILE *file, const struct quern_shown_hit *hit, bool named, bool with_best)
{
    struct quern_passage passage;
    fputs("{\"id\":", file);
    quern_put_row_id(file, &hit->row, named);
    fprintf(file, ",\"score\":%.6f", hit->hit.score);
    if (quern_passage_read(&passage, hit->row.payload)) {
        fputs(named ? ",\"path\":" : "", file);
        if (named)
            quern_json_put_string(file, quern_passage_path(hit->row.name));
        fprintf(file, ",\"line\":%llu,\"last_line\":%llu,\"begin\":%llu,\"end\":%llu,\"title\":",
                (unsigned long long)passage.line, (unsigned long long)passage.last_line,
                (unsigned long long)passage.begin, (unsigned long long)passage.end);
        quern_json_put_string(file, passage.title);
    }
    if (hit->shown.length > 0) {
        fputs(",\"text\":", file);
        quern_json_put_string(file, hit->shown);
    }
    if (hit->shown.length > 0 && with_best) {
        fputs(",\"best\":", file);
        quern_json_put_string(file, (quern_text){hit->shown.data + hit->begin, hit->end - hit->begin});
    }
    putc('}', file);
}
