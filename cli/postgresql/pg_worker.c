#include "pg_worker.h"

#include "pg_queue.h"

#include <stdlib.h>
#include <string.h>

enum { CALL_TEXTS = 64, CALL_BYTES = 16384 }; /* of a call of the library: a signal is seen between two */
#define MOST_SECONDS 5.0                      /* that a transaction embeds; what is left is put back */
enum { LOOK_MS = 5000 };                      /* between two looks at the queue when nobody notifies */
enum { FIRST_PAUSE_MS = 100, MOST_PAUSE_MS = 30000 };

struct worker {
    const struct quern_pg_worker_options *given;
    const char *table;
    struct quern_cli_session session;
    quern_embed_options embed;
    char space[QUERN_SPACE_SIZE];
    struct quern_pg_queue queue;
    struct quern_pg_answer answers[QUERN_PG_BATCH];
    float *rows; /* [QUERN_PG_BATCH][dimensions] */
    quern_result results[QUERN_PG_BATCH];
    uint64_t embedded, failed, tokens, cut; /* since the start */
    uint64_t told;                          /* embedded and failed when that was told last */
    struct quern_cli_progress progress;
};

/* ---------------------------------------------------------------- embedding */

/* The answers for rows `first` and on, which have no text. Returns the first row that has one. */
static int skip_textless(struct worker *worker, int first)
{
    int row = first;
    for (; row < worker->queue.taken.count; row++) {
        long bytes;
        struct quern_pg_answer *answer = &worker->answers[row];
        if (quern_pg_taken_text(&worker->queue, row, &bytes).data != NULL)
            break;
        *answer = (struct quern_pg_answer){.vector = NULL};
        if (bytes > 0)
            snprintf(answer->error, sizeof answer->error, "the text has %ld bytes, more than %d", bytes,
                     QUERN_PG_MOST_TEXT);
    }
    return row;
}

/* Gathers the texts of row `first` and those behind it, for one call. Returns how many. */
static size_t gather(const struct worker *worker, int first, quern_text texts[CALL_TEXTS])
{
    size_t count = 0, bytes = 0;
    for (int row = first; row < worker->queue.taken.count && count < CALL_TEXTS && bytes < CALL_BYTES; row++) {
        long unused;
        texts[count] = quern_pg_taken_text(&worker->queue, row, &unused);
        if (texts[count].data == NULL)
            break;
        bytes += texts[count++].length;
    }
    return count;
}

/* Notes the vectors of texts[count], or why there is none. */
static void note_answers(struct worker *worker, int first, const quern_text *texts, size_t count)
{
    const size_t width = (size_t)worker->queue.dimensions;
    for (size_t i = 0; i < count; i++) {
        float *vector = worker->rows + ((size_t)first + i) * width;
        const quern_result *result = &worker->results[i];
        struct quern_pg_answer *answer = &worker->answers[(size_t)first + i];
        quern_error reason;
        *answer = (struct quern_pg_answer){.vector = vector};
        if (result->code == QUERN_OK) {
            worker->tokens += result->tokens;
            worker->cut += result->truncated > 0;
        } else { /* embeds it again, to find out in words why not */
            quern_embed(worker->session.context, &texts[i], 1, &worker->embed, vector, width, NULL, &reason);
            snprintf(answer->error, sizeof answer->error, "%s", reason.text);
            answer->vector = NULL;
        }
    }
}

/* Embeds rows that were taken, until the time is over or a signal comes. *done: how many have an answer. Returns an
 * exit code after a message. */
static int embed_taken(struct worker *worker, int *done)
{
    const int64_t start = quern_cli_now_ns();
    const size_t width = (size_t)worker->queue.dimensions;
    quern_text texts[CALL_TEXTS];
    *done = skip_textless(worker, 0);
    while (*done < worker->queue.taken.count && quern_cli_stop_signal() == 0 &&
           (double)(quern_cli_now_ns() - start) * 1e-9 < MOST_SECONDS) {
        const size_t count = gather(worker, *done, texts);
        quern_error error;
        const int code = quern_embed(worker->session.context, texts, count, &worker->embed,
                                     worker->rows + (size_t)*done * width, count * width, worker->results, &error);
        if (code != QUERN_OK && error.index < 0) /* no text is at fault */
            return quern_cli_fail(NULL, &error);
        note_answers(worker, *done, texts, count);
        *done = skip_textless(worker, *done + (int)count);
    }
    return QUERN_CLI_DONE;
}

/* ---------------------------------------------------------------- reporting */

static void count_answers(struct worker *worker, int done)
{
    for (int i = 0; i < done; i++) {
        worker->embedded += worker->answers[i].vector != NULL && worker->answers[i].error[0] == '\0';
        worker->failed += worker->answers[i].error[0] != '\0';
    }
    quern_cli_progress_texts(&worker->progress, &(struct quern_jobs_progress){
        .texts = worker->embedded, .tokens = worker->tokens});
}

/* Reports what was done since the start, if that has changed. */
static void tell(struct worker *worker)
{
    if (worker->embedded + worker->failed == worker->told)
        return;
    worker->told = worker->embedded + worker->failed;
    quern_cli_progress_clear(&worker->progress);
    if (worker->given->json) {
        printf("{\"embedded\":%llu,\"failed\":%llu,\"cut\":%llu,\"tokens\":%llu}\n",
               (unsigned long long)worker->embedded, (unsigned long long)worker->failed,
               (unsigned long long)worker->cut, (unsigned long long)worker->tokens);
        fflush(stdout);
        return;
    }
    quern_cli_notice("%llu texts of %s were embedded, of %llu tokens; %llu cannot be, as quern.errors tells",
                     (unsigned long long)worker->embedded, worker->table, (unsigned long long)worker->tokens,
                     (unsigned long long)worker->failed);
}

/* ---------------------------------------------------------------- work */

/* Takes, embeds and stores. *code: not DONE when the worker must end, after a message; *is_empty: nothing was due. */
static enum quern_pg_outcome do_batch(struct worker *worker, int *code, bool *is_empty)
{
    struct quern_pg_queue *queue = &worker->queue;
    int done = 0;
    enum quern_pg_outcome outcome = quern_pg_take(queue);
    *is_empty = queue->taken.count == 0;
    if (outcome == QUERN_PG_DONE && *is_empty)
        return quern_pg_run(&queue->link, "ROLLBACK");
    if (outcome == QUERN_PG_DONE)
        *code = embed_taken(worker, &done);
    if (outcome == QUERN_PG_DONE && *code == QUERN_CLI_DONE)
        outcome = quern_pg_store(queue, worker->answers, done);
    if (outcome == QUERN_PG_DONE && *code == QUERN_CLI_DONE)
        count_answers(worker, done);
    return outcome;
}

/* Works as long as the connection is good, until a signal comes or, with --once, nothing is due. *pause: until the next
 * try, is set back when something was stored. */
static enum quern_pg_outcome work_connected(struct worker *worker, int *code, int *pause)
{
    enum quern_pg_outcome outcome = QUERN_PG_DONE;
    while (outcome == QUERN_PG_DONE && *code == QUERN_CLI_DONE && quern_cli_stop_signal() == 0) {
        bool is_empty;
        outcome = do_batch(worker, code, &is_empty);
        if (outcome != QUERN_PG_DONE)
            break;
        *pause = FIRST_PAUSE_MS;
        if (is_empty) {
            tell(worker);
            if (worker->given->once)
                break;
            outcome = quern_pg_wait(&worker->queue.link, LOOK_MS);
        }
    }
    return outcome;
}

/* What to do after a failure; an exit code, or -1 to try again. */
static int judge_failure(const struct worker *worker, enum quern_pg_outcome outcome, bool was_open)
{
    const char *problem = worker->queue.link.problem;
    if (outcome != QUERN_PG_AGAIN || !was_open) {
        quern_cli_say("PostgreSQL: %s", problem);
        return QUERN_CLI_FAILED;
    }
    if (worker->given->once) {
        quern_cli_say("PostgreSQL: %s; the same command goes on from here", problem);
        return QUERN_CLI_TRY_AGAIN;
    }
    return -1;
}

static int work(struct worker *worker)
{
    int code = QUERN_CLI_DONE, pause = FIRST_PAUSE_MS;
    bool was_open = false;
    while (quern_cli_stop_signal() == 0) {
        enum quern_pg_outcome outcome = quern_pg_queue_open(&worker->queue, worker->given->place, worker->table);
        was_open |= outcome == QUERN_PG_DONE;
        if (outcome == QUERN_PG_DONE)
            outcome = work_connected(worker, &code, &pause);
        if (outcome == QUERN_PG_DONE || code != QUERN_CLI_DONE)
            break;
        quern_cli_progress_clear(&worker->progress);
        code = judge_failure(worker, outcome, was_open);
        if (code >= 0)
            break;
        code = QUERN_CLI_DONE;
        quern_cli_notice("PostgreSQL: %s; trying again in %.1f s", worker->queue.link.problem, pause * 1e-3);
        quern_pg_queue_close(&worker->queue);
        quern_pg_wait(&worker->queue.link, pause);
        pause = pause * 2 < MOST_PAUSE_MS ? pause * 2 : MOST_PAUSE_MS;
    }
    tell(worker);
    if (code == QUERN_CLI_DONE && worker->given->once && quern_cli_stop_signal() != 0)
        code = QUERN_CLI_TRY_AGAIN;
    return code;
}

/* Opens the model, and makes room for vectors. Reports failures itself; returns an exit code. */
static int prepare(struct worker *worker)
{
    const struct quern_pg_worker_options *given = worker->given;
    quern_error error = {.index = -1, .text = "no memory for vectors"};
    const int code = quern_cli_session_open(&worker->session, &given->session);
    if (code != QUERN_CLI_DONE)
        return code;
    worker->embed = given->embed;
    quern_cli_say_unprompted(&worker->session, &given->embed);
    quern_cli_set_task(&worker->session, &worker->embed, QUERN_TASK_NONE);
    worker->queue.dimensions = quern_cli_dimensions(&worker->session, &worker->embed);
    worker->queue.space = worker->space;
    worker->rows = calloc(QUERN_PG_BATCH * (size_t)worker->queue.dimensions, sizeof *worker->rows);
    if (worker->rows == NULL ||
        quern_space(worker->session.model, &worker->embed, worker->space, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    return QUERN_CLI_DONE;
}

int quern_pg_work(const struct quern_pg_worker_options *options, const char *table)
{
    struct worker *worker = quern_pg_ready() ? calloc(1, sizeof *worker) : NULL;
    if (worker == NULL)
        return QUERN_CLI_FAILED;
    worker->given = options;
    worker->table = table;
    int code = prepare(worker);
    if (code == QUERN_CLI_DONE) {
        quern_cli_stop_on_signals();
        quern_cli_progress_start(&worker->progress, options->json);
        code = work(worker);
    }
    quern_pg_queue_close(&worker->queue);
    quern_cli_session_close(&worker->session);
    free(worker->rows);
    free(worker);
    return code;
}
