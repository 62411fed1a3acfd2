#include "session.h"

#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char found[QUERN_CLI_PATH]; /* a path that lookup made up */

/* The starter model: in the data folder that belongs to this executable, or in the build directory it lies in. */
static bool find_starter(void)
{
    static const char installed[] = "/../share/quern/starter.gguf", built[] = "/models/starter.gguf";
    ssize_t length = readlink("/proc/self/exe", found, sizeof found - sizeof installed);
    if (length <= 0)
        return false;
    found[length] = '\0';
    char *slash = strrchr(found, '/');
    if (slash == NULL)
        return false;
    strcpy(slash, installed);
    if (access(found, R_OK) == 0)
        return true;
    strcpy(slash, built);
    return access(found, R_OK) == 0;
}

/* The file that was named; a published name stands for its file in the cache. */
static const char *find_named(const char *path)
{
    if (quern_cli_published_find(path) == NULL || access(path, F_OK) == 0)
        return path;
    if (quern_cli_cache_path(found, path) && access(found, F_OK) == 0)
        return found;
    quern_cli_say("%s is not there yet: 'quern pull %s' downloads it", path, path);
    return NULL;
}

static const char *find_model(const char *given)
{
    const char *path = given != NULL ? given : getenv("QUERN_MODEL");
    if (path != NULL && path[0] != '\0')
        return find_named(path);
    if (given == NULL && quern_cli_cache_default(found)) {
        quern_cli_say("model %s", found);
        return found;
    }
    if (given == NULL && find_starter()) {
        quern_cli_say("using the starter model, to try and to demonstrate; for real work 'quern pull %s' downloads "
                      "EmbeddingGemma, or give a GGUF file with -m or QUERN_MODEL",
                      quern_cli_catalog[0].name);
        return found;
    }
    quern_cli_say("no model: 'quern pull %s' downloads one into ~/.cache/quern; or give one with -m FILE or "
                  "QUERN_MODEL=FILE",
                  quern_cli_catalog[0].name);
    return NULL;
}

int quern_cli_session_load(struct quern_cli_session *session, const struct quern_cli_options *options)
{
    quern_error error;
    quern_model_options model_options = {.size = sizeof model_options, .threads = options->threads};
    *session = (struct quern_cli_session){.info.size = sizeof session->info,
                                          .context_info.size = sizeof session->context_info};
    session->path = find_model(options->model);
    if (session->path == NULL)
        return QUERN_CLI_FAILED;
    if (quern_model_open(&session->model, session->path, &model_options, &error) != QUERN_OK ||
        quern_model_describe(session->model, &session->info, &error) != QUERN_OK) {
        quern_cli_say("%s", error.text);
        quern_cli_session_close(session);
        return QUERN_CLI_FAILED;
    }
    if (session->info.notice != NULL)
        quern_cli_say("%s", session->info.notice);
    return QUERN_CLI_DONE;
}

int quern_cli_session_open(struct quern_cli_session *session, const struct quern_cli_options *options)
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

int quern_cli_task(const struct quern_cli_session *session, const struct quern_cli_options *options, int usual)
{
    if (options->task >= 0)
        return options->task;
    if (options->title != NULL) /* which goes with that task only */
        return QUERN_TASK_DOCUMENT;
    return session->info.has_prompts ? usual : QUERN_TASK_NONE;
}

quern_embed_options quern_cli_embed_options(const struct quern_cli_options *options, int task)
{
    quern_embed_options result = {.size = sizeof result, .task = task, .dimensions = options->dimensions};
    if (options->title != NULL)
        result.title = (quern_text){options->title, strlen(options->title)};
    result.flags = (options->truncate ? QUERN_TRUNCATE : 0u) | (options->parse_special ? QUERN_PARSE_SPECIAL : 0u) |
                   (options->no_normalize ? QUERN_NO_NORMALIZE : 0u) | (options->no_special ? QUERN_NO_SPECIAL : 0u);
    return result;
}
