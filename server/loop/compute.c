#include "compute.h"

#include "log.h"
#include "steps/failure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The file's key is what decides the bits of vectors, beside tokens: the model, the kernels and the numeric path. */
static void load_cache(struct quern_server *server, const char *path)
{
    char space[QUERN_SPACE_SIZE] = "";
    const struct quern_server_options *options = server->options;
    quern_space(server->service.model, NULL, space, NULL);
    snprintf(server->cache_key, sizeof server->cache_key, "%s %.24s %.24s", space, server->service.info.kernels, path);
    const long texts = quern_cache_file_read(&server->service.cache, server->cache_file, server->cache_key);
    if (texts >= 0)
        quern_log(&server->service, "info", "read %ld vectors from %s", texts, options->cache_file);
    else
        quern_log(&server->service, "warn", "%s is damaged, or was written with another model, CPU or path; the "
                  "cache starts empty", options->cache_file);
}

static void save_cache(struct quern_server *server)
{
    const char *name = server->options->cache_file;
    if (server->cache_file == NULL)
        return;
    if (server->cache_key[0] != '\0') { /* else the server never started */
        if (quern_cache_file_write(&server->service.cache, server->cache_file, server->cache_key))
            quern_log(&server->service, "info", "kept %zu vectors in %s", server->service.cache.entries, name);
        else
            quern_log(&server->service, "error", "cannot write %s: %s", name, strerror(errno));
    }
    fclose(server->cache_file);
}

/* Makes the context of the worker, with `threads` threads, and the one that computes urgent steps between its layers.
 * After a failure both are NULL. */
static int make_engines(struct quern_server *server, int threads, int step_tokens, quern_context *made[2],
                        quern_error *error)
{
    quern_model *model = server->service.model;
    quern_context_options options = {.size = sizeof options, .threads = threads, .path = server->options->path,
                                     .step_tokens = step_tokens, .pause = quern_worker_pause,
                                     .pause_argument = &server->worker};
    made[0] = made[1] = NULL;
    int code = quern_context_new(&made[0], model, &options, error);
    options = (quern_context_options){.size = sizeof options, .threads_of = made[0], .path = options.path};
    if (code == QUERN_OK)
        code = quern_context_new(&made[1], model, &options, error);
    if (code != QUERN_OK) {
        quern_context_free(made[0]);
        made[0] = NULL;
    }
    return code;
}

int quern_compute_open(struct quern_server *server, quern_error *error)
{
    const struct quern_server_options *options = server->options;
    const quern_context_options tokenizer = {.size = sizeof tokenizer, .threads = 1, .step_tokens = 1};
    quern_context_info info = {.size = sizeof info};
    quern_context *engines[2];
    int code = make_engines(server, options->threads, options->step_tokens, engines, error);
    server->worker.engine = engines[0];
    server->worker.urgent = engines[1];
    if (code == QUERN_OK)
        code = quern_context_new(&server->service.tokenizer, server->service.model,
                                 &tokenizer, error);
    if (code == QUERN_OK)
        code = quern_context_new(&server->text_worker.context, server->service.model, &tokenizer, error);
    if (code == QUERN_OK)
        code = quern_model_describe(server->service.model, &server->service.info, error);
    if (code == QUERN_OK)
        code = quern_context_describe(engines[0], &info, error);
    if (code != QUERN_OK)
        return code;
    quern_log(&server->service, "info", "%d threads (%s), kernels %s, path %s, steps of %d tokens", info.threads,
              info.threads_reason, server->service.info.kernels, info.path, info.step_tokens);
    if (options->cache_bytes > 0 && quern_cache_init(&server->service.cache, options->cache_bytes,
                                                     (size_t)server->service.info.dimensions) != QUERN_OK)
        return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the cache");
    if (server->cache_file != NULL)
        load_cache(server, info.path);
    return quern_batcher_init(&server->batcher, (uint64_t)info.step_tokens, (uint64_t)options->queue_tokens) == QUERN_OK
               ? QUERN_OK
               : quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the queue");
}

/* Adapts the number of threads to the CPU budget, which may have changed. Called by the worker, between steps. */
static void renew_engines(struct quern_worker *worker)
{
    struct quern_server *server = worker->owner;
    quern_context_info before = {.size = sizeof before}, after = {.size = sizeof after};
    quern_context *engines[2] = {NULL, NULL};
    quern_error error = {0};
    int code = quern_context_describe(worker->engine, &before, &error);
    if (code == QUERN_OK)
        code = make_engines(server, 0, (int)server->batcher.budget, engines, &error);
    if (code == QUERN_OK)
        code = quern_context_describe(engines[0], &after, &error);
    const bool is_better = code == QUERN_OK && after.threads != before.threads;
    if (is_better)
        quern_log(&server->service, "info", "%d threads (%s)", after.threads, after.threads_reason);
    else if (code != QUERN_OK)
        quern_log(&server->service, "error", "%s; the number of threads stays as it was", error.text);
    quern_context_free(is_better ? worker->engine : engines[0]);
    quern_context_free(is_better ? worker->urgent : engines[1]);
    if (is_better) {
        worker->engine = engines[0];
        worker->urgent = engines[1];
    }
}

int quern_compute_start(struct quern_server *server, quern_error *error)
{
    server->worker.batcher = &server->batcher;
    server->worker.embed = quern_worker_embed;
    server->worker.renew = renew_engines;
    server->worker.owner = server;
    server->worker.width = (size_t)server->service.info.dimensions;
    server->text_worker.finished = server->worker.finished;
    return quern_worker_start(&server->worker) == QUERN_OK && quern_text_worker_start(&server->text_worker) == QUERN_OK
               ? QUERN_OK
               : quern_server_fail(error, QUERN_ENOMEM, "there is no memory or thread for the workers");
}

bool quern_compute_examine(struct quern_server *server)
{
    struct quern_service *service = &server->service;
    size_t length;
    quern_error error;
    /* The text of no tokens: this reads nothing but the state of the file. */
    if (!service->broken && quern_detokenize(service->model, NULL, 0, 0, NULL, 0, &length, &error) == QUERN_EIO) {
        service->broken = true;
        quern_log(service, "error", "%s; requests get status 503 until the server is started again", error.text);
    }
    return !service->broken;
}

void quern_compute_stop(struct quern_server *server)
{
    quern_worker_stop(&server->worker);
    quern_text_worker_stop(&server->text_worker);
}

void quern_compute_close(struct quern_server *server)
{
    save_cache(server);
    quern_cache_free(&server->service.cache);
    if (server->batcher.budget > 0)
        quern_batcher_free(&server->batcher);
    quern_context_free(server->service.tokenizer);
    quern_context_free(server->text_worker.context);
    quern_context_free(server->worker.engine);
    quern_context_free(server->worker.urgent);
}
