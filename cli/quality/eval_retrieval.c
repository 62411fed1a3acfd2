#include "eval.h"

#include "eval_corpus.h"
#include "json_text.h"
#include "lexical.h"
#include "metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WITH_BM25 = -1, WITH_TFIDF = -2 };

/* One evaluation. */
struct retrieval_run {
    const struct quern_eval_options *options;
    struct quern_cli_session session;
    struct quern_eval_corpus corpus;
    struct quern_eval_bags bags; /* documents, then queries */
    quern_text *texts;           /* documents with their titles, then queries */
    quern_text *titles, *bodies; /* of the documents that are embedded with titles; else an empty title and the text */
    float *rows;                 /* [documents + queries][dimensions of the model] */
    double *scores;              /* [documents] */
    int query_task, document_task;
    struct quern_cli_numbers dims;
    struct quern_eval_search by_dims[QUERN_CLI_NUMBERS], by_bm25, by_tfidf;
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
 * the order. norms: the lengths of the documents' vectors. */
static void search_vectors(struct retrieval_run *run, size_t query, int dimensions, const double *norms)
{
    const size_t width = (size_t)run->session.info.dimensions;
    const float *row = run->rows + (run->corpus.document_count + query) * width;
    for (size_t i = 0; i < run->corpus.document_count; i++)
        run->scores[i] = norms[i] > 0 ? quern_dot(row, run->rows + i * width, dimensions) / norms[i] : 0;
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

/* Searches for every query that has a relevant document. with: the index of a number of dimensions, WITH_BM25 or
 * WITH_TFIDF. */
static void search_all(struct retrieval_run *run, int with, const double *norms, struct quern_eval_search *search)
{
    const struct quern_eval_corpus *corpus = &run->corpus;
    size_t next;
    for (size_t i = 0; i < corpus->grade_count; i = next) {
        const size_t query = corpus->grades[i].query, text = corpus->document_count + query;
        for (next = i + 1; next < corpus->grade_count && corpus->grades[next].query == query;)
            next++;
        if (corpus->grades[i].grade <= 0)
            continue;
        if (with >= 0)
            search_vectors(run, query, run->dims.values[with], norms);
        else if (with == WITH_BM25)
            quern_eval_bm25_search(&run->bags, text, run->scores);
        else
            quern_eval_tfidf_search(&run->bags, text, run->scores);
        judge(run, query, corpus->grades + i, next - i, search);
    }
}

static int search(struct retrieval_run *run)
{
    const size_t documents = run->corpus.document_count, width = (size_t)run->session.info.dimensions;
    double *norms = calloc(documents, sizeof *norms);
    run->scores = calloc(documents, sizeof *run->scores);
    if (norms == NULL || run->scores == NULL) {
        free(norms);
        quern_cli_say("no memory for %zu scores", documents);
        return QUERN_CLI_FAILED;
    }
    for (int d = 0; d < run->dims.count; d++) {
        for (size_t i = 0; i < documents; i++)
            norms[i] = sqrt(quern_dot(run->rows + i * width, run->rows + i * width, run->dims.values[d]));
        search_all(run, d, norms, &run->by_dims[d]);
    }
    search_all(run, WITH_BM25, NULL, &run->by_bm25);
    search_all(run, WITH_TFIDF, NULL, &run->by_tfidf);
    free(norms);
    return QUERN_CLI_DONE;
}

/* ---------------------------------------------------------------- report */

static void put_head(const struct retrieval_run *run, const char *place)
{
    const quern_model_info *info = &run->session.info;
    const char *path = run->session.context_info.path;
    const char *query = quern_task_name(run->query_task), *document = quern_task_name(run->document_task);
    const size_t documents = run->corpus.document_count, queries = run->by_bm25.queries;
    if (!run->options->json) {
        printf("%s: %zu queries, %zu documents\n%s, %s path, tasks %s and %s\n\n", place, queries, documents,
               info->name, path, query, document);
        printf("%-10s %9s %9s %9s %9s %9s\n", "dims", "nDCG@10", "MRR@10", "recall@1", "@10", "@100");
        return;
    }
    fputs("{\"place\":", stdout);
    quern_json_put_string(stdout, (quern_text){place, strlen(place)});
    fputs(",\"model\":", stdout);
    quern_json_put_string(stdout, (quern_text){info->name, strlen(info->name)});
    printf(",\"path\":\"%s\",\"query_task\":\"%s\",\"document_task\":\"%s\",\"queries\":%zu,\"documents\":%zu,"
           "\"missing\":%zu,\"truncated\":%llu,\"results\":[",
           path, query, document, queries, documents, run->corpus.missing,
           (unsigned long long)run->job.cut);
}

/* label: a JSON value, in quotes when it names a baseline. */
static void put_row(const struct retrieval_run *run, const char *label, const struct quern_eval_search *s, bool first)
{
    const char *json = "%s\n{\"%s\":%s,\"ndcg@10\":%.6f,\"mrr@10\":%.6f,\"recall@1\":%.6f,\"recall@10\":%.6f,"
                       "\"recall@100\":%.6f}";
    const double n = (double)s->queries;
    const double ndcg = s->ndcg_10 / n, mrr = s->mrr_10 / n;
    const double recall[] = {s->recall_1 / n, s->recall_10 / n, s->recall_100 / n};
    const bool named = label[0] == '"';
    if (run->options->json)
        printf(json, first ? "" : ",", named ? "baseline" : "dims", label, ndcg, mrr, recall[0], recall[1], recall[2]);
    else
        printf("%-10.*s %9.4f %9.4f %9.4f %9.4f %9.4f\n", (int)strlen(label) - 2 * named, label + named, ndcg, mrr,
               recall[0], recall[1], recall[2]);
}

static void print_report(const struct retrieval_run *run, const char *place)
{
    put_head(run, place);
    for (int d = 0; d < run->dims.count; d++) {
        char label[16];
        snprintf(label, sizeof label, "%d", run->dims.values[d]);
        put_row(run, label, &run->by_dims[d], d == 0);
    }
    put_row(run, "\"BM25\"", &run->by_bm25, false);
    put_row(run, "\"tf-idf\"", &run->by_tfidf, false);
    if (run->options->json)
        puts("]}");
    if (run->corpus.missing > 0)
        quern_cli_say("%zu relevant documents are not in the corpus: they count as not found", run->corpus.missing);
    quern_cli_say_cut(&run->session, run->job.cut, run->job.texts);
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

static int allocate(struct retrieval_run *run)
{
    const struct quern_eval_corpus *corpus = &run->corpus;
    const size_t count = corpus->document_count + corpus->query_count;
    run->texts = calloc(count, sizeof *run->texts);
    run->titles = calloc(corpus->document_count, sizeof *run->titles);
    run->bodies = calloc(corpus->document_count, sizeof *run->bodies);
    run->rows = calloc(count, (size_t)run->session.info.dimensions * sizeof *run->rows);
    if (run->texts == NULL || run->titles == NULL || run->bodies == NULL || run->rows == NULL) {
        quern_cli_say("no memory for %zu vectors", count);
        return QUERN_CLI_FAILED;
    }
    for (size_t i = 0; i < count; i++)
        run->texts[i] = text_at(corpus, i);
    split_titles(run);
    return quern_eval_bags_make(&run->bags, run->texts, count, corpus->document_count);
}

static int measure(struct retrieval_run *run, const char *place)
{
    if (quern_eval_dims(run->options, &run->session, &run->dims) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    run->query_task = quern_cli_task(&run->session, &run->options->embed, QUERN_TASK_QUERY);
    run->document_task = run->query_task == QUERN_TASK_NONE ? QUERN_TASK_NONE : QUERN_TASK_DOCUMENT;
    if (allocate(run) != QUERN_CLI_DONE || embed_all(run) != QUERN_CLI_DONE || search(run) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    print_report(run, place);
    return QUERN_CLI_DONE;
}

int quern_eval_retrieval(const struct quern_eval_options *options, const char *place)
{
    struct retrieval_run run = {.options = options};
    int code = quern_eval_corpus_read(&run.corpus, place);
    if (code == QUERN_CLI_DONE && !has_relevant(&run.corpus))
        code = QUERN_CLI_FAILED;
    if (code == QUERN_CLI_DONE)
        code = quern_cli_session_open(&run.session, &options->session);
    if (code == QUERN_CLI_DONE)
        code = measure(&run, place);
    free(run.texts);
    free(run.titles);
    free(run.bodies);
    free(run.rows);
    free(run.scores);
    quern_eval_bags_free(&run.bags);
    quern_eval_corpus_free(&run.corpus);
    quern_cli_session_close(&run.session);
    return code;
}
