#include "eval_corpus.h"
#include "eval_index.h"
#include "eval_table.h"
#include "lexical.h"
#include "metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Without --stored. */
static const struct quern_eval_figure figures[] = {{"nDCG@10", "ndcg@10", 4},
                                                   {"MRR@10", "mrr@10", 4},
                                                   {"recall@1", "recall@1", 4},
                                                   {"@10", "recall@10", 4},
                                                   {"@100", "recall@100", 4}};
static const struct quern_eval_form whole_form = {QUERN_DTYPE_F32, 0};

/* With --stored. */
static const struct quern_eval_figure index_figures[] = {{"nDCG@10", "ndcg@10", 4},
                                                         {"MRR@10", "mrr@10", 4},
                                                         {"recall@10", "recall@10", 4},
                                                         {"same@10", "same@10", 4},
                                                         {"scored", "scored", 1},
                                                         {"bytes", "bytes_per_document", 0}};
static const char *const form_names[] = {"f32", "f16", "bits"};

/* A query that has a relevant document. */
struct judged_query {
    size_t query;
    const struct quern_eval_grade *grades; /* [count], the highest first */
    size_t count;
};

/* One evaluation. What depends on the model is made anew for each. */
struct retrieval_run {
    const struct quern_eval_options *options;
    struct quern_eval_corpus corpus;
    struct quern_eval_bags bags; /* documents, then queries */
    quern_text *texts;           /* documents with their titles, then queries */
    double *scores;              /* [documents] */
    struct judged_query *judged; /* [judged_count] */
    size_t judged_count;
    struct quern_eval_form forms[QUERN_EVAL_FORMS]; /* the first is certified, and keeps vectors as they are */
    int form_count;
    size_t hits; /* that are judged of a search */

    struct quern_cli_session session;
    quern_text *titles, *bodies; /* of the documents that are embedded with titles; else an empty title and the text */
    float *rows;                 /* [documents + queries][dimensions of the model] */
    float *asked;                /* [judged_count][dims]: leading numbers of the queries */
    struct quern_eval_found found, exact; /* hits of judged queries; exact: those of the first form */
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

/* Whether a query must not find a document. */
static bool is_itself(const struct quern_eval_corpus *corpus, size_t query, size_t document)
{
    return corpus->skip_itself && strcmp(corpus->documents[document].id, corpus->queries[query].id) == 0;
}

/* Ranks the documents by run->scores. */
static void take_scores(const struct retrieval_run *run, size_t query, struct quern_eval_top *top)
{
    top->count = 0;
    for (size_t i = 0; i < run->corpus.document_count; i++)
        if (!is_itself(&run->corpus, query, i))
            quern_eval_top_add(top, i, run->scores[i]);
}

/* Takes the hits of judged query j, but for the query itself. */
static void take_found(const struct retrieval_run *run, const struct quern_eval_found *found, size_t j,
                       struct quern_eval_top *top)
{
    const quern_hit *hits = found->hits + j * found->most;
    top->count = 0;
    for (size_t i = 0; i < found->results[j].hits && top->count < run->hits; i++)
        if (!is_itself(&run->corpus, run->judged[j].query, (size_t)hits[i].place))
            quern_eval_top_add(top, (size_t)hits[i].place, hits[i].score);
}

/* The part of the documents of `all` that `some` has too. */
static double part_of(const struct quern_eval_top *all, const struct quern_eval_top *some)
{
    size_t same = 0;
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; k < some->count; k++)
            same += all->best[i].document == some->best[k].document;
    return all->count > 0 ? (double)same / (double)all->count : 1;
}

/* The means over all judged queries. */
static void put_figures(const struct retrieval_run *run, const struct quern_eval_search *sums,
                        double out[QUERN_EVAL_FIGURES])
{
    const double n = (double)sums->queries;
    for (int f = 0; f < QUERN_EVAL_FIGURES; f++)
        out[f] = NAN;
    out[0] = sums->ndcg_10 / n;
    out[1] = sums->mrr_10 / n;
    if (run->options->stored) {
        out[2] = sums->recall_10 / n;
        return;
    }
    out[2] = sums->recall_1 / n;
    out[3] = sums->recall_10 / n;
    out[4] = sums->recall_100 / n;
}

typedef void search_words(const struct quern_eval_bags *bags, size_t text, double *scores);

/* The figures of a search by words. Those that only an index has stay undefined. */
static void measure_baseline(struct retrieval_run *run, const char *name, search_words *search,
                             struct quern_eval_baseline *baseline)
{
    struct quern_eval_search sums = {0};
    struct quern_eval_top top;
    for (size_t j = 0; j < run->judged_count; j++) {
        const struct judged_query *judged = &run->judged[j];
        search(&run->bags, run->corpus.document_count + judged->query, run->scores);
        take_scores(run, judged->query, &top);
        quern_eval_search_add(&sums, &top, judged->grades, judged->count);
    }
    baseline->name = name;
    put_figures(run, &sums, baseline->figures);
}

/* The figures of the hits that were found. */
static void measure_found(const struct retrieval_run *run, double out[QUERN_EVAL_FIGURES])
{
    struct quern_eval_search sums = {0};
    struct quern_eval_top top, exact;
    double same = 0, scored = 0;
    for (size_t j = 0; j < run->judged_count; j++) {
        take_found(run, &run->found, j, &top);
        take_found(run, &run->exact, j, &exact);
        quern_eval_search_add(&sums, &top, run->judged[j].grades, run->judged[j].count);
        same += part_of(&exact, &top);
        scored += (double)run->found.results[j].scored;
    }
    put_figures(run, &sums, out);
    if (!run->options->stored)
        return;
    out[3] = same / (double)run->judged_count;
    out[4] = scored / (double)run->judged_count;
    out[5] = (double)run->found.bytes / (double)run->corpus.document_count;
}

/* The figures of the leading dimensions of the vectors, in each form. */
static int search_dims(struct retrieval_run *run, int dims, struct quern_eval_measured *out)
{
    const size_t width = (size_t)run->session.info.dimensions;
    const struct quern_eval_vectors vectors = {
        .documents = run->rows, .document_count = run->corpus.document_count, .queries = run->asked,
        .query_count = run->judged_count, .width = (int)width, .dims = dims};
    for (size_t j = 0; j < run->judged_count; j++)
        memcpy(run->asked + j * (size_t)dims,
               run->rows + (run->corpus.document_count + run->judged[j].query) * width, (size_t)dims * sizeof(float));
    for (int f = 0; f < run->form_count; f++) {
        const int code = quern_eval_index_search(&vectors, &run->forms[f], run->options->session.threads, &run->found);
        if (code != QUERN_CLI_DONE)
            return code;
        if (f == 0) {
            memcpy(run->exact.hits, run->found.hits, run->judged_count * run->found.most * sizeof(quern_hit));
            memcpy(run->exact.results, run->found.results, run->judged_count * sizeof(quern_search_result));
        }
        measure_found(run, out->figures[f]);
    }
    return QUERN_CLI_DONE;
}

/* ---------------------------------------------------------------- the run */

/* Lists the queries that have a relevant document. */
static int list_judged(struct retrieval_run *run)
{
    const struct quern_eval_corpus *corpus = &run->corpus;
    run->judged = calloc(corpus->query_count + 1, sizeof *run->judged);
    if (run->judged == NULL) {
        quern_cli_say("no memory for %zu queries", corpus->query_count);
        return QUERN_CLI_FAILED;
    }
    for (size_t i = 0, next; i < corpus->grade_count; i = next) {
        const struct quern_eval_grade *grades = corpus->grades + i;
        for (next = i + 1; next < corpus->grade_count && corpus->grades[next].query == grades->query;)
            next++;
        if (grades->grade > 0)
            run->judged[run->judged_count++] = (struct judged_query){grades->query, grades, next - i};
    }
    if (run->judged_count > 0)
        return QUERN_CLI_DONE;
    quern_cli_say("%s: no query has a relevant document", corpus->queries_path);
    return QUERN_CLI_FAILED;
}

/* Chooses how vectors are stored and searched. */
static void choose_forms(struct retrieval_run *run, struct quern_eval_table *table)
{
    const struct quern_eval_options *options = run->options;
    run->forms[0] = whole_form;
    run->form_count = 1;
    run->hits = options->stored ? QUERN_EVAL_HITS : QUERN_EVAL_TOP;
    run->found.most = run->exact.most = run->hits + run->corpus.skip_itself; /* one more, as one may be left out */
    if (!options->stored)
        return;
    run->forms[1] = (struct quern_eval_form){QUERN_DTYPE_F16, 0};
    run->forms[2] = (struct quern_eval_form){
        QUERN_DTYPE_F32, options->oversampling > 0 ? options->oversampling : QUERN_CLI_OVERSAMPLING};
    run->form_count = table->form_count = QUERN_EVAL_FORMS;
    table->forms = form_names;
    table->figures = index_figures;
    table->figure_count = QUERN_COUNT(index_figures);
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
    free(run->asked);
    run->titles = run->bodies = NULL;
    run->rows = run->asked = NULL;
}

static bool allocate_found(struct quern_eval_found *found, size_t queries)
{
    found->hits = calloc(queries, found->most * sizeof *found->hits);
    found->results = calloc(queries, sizeof *found->results);
    return found->hits != NULL && found->results != NULL;
}

static void free_found(struct quern_eval_found *found)
{
    free(found->hits);
    free(found->results);
}

/* Room for what depends on the model. */
static int allocate_vectors(struct retrieval_run *run)
{
    const struct quern_eval_corpus *corpus = &run->corpus;
    const size_t count = corpus->document_count + corpus->query_count;
    const size_t size = (size_t)run->session.info.dimensions * sizeof(float);
    run->titles = calloc(corpus->document_count, sizeof *run->titles);
    run->bodies = calloc(corpus->document_count, sizeof *run->bodies);
    run->rows = calloc(count, size);
    run->asked = calloc(run->judged_count, size);
    if (run->titles != NULL && run->bodies != NULL && run->rows != NULL && run->asked != NULL)
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
    int code = search_dims(run, column->width, &column->whole);
    quern_eval_centre(&run->session, run->rows, run->corpus.document_count + run->corpus.query_count);
    for (int d = 0; d < column->dims.count && code == QUERN_CLI_DONE; d++) {
        if (column->dims.values[d] < column->width)
            code = search_dims(run, column->dims.values[d], &column->leading[d]);
        else
            column->leading[d] = column->whole;
    }
    quern_eval_column_take(column, &run->job);
    return code;
}

/* What no model has part in: the texts, and the figures of searches by words. */
static int measure_words(struct retrieval_run *run, struct quern_eval_table *table)
{
    const struct quern_eval_corpus *corpus = &run->corpus;
    const size_t count = corpus->document_count + corpus->query_count;
    run->texts = calloc(count, sizeof *run->texts);
    run->scores = calloc(corpus->document_count, sizeof *run->scores);
    if (run->texts == NULL || run->scores == NULL || !allocate_found(&run->found, run->judged_count) ||
        !allocate_found(&run->exact, run->judged_count)) {
        quern_cli_say("no memory for %zu texts", count);
        return QUERN_CLI_FAILED;
    }
    for (size_t i = 0; i < count; i++)
        run->texts[i] = text_at(corpus, i);
    if (quern_eval_bags_make(&run->bags, run->texts, count, corpus->document_count) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    measure_baseline(run, "BM25", quern_eval_bm25_search, &table->baselines[0]);
    measure_baseline(run, "tf-idf", quern_eval_tfidf_search, &table->baselines[1]);
    table->baseline_count = 2;
    snprintf(table->size, sizeof table->size, "%zu queries, %zu documents", run->judged_count,
             corpus->document_count);
    snprintf(table->size_json, sizeof table->size_json, "\"queries\":%zu,\"documents\":%zu,\"missing\":%zu",
             run->judged_count, corpus->document_count, corpus->missing);
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
    if (code == QUERN_CLI_DONE)
        code = list_judged(&run);
    choose_forms(&run, &table);
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
    free(run.judged);
    free_found(&run.found);
    free_found(&run.exact);
    quern_eval_bags_free(&run.bags);
    quern_eval_corpus_free(&run.corpus);
    return code;
}
