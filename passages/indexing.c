/* The work of a run: what has changed is read, cut, embedded and committed. changes.c finds out what that is. */
#include "indexing.h"

#include "changes.h"
#include "jobs_error.h"
#include "passage_queue.h"
#include "source_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_BLOCKS = 64 }; /* beyond those that full blocks would be, before the index is compacted */

struct indexing_run {
    const struct quern_indexing_job *job;
    struct quern_indexing_progress *progress;
    quern_error *error;
    struct quern_changes changes;
    quern_index_writer *writer;
    const quern_model *model; /* NULL: not open yet */
    struct quern_passage_queue queue;
    struct quern_source_reading reading;
    double last_commit;
    bool has_rows;            /* rows were added or removed since then */

    struct quern_source *source; /* that is read */
    struct quern_kept_vectors kept;
    uint64_t number;             /* of its next passage */
    uint64_t bytes_before;       /* of the files before it */
    bool is_stopped;
    bool has_failed;             /* what went wrong is not the source's fault */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---------------------------------------------------------------- the model */

/* What the vectors of passages are. */
static quern_embed_options embed_options(const struct indexing_run *run)
{
    return (quern_embed_options){.size = sizeof(quern_embed_options), .task = QUERN_TASK_DOCUMENT,
                                 .dimensions = run->changes.dimensions, .flags = QUERN_TRUNCATE};
}

static int check_space(const struct indexing_run *run)
{
    const char *had = run->changes.space, *has = run->progress->space;
    if (run->changes.is_new || had[0] == '\0' || strcmp(had, has) == 0)
        return QUERN_OK;
    return quern_jobs_fail(run->error, QUERN_EINVAL, "%s was made with another model: its space is %s, and that of "
                           "this model %s; --force makes it anew", run->job->options->path, had, has);
}

/* Opens the model and makes all that needs it, unless that was done. */
static int need_model(struct indexing_run *run)
{
    const struct quern_indexing_job *job = run->job;
    struct quern_source_table *table = &run->changes.table;
    const char *model = table->model[0] != '\0' ? table->model : NULL;
    quern_context *context = NULL;
    quern_model_info info = {.size = sizeof info};
    if (run->model != NULL)
        return QUERN_OK;
    if (job->open(job->user, &model, table->known[0] != '\0' ? table->known : NULL, table->exact, &run->model,
                  &context) != QUERN_OK)
        return QUERN_INDEXING_TOLD;
    if (table->model[0] == '\0' && model != NULL) {
        char *copy = strdup(model);
        if (copy == NULL)
            return quern_jobs_fail(run->error, QUERN_ENOMEM, "no memory for the name of the model");
        free(table->model);
        table->model = copy;
    }
    const quern_embed_options embed = embed_options(run);
    int code = quern_model_describe(run->model, &info, run->error);
    if (code == QUERN_OK)
        code = quern_space(run->model, &embed, run->progress->space, run->error);
    if (code == QUERN_OK)
        code = check_space(run);
    if (code != QUERN_OK)
        return code;
    run->queue = (struct quern_passage_queue){
        .context = context, .embed = embed, .context_length = info.context_length, .notice = job->notice,
        .dimensions = embed.dimensions > 0 ? embed.dimensions : info.dimensions, .user = job->user};
    run->reading.context = context;
    run->reading.embed = embed;
    if (table->tokens > (uint64_t)info.context_length)
        run->reading.chunk.tokens = (size_t)info.context_length;
    return quern_passage_queue_open(&run->queue, run->error);
}

/* ---------------------------------------------------------------- writing */

/* Opens the index for writing. Nobody else may have written it since it was looked at. */
static int open_writer(struct indexing_run *run)
{
    const struct quern_indexing_options *options = run->job->options;
    int code;
    if (!run->changes.is_new) {
        code = quern_index_change(&run->writer, options->path, NULL, run->error);
        return code == QUERN_OK ? quern_changes_check(&run->changes, options->path, run->error) : code;
    }
    code = need_model(run);
    if (code != QUERN_OK)
        return code;
    const quern_index_options index = {.size = sizeof index, .dimensions = run->queue.dimensions,
                                       .ids = QUERN_INDEX_NAMES, .space = run->progress->space,
                                       .rows = options->dtype, .bits = options->bits};
    return quern_index_create(&run->writer, options->path, &index, run->error);
}

/* Whether the index had this note when it was found. */
static bool is_old_note(const struct indexing_run *run, quern_text note)
{
    quern_index_info info = {.size = sizeof info};
    return !run->changes.is_new && quern_index_describe(run->changes.index, &info, NULL) == QUERN_OK &&
           info.note.length == note.length && memcmp(info.note.data, note.data, note.length) == 0;
}

/* Commits rows and table, unless both are as they were: then all that has changed are files that cannot be read. */
static int commit(struct indexing_run *run)
{
    char *note = NULL;
    size_t length;
    int code = quern_source_table_write(&run->changes.table, &note, &length, run->error);
    const bool is_new = code == QUERN_OK && (run->has_rows || run->progress->has_written ||
                                             !is_old_note(run, (quern_text){note, length}));
    if (is_new)
        code = quern_index_set_note(run->writer, (quern_text){note, length}, run->error);
    if (is_new && code == QUERN_OK)
        code = quern_index_commit(run->writer, run->error);
    free(note);
    run->progress->has_written |= is_new && code == QUERN_OK;
    run->has_rows = false;
    run->last_commit = now();
    return code;
}

/* Removes the rows PATH#begin to PATH#end-1. */
static int remove_rows(struct indexing_run *run, const char *path, uint64_t begin, uint64_t end)
{
    enum { SOME = 64 };
    char names[SOME][QUERN_INDEX_MOST_NAME];
    quern_index_row rows[SOME];
    const quern_text text = {path, strlen(path)};
    int code = text.length <= QUERN_INDEX_MOST_NAME - QUERN_PASSAGE_NUMBER
                   ? QUERN_OK : quern_jobs_fail(run->error, QUERN_EFORMAT, "the index has a path that is too long");
    run->has_rows |= begin < end;
    while (code == QUERN_OK && begin < end) {
        size_t count = 0;
        for (; count < SOME && begin < end; count++)
            rows[count] = (quern_index_row){.name = {names[count],
                                                     quern_passage_put_name(names[count], text, begin++)}};
        code = quern_index_remove(run->writer, rows, count, NULL, run->error);
    }
    return code;
}

/* Embeds what is waiting, tells of it, and commits when it is time. */
static int flush(struct indexing_run *run, bool commits)
{
    struct quern_indexing_progress *progress = run->progress;
    int code = quern_passage_queue_flush(&run->queue, run->error);
    if (code != QUERN_OK)
        return code;
    progress->embedded = run->queue.embedded;
    progress->kept = run->queue.kept;
    progress->tokens = run->queue.tokens;
    if (commits || now() - run->last_commit >= run->job->options->commit_seconds)
        code = commit(run);
    if (code == QUERN_OK && !run->job->report(run->job->user, progress))
        run->is_stopped = true;
    return code;
}

/* ---------------------------------------------------------------- a file */

/* Takes a passage of the file that is read. */
static int put(void *user, const struct quern_passage *passage, quern_error *error)
{
    struct indexing_run *run = user;
    struct quern_source *source = run->source;
    run->has_rows = true;
    int code = quern_passage_queue_put(&run->queue, source->path, run->number, passage, &run->kept, error);
    run->number++;
    if (source->rows < run->number)
        source->rows = run->number;
    if (code == QUERN_OK && quern_passage_queue_is_full(&run->queue)) {
        run->progress->bytes = run->bytes_before + (passage->end < source->size ? passage->end : source->size);
        code = flush(run, false);
    }
    run->has_failed = code != QUERN_OK;
    return code == QUERN_OK && run->is_stopped ? QUERN_INDEXING_STOPPED : code;
}

static void say_failed(struct indexing_run *run, const char *path, const char *reason)
{
    char line[640];
    if (strstr(reason, path) != NULL)
        snprintf(line, sizeof line, "%.600s", reason);
    else
        snprintf(line, sizeof line, "%.300s: %.300s", path, reason);
    run->job->notice(run->job->user, line);
    run->progress->failed++;
}

/* Says what is wrong with the first record of a file that was skipped. */
static void say_bad_records(const struct indexing_run *run, const char *path)
{
    const struct quern_source_reading *reading = &run->reading;
    char line[640], others[48] = "";
    if (reading->bad_records > 1)
        snprintf(others, sizeof others, ", and so are %llu more", (unsigned long long)(reading->bad_records - 1));
    snprintf(line, sizeof line, "%.300s:%llu: the record is skipped%s: %s", path,
             (unsigned long long)reading->bad_line, others, reading->bad);
    run->job->notice(run->job->user, line);
}

/* Reads a file and puts its passages into the queue. */
static int index_source(struct indexing_run *run, struct quern_change *change)
{
    struct quern_source *source = &run->changes.table.sources[change->source];
    const uint64_t rows_before = source->rows;
    bool is_text = true;
    run->source = source;
    run->number = 0;
    run->has_failed = false;
    source->state = QUERN_SOURCE_UNFINISHED;
    run->reading.bad_records = run->reading.bad_line = 0;
    int code = QUERN_OK;
    if (run->changes.keeps_vectors && rows_before > 0)
        code = quern_kept_vectors_open(&run->kept, run->changes.index, source->path, rows_before, run->error);
    if (code != QUERN_OK)
        return code;
    code = quern_source_read(&run->reading, source->path, &is_text, run->error);
    quern_kept_vectors_close(&run->kept);
    if (code == QUERN_INDEXING_STOPPED || code == QUERN_ENOMEM || run->has_failed)
        return code;
    if (code != QUERN_OK) { /* the rows that it had may be what it has: they stay until it can be read */
        say_failed(run, source->path, run->error->text);
        return QUERN_OK;
    }
    if (run->reading.bad_records > 0)
        say_bad_records(run, source->path);
    code = remove_rows(run, source->path, run->number, rows_before);
    source->rows = run->number;
    source->size = change->size;
    source->mtime = change->mtime;
    memcpy(source->digest, change->digest, sizeof source->digest);
    source->bad_records = run->reading.bad_records;
    source->bad_line = run->reading.bad_line;
    source->state = is_text ? QUERN_SOURCE_DONE : QUERN_SOURCE_NOT_TEXT;
    return code;
}

static int index_all(struct indexing_run *run)
{
    struct quern_indexing_progress *progress = run->progress;
    int code = QUERN_OK;
    for (size_t i = 0; code == QUERN_OK && !run->is_stopped && i < run->changes.count; i++) {
        struct quern_change *change = &run->changes.changes[i];
        if (i == 0)
            code = need_model(run);
        if (code == QUERN_OK) {
            run->queue.writer = run->writer;
            code = index_source(run, change);
        }
        if (code != QUERN_OK)
            break;
        run->bytes_before += change->size;
        progress->bytes = run->bytes_before;
        if (run->changes.table.sources[change->source].state != QUERN_SOURCE_UNFINISHED) {
            progress->new_files += change->is_new;
            progress->changed_files += !change->is_new;
        }
        if (now() - run->last_commit >= run->job->options->commit_seconds)
            code = flush(run, true);
    }
    return code == QUERN_INDEXING_STOPPED ? QUERN_OK : code;
}

/* ---------------------------------------------------------------- the run */

static int write_changes(struct indexing_run *run)
{
    int code = run->changes.is_other_model ? need_model(run) : QUERN_OK;
    if (code == QUERN_OK)
        code = open_writer(run);
    run->last_commit = now();
    for (size_t i = 0; code == QUERN_OK && i < run->changes.gone_count; i++) {
        code = remove_rows(run, run->changes.gone[i].path, 0, run->changes.gone[i].rows);
        run->progress->removed_files++;
    }
    if (code == QUERN_OK)
        code = index_all(run);
    if (code == QUERN_OK)
        code = flush(run, true);
    return code;
}

int quern_indexing_compact(const char *path, bool *is_compacted, quern_error *error)
{
    quern_index *index = NULL;
    quern_index_info info = {.size = sizeof info};
    *is_compacted = false;
    int code = quern_index_open(&index, path, error);
    if (code == QUERN_OK)
        code = quern_index_describe(index, &info, error);
    quern_index_close(index);
    if (code != QUERN_OK || info.places == 0 || ((info.places - info.count) * 3 < info.places &&
                             info.blocks <= info.places / 2048 + MOST_BLOCKS))
        return code;
    code = quern_index_compact(path, error);
    *is_compacted = code == QUERN_OK;
    return code == QUERN_EIO ? QUERN_OK : code; /* the file is as whole as before: the next change tries again */
}

/* Counts what the index has now. */
static void count_sources(struct indexing_run *run)
{
    struct quern_indexing_progress *progress = run->progress;
    const struct quern_source_table *table = &run->changes.table;
    progress->files = progress->not_text = progress->bad_records = progress->passages = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct quern_source *source = &table->sources[i];
        progress->files += source->state != QUERN_SOURCE_NOT_TEXT;
        if (source->state == QUERN_SOURCE_NOT_TEXT && progress->not_text++ == 0)
            snprintf(progress->one_not_text, sizeof progress->one_not_text, "%s", source->path);
        if (source->bad_records > 0 && progress->bad_records == 0)
            snprintf(progress->one_bad_record, sizeof progress->one_bad_record, "%s:%llu", source->path,
                     (unsigned long long)source->bad_line);
        progress->bad_records += source->bad_records;
        progress->passages += source->rows;
    }
}

int quern_indexing_run(const struct quern_indexing_job *job, struct quern_indexing_progress *progress,
                       quern_error *error)
{
    quern_error unwanted;
    struct indexing_run run = {.job = job, .progress = progress, .error = error != NULL ? error : &unwanted};
    *progress = (struct quern_indexing_progress){.files = 0};
    int code = quern_changes_find(&run.changes, job, run.error);
    if (code == QUERN_OK) {
        const struct quern_source_table *table = &run.changes.table;
        snprintf(progress->space, sizeof progress->space, "%s", run.changes.space);
        progress->total_bytes = run.changes.bytes;
        progress->failed = run.changes.found.unread_count;
        run.reading = (struct quern_source_reading){
            .chunk = {.size = sizeof(quern_chunk_options), .tokens = (size_t)table->tokens,
                      .overlap = (size_t)table->overlap},
            .text_column = table->text_column[0] != '\0' ? table->text_column : NULL,
            .title_column = table->title_column[0] != '\0' ? table->title_column : NULL, .put = put, .user = &run};
    }
    if (code == QUERN_OK && run.changes.has_changed)
        code = write_changes(&run);
    quern_index_writer_free(run.writer);
    if (code == QUERN_OK)
        count_sources(&run);
    if (run.queue.failed > 0)
        progress->failed += run.queue.failed;
    quern_passage_queue_close(&run.queue);
    quern_kept_vectors_close(&run.kept);
    quern_changes_free(&run.changes);
    if (code == QUERN_OK && progress->has_written) /* now that we do not read the file any more */
        code = quern_indexing_compact(job->options->path, &progress->is_compacted, run.error);
    return code == QUERN_OK && run.is_stopped ? QUERN_INDEXING_STOPPED : code;
}
