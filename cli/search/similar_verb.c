/* quern similar: what is nearly the same. */
#include "row_source.h"

#include "arguments.h"
#include "near_pairs.h"

#include <stdlib.h>

struct similar_options {
    struct quern_cli_session_options session;
    double least;
    int hits;
    bool json;
};

static bool report(void *user, uint64_t done, uint64_t total)
{
    quern_cli_progress_rows(user, done, total);
    return true;
}

static int print_pair(const struct quern_cli_row_source *source, const struct quern_near_pair *pair, bool json)
{
    int code;
    fputs(json ? "{\"a\":" : "", stdout);
    if (!json)
        printf("%.4f  ", pair->score);
    code = json ? quern_cli_row_source_put_id(source, pair->a) : quern_cli_row_source_show(source, pair->a);
    fputs(json ? ",\"b\":" : "        ", stdout);
    if (code == QUERN_CLI_DONE)
        code = json ? quern_cli_row_source_put_id(source, pair->b) : quern_cli_row_source_show(source, pair->b);
    if (json)
        printf(",\"score\":%.6f}\n", pair->score);
    return code;
}

static int similar(const void *options, struct quern_cli_arguments arguments)
{
    const struct similar_options *given = options;
    struct quern_cli_row_source source;
    struct quern_cli_progress progress;
    struct quern_near_pair *pairs = NULL;
    size_t count = 0;
    quern_error error;
    if (arguments.count != 1)
        return quern_cli_misuse("similar", "give an index, or a file of lines");
    int code = quern_cli_row_source_open(&source, arguments.texts[0], &given->session, QUERN_TASK_SIMILARITY);
    if (code == QUERN_CLI_DONE && source.is_index)
        code = quern_cli_allow(&quern_cli_similar, arguments, "least|hits|threads|json",
                               "an index, whose vectors are made already");
    if (code == QUERN_CLI_DONE) {
        const struct quern_near_search search = {.index = source.index, .threads = given->session.threads,
                                                 .least = given->least, .most = (size_t)given->hits, .report = report,
                                                 .user = &progress};
        quern_cli_progress_start(&progress, false);
        if (quern_find_near_pairs(&search, &pairs, &count, &error) != QUERN_OK)
            code = quern_cli_fail(NULL, &error);
        quern_cli_progress_clear(&progress);
    }
    for (size_t i = 0; code == QUERN_CLI_DONE && i < count; i++)
        code = print_pair(&source, &pairs[i], given->json);
    if (code == QUERN_CLI_DONE && count == 0)
        quern_cli_notice("no two are so similar; --least asks for less");
    free(pairs);
    quern_cli_row_source_close(&source);
    return code;
}

static struct similar_options defaults = {.least = 0.9, .hits = 100};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct similar_options),
    QUERN_CLI_AS_OPTION(struct similar_options),
    {"least", '\0', "SCORE", "the least score of a pair (0.9)", QUERN_CLI_SCORE(struct similar_options, least)},
    {"hits", 'k', "N", "for each text, print at most so many others, the most similar ones (100)",
     QUERN_CLI_NUMBER(struct similar_options, hits, 1, 10000)},
    QUERN_CLI_THREADS_OPTION(struct similar_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct similar_options),
    QUERN_CLI_JSON_OPTION(struct similar_options),
    {0},
};

const struct quern_cli_verb quern_cli_similar = {
    .name = "similar",
    .arguments = "INDEX | FILE",
    .summary = "Finds passages of an index, or lines of a file, that are nearly the same.",
    .table = table,
    .more = "Prints pairs with their score, the most similar ones first; --json a line for each. Every text is\n"
            "compared with every other one. The lines of a file are embedded for the task similarity.\n\n"
            "example:\n"
            "  quern similar notes.qidx --least 0.95\n"
            "  quern similar questions.txt --json\n",
    .takes_names = true,
    .options = &defaults,
    .run = similar,
};
