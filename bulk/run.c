/* The loop over the parts of a shard. */
#include "batch.h"
#include "jobs_error.h"
#include "manifest.h"
#include "out_folder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST_FOLDER = 3900, CHECKPOINT_SECONDS = 10 };

struct bulk_run {
    const struct quern_bulk_job *job;
    const struct quern_bulk_options *options;
    struct quern_bulk_progress *progress;
    struct quern_record_files files;
    struct quern_records records;
    struct quern_batch batch;
    struct quern_once once;
    struct quern_part part;
    enum quern_agreement agreement;
    char table[32];        /* the kernel table at work */
    time_t checkpoint;     /* when the last one was made */
    bool is_stopped;       /* report returned false */
    bool is_other_input;   /* a part was made from other records than there are now */
    bool has_said_failure; /* that vectors cannot be kept */
};

static void notice(const struct bulk_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void notice(const struct bulk_run *run, const char *format, ...)
{
    char line[512];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (run->job->notice != NULL)
        run->job->notice(run->job->user, line);
}

/* Tells how far the run is. Returns whether it should stop. */
static bool report(void *user)
{
    struct bulk_run *run = user;
    run->progress->bytes = quern_records_bytes(&run->records);
    run->progress->copied = run->once.copied;
    if (run->job->report != NULL && !run->job->report(run->job->user, run->progress))
        run->is_stopped = true;
    run->progress->part_ended = false;
    return run->is_stopped;
}

static time_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* ---------------------------------------------------------------- a part */

/* Says once that vectors cannot be kept for texts that come again; the run goes on without. */
static void note_failure_to_keep(struct bulk_run *run)
{
    if (run->once.failure == 0 || run->has_said_failure)
        return;
    run->has_said_failure = true;
    notice(run, "cannot write to %s: %s; no more vectors are kept for texts that come again", run->once.table.path,
           strerror(run->once.failure));
}

/* Says what is odd about the texts: how many were not UTF-8, and that none had a title. A misspelt name of a column is
 * no error in JSON lines, where any record may lack any member. */
static void note_odd_texts(const struct bulk_run *run)
{
    const struct quern_batch *batch = &run->batch;
    const char *title = run->options->columns.title;
    if (title != NULL && run->progress->rows > 0 && batch->title_count == 0)
        notice(run, "no record had a title in \"%s\": see that this is the name of the column", title);
    if (batch->odd_count > 0)
        notice(run, "%s:%llu: the text is not UTF-8; so it is with %llu record%s in all, and their other bytes were "
               "taken as they are", batch->odd_path, (unsigned long long)batch->odd_line,
               (unsigned long long)batch->odd_count, batch->odd_count > 1 ? "s" : "");
}

/* Reads on until the part is complete or the input ends. Returns QUERN_OK, or why the run ends. */
static int fill_part(struct bulk_run *run, uint64_t end, quern_error *error)
{
    for (;;) {
        int code = quern_batch_read(&run->batch, &run->records, end, error);
        if (code != QUERN_OK || run->batch.record_count == 0)
            return code;
        code = quern_batch_embed(&run->batch, &run->part, run->progress, report, run, error);
        if (code != QUERN_OK)
            return code;
        note_failure_to_keep(run);
        if (run->progress->all_errors > run->options->most_errors)
            return QUERN_BULK_ERRORS;
        if (report(run))
            return QUERN_BULK_INTERRUPTED;
        if (seconds() - run->checkpoint >= CHECKPOINT_SECONDS) {
            code = quern_part_checkpoint(&run->part, error);
            run->checkpoint = seconds();
        }
        if (code != QUERN_OK)
            return code;
    }
}

/* Makes sure that no file of [begin, last] has changed under the run. Else OUT does not count as complete, and the next
 * run compares what each part was made from. */
static int check_input(const struct bulk_run *run, size_t begin, size_t last, quern_error *error)
{
    const size_t count = run->files.count, end = last < count ? last + 1 : count;
    const int code = quern_record_files_check(&run->files, begin, end, error);
    if (code != QUERN_OK)
        quern_end_remove(run->options->output, NULL);
    return code;
}

/* Says that a part, or what there is of it, does not come from the input as it is now. */
static int refuse_part(struct bulk_run *run, uint64_t number, quern_error *error)
{
    run->is_other_input = true;
    return quern_jobs_fail(error, QUERN_EINVAL, "part %llu of %s was made from other records than its input has now: "
                           "use another folder, or %s", (unsigned long long)number, run->options->output,
                           quern_record_files_are_regular(&run->files) ? "--force to begin again" : "remove this one");
}

/* Goes behind the records that a part has. Reads and compares them when the input may have changed. */
static int pass_records(struct bulk_run *run, uint64_t number, const struct quern_part_state *state,
                        quern_error *error)
{
    struct quern_records *records = &run->records;
    const uint64_t end = number * run->options->part_records + state->records;
    struct quern_record record;
    int code = 1;
    if (state->records > run->options->part_records || !quern_records_can_go_to(records, state->end))
        return quern_jobs_fail(error, QUERN_EFORMAT, "what %s tells of part %llu is not what quern wrote there: remove "
                               "the files of this part, and it is made again", run->options->output,
                               (unsigned long long)number);
    if (run->agreement != QUERN_AGREEMENT_DOUBTFUL) {
        records->crc = (uint32_t)state->input_crc;
        return quern_records_go_to(records, state->end, end, error);
    }
    for (records->crc = 0; code == 1 && records->number < end && !run->is_stopped;) {
        code = quern_records_next(records, &record, error);
        if (records->number % QUERN_BATCH_RECORDS == 0)
            report(run);
    }
    if (code < 0 || run->is_stopped)
        return code < 0 ? code : QUERN_BULK_INTERRUPTED;
    return records->number == end && records->crc == state->input_crc ? QUERN_OK : refuse_part(run, number, error);
}

/* Goes to where the part was left, and on from there. */
static int make_part(struct bulk_run *run, quern_error *error)
{
    struct quern_part *part = &run->part;
    const uint64_t first = part->number * run->options->part_records;
    const size_t first_file = run->records.file;
    int code = QUERN_OK;
    run->progress->all_errors += part->state.errors;
    run->records.crc = 0;
    if (part->state.records > 0)
        code = pass_records(run, part->number, &part->state, error);
    run->checkpoint = seconds();
    if (code == QUERN_OK)
        code = fill_part(run, first + run->options->part_records, error);
    if (code < 0) {
        quern_part_checkpoint(part, NULL); /* what was done before the failure stays */
        return code;
    }
    const int saved = quern_part_checkpoint(part, error);
    if (saved != QUERN_OK || code != QUERN_OK)
        return saved != QUERN_OK ? saved : code;
    code = check_input(run, first_file, run->records.file, error);
    if (code != QUERN_OK)
        return code;
    if (part->state.records == 0) /* the input had ended */
        quern_part_remove_journal(part->folder, part->number);
    else
        code = quern_part_finish(part, error);
    if (code == QUERN_OK && part->state.records > 0) {
        run->progress->parts_done++;
        run->progress->part_ended = true;
        report(run);
    }
    return code;
}

/* What the rows of this run have in common. */
static struct quern_vector_shape shape_of(const struct bulk_run *run)
{
    const struct quern_bulk_options *options = run->options;
    struct quern_vector_shape shape = {.dtype = options->dtype, .dimensions = run->batch.dimensions,
                                       .has_ids = options->columns.id != NULL, .is_chunked = options->is_chunked,
                                       .is_cut = options->embed.flags & QUERN_TRUNCATE,
                                       .keep_count = options->columns.keep_count};
    memcpy(shape.keep, options->columns.keep, sizeof shape.keep);
    return shape;
}

/* Says that a part, or some rows of it, were made with another kernel table. */
static void note_table(const struct bulk_run *run, uint64_t number, const char *table)
{
    if (strcmp(table, run->table) != 0)
        notice(run, "part %llu was made with the kernel table %s, and this machine has %s: vectors may differ in their "
               "last bits", (unsigned long long)number, table, run->table);
}

/* Makes a part that is not done. */
static int begin_part(struct bulk_run *run, uint64_t number, quern_error *error)
{
    run->part = (struct quern_part){.folder = run->options->output, .number = number, .format = run->options->format,
                                    .shape = shape_of(run)};
    snprintf(run->part.table, sizeof run->part.table, "%s", run->table);
    run->progress->part = number;
    int code = quern_part_open(&run->part, error);
    if (code == QUERN_PART_BUSY)
        return quern_jobs_fail(error, QUERN_EIO, "another process makes part %llu of %s: wait for it, or give each "
                               "process its own --shard", (unsigned long long)number, run->options->output);
    if (code == QUERN_OK) {
        note_table(run, number, run->part.table);
        code = make_part(run, error);
    }
    quern_part_close(&run->part);
    return code;
}

/* Skips a part that another shard makes, or will make. *is_end: the input ends in it or before it. */
static int skip_part(struct bulk_run *run, bool *is_end, quern_error *error)
{
    uint64_t skipped = 0;
    const int code = quern_records_skip(&run->records, run->options->part_records, &skipped, error);
    *is_end = skipped < run->options->part_records;
    return code;
}

/* Skips a part that is done. *is_end: the input ends in it. */
static int pass_over(struct bulk_run *run, uint64_t number, const struct quern_part_done *done, bool *is_end,
                     quern_error *error)
{
    struct quern_record record;
    *is_end = done->state.records < run->options->part_records;
    int code = pass_records(run, number, &done->state, error);
    if (code != QUERN_OK || !*is_end || run->agreement != QUERN_AGREEMENT_DOUBTFUL)
        return code;
    code = quern_records_next(&run->records, &record, error);
    return code == 1 ? refuse_part(run, number, error) : code;
}

/* Takes note of a part of this shard that is done. */
static void note_done(struct bulk_run *run, uint64_t number, const struct quern_part_done *done)
{
    run->progress->all_errors += done->state.errors;
    note_table(run, number, done->table);
    quern_part_remove_journal(run->options->output, number); /* a run may have been killed before it did */
}

/* Whether a part of this shard has the files that .done tells. One that lacks some is made again. */
static bool is_whole(struct bulk_run *run, uint64_t number, const struct quern_part_done *done)
{
    char path[QUERN_PART_PATH];
    const char *folder = run->options->output;
    if (quern_part_has_files(path, folder, number, done, run->options->format))
        return true;
    notice(run, "part %llu is made again, because %s is not as it was written", (unsigned long long)number, path);
    quern_part_path(path, folder, number, ".done");
    unlink(path);
    return false;
}

/* Makes the part, if this shard must, or skips it. *is_end: the input ends in it or before it. */
static int go_through_part(struct bulk_run *run, uint64_t number, bool *is_end, quern_error *error)
{
    const bool is_own = number % (uint64_t)run->options->shards == (uint64_t)run->options->shard;
    struct quern_part_done done;
    const int code = quern_part_read_done(&done, run->options->output, number, error);
    if (code < 0)
        return code;
    if (code == 0 || (is_own && !is_whole(run, number, &done)))
        return is_own ? begin_part(run, number, error) : skip_part(run, is_end, error);
    if (is_own)
        note_done(run, number, &done);
    return pass_over(run, number, &done, is_end, error);
}

static int make_parts(struct bulk_run *run, quern_error *error)
{
    uint64_t number = 0;
    for (bool is_end = false; !is_end; number++) {
        const uint64_t first = number * run->options->part_records;
        const int code = go_through_part(run, number, &is_end, error);
        if (code != QUERN_OK)
            return code;
        is_end = is_end || run->records.number < first + run->options->part_records;
        if (report(run))
            return QUERN_BULK_INTERRUPTED;
    }
    const uint64_t records = run->records.number, each = run->options->part_records;
    int code = check_input(run, 0, run->files.count, error);
    if (code == QUERN_OK)
        code = quern_end_write(run->options->output, records, records / each + (records % each > 0), error);
    if (code == QUERN_OK)
        code = quern_out_forget_seen(run->options->output, error);
    return code;
}

/* ---------------------------------------------------------------- a run */

/* Finds out whether the input can be read, before what was made of another one is removed. */
static int try_input(struct bulk_run *run, quern_error *error)
{
    struct quern_record record;
    if (!quern_record_files_are_regular(&run->files))
        return QUERN_OK;
    quern_records_begin(&run->records, &run->files, &run->options->columns);
    const int code = quern_records_next(&run->records, &record, error);
    quern_records_end(&run->records);
    return code < 0 ? code : QUERN_OK;
}

/* Compares the manifest with that of OUT. Parts are listed before, because another process may just write both. */
static int compare_manifest(struct bulk_run *run, const json_t *manifest, quern_error *error)
{
    const char *folder = run->options->output;
    struct quern_out_part *parts;
    size_t count;
    const int code = quern_out_list(folder, &parts, &count, error);
    if (code != QUERN_OK)
        return code;
    free(parts);
    if (count == 0 || quern_manifest_is_there(folder))
        return quern_manifest_agree(folder, manifest, &run->agreement, error);
    return quern_jobs_fail(error, QUERN_EINVAL, "%s has parts, but no manifest.json that tells how they were made: use "
                           "another folder, or --force to begin again", folder);
}

static int agree(struct bulk_run *run, quern_error *error)
{
    quern_error problem;
    json_t *manifest = NULL;
    int code = quern_manifest_make(&manifest, run->job, &run->files, error);
    if (code == QUERN_OK)
        code = compare_manifest(run, manifest, error);
    if (code == QUERN_EINVAL && run->options->is_forced) {
        problem = *error;
        code = try_input(run, error);
        if (code == QUERN_OK) {
            notice(run, "%s; what was made is removed", problem.text);
            code = quern_out_clear(run->options->output, error);
        }
        if (code == QUERN_OK)
            code = quern_manifest_agree(run->options->output, manifest, &run->agreement, error);
    }
    json_decref(manifest);
    return code;
}

/* Makes the folder, and checks that the files can be named. */
static int make_folder(const char *folder, quern_error *error)
{
    struct stat status;
    if (strlen(folder) > MOST_FOLDER)
        return quern_jobs_fail(error, QUERN_EINVAL, "the name of the output folder is longer than %d bytes",
                               MOST_FOLDER);
    if (mkdir(folder, 0777) == 0)
        return QUERN_OK;
    if (errno == EEXIST && stat(folder, &status) == 0 && S_ISDIR(status.st_mode))
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EIO, "cannot make the folder %s: %s", folder,
                           errno == EEXIST ? "a file has this name" : strerror(errno));
}

static bool keeps_vectors(const struct bulk_run *run)
{
    return run->options->cache != NULL || run->options->is_deduped;
}

/* Opens the vectors of texts that were seen before. Those of this run alone are in OUT. */
static int open_once(struct bulk_run *run, quern_error *error)
{
    char seen[QUERN_PART_PATH];
    quern_out_seen(seen, run->options->output);
    return !keeps_vectors(run) ? QUERN_OK
                               : quern_once_open(&run->once, run->job->model, run->job->context,
                                                 run->options->cache != NULL ? run->options->cache : seen, error);
}

static int prepare(struct bulk_run *run, quern_error *error)
{
    const struct quern_bulk_options *options = run->options;
    quern_model_info info = {.size = sizeof info};
    int code = quern_model_describe(run->job->model, &info, error);
    if (code != QUERN_OK)
        return code;
    snprintf(run->table, sizeof run->table, "%s", info.kernels);
    code = quern_record_files_find(&run->files, options->inputs, options->input_count, options->kind, options->output,
                                   error);
    if (code != QUERN_OK)
        return code;
    if (run->files.passed_over > 0)
        notice(run, "%zu files are not read, because their names do not tell what they hold, such as %s: say it with "
               "--kind", run->files.passed_over, run->files.first_passed);
    run->progress->total_bytes = run->files.size;
    code = make_folder(options->output, error);
    if (code == QUERN_OK)
        code = agree(run, error);
    if (code == QUERN_OK)
        code = open_once(run, error);
    if (code == QUERN_OK)
        code = quern_batch_open(&run->batch, run->job, keeps_vectors(run) ? &run->once : NULL, error);
    quern_records_begin(&run->records, &run->files, &options->columns);
    if (code != QUERN_OK)
        return code;
    const struct quern_vector_shape shape = shape_of(run);
    return quern_vector_shape_check(&shape, options->format, error);
}

/* Makes all parts again, because one was made from other records than there are now. */
static int begin_again(struct bulk_run *run, quern_error *error)
{
    notice(run, "%s; what was made is removed", error->text);
    int code = quern_out_clear(run->options->output, error);
    if (code == QUERN_OK)
        code = agree(run, error);
    if (code != QUERN_OK)
        return code;
    *run->progress = (struct quern_bulk_progress){.total_bytes = run->files.size};
    quern_once_close(&run->once); /* its files may have been in OUT */
    quern_records_end(&run->records);
    quern_records_begin(&run->records, &run->files, &run->options->columns);
    code = open_once(run, error);
    return code == QUERN_OK ? make_parts(run, error) : code;
}

int quern_bulk_run(const struct quern_bulk_job *job, struct quern_bulk_progress *progress, quern_error *error)
{
    quern_error unwanted;
    struct bulk_run run = {.job = job, .options = job->options, .progress = progress};
    *progress = (struct quern_bulk_progress){.records = 0};
    error = error != NULL ? error : &unwanted;
    int code = prepare(&run, error);
    if (code == QUERN_OK)
        code = make_parts(&run, error);
    if (run.is_other_input && job->options->is_forced && quern_record_files_are_regular(&run.files))
        code = begin_again(&run, error);
    if (code < 0 && run.agreement == QUERN_AGREEMENT_NEW && progress->records == 0)
        quern_out_withdraw(job->options->output); /* the next run may do something else */
    note_odd_texts(&run);
    quern_records_end(&run.records);
    quern_batch_close(&run.batch);
    quern_once_close(&run.once);
    quern_record_files_free(&run.files);
    return code;
}
