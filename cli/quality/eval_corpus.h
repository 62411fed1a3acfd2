/* Sets of documents and queries with known answers, from files. */
#ifndef QUERN_EVAL_CORPUS_H
#define QUERN_EVAL_CORPUS_H

#include "cli.h"
#include "metrics.h"

struct quern_eval_document {
    char *id;
    char *text;          /* its title, a space and its body; or the body alone, if it has no title or begins with it */
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
    bool skip_itself; /* a query does not find the document with its own id, as is usual with BEIR */
};

/* Reads FOLDER in BEIR's layout, or PREFIX-corpus.jsonl and so on. Reports failures itself; returns an exit code. */
int quern_eval_corpus_read(struct quern_eval_corpus *corpus, const char *place);
void quern_eval_corpus_free(struct quern_eval_corpus *corpus);

#endif
