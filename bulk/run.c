/* The loop over the parts of a shard. */
#include "batch.h"
#include "jobs_error.h"
#include "manifest.h"
#include "out_folder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { MOST_FOLDER = 3900, CHECKPOINT_SECONDS = 10 };

struct bulk_run {
    const struct quern_bulk_job *job;
    const struct quern_bulk_options *options;
    struct quern_bulk_progress *progress;
    struct quern_record_files files;
    struct quern_records records;
    struct quern_batch batch;
    struct quern_part part;
    char table[32];     /* the kernel table at work */
    time_t checkpoint;  /* when the last one was made */
    bool is_stopped;    /* report returned false */
    bool is_new;        /* this run has written the manifest */
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

/* Goes to where the part was left, and on from there. */
static int make_part(struct bulk_run *run, quern_error *error)
{
    struct quern_part *part = &run->part;
    const uint64_t first = part->number * run->options->part_records, wanted = part->state.records;
    int code = QUERN_OK;
    run->progress->all_errors += part->state.errors;
    if (wanted > 0)
        code = quern_records_go_to(&run->records, part->state.end, first + wanted, error);
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
    if (part->state.records == 0) /* the input had ended */
        quern_part_remove_journal(part->folder, part->number);
    else
        code = quern_part_finish(part, run->table, error);
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

/* Makes a part that is not done. */
static int begin_part(struct bulk_run *run, uint64_t number, quern_error *error)
{
    run->part = (struct quern_part){.folder = run->options->output, .number = number, .format = run->options->format,
                                    .shape = shape_of(run)};
    run->progress->part = number;
    int code = quern_part_open(&run->part, error);
    if (code == QUERN_PART_BUSY)
        return quern_jobs_fail(error, QUERN_EIO, "another process makes part %llu of %s: wait for it, or give each "
                               "process its own --shard", (unsigned long long)number, run->options->output);
    if (code == QUERN_OK)
        code = make_part(run, error);
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
    const uint64_t wanted = run->options->part_records;
    *is_end = done->state.records < wanted;
    return quern_records_go_to(&run->records, done->state.end, number * wanted + done->state.records, error);
}

/* Takes note of a part of this shard that is done. */
static void note_done(struct bulk_run *run, uint64_t number, const struct quern_part_done *done)
{
    run->progress->all_errors += done->state.errors;
    if (strcmp(done->table, run->table) != 0)
        notice(run, "part %llu was made with the kernel table %s, and this machine has %s: vectors may differ in their "
               "last bits", (unsigned long long)number, done->table, run->table);
    quern_part_remove_journal(run->options->output, number); /* a run may have been killed before it did */
}

/* Makes the part, if this shard must, or skips it. *is_end: the input ends in it or before it. */
static int go_through_part(struct bulk_run *run, uint64_t number, bool *is_end, quern_error *error)
{
    const bool is_own = number % (uint64_t)run->options->shards == (uint64_t)run->options->shard;
    struct quern_part_done done;
    const int code = quern_part_read_done(&done, run->options->output, number, error);
    if (code < 0)
        return code;
    if (code == 0)
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
    const int code = quern_record_files_check(&run->files, error);
    if (code != QUERN_OK)
        return code;
    return quern_end_write(run->options->output, records, records / each + (records % each > 0), error);
}

/* ---------------------------------------------------------------- a run */

static int agree(struct bulk_run *run, quern_error *error)
{
    json_t *manifest = NULL;
    int code = quern_manifest_make(&manifest, run->job, &run->files, error);
    if (code == QUERN_OK)
        code = quern_manifest_agree(run->options->output, manifest, &run->is_new, error);
    if (code == QUERN_EINVAL && run->options->is_forced) {
        notice(run, "%s; what was made is removed", error->text);
        code = quern_out_clear(run->options->output, error);
        if (code == QUERN_OK)
            code = quern_manifest_agree(run->options->output, manifest, &run->is_new, error);
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

static int prepare(struct bulk_run *run, quern_error *error)
{
    const struct quern_bulk_options *options = run->options;
    quern_model_info info = {.size = sizeof info};
    int code = quern_model_describe(run->job->model, &info, error);
    if (code != QUERN_OK)
        return code;
    snprintf(run->table, sizeof run->table, "%s", info.kernels);
    code = quern_record_files_find(&run->files, options->inputs, options->input_count, options->kind, error);
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
        code = quern_batch_open(&run->batch, run->job, error);
    quern_records_begin(&run->records, &run->files, &options->columns);
    if (code != QUERN_OK)
        return code;
    const struct quern_vector_shape shape = shape_of(run);
    return quern_vector_shape_check(&shape, options->format, error);
}

int quern_bulk_run(const struct quern_bulk_job *job, struct quern_bulk_progress *progress, quern_error *error)
{
    quern_error unwanted;
    struct bulk_run run = {.job = job, .options = job->options, .progress = progress};
    *progress = (struct quern_bulk_progress){.records = 0};
    int code = prepare(&run, error != NULL ? error : &unwanted);
    if (code == QUERN_OK)
        code = make_parts(&run, error != NULL ? error : &unwanted);
    if (code < 0 && run.is_new && progress->records == 0) /* the next run may do something else */
        quern_out_clear(job->options->output, NULL);
    quern_records_end(&run.records);
    quern_batch_close(&run.batch);
    quern_record_files_free(&run.files);
    return code;
}
