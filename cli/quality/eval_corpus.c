#include "eval_corpus.h"

#include "eval_lines.h"
#include "grow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const id_keys[] = {"_id", "id", NULL}, *const title_keys[] = {"title", NULL};
static const char *const text_keys[] = {"text", "q", "query", NULL}, *const relevant_keys[] = {"docs", "doc", NULL};

static const char no_memory[] = "no memory for it";

/* Joins place, separator and name to one string, which the caller frees; NULL after a message. */
static char *join(const char *place, const char *separator, const char *name)
{
    size_t size = strlen(place) + strlen(separator) + strlen(name) + 1;
    char *path = malloc(size);
    if (path == NULL)
        quern_cli_say("no memory to read %s", place);
    else
        snprintf(path, size, "%s%s%s", place, separator, name);
    return path;
}

/* Puts a title before a text, unless the text begins with it. Owns both strings from now on. */
static char *join_title(char *title, char *text, size_t *title_length)
{
    *title_length = title == NULL ? 0 : strlen(title);
    if (*title_length == 0 || text == NULL || strncmp(text, title, *title_length) == 0) {
        *title_length = 0;
        free(title);
        return text;
    }
    char *joined = join(title, " ", text);
    free(title);
    free(text);
    return joined;
}

/* Reads a document or a query from the current line. If it has no id, its id is number, which is counted from 1. */
static int read_document(const struct quern_eval_lines *lines, const json_t *object, size_t number,
                         struct quern_eval_document *document)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%zu", number);
    const json_t *title = quern_eval_value(object, title_keys), *id = quern_eval_value(object, id_keys);
    if (title != NULL && !json_is_string(title) && !json_is_integer(title) && !json_is_null(title))
        return quern_eval_lines_fail(lines, "its title is not a string");
    char *text = quern_eval_string(quern_eval_value(object, text_keys));
    if (text == NULL)
        return quern_eval_lines_fail(lines, "it lacks a string \"text\"");
    document->text = join_title(quern_eval_string(title), text, &document->title_length);
    document->id = id != NULL ? quern_eval_string(id) : strdup(digits);
    if (document->id == NULL && document->text != NULL)
        return quern_eval_lines_fail(lines, "its id is neither a string nor an integer");
    return document->text != NULL ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}

/* ---------------------------------------------------------------- ids */

struct named {
    const char *id;
    size_t place;
};

static int compare_named(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->id, ((const struct named *)b)->id);
}

/* Returns the documents sorted by id, which the caller frees; NULL after a message, for example when an id occurs
 * twice. */
static struct named *sort_ids(const struct quern_eval_document *documents, size_t count, const char *path)
{
    struct named *sorted = malloc((count + 1) * sizeof *sorted);
    if (sorted == NULL) {
        quern_cli_say("%s: %s", path, no_memory);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct named){documents[i].id, i};
    qsort(sorted, count, sizeof *sorted, compare_named);
    for (size_t i = 1; i < count; i++)
        if (strcmp(sorted[i].id, sorted[i - 1].id) == 0) {
            quern_cli_say("%s: the id '%s' occurs twice", path, sorted[i].id);
            free(sorted);
            return NULL;
        }
    return sorted;
}

static size_t find_id(const struct named *sorted, size_t count, const char *id)
{
    const struct named key = {id, 0}, *found = bsearch(&key, sorted, count, sizeof key, compare_named);
    return found != NULL ? found->place : SIZE_MAX;
}

/* ---------------------------------------------------------------- grades */

struct corpus_reading {
    struct quern_eval_corpus *corpus;
    struct named *documents, *queries; /* sorted by id */
};

static int add_grade(struct corpus_reading *reading, const struct quern_eval_lines *lines, size_t query,
                     const char *document, double grade)
{
    struct quern_eval_corpus *corpus = reading->corpus;
    struct quern_eval_grade *grades =
        quern_eval_grow(corpus->grades, corpus->grade_count, &corpus->grade_room, sizeof *grades);
    if (grades == NULL)
        return quern_eval_lines_fail(lines, no_memory);
    corpus->grades = grades;
    const size_t place = find_id(reading->documents, corpus->document_count, document);
    corpus->missing += place == SIZE_MAX && grade > 0;
    grades[corpus->grade_count++] = (struct quern_eval_grade){query, place, grade};
    return QUERN_CLI_DONE;
}

/* Reads the member "docs": [id, ...] or "doc": id of a query. */
static int add_relevant(struct corpus_reading *reading, const struct quern_eval_lines *lines, const json_t *object,
                        size_t query)
{
    const json_t *value = quern_eval_value(object, relevant_keys);
    const size_t count = json_is_array(value) ? json_array_size(value) : value != NULL;
    for (size_t i = 0; i < count; i++) {
        char *id = quern_eval_string(json_is_array(value) ? json_array_get(value, i) : value);
        if (id == NULL)
            return quern_eval_lines_fail(lines, "a relevant document is named by neither a string nor an integer");
        const int code = add_grade(reading, lines, query, id, 1);
        free(id);
        if (code != QUERN_CLI_DONE)
            return code;
    }
    return QUERN_CLI_DONE;
}

/* Reads a line "query document grade" or "query iteration document grade". The first line may be a header. */
static int add_judgement(struct corpus_reading *reading, struct quern_eval_lines *lines)
{
    char *fields[4];
    double grade;
    const size_t count = quern_eval_lines_split(lines, true, fields, 4);
    if (count != 3 && count != 4)
        return quern_eval_lines_fail(lines, "it has %zu fields, not 3 (query, document, grade) or 4 (as TREC)", count);
    if (!quern_eval_number(fields[count - 1], &grade))
        return quern_eval_is_header(lines, fields[count - 1])
                   ? QUERN_CLI_DONE
                   : quern_eval_lines_fail(lines, "the grade '%.60s' is not a number", fields[count - 1]);
    const size_t query = find_id(reading->queries, reading->corpus->query_count, fields[0]);
    if (query == SIZE_MAX)
        return quern_eval_lines_fail(lines, "there is no query '%.60s'", fields[0]);
    return add_grade(reading, lines, query, fields[count - 2], grade);
}

static int compare_grades(const void *a, const void *b)
{
    const struct quern_eval_grade *x = a, *y = b;
    if (x->query != y->query)
        return x->query < y->query ? -1 : 1;
    return (x->grade < y->grade) - (x->grade > y->grade);
}

static int compare_judged(const void *a, const void *b)
{
    const struct quern_eval_grade *x = a, *y = b;
    if (x->query != y->query)
        return x->query < y->query ? -1 : 1;
    return (x->document > y->document) - (x->document < y->document);
}

static int sort_grades(struct quern_eval_corpus *corpus)
{
    struct quern_eval_grade *grades = corpus->grades;
    if (corpus->grade_count == 0)
        return QUERN_CLI_DONE;
    qsort(grades, corpus->grade_count, sizeof *grades, compare_judged);
    for (size_t i = 1; i < corpus->grade_count; i++)
        if (grades[i].document != SIZE_MAX && compare_judged(&grades[i], &grades[i - 1]) == 0) {
            quern_cli_say("%s: query '%s' has two grades for document '%s'", corpus->queries_path,
                          corpus->queries[grades[i].query].id, corpus->documents[grades[i].document].id);
            return QUERN_CLI_FAILED;
        }
    qsort(grades, corpus->grade_count, sizeof *grades, compare_grades);
    return QUERN_CLI_DONE;
}

/* ---------------------------------------------------------------- files */

/* Reads the documents, or the queries with their relevant documents. */
static int read_documents(struct corpus_reading *reading, char **path, bool queries)
{
    struct quern_eval_corpus *corpus = reading->corpus;
    struct quern_eval_document **all = queries ? &corpus->queries : &corpus->documents;
    size_t *count = queries ? &corpus->query_count : &corpus->document_count;
    size_t *room = queries ? &corpus->query_room : &corpus->document_room;
    struct quern_eval_lines lines;
    int code = quern_eval_lines_open(&lines, *path, false), got = 0;
    while (code == QUERN_CLI_DONE && (got = quern_eval_lines_next(&lines)) == 1) {
        json_t *object = quern_eval_lines_object(&lines);
        struct quern_eval_document *larger = quern_eval_grow(*all, *count, room, sizeof *larger);
        if (larger != NULL)
            *all = larger;
        else
            quern_eval_lines_fail(&lines, no_memory);
        code = QUERN_CLI_FAILED;
        if (object != NULL && larger != NULL) {
            larger[*count] = (struct quern_eval_document){0};
            code = read_document(&lines, object, *count + 1, &larger[*count]);
            *count += 1;
        }
        if (code == QUERN_CLI_DONE && queries)
            code = add_relevant(reading, &lines, object, *count - 1);
        json_decref(object);
    }
    quern_eval_lines_close(&lines);
    if (code == QUERN_CLI_DONE && got == 0 && *count == 0)
        quern_cli_say("%s is empty", *path);
    return code == QUERN_CLI_DONE && got == 0 && *count > 0 ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}

static int read_judgements(struct corpus_reading *reading, const char *path)
{
    struct quern_eval_lines lines;
    int code = quern_eval_lines_open(&lines, path, reading->corpus->grade_count > 0), got = 0;
    while (code == QUERN_CLI_DONE && lines.stream != NULL && (got = quern_eval_lines_next(&lines)) == 1)
        code = add_judgement(reading, &lines);
    quern_eval_lines_close(&lines);
    return got < 0 ? QUERN_CLI_FAILED : code;
}

static int read_all(struct corpus_reading *reading, const char *judgements)
{
    struct quern_eval_corpus *corpus = reading->corpus;
    if (read_documents(reading, &corpus->corpus_path, false) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    reading->documents = sort_ids(corpus->documents, corpus->document_count, corpus->corpus_path);
    if (reading->documents == NULL || read_documents(reading, &corpus->queries_path, true) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    reading->queries = sort_ids(corpus->queries, corpus->query_count, corpus->queries_path);
    if (reading->queries == NULL || read_judgements(reading, judgements) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    return sort_grades(corpus);
}

int quern_eval_corpus_read(struct quern_eval_corpus *corpus, const char *place)
{
    struct stat status;
    const bool exists = stat(place, &status) == 0, folder = exists && S_ISDIR(status.st_mode);
    const char *separator = folder ? "/" : "-";
    *corpus = (struct quern_eval_corpus){.skip_itself = folder};
    if (exists && !folder) {
        quern_cli_say("%s is a file; a folder with corpus.jsonl, queries.jsonl and qrels/test.tsv is measured, or the "
                      "PREFIX of three files", place);
        return QUERN_CLI_FAILED;
    }
    struct corpus_reading reading = {.corpus = corpus};
    corpus->corpus_path = join(place, separator, "corpus.jsonl");
    corpus->queries_path = join(place, separator, "queries.jsonl");
    char *judgements = join(place, separator, folder ? "qrels/test.tsv" : "qrels.txt");
    int code = QUERN_CLI_FAILED;
    if (corpus->corpus_path != NULL && corpus->queries_path != NULL && judgements != NULL)
        code = read_all(&reading, judgements);
    free(judgements);
    free(reading.documents);
    free(reading.queries);
    if (code != QUERN_CLI_DONE)
        quern_eval_corpus_free(corpus);
    return code;
}

static void free_documents(struct quern_eval_document *documents, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(documents[i].id);
        free(documents[i].text);
    }
    free(documents);
}

void quern_eval_corpus_free(struct quern_eval_corpus *corpus)
{
    free_documents(corpus->documents, corpus->document_count);
    free_documents(corpus->queries, corpus->query_count);
    free(corpus->grades);
    free(corpus->corpus_path);
    free(corpus->queries_path);
    *corpus = (struct quern_eval_corpus){0};
}
