#include "session.h"

#include "base/system/system.h"
#include "environment.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char found[QUERN_CLI_PATH]; /* a path that was looked up */

/* The starter model: in the data folder of this executable, or in the build directory of this executable. */
static bool find_starter(void)
{
    static const char installed[] = "/../share/quern/starter.gguf", built[] = "/models/starter.gguf";
    if (!quern_system_program(found, sizeof found - sizeof installed))
        return false;
    char *slash = strrchr(found, '/');
    if (slash == NULL)
        return false;
    strcpy(slash, installed);
    if (access(found, R_OK) == 0)
        return true;
    strcpy(slash, built);
    return access(found, R_OK) == 0;
}

/* Says that a file is missing, and which published name it nearly has. variable: "$QUERN_MODEL: " if it was named
 * there, else "". */
static bool is_missing(const char *path, const char *variable)
{
    struct quern_nearest nearest = {.asked = path};
    char hint[QUERN_NEAREST_HINT];
    if (access(path, F_OK) == 0 || errno != ENOENT)
        return false;
    for (const struct quern_cli_published *model = quern_cli_catalog; model->name != NULL; model++)
        quern_nearest_offer(&nearest, model->name, strlen(model->name));
    quern_cli_say("%sthere is no file or model '%s'%s; 'quern models' lists those of the cache folder", variable, path,
                  quern_nearest_hint(&nearest, hint));
    return true;
}

bool quern_cli_is_remote(const char *path)
{
    return (strncmp(path, "hf:", 3) == 0 || strstr(path, "://") != NULL) && access(path, F_OK) != 0;
}

/* Says what to do with a place on the network that is given as a model. */
static bool is_remote(const char *path)
{
    if (!quern_cli_is_remote(path))
        return false;
    quern_cli_say("%s is not a file: 'quern pull' downloads a model into the cache folder; then give its file there, "
                  "or its published name", path);
    return true;
}

/* Says what to do with a folder that is given as a model. */
static bool is_folder(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return false;
    quern_cli_say("cannot read %s: it is a folder; name a GGUF file in it, or make one of a model's folder: 'quern "
                  "convert %s -o FILE'", path, path);
    return true;
}

/* The file that was given; a published name stands for its file in the cache. */
static const char *find_named(const char *path, const char *variable)
{
    if (is_folder(path) || is_remote(path))
        return NULL;
    if (quern_cli_published_find(path) == NULL || access(path, F_OK) == 0)
        return is_missing(path, variable) ? NULL : path;
    if (quern_cli_cache_path(found, path) && access(found, F_OK) == 0)
        return found;
    quern_cli_say("%s is not there yet: 'quern pull %s' downloads it", path, path);
    return NULL;
}

/* Whether the notice of the starter model was never shown to this user, as far as the cache folder knows. Then notes
 * there that it is shown now. */
static bool is_first_time(void)
{
    char folder[QUERN_CLI_PATH], mark[QUERN_CLI_PATH];
    if (!quern_cli_cache_folder(folder) || !quern_cli_cache_path(mark, "starter.noticed") ||
        !quern_cli_make_folder(folder))
        return true;
    const int descriptor = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return errno != EEXIST;
    close(descriptor);
    return true;
}

static const char *find_model(const char *given)
{
    char label[QUERN_CLI_LABEL];
    const char *path = given != NULL ? given : getenv("QUERN_MODEL");
    const bool is_variable = given == NULL || quern_cli_label("model", label)[0] == '$';
    if (path != NULL && path[0] != '\0')
        return find_named(path, is_variable ? "$QUERN_MODEL: " : "");
    if (given == NULL && quern_cli_cache_default(found)) {
        quern_cli_notice("model %s", found);
        return found;
    }
    if (given == NULL && find_starter()) {
        if (!quern_cli_quiet && is_first_time())
            quern_cli_notice("using the starter model, which is for trials and demonstrations; for real work 'quern "
                             "pull %s' downloads EmbeddingGemma, or give a GGUF file with -m or QUERN_MODEL (this "
                             "notice comes once)", quern_cli_catalog[0].name);
        return found;
    }
    quern_cli_say("no model: 'quern pull %s' downloads one into ~/.cache/quern; or give one with -m FILE or "
                  "QUERN_MODEL=FILE",
                  quern_cli_catalog[0].name);
    return NULL;
}

const char *quern_cli_session_find(const char *given)
{
    const char *path = find_model(given);
    if (path != NULL)
        quern_cli_reads(path, "the model is");
    return path;
}

int quern_cli_session_load(struct quern_cli_session *session, const struct quern_cli_session_options *options)
{
    quern_error error;
    quern_model_options model_options = {
        .size = sizeof model_options, .threads = options->threads, .context_length = options->context_length,
        .known = options->as};
    *session = (struct quern_cli_session){.info.size = sizeof session->info,
                                          .context_info.size = sizeof session->context_info};
    session->path = quern_cli_session_find(options->model);
    if (session->path == NULL)
        return QUERN_CLI_FAILED;
    if (quern_model_open(&session->model, session->path, &model_options, &error) != QUERN_OK ||
        quern_model_describe(session->model, &session->info, &error) != QUERN_OK) {
        quern_cli_say("%s", error.text);
        quern_cli_session_close(session);
        return QUERN_CLI_FAILED;
    }
    if (session->info.notice != NULL)
        quern_cli_notice("%s", session->info.notice);
    return QUERN_CLI_DONE;
}

int quern_cli_session_open(struct quern_cli_session *session, const struct quern_cli_session_options *options)
{
    quern_error error;
    quern_context_options context_options = {.size = sizeof context_options,
                                             .threads = options->threads,
                                             .path = options->exact ? QUERN_PATH_EXACT : QUERN_PATH_FAST};
    if (quern_cli_session_load(session, options) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    if (quern_context_new(&session->context, session->model, &context_options, &error) != QUERN_OK ||
        quern_context_describe(session->context, &session->context_info, &error) != QUERN_OK) {
        quern_cli_say("%s", error.text);
        quern_cli_session_close(session);
        return QUERN_CLI_FAILED;
    }
    return QUERN_CLI_DONE;
}

void quern_cli_session_close(struct quern_cli_session *session)
{
    quern_context_free(session->context);
    quern_model_close(session->model);
    session->context = NULL;
    session->model = NULL;
}

/* ---------------------------------------------------------------- options of texts */

int quern_cli_check_title(const char *verb, const quern_embed_options *embed)
{
    if (embed->title.data != NULL && embed->task != -1 && embed->task != QUERN_TASK_DOCUMENT)
        return quern_cli_misuse(verb, "--title goes with the task document only");
    if (embed->title.data != NULL && embed->prompt.data != NULL)
        return quern_cli_misuse(verb, "--prompt takes the place of the prompt that --title would be put into");
    return QUERN_CLI_DONE;
}

static void say_too_short(const struct quern_cli_session *session, int dimensions)
{
    static bool noticed;
    quern_known_info known = {.size = sizeof known};
    if (noticed || dimensions == 0 || dimensions >= session->info.dimensions ||
        quern_known_describe(quern_known_find(session->info.known), &known, NULL) != QUERN_OK ||
        (known.least_dimensions > 0 && dimensions >= known.least_dimensions))
        return;
    if (known.least_dimensions > 0)
        quern_cli_notice("%s was trained for vectors of %d dimensions or more: with %d they find less", known.name,
                         known.least_dimensions, dimensions);
    else
        quern_cli_notice("%s was not trained for vectors of fewer than its %d dimensions: with %d they find less",
                         known.name, known.dimensions, dimensions);
    noticed = true;
}

void quern_cli_set_task(const struct quern_cli_session *session, quern_embed_options *embed, int usual)
{
    static bool noticed;
    const bool has_title = embed->title.data != NULL;
    say_too_short(session, embed->dimensions);
    if (session->info.has_prompts || embed->prompt.data != NULL) {
        embed->task = embed->task >= 0 ? embed->task : has_title ? QUERN_TASK_DOCUMENT : usual;
        return;
    }
    if (!noticed && (has_title || embed->task > QUERN_TASK_NONE)) {
        quern_cli_notice("this model has no prompts: the %s%s changes nothing", has_title ? "title" : "task ",
                         has_title ? "" : quern_task_name((quern_task)embed->task));
        noticed = true;
    }
    embed->task = QUERN_TASK_NONE;
    embed->title = (quern_text){0};
}

void quern_cli_say_unprompted(const struct quern_cli_session *session, const quern_embed_options *given)
{
    if (given->task < 0 && given->prompt.data == NULL && session->info.has_prompts)
        quern_cli_notice("embedding without a prompt: -t document is for texts to be found; -t none says that no "
                         "prompt is wanted");
}

int quern_cli_dimensions(const struct quern_cli_session *session, const quern_embed_options *embed)
{
    return embed->dimensions > 0 ? embed->dimensions : session->info.dimensions;
}

/* ---------------------------------------------------------------- many texts */

static bool report(void *user, const struct quern_jobs_progress *job)
{
    struct quern_cli_rows *rows = user;
    const struct quern_jobs_progress all = {.texts = rows->texts + job->texts, .tokens = rows->tokens + job->tokens,
                                            .done = rows->texts + job->texts, .total = rows->total};
    quern_cli_progress_texts(&rows->progress, &all);
    return true;
}

int quern_cli_rows_embed(struct quern_cli_rows *job, struct quern_jobs_array *array, const quern_embed_options *options,
                         float *rows)
{
    const struct quern_jobs_embedding embedding = {.model = job->session->model, .context = job->session->context,
                                                   .options = *options, .report = report, .user = job};
    struct quern_jobs_matrix matrix;
    struct quern_jobs_progress progress;
    quern_error error;
    quern_jobs_matrix_open(&matrix, rows, (size_t)array->source.total);
    const int64_t start = quern_cli_now_ns();
    const int code = quern_jobs_embed(&embedding, &array->source, &matrix.sink, &progress, &error);
    job->ns += quern_cli_now_ns() - start;
    job->texts += progress.texts;
    job->tokens += progress.tokens;
    job->cut += progress.cut;
    if (code == QUERN_OK)
        return QUERN_CLI_DONE;
    quern_cli_progress_clear(&job->progress);
    return quern_cli_fail(job->place, &error);
}

void quern_cli_say_cut(const struct quern_cli_session *session, uint64_t cut, uint64_t texts)
{
    if (cut > 0)
        quern_cli_notice("%llu of %llu texts were cut to %d tokens", (unsigned long long)cut, (unsigned long long)texts,
                      session->info.context_length);
}
