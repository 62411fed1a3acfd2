#include "eval_corpus.h"
#include "eval_table.h"
#include "lexical.h"
#include "metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WITH_BM25 = -1, WITH_TFIDF = -2 };

static const struct quern_eval_figure figures[] = {{"nDCG@10", "ndcg@10"},
                                                   {"MRR@10", "mrr@10"},
                                                   {"recall@1", "recall@1"},
                                                   {"@10", "recall@10"},
                                                   {"@100", "recall@100"}};

/* One evaluation. What depends on the model is made anew for each. */
struct retrieval_run {
    const struct quern_eval_options *options;
    struct quern_eval_corpus corpus;
    struct quern_eval_bags bags; /* documents, then queries */
    quern_text *texts;           /* documents with their titles, then queries */
    double *scores, *norms;      /* [documents] */

    struct quern_cli_session session;
    quern_text *titles, *bodies; /* of the documents that are embedded with titles; else an empty title and the text */
    float *rows;                 /* [documents + queries][dimensions of the model] */
    int query_task, document_task;
    struct quern_cli_rows job;
};

/* ---------------------------------------------------------------- vectors */

static int embed_documents(struct retrieval_run *run)
{
    const quern_embed_options options = {
        .size = sizeof options, .task = run->document_task, .flags = QUERN_TRUNCATE};
    struct quern_jobs_array array;
    quern_jobs_array_open(&array, run->bodies, run->corpus.document_count);
    array.titles = run->titles;
    return quern_cli_rows_embed(&run->job, &array, &options, run->rows);
}

static int embed_queries(struct retrieval_run *run)
{
    const size_t first = run->corpus.document_count;
    const quern_embed_options options = {.size = sizeof options, .task = run->query_task, .flags = QUERN_TRUNCATE};
    struct quern_jobs_array array;
    quern_jobs_array_open(&array, run->texts + first, run->corpus.query_count);
    run->job.place = run->corpus.queries_path;
    return quern_cli_rows_embed(&run->job, &array, &options,
                                run->rows + first * (size_t)run->session.info.dimensions);
}

static int embed_all(struct retrieval_run *run)
{
    const struct quern_eval_corpus *corpus = &run->corpus;
    run->job = (struct quern_cli_rows){.session = &run->session, .place = corpus->corpus_path};
    run->job.total = corpus->document_count + corpus->query_count;
    quern_cli_progress_start(&run->job.progress, false);
    int code = embed_documents(run);
    if (code == QUERN_CLI_DONE)
        code = embed_queries(run);
    quern_cli_progress_clear(&run->job.progress);
    return code;
}

/* ---------------------------------------------------------------- searches */

/* Scores all documents for a query. A score is the cosine times the length of the query's vector, which does not change
 * the order. */
static void search_vectors(struct retrieval_run *run, size_t query, int dimensions)
{
    const size_t width = (size_t)run->session.info.dimensions;
    const float *row = run->rows + (run->corpus.document_count + query) * width;
    for (size_t i = 0; i < run->corpus.document_count; i++)
        run->scores[i] =
            run->norms[i] > 0 ? quern_dot(row, run->rows + i * width, dimensions) / run->norms[i] : 0;
}

static void judge(struct retrieval_run *run, size_t query, const struct quern_eval_grade *grades, size_t count,
                  struct quern_eval_search *search)
{
    const struct quern_eval_corpus *corpus = &run->corpus;
    struct quern_eval_top top = {0};
    for (size_t i = 0; i < corpus->document_count; i++)
        if (!corpus->skip_itself || strcmp(corpus->documents[i].id, corpus->queries[query].id) != 0)
            quern_eval_top_add(&top, i, run->scores[i]);
    quern_eval_search_add(search, &top, grades, count);
}

/* Searches for every query that has a relevant document, and takes the mean of each figure. with: a number of
 * dimensions, WITH_BM25 or WITH_TFIDF. Returns how many queries that are. */
static size_t search_all(struct retrieval_run *run, int with, double out[QUERN_EVAL_FIGURES])
{
    const struct quern_eval_corpus *corpus = &run->corpus;
    struct quern_eval_search search = {0};
    size_t next;
    for (size_t i = 0; i < corpus->grade_count; i = next) {
        const size_t query = corpus->grades[i].query, text = corpus->document_count + query;
        for (next = i + 1; next < corpus->grade_count && corpus->grades[next].query == query;)
            next++;
        if (corpus->grades[i].grade <= 0)
            continue;
        if (with == WITH_BM25)
            quern_eval_bm25_search(&run->bags, text, run->scores);
        else if (with == WITH_TFIDF)
            quern_eval_tfidf_search(&run->bags, text, run->scores);
        else
            search_vectors(run, query, with);
        judge(run, query, corpus->grades + i, next - i, &search);
    }
    const double n = (double)search.queries;
    out[0] = search.ndcg_10 / n;
    out[1] = search.mrr_10 / n;
    out[2] = search.recall_1 / n;
    out[3] = search.recall_10 / n;
    out[4] = search.recall_100 / n;
    return search.queries;
}

/* The figures of the leading dimensions of the vectors. */
static void search_dims(struct retrieval_run *run, int dims, double out[QUERN_EVAL_FIGURES])
{
    const size_t width = (size_t)run->session.info.dimensions;
    for (size_t i = 0; i < run->corpus.document_count; i++)
        run->norms[i] = sqrt(quern_dot(run->rows + i * width, run->rows + i * width, dims));
    search_all(run, dims, out);
}

/* ---------------------------------------------------------------- the run */

static bool has_relevant(const struct quern_eval_corpus *corpus)
{
    for (size_t i = 0; i < corpus->grade_count; i++)
        if (corpus->grades[i].grade > 0)
            return true;
    quern_cli_say("%s: no query has a relevant document", corpus->queries_path);
    return false;
}

/* Text i of all documents and queries. */
static quern_text text_at(const struct quern_eval_corpus *corpus, size_t i)
{
    const char *text = i < corpus->document_count ? corpus->documents[i].text
                                                  : corpus->queries[i - corpus->document_count].text;
    return (quern_text){text, strlen(text)};
}

/* Divides documents into titles and bodies, if the document task takes titles. */
static void split_titles(struct retrieval_run *run)
{
    for (size_t i = 0; i < run->corpus.document_count; i++) {
        const size_t length = run->corpus.documents[i].title_length;
        run->bodies[i] = run->texts[i];
        if (length == 0 || run->document_task != QUERN_TASK_DOCUMENT)
            continue;
        run->titles[i] = (quern_text){run->texts[i].data, length};
        run->bodies[i].data += length + 1; /* a space follows the title */
        run->bodies[i].length -= length + 1;
    }
}

static void free_vectors(struct retrieval_run *run)
{
    free(run->titles);
    free(run->bodies);
    free(run->rows);
    run->titles = run->bodies = NULL;
    run->rows = NULL;
}

/* Room for what depends on the model. */
static int allocate_vectors(struct retrieval_run *run)
{
    const struct quern_eval_corpus *corpus = &run->corpus;
    const size_t count = corpus->document_count + corpus->query_count;
    run->titles = calloc(corpus->document_count, sizeof *run->titles);
    run->bodies = calloc(corpus->document_count, sizeof *run->bodies);
    run->rows = calloc(count, (size_t)run->session.info.dimensions * sizeof *run->rows);
    if (run->titles != NULL && run->bodies != NULL && run->rows != NULL)
        return QUERN_CLI_DONE;
    quern_cli_say("no memory for %zu vectors", count);
    return QUERN_CLI_FAILED;
}

/* Embeds all with the session's model, and fills a column. */
static int measure(struct retrieval_run *run, struct quern_eval_column *column)
{
    quern_embed_options embed = run->options->embed;
    quern_cli_set_task(&run->session, &embed, QUERN_TASK_QUERY);
    run->query_task = embed.task;
    run->document_task = run->query_task == QUERN_TASK_NONE ? QUERN_TASK_NONE : QUERN_TASK_DOCUMENT;
    const char *query = quern_task_name((quern_task)run->query_task);
    const char *document = quern_task_name((quern_task)run->document_task);
    snprintf(column->task, sizeof column->task, "tasks %s and %s", query, document);
    snprintf(column->task_json, sizeof column->task_json, "\"query_task\":\"%s\",\"document_task\":\"%s\"", query,
             document);
    if (allocate_vectors(run) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    split_titles(run);
    if (embed_all(run) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    search_dims(run, column->width, column->whole);
    quern_eval_centre(&run->session, run->rows, run->corpus.document_count + run->corpus.query_count);
    for (int d = 0; d < column->dims.count; d++) {
        if (column->dims.values[d] < column->width)
            search_dims(run, column->dims.values[d], column->figures[d]);
        else
            memcpy(column->figures[d], column->whole, sizeof column->whole);
    }
    quern_eval_column_take(column, &run->job);
    return QUERN_CLI_DONE;
}

/* What no model has part in: the texts, and the figures of searches by words. */
static int measure_words(struct retrieval_run *run, struct quern_eval_table *table)
{
    const struct quern_eval_corpus *corpus = &run->corpus;
    const size_t count = corpus->document_count + corpus->query_count;
    run->texts = calloc(count, sizeof *run->texts);
    run->scores = calloc(corpus->document_count, sizeof *run->scores);
    run->norms = calloc(corpus->document_count, sizeof *run->norms);
    if (run->texts == NULL || run->scores == NULL || run->norms == NULL) {
        quern_cli_say("no memory for %zu texts", count);
        return QUERN_CLI_FAILED;
    }
    for (size_t i = 0; i < count; i++)
        run->texts[i] = text_at(corpus, i);
    if (quern_eval_bags_make(&run->bags, run->texts, count, corpus->document_count) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    const size_t queries = search_all(run, WITH_BM25, table->baselines[0].figures);
    search_all(run, WITH_TFIDF, table->baselines[1].figures);
    table->baselines[0].name = "BM25";
    table->baselines[1].name = "tf-idf";
    table->baseline_count = 2;
    snprintf(table->size, sizeof table->size, "%zu queries, %zu documents", queries, corpus->document_count);
    snprintf(table->size_json, sizeof table->size_json, "\"queries\":%zu,\"documents\":%zu,\"missing\":%zu", queries,
             corpus->document_count, corpus->missing);
    return QUERN_CLI_DONE;
}

/* Fills the table, one model after the other. */
static int measure_all(struct retrieval_run *run, struct quern_eval_table *table)
{
    int code = measure_words(run, table);
    for (int m = 0; code == QUERN_CLI_DONE && m < table->column_count; m++) {
        run->session = (struct quern_cli_session){0};
        code = quern_eval_column_open(&table->columns[m], run->options, m, &run->session);
        if (code == QUERN_CLI_DONE)
            code = measure(run, &table->columns[m]);
        free_vectors(run);
        quern_cli_session_close(&run->session);
    }
    return code;
}

int quern_eval_retrieval(const struct quern_eval_options *options, const char *place)
{
    struct retrieval_run run = {.options = options};
    struct quern_eval_table table;
    quern_eval_table_start(&table, options, figures, QUERN_COUNT(figures));
    table.source_key = "place";
    table.source = place;
    int code = quern_eval_corpus_read(&run.corpus, place);
    if (code == QUERN_CLI_DONE && !has_relevant(&run.corpus))
        code = QUERN_CLI_FAILED;
    if (code == QUERN_CLI_DONE)
        code = measure_all(&run, &table);
    if (code == QUERN_CLI_DONE) {
        quern_eval_table_print(&table);
        if (run.corpus.missing > 0)
            quern_cli_notice("%zu relevant documents are not in the corpus: they count as not found",
                             run.corpus.missing);
    }
    free(run.texts);
    free(run.scores);
    free(run.norms);
    quern_eval_bags_free(&run.bags);
    quern_eval_corpus_free(&run.corpus);
    return code;
}
