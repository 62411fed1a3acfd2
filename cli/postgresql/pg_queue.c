#include "pg_queue.h"

#include "json_text.h"
#include "pg_statements.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Calls a function that returns an outcome, and returns it from the caller unless it is done. */
#define PG_TRY(call) \
    do { \
        const enum quern_pg_outcome outcome_ = (call); \
        if (outcome_ != QUERN_PG_DONE) \
            return outcome_; \
    } while (0)

static enum quern_pg_outcome __attribute__((format(printf, 2, 3)))
refuse(struct quern_pg_queue *queue, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(queue->link.problem, QUERN_PG_PROBLEM, format, list);
    va_end(list);
    return QUERN_PG_REFUSED;
}

static char *copy_value(const struct quern_pg_rows *rows, int column)
{
    return strdup(quern_pg_value(rows, 0, column).data);
}

/* ---------------------------------------------------------------- opening */

static enum quern_pg_type find_type(const char *name)
{
    static const char *const names[] = {[QUERN_PG_VECTOR] = "vector", [QUERN_PG_HALFVEC] = "halfvec",
                                        [QUERN_PG_BYTES] = "bytea"};
    for (size_t i = 0; i < QUERN_COUNT(names); i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return (enum quern_pg_type)i;
    return QUERN_PG_REALS; /* which PostgreSQL converts, or refuses to */
}

/* Reads what quern_pg_describe has given. */
static enum quern_pg_outcome read_facts(struct quern_pg_queue *queue, const struct quern_pg_rows *facts)
{
    const char *type = quern_pg_value(facts, 0, 1).data;
    const int dimensions = atoi(quern_pg_value(facts, 0, 2).data);
    queue->type = find_type(type);
    if (quern_pg_value(facts, 0, 8).data[0] == 't') /* a row that is hidden would look like one that was removed */
        return refuse(queue, "row security may hide rows of this table from the worker; let its owner run the worker, "
                      "or a role with BYPASSRLS");
    if (queue->type <= QUERN_PG_HALFVEC && dimensions > 0 && dimensions != queue->dimensions)
        return refuse(queue, "the column for the vectors is %s(%d), and this model gives %d dimensions; change the "
                      "column, or give another model or -d", type, dimensions, queue->dimensions);
    snprintf(queue->source, sizeof queue->source, "%s", quern_pg_value(facts, 0, 0).data);
    queue->take = copy_value(facts, 5);
    queue->store = copy_value(facts, 6);
    queue->put_back = copy_value(facts, 7);
    if (queue->take == NULL || queue->store == NULL || queue->put_back == NULL)
        return refuse(queue, "no memory for statements");
    return QUERN_PG_DONE;
}

/* Claims the table for the worker's space, if nobody has. Once in a process, and before quern_pg_session, so that it is
 * on the disk: a later connection that finds it not claimed knows that the table was set up again. */
static enum quern_pg_outcome claim(struct quern_pg_queue *queue)
{
    const char *const values[] = {queue->source, queue->space};
    if (!queue->claimed)
        PG_TRY(quern_pg_ask(&queue->link, quern_pg_claim, 2, values, NULL));
    queue->claimed = true;
    return QUERN_PG_DONE;
}

/* The table's vectors must be of the worker's space, and stay so until the end of the transaction. */
static enum quern_pg_outcome check_space(struct quern_pg_queue *queue)
{
    const char *const values[] = {queue->source};
    struct quern_pg_rows rows = {0};
    enum quern_pg_outcome outcome = quern_pg_ask(&queue->link, quern_pg_space, 1, values, &rows);
    const quern_text space = rows.count == 1 ? quern_pg_value(&rows, 0, 0) : (quern_text){0};
    if (outcome == QUERN_PG_DONE && space.data == NULL)
        outcome = refuse(queue, "the table was set up again, or is not set up any more; start the worker anew");
    else if (outcome == QUERN_PG_DONE && strcmp(space.data, queue->space) != 0)
        outcome = refuse(queue, "the table has vectors of the space %.80s, and this worker makes %.80s; give the same "
                         "model and options, or embed all rows again after 'quern pg-worker setup --again'",
                         space.data, queue->space);
    quern_pg_free(&rows);
    return outcome;
}

enum quern_pg_outcome quern_pg_queue_open(struct quern_pg_queue *queue, const char *place, const char *table)
{
    struct quern_pg_rows facts = {0};
    PG_TRY(quern_pg_open(&queue->link, place));
    enum quern_pg_outcome outcome = quern_pg_ask(&queue->link, quern_pg_describe, 1, &table, &facts);
    if (outcome == QUERN_PG_DONE && facts.count == 1)
        outcome = read_facts(queue, &facts);
    else if (outcome == QUERN_PG_DONE || (outcome == QUERN_PG_REFUSED && strstr(queue->link.problem, "quern.sources")))
        outcome = refuse(queue, "the table %.80s is not set up in this database: 'quern pg-worker setup %.80s --text "
                         "COL --vector COL'", table, table);
    if (outcome == QUERN_PG_DONE)
        outcome = claim(queue);
    if (outcome == QUERN_PG_DONE)
        outcome = quern_pg_run(&queue->link, quern_pg_session);
    if (outcome == QUERN_PG_DONE)
        outcome = quern_pg_run(&queue->link, quern_pg_value(&facts, 0, 4).data); /* the tables of the connection */
    quern_pg_free(&facts);
    return outcome;
}

void quern_pg_queue_close(struct quern_pg_queue *queue)
{
    quern_pg_free(&queue->taken);
    quern_pg_close(&queue->link);
    free(queue->take);
    free(queue->store);
    free(queue->put_back);
    queue->take = queue->store = queue->put_back = NULL;
}

/* ---------------------------------------------------------------- taking */

enum quern_pg_outcome quern_pg_take(struct quern_pg_queue *queue)
{
    char most_rows[16], most_bytes[16];
    const char *const values[] = {most_rows, most_bytes};
    snprintf(most_rows, sizeof most_rows, "%d", QUERN_PG_BATCH);
    snprintf(most_bytes, sizeof most_bytes, "%d", QUERN_PG_MOST_TEXT);
    quern_pg_free(&queue->taken);
    PG_TRY(quern_pg_run(&queue->link, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"));
    PG_TRY(check_space(queue));
    return quern_pg_ask(&queue->link, queue->take, 2, values, &queue->taken);
}

quern_text quern_pg_taken_text(const struct quern_pg_queue *queue, int row, long *bytes)
{
    const quern_text length = quern_pg_value(&queue->taken, row, 1), text = quern_pg_value(&queue->taken, row, 2);
    *bytes = length.data != NULL && text.data == NULL ? atol(length.data) : 0;
    return text;
}

/* ---------------------------------------------------------------- storing */

/* Hands over the answers first to last - 1, as COPY BINARY. */
static enum quern_pg_outcome copy_answers(struct quern_pg_queue *queue, const struct quern_pg_answer *answers,
                                          int first, int last)
{
    char *data = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&data, &length);
    if (file == NULL)
        return refuse(queue, "no memory for vectors");
    quern_pg_put_header(file);
    for (int i = first; i < last; i++) {
        quern_pg_put_number(file, 3, 2);
        quern_pg_put_number(file, 4, 4);
        quern_pg_put_number(file, strtoull(quern_pg_value(&queue->taken, i, 0).data, NULL, 10), 4);
        if (answers[i].vector != NULL)
            quern_pg_put_vector(file, queue->type, answers[i].vector, queue->dimensions);
        else
            quern_pg_put_null(file);
        if (answers[i].error[0] != '\0')
            quern_pg_put_text(file, (quern_text){answers[i].error, strlen(answers[i].error)});
        else
            quern_pg_put_null(file);
    }
    quern_pg_put_end(file);
    enum quern_pg_outcome outcome;
    if (fclose(file) != 0)
        outcome = refuse(queue, "no memory for vectors");
    else
        outcome = quern_pg_copy(&queue->link, "COPY pg_temp.quern_done FROM STDIN (FORMAT binary)", data, length);
    free(data);
    return outcome;
}

static enum quern_pg_outcome try_store(struct quern_pg_queue *queue, const struct quern_pg_answer *answers, int first,
                                       int last)
{
    PG_TRY(quern_pg_run(&queue->link, "SAVEPOINT quern_rows"));
    PG_TRY(copy_answers(queue, answers, first, last));
    PG_TRY(quern_pg_ask(&queue->link, queue->store, 0, NULL, NULL));
    return quern_pg_run(&queue->link, "RELEASE SAVEPOINT quern_rows");
}

/* Notes what the database has said. */
static void note_refusal(struct quern_pg_answer *answer, const char *problem)
{
    size_t length = strnlen(problem, QUERN_PG_MOST_ERROR - 1);
    while (length > 0 && !quern_json_is_utf8((quern_text){problem, length})) /* a character was cut */
        length--;
    snprintf(answer->error, QUERN_PG_MOST_ERROR, "%.*s", (int)length, problem);
}

static enum quern_pg_outcome mark(struct quern_pg_queue *queue, struct quern_pg_answer *answer, int row)
{
    note_refusal(answer, queue->link.problem);
    const char *const values[] = {queue->source, quern_pg_value(&queue->taken, row, 0).data, answer->error};
    return quern_pg_ask(&queue->link, quern_pg_mark, 3, values, NULL);
}

/* Stores answers. When the database refuses one, tries each half alone, down to the row that is at fault. */
static enum quern_pg_outcome store_range(struct quern_pg_queue *queue, struct quern_pg_answer *answers, int first,
                                         int last)
{
    const enum quern_pg_outcome outcome = try_store(queue, answers, first, last);
    if (outcome != QUERN_PG_ROW)
        return outcome;
    if (last - first > 1) {
        const int middle = first + (last - first) / 2;
        PG_TRY(quern_pg_run(&queue->link, "ROLLBACK TO SAVEPOINT quern_rows"));
        PG_TRY(store_range(queue, answers, first, middle));
        return store_range(queue, answers, middle, last);
    }
    PG_TRY(quern_pg_run(&queue->link, "ROLLBACK TO SAVEPOINT quern_rows"));
    return mark(queue, &answers[first], first);
}

enum quern_pg_outcome quern_pg_store(struct quern_pg_queue *queue, struct quern_pg_answer *answers, int count)
{
    if (count > 0)
        PG_TRY(store_range(queue, answers, 0, count));
    PG_TRY(quern_pg_ask(&queue->link, queue->put_back, 0, NULL, NULL));
    return quern_pg_run(&queue->link, "COMMIT");
}
