/* quern search: finds passages in an index. */
#include "search.h"

#include "arguments.h"
#include "best_sentence.h"
#include "json_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct search_run {
    const struct quern_cli_search_options *given;
    quern_index *index;
    quern_index_info info;
    struct quern_cli_session session;
    quern_text query;
    float *vector; /* [dimensions] */
    char space[QUERN_SPACE_SIZE]; /* of the vector */
    struct quern_shown_hit *hits; /* [given->hits] */
    quern_search_result result; /* and how many hits there are */
};

/* ---------------------------------------------------------------- the query */

static int embed_query(struct search_run *run)
{
    const size_t width = (size_t)run->info.dimensions;
    quern_embed_options embed;
    quern_error error;
    run->vector = calloc(width, sizeof *run->vector);
    if (run->vector == NULL) {
        quern_cli_say("no memory for a vector");
        return QUERN_CLI_FAILED;
    }
    if (quern_hit_options(run->session.model, &run->info, QUERN_TASK_QUERY, &embed, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    if (quern_space(run->session.model, &embed, run->space, &error) != QUERN_OK ||
        quern_embed(run->session.context, &run->query, 1, &embed, run->vector, width, NULL, &error) != QUERN_OK)
        return quern_cli_fail("the query", &error);
    return QUERN_CLI_DONE;
}

/* ---------------------------------------------------------------- searches */

static int search(struct search_run *run)
{
    const bool hybrid = run->given->hybrid;
    quern_searcher_options options = quern_cli_searcher_with(run->given);
    const struct quern_cli_texts *paths = &run->given->paths;
    quern_text patterns[QUERN_CLI_TEXTS];
    const struct quern_row_filter filter = {.by_path = true, .patterns = patterns,
                                            .pattern_count = (size_t)paths->count};
    struct quern_hit_search search = {.index = run->index, .queries = run->vector, .count = 1,
                                      .words = hybrid ? &run->query : NULL,
                                      .filter = paths->count > 0 ? &filter : NULL,
                                      .options = quern_cli_search_with(run->given)};
    quern_context_info context = {.size = sizeof context};
    quern_error error = {.text = "no memory for the hits", .index = -1};
    if (quern_context_describe(run->session.context, &context, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    search.threads = context.threads;
    options.most_hits = quern_hits_compared(search.options.hits, hybrid);
    options.most_queries = 1;
    search.options.space = run->space;
    for (int i = 0; i < paths->count; i++)
        patterns[i] = (quern_text){paths->values[i], strlen(paths->values[i])};
    run->hits = calloc(search.options.hits, sizeof *run->hits);
    int code = run->hits != NULL ? quern_searcher_new(&search.searcher, run->index, &options, &error) : QUERN_ENOMEM;
    if (code == QUERN_OK)
        code = quern_find_hits(&search, run->hits, &run->result, &error);
    quern_searcher_free(search.searcher);
    return code == QUERN_OK ? QUERN_CLI_DONE : quern_cli_fail(NULL, &error);
}

/* Finds the best sentence of each hit. */
static int mark_sentences(struct search_run *run)
{
    quern_embed_options embed;
    quern_text *texts = calloc(run->result.hits + 1, sizeof *texts);
    struct quern_sentence *best = calloc(run->result.hits + 1, sizeof *best);
    quern_error error = {.text = "no memory for the sentences", .index = -1};
    int code = QUERN_ENOMEM;
    for (size_t i = 0; texts != NULL && i < run->result.hits; i++)
        texts[i] = run->hits[i].shown;
    if (texts != NULL && best != NULL)
        code = quern_hit_options(run->session.model, &run->info, QUERN_TASK_DOCUMENT, &embed, &error);
    if (code == QUERN_OK)
        code = quern_find_best_sentences(run->session.context, &embed, run->vector, run->info.dimensions, texts,
                                         run->result.hits, best, &error);
    for (size_t i = 0; code == QUERN_OK && i < run->result.hits; i++) {
        run->hits[i].begin = best[i].begin;
        run->hits[i].end = best[i].end;
    }
    free(texts);
    free(best);
    return code == QUERN_OK ? QUERN_CLI_DONE : quern_cli_fail(NULL, &error);
}

/* ---------------------------------------------------------------- the verb */

static void print_hits(const struct search_run *run)
{
    const bool named = run->info.ids == QUERN_INDEX_NAMES;
    if (!run->given->json) {
        quern_cli_show_hits(run->hits, run->result.hits, named, run->given->full);
        if (run->result.hits == 0)
            quern_cli_notice("nothing was found");
        return;
    }
    fputs("{\"query\":", stdout);
    quern_json_put_string(stdout, run->query);
    fputs(",\"hits\":[", stdout);
    for (size_t i = 0; i < run->result.hits; i++) {
        fputs(i > 0 ? ",\n" : "\n", stdout);
        quern_put_hit(stdout, &run->hits[i], named, true);
    }
    printf("],\n\"certified\":%s,\"rescored\":%llu}\n", run->result.certified ? "true" : "false",
           (unsigned long long)run->result.scored);
}

static int search_text(struct search_run *run)
{
    int code = quern_cli_index_model_open(&run->session, &run->given->session, &run->info);
    if (code == QUERN_CLI_DONE)
        code = embed_query(run);
    if (code == QUERN_CLI_DONE)
        code = search(run);
    if (code == QUERN_CLI_DONE && !run->given->no_mark)
        code = mark_sentences(run);
    if (code == QUERN_CLI_DONE)
        print_hits(run);
    free(run->vector);
    free(run->hits);
    quern_cli_session_close(&run->session);
    return code;
}

static int search_run(const void *options, struct quern_cli_arguments arguments)
{
    const struct quern_cli_search_options *given = options;
    struct search_run run = {.given = given};
    if (arguments.count != (given->vectors != NULL ? 1 : 2))
        return quern_cli_misuse("search", "give an index and %s",
                                given->vectors != NULL ? "--vectors" : "one query, in quotes");
    if (given->vectors == NULL && arguments.texts[1][0] == '\0')
        return quern_cli_misuse("search", "the query is empty");
    int code = given->vectors != NULL
                   ? quern_cli_allow(&quern_cli_search, arguments, "vectors|hits|least|fast|oversampling|threads|json",
                                     "--vectors")
                   : QUERN_CLI_DONE;
    if (code != QUERN_CLI_DONE)
        return code;
    if (given->hybrid && given->least > -HUGE_VAL)
        return quern_cli_misuse("search", "--least does not go with --hybrid, whose scores are those of ranks");
    if (given->oversampling > 0 && !given->fast)
        return quern_cli_misuse("search", "--oversampling goes with --fast");
    if (quern_cli_searcher_with(given).most_scored > QUERN_SEARCH_MOST_HITS)
        return quern_cli_misuse("search", "-k times --oversampling is more than %d", QUERN_SEARCH_MOST_HITS);
    code = quern_cli_index_open(&run.index, &run.info, arguments.texts[0]);
    if (code == QUERN_CLI_DONE && given->fast && !run.info.bits) {
        quern_cli_say("%s has no bits, which --fast needs: make it anew with 'quern index --force --bits'",
                      arguments.texts[0]);
        code = QUERN_CLI_FAILED;
    }
    if (code == QUERN_CLI_DONE && given->vectors != NULL) {
        code = quern_cli_search_vectors(given, run.index, &run.info);
    } else if (code == QUERN_CLI_DONE) {
        run.query = (quern_text){arguments.texts[1], strlen(arguments.texts[1])};
        code = search_text(&run);
    }
    quern_index_close(run.index);
    return code;
}

static struct quern_cli_search_options defaults = {.hits = 10, .least = -HUGE_VAL};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct quern_cli_search_options),
    QUERN_CLI_AS_OPTION(struct quern_cli_search_options),
    {"hits", 'k', "N", "how many passages to find at most (10)",
     QUERN_CLI_NUMBER(struct quern_cli_search_options, hits, 1, 10000)},
    {"least", '\0', "SCORE", "the least score of a passage that is printed",
     QUERN_CLI_SCORE(struct quern_cli_search_options, least)},
    {"hybrid", '\0', NULL, "search by words too (BM25), and join both by their ranks: for names and numbers",
     QUERN_CLI_SWITCH(struct quern_cli_search_options, hybrid)},
    {"path", '\0', "PATTERN", "only passages of files like 'docs', 'docs/*' or '*.md'; may be given several times",
     QUERN_CLI_SEVERAL(struct quern_cli_search_options, paths)},
    {"fast", '\0', NULL, "look at bits first, and score only the best of them: hits may be missed",
     QUERN_CLI_SWITCH(struct quern_cli_search_options, fast)},
    QUERN_CLI_OVERSAMPLING_OPTION(struct quern_cli_search_options, QUERN_SEARCH_MOST_HITS),
    {"vectors", '\0', "FILE", "search for each row of a NumPy array instead; prints a line of JSON for each",
     QUERN_CLI_TEXT(struct quern_cli_search_options, vectors)},
    {"full", '\0', NULL, "show whole passages, not only what stands around the best sentence",
     QUERN_CLI_SWITCH(struct quern_cli_search_options, full)},
    {"no-mark", '\0', NULL, "do not look for the best sentence, which takes time with a large model",
     QUERN_CLI_SWITCH(struct quern_cli_search_options, no_mark)},
    QUERN_CLI_THREADS_OPTION(struct quern_cli_search_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct quern_cli_search_options),
    QUERN_CLI_JSON_OPTION(struct quern_cli_search_options),
    {0},
};

const struct quern_cli_verb quern_cli_search = {
    .name = "search",
    .arguments = "INDEX [QUERY]",
    .summary = "Finds the passages of an index that are nearest in meaning to a query.",
    .table = table,
    .more = "Prints file and line, score and title of each passage, the best first, and its best sentence in bold\n"
            "(between ** where there are no colours). The model is the one that made the index, unless -m names\n"
            "another. A model whose vectors cannot be compared with those of the index is refused.\n"
            "A PATTERN names a file or a folder. * stands for any characters of a name, ? for one of them, and **\n"
            "for any characters, / included. The pattern may begin at any name of a path; a pattern that begins\n"
            "with / must begin at the first one.\n"
            "Without --fast, the hits are certified: no passage that was left out has a better score.\n\n"
            "example:\n"
            "  quern search notes.qidx 'how do plants drink'\n"
            "  quern search notes.qidx --hybrid -k 3 --json 'error E1234'\n"
            "  quern search notes.qidx --path 'garden/*.md' --path plants 'when to water'\n"
            "  quern search vectors.qidx --vectors queries.npy\n",
    .options = &defaults,
    .run = search_run,
};
