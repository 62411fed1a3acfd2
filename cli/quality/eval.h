/* What measuring vectors takes: texts and judgements from files, embedding them, measures, and lexical baselines. */
#ifndef QUERN_CLI_EVAL_H
#define QUERN_CLI_EVAL_H

#include "cli.h"
#include "store/session.h"

#include <jansson.h>

/* ---------------------------------------------------------------- eval_lines.c */

/* The lines of a file, which may be gzip-compressed. */
struct quern_eval_lines {
    char *path;
    void *stream; /* gzFile */
    char *line;   /* the current one, terminated, without its newline; [capacity] */
    size_t length, capacity;
    size_t number; /* of the current line, from 1; 0 before the first */
};

/* Opens path or, if there is none, path.gz; if there is neither and optional is set, leaves stream NULL. */
int quern_eval_lines_open(struct quern_eval_lines *lines, const char *path, bool optional);

/* 1 when there is a line, which is not empty; 0 at the end; -1 after a complaint. */
int quern_eval_lines_next(struct quern_eval_lines *lines);
void quern_eval_lines_close(struct quern_eval_lines *lines);

/* Complains about the current line and returns QUERN_CLI_FAILED. */
int quern_eval_lines_fail(const struct quern_eval_lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The current line as a JSON object, to be given back with json_decref; NULL after a complaint. */
json_t *quern_eval_lines_object(const struct quern_eval_lines *lines);

/* Cuts the current line at tabs (spaces: at white space) into at most count fields; returns how many there are. */
size_t quern_eval_lines_split(struct quern_eval_lines *lines, bool spaces, char **fields, size_t count);

/* The value of the first key of a NULL-terminated list that the object has, or NULL. */
const json_t *quern_eval_value(const json_t *object, const char *const *keys);

/* A copy of that value as a string (numbers are written out), to be freed; NULL without one, or without memory. */
char *quern_eval_string(const json_t *object, const char *const *keys);

/* Whether all of text is a finite number. */
bool quern_eval_number(const char *text, double *number);

/* Array with room for one more element, or NULL, in which case array is as it was. room counts elements. */
void *quern_eval_grow(void *array, size_t count, size_t *room, size_t size);

/* ---------------------------------------------------------------- bulk.c */

/* Embedding many texts, in one or more calls, with progress, which the caller starts and clears. */
struct quern_cli_rows {
    struct quern_cli_session *session;
    const char *file; /* the texts are from, for messages */
    uint64_t total;   /* texts of all calls */
    size_t cut;       /* texts that were cut so far */
    struct quern_cli_progress progress;
};

/* Writes vectors[count][dimensions of options]. Complains itself; an exit code. */
int quern_cli_rows_embed(struct quern_cli_rows *rows, const quern_text *texts, size_t count,
                         const quern_embed_options *options, float *vectors);

/* ---------------------------------------------------------------- metrics.c */

/* Correlation coefficients, NaN when one side is constant. Spearman's is Pearson's of the ranks, where equal values
 * share the mean of their ranks; NaN also without memory. */
double quern_eval_pearson(const double *x, const double *y, size_t count);
double quern_eval_spearman(const double *x, const double *y, size_t count);

#define QUERN_EVAL_TOP 100 /* best documents kept of a search */

/* The best documents of a search, best first; equal scores in the order they were added. */
struct quern_eval_top {
    size_t count;
    struct {
        double score;
        size_t document;
    } best[QUERN_EVAL_TOP];
};

void quern_eval_top_add(struct quern_eval_top *top, size_t document, double score);

/* How relevant a document is to a query: above 0, relevant. */
struct quern_eval_grade {
    size_t query, document; /* document SIZE_MAX: one that the corpus does not have */
    double grade;
};

/* Sums over searches; each measure is divided by queries in the end. */
struct quern_eval_search {
    double recall_1, recall_10, recall_100; /* relevant documents found, of all relevant ones */
    double mrr_10;                          /* 1 / rank of the first relevant one */
    double ndcg_10; /* sum of grade / log2(1 + rank), of the same sum for the best order */
    size_t queries;
};

/* Judges a search by the grades of its query[count], of which one at least is above 0, sorted by falling grade. */
void quern_eval_search_add(struct quern_eval_search *search, const struct quern_eval_top *top,
                           const struct quern_eval_grade *grades, size_t count);

/* ---------------------------------------------------------------- lexical.c */

/* Texts as bags of words: runs of letters, digits and underscores, in lower case. A word is known by a hash of 64 bits:
 * two of a million share one with a probability of 3e-8. The first documents texts are what is searched. */
struct quern_eval_bags {
    size_t texts, documents, words;
    struct quern_eval_term {
        uint32_t number; /* of the word in by_text, of the text in by_word */
        uint32_t times;
    } *by_text, *by_word;            /* by_word: documents only */
    size_t *text_begin, *word_begin; /* [texts + 1], [words + 1]; the document frequency is the length of by_word */
    double *lengths;                 /* [documents]: words in it */
    double *norms;                   /* [texts]: length of its tf-idf vector */
    double mean_length;
};

/* 0 or QUERN_CLI_FAILED, after a complaint. */
int quern_eval_bags_make(struct quern_eval_bags *bags, const quern_text *texts, size_t count, size_t documents);
void quern_eval_bags_free(struct quern_eval_bags *bags);

/* tf-idf: times * (1 + log((1 + documents) / (1 + document frequency))), cosine. */
double quern_eval_tfidf_cosine(const struct quern_eval_bags *bags, size_t a, size_t b);

/* Scores of all documents for a text; scores[documents]. BM25 with k1 1.2 and b 0.75, idf log(1 + (documents - df +
 * 0.5) / (df + 0.5)), every word of the query once. */
void quern_eval_tfidf_search(const struct quern_eval_bags *bags, size_t text, double *scores);
void quern_eval_bm25_search(const struct quern_eval_bags *bags, size_t text, double *scores);

/* ---------------------------------------------------------------- eval_corpus.c */

struct quern_eval_document {
    char *id;
    char *text;          /* its title, a space and its body; or the body alone, if there is no title or it repeats it */
    size_t title_length; /* 0: none */
};

/* A set for retrieval. grades are sorted by query, then by falling grade. */
struct quern_eval_corpus {
    char *corpus_path, *queries_path; /* for messages */
    struct quern_eval_document *documents, *queries;
    struct quern_eval_grade *grades;
    size_t document_count, query_count, grade_count;
    size_t document_room, query_room, grade_room;
    size_t missing;   /* relevant documents that the corpus does not have */
    bool skip_itself; /* a query does not find the document of its own id, as is usual with BEIR */
};

/* Reads FOLDER in BEIR's layout, or PREFIX-corpus.jsonl and so on. Complains itself; an exit code. */
int quern_eval_corpus_read(struct quern_eval_corpus *corpus, const char *place);
void quern_eval_corpus_free(struct quern_eval_corpus *corpus);

/* ---------------------------------------------------------------- eval_sts.c, eval_retrieval.c */

int quern_eval_sts(const struct quern_cli_options *options, const char *file);
int quern_eval_retrieval(const struct quern_cli_options *options, const char *place);

/* eval_verb.c: the dimensions to measure, in dims; their number, or 0 after a complaint. */
int quern_eval_dims(const struct quern_cli_options *options, const struct quern_cli_session *session,
                    int dims[QUERN_CLI_DIMS]);

#endif
