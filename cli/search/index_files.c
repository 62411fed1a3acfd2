/* quern index FILE...: files to an index. */
#include "search.h"

#include "base/system/system.h"
#include "arguments.h"
#include "folder_watch.h"
#include "source_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RETRY_SECONDS = 2 }; /* until a run that follows tries again to write an index */

/* A run, with what it opens. */
struct index_view {
    const struct quern_cli_index_options *given;
    struct quern_cli_session session;
    char *model;           /* as the index names it */
    struct quern_cli_progress progress;
    bool is_waiting;       /* the last run could not write the index, as the user was told */
};

/* ---------------------------------------------------------------- paths */

/* The absolute path of a file or folder without links. What is not there has one too: the path that it had. */
static char *absolute_path(const char *path, bool may_be_missing)
{
    char *real = realpath(path, NULL);
    if (real != NULL || !may_be_missing)
        return real;
    real = quern_system_absolute_path(path);
    for (size_t length = real != NULL ? strlen(real) : 0; length > 1 && real[length - 1] == '/';)
        real[--length] = '\0';
    return real;
}

/* The roots of the arguments; NULL after a message. */
static char **find_roots(const struct quern_cli_index_options *given, struct quern_cli_arguments arguments)
{
    char **roots = calloc((size_t)arguments.count + 1, sizeof *roots);
    for (int i = 0; roots != NULL && i < arguments.count; i++) {
        roots[i] = absolute_path(arguments.texts[i], given->remove);
        if (roots[i] == NULL) {
            quern_cli_say("cannot read %s: %s", arguments.texts[i], strerror(errno));
            for (int k = 0; k < i; k++)
                free(roots[k]);
            free(roots);
            return NULL;
        }
    }
    if (roots == NULL)
        quern_cli_say("no memory for the paths");
    return roots;
}

char *quern_cli_index_path(const char *path)
{
    char *real = realpath(path, NULL), *folder = NULL, *joined = NULL;
    if (real != NULL)
        return real;
    const char *name = quern_system_file_name(path);
    char *given = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
    if (given != NULL)
        folder = realpath(given, NULL);
    const char *slash = folder != NULL && folder[strlen(folder) - 1] == '/' ? "" : "/"; /* of a root */
    if (folder == NULL || asprintf(&joined, "%s%s%s", folder, slash, name) < 0) {
        quern_cli_say("cannot write %s: %s", path, strerror(errno));
        joined = NULL;
    }
    free(given);
    free(folder);
    return joined;
}

/* ---------------------------------------------------------------- what a run asks for */

static int open_model(void *user, const char **model, const char *known, bool exact, const quern_model **opened,
                      quern_context **context)
{
    struct index_view *view = user;
    struct quern_cli_session_options options = view->given->session;
    options.exact = exact;
    quern_cli_progress_clear(&view->progress);
    if (view->session.model != NULL) { /* of an earlier run */
        *opened = view->session.model;
        *context = view->session.context;
        return QUERN_OK;
    }
    if (quern_cli_index_session_open(&view->session, &options, *model, known) != QUERN_CLI_DONE)
        return QUERN_EIO;
    if (*model == NULL) {
        free(view->model);
        view->model = quern_cli_index_model_name(view->session.path);
        *model = view->model;
    }
    *opened = view->session.model;
    *context = view->session.context;
    quern_cli_progress_start(&view->progress, false);
    return QUERN_OK;
}

static bool report(void *user, const struct quern_indexing_progress *now)
{
    struct index_view *view = user;
    const struct quern_jobs_progress shown = {.texts = now->embedded + now->kept, .tokens = now->tokens,
                                              .done = now->bytes, .total = now->total_bytes};
    quern_cli_progress_texts(&view->progress, &shown);
    return quern_cli_stop_signal() == 0;
}

static void tell(void *user, const char *line)
{
    struct index_view *view = user;
    const bool shown = view->progress.shown;
    quern_cli_progress_clear(&view->progress);
    quern_cli_say("%s", line);
    view->progress.shown = shown;
}

/* ---------------------------------------------------------------- the end */

void quern_cli_put_indexing(FILE *file, const struct quern_indexing_progress *done)
{
    fprintf(file, "\"files\":%llu,\"new\":%llu,\"changed\":%llu,\"removed\":%llu,\"not_text\":%llu,"
            "\"bad_records\":%llu,\"failed\":%llu,",
            (unsigned long long)done->files, (unsigned long long)done->new_files,
            (unsigned long long)done->changed_files, (unsigned long long)done->removed_files,
            (unsigned long long)done->not_text, (unsigned long long)done->bad_records,
            (unsigned long long)done->failed);
    fprintf(file, "\"passages\":%llu,\"embedded\":%llu,\"kept\":%llu,\"tokens\":%llu,\"written\":%s,"
            "\"compacted\":%s", (unsigned long long)done->passages, (unsigned long long)done->embedded,
            (unsigned long long)done->kept, (unsigned long long)done->tokens, done->has_written ? "true" : "false",
            done->is_compacted ? "true" : "false");
}

/* Says how many files or records have no text, and names one. */
static void say_skipped(uint64_t count, const char *what, const char *one)
{
    const quern_text shown = quern_cli_shown_path((quern_text){one, strlen(one)});
    if (count > 0)
        quern_cli_notice("skipped %llu %s%s without text%s %.*s", (unsigned long long)count, what,
                         quern_cli_plural(count), count > 1 ? ", such as" : ":", (int)shown.length, shown.data);
}

static void say_done(const char *path, const struct quern_indexing_progress *done)
{
    if (!done->has_written)
        quern_cli_notice("%s has %llu passage%s of %llu file%s; nothing has changed", path,
                         (unsigned long long)done->passages, quern_cli_plural(done->passages),
                         (unsigned long long)done->files, quern_cli_plural(done->files));
    else
        quern_cli_notice("%s has %llu passage%s of %llu file%s: %llu new, %llu changed, %llu removed; embedded %llu "
                         "passage%s", path, (unsigned long long)done->passages, quern_cli_plural(done->passages),
                         (unsigned long long)done->files, quern_cli_plural(done->files),
                         (unsigned long long)done->new_files, (unsigned long long)done->changed_files,
                         (unsigned long long)done->removed_files, (unsigned long long)done->embedded,
                         quern_cli_plural(done->embedded));
    say_skipped(done->not_text, "file", done->one_not_text);
    say_skipped(done->bad_records, "record", done->one_bad_record);
}

static int conclude(int code, const struct index_view *view, const struct quern_indexing_progress *done,
                    const quern_error *error)
{
    const double seconds = (double)(quern_cli_now_ns() - view->progress.start_ns) * 1e-9;
    if (code == QUERN_INDEXING_TOLD)
        return QUERN_CLI_FAILED;
    if (code < 0)
        return quern_cli_fail(NULL, error);
    if (view->given->json) {
        putchar('{');
        quern_cli_put_indexing(stdout, done);
        printf(",\"space\":\"%s\",\"seconds\":%.3f}\n", done->space, seconds);
        fflush(stdout); /* --watch stays */
    }
    if (code == QUERN_INDEXING_STOPPED) {
        quern_cli_say("stopped by SIG%s after %llu new passage%s. The same command goes on from here",
                      sigabbrev_np(quern_cli_stop_signal()), (unsigned long long)done->embedded,
                      quern_cli_plural(done->embedded));
        return QUERN_CLI_TRY_AGAIN;
    }
    if (!view->given->json)
        say_done(view->given->output, done);
    if (done->failed > 0)
        quern_cli_say("could not index %llu file%s or passage%s, as told above", (unsigned long long)done->failed,
                      quern_cli_plural(done->failed), quern_cli_plural(done->failed));
    return done->failed > 0 ? QUERN_CLI_FAILED : QUERN_CLI_DONE;
}

/* One run. *is_over: nothing more can be done. */
static int run_once(const struct quern_indexing_options *options, struct index_view *view, bool is_later, bool *is_over)
{
    const struct quern_indexing_job job = {.options = options, .open = open_model, .report = report, .notice = tell,
                                           .user = view};
    struct quern_indexing_progress done;
    quern_error error;
    quern_cli_progress_start(&view->progress, false);
    const int code = quern_indexing_run(&job, &done, &error);
    quern_cli_progress_clear(&view->progress);
    const bool can_wait = is_later && code == QUERN_EIO; /* another process is writing it, or the disk is full */
    *is_over = code != QUERN_OK && !can_wait;
    if (can_wait && !view->is_waiting) {
        quern_cli_say("%s", error.text);
        quern_cli_notice("it is tried again until that works");
    }
    view->is_waiting = can_wait;
    if (can_wait)
        return QUERN_CLI_FAILED;
    if (is_later && code == QUERN_OK && !done.has_written && done.failed == 0)
        return QUERN_CLI_DONE;
    return conclude(code, view, &done, &error);
}

/* Watches all folders that the index is made of. */
static int watch_folders(struct quern_folder_watch *watch, const char *path)
{
    struct quern_source_table table = {.count = 0};
    quern_index *index;
    quern_index_info info;
    quern_error error;
    int code = quern_cli_index_open(&index, &info, path);
    if (code == QUERN_CLI_DONE && (quern_source_table_read(&table, info.note, &error) != QUERN_OK ||
                                   quern_folder_watch_add(watch, table.roots, table.root_count,
                                                          table.takes_ignored, &error) != QUERN_OK))
        code = quern_cli_fail(NULL, &error);
    quern_source_table_free(&table);
    quern_index_close(index);
    return code;
}

/* Runs again whenever something has changed, until a signal comes. */
static int follow(const struct quern_indexing_options *options, struct index_view *view)
{
    struct quern_indexing_options later = *options;
    struct quern_folder_watch watch;
    quern_error error;
    bool is_over = false;
    later.root_count = 0; /* those that the index has */
    later.is_forced = false;
    if (quern_folder_watch_open(&watch, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    quern_cli_notice("following the files; Ctrl-C ends it");
    int code = QUERN_CLI_DONE;
    while (!is_over && quern_cli_stop_signal() == 0) {
        code = watch_folders(&watch, options->path); /* before the run, so that no change is missed */
        if (code != QUERN_CLI_DONE)
            break;
        code = run_once(&later, view, true, &is_over);
        while (!is_over && quern_cli_stop_signal() == 0 && !view->is_waiting &&
               quern_folder_watch_wait(&watch, 60) == QUERN_FOLDER_QUIET)
            ;
        if (view->is_waiting && quern_cli_stop_signal() == 0)
            quern_folder_watch_wait(&watch, RETRY_SECONDS);
    }
    quern_folder_watch_close(&watch);
    return code;
}

static int run_job(const struct quern_indexing_options *options, struct index_view *view)
{
    bool is_over;
    quern_cli_stop_on_signals();
    int code = run_once(options, view, false, &is_over);
    if (view->given->watch && !is_over)
        code = follow(options, view);
    quern_cli_session_close(&view->session);
    return code;
}

int quern_cli_index_files(const struct quern_cli_index_options *given, struct quern_cli_arguments arguments)
{
    struct index_view view = {.given = given};
    struct quern_indexing_options options = {
        .removes = given->remove, .is_forced = given->force, .known = given->session.as, .text_column = given->text,
        .title_column = given->title_column, .chunk = {.size = sizeof(quern_chunk_options)},
        .dimensions = given->embed.dimensions, .dtype = (quern_dtype)given->dtype, .bits = given->bits,
        .exact = given->session.exact, .takes_ignored = given->no_ignore, .commit_seconds = given->commit,
        .root_count = (size_t)arguments.count};
    if (given->output == NULL)
        return quern_cli_misuse("index", "name the index with -o");
    if (arguments.count == 0 && access(given->output, F_OK) != 0)
        return quern_cli_misuse("index", "name the files or folders to index");
    if (given->remove && arguments.count == 0)
        return quern_cli_misuse("index", "--remove needs the files or folders to remove");
    int code = quern_cli_read_chunk("index", given->chunk, &options.chunk);
    if (code != QUERN_CLI_DONE)
        return code;
    char **roots = find_roots(given, arguments), *path = roots != NULL ? quern_cli_index_path(given->output) : NULL;
    char *model = given->session.model != NULL ? quern_cli_index_model_name(given->session.model) : NULL;
    options.roots = roots;
    options.path = path;
    options.model = model;
    code = path != NULL ? run_job(&options, &view) : QUERN_CLI_FAILED;
    for (int i = 0; roots != NULL && i < arguments.count; i++)
        free(roots[i]);
    free(roots);
    free(path);
    free(model);
    free(view.model);
    return code;
}
