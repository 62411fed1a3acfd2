/* Starting, signals, ending. */
#include "loop.h"

#include "sandbox.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct timeval quern_timeval(double seconds)
{
    const time_t whole = (time_t)seconds;
    return (struct timeval){whole, (suseconds_t)((seconds - (double)whole) * 1e6)};
}

static int fail(quern_error *error, const char *what)
{
    error->code = QUERN_ENOMEM;
    snprintf(error->text, sizeof error->text, "cannot start the server: %s", what);
    return QUERN_ENOMEM;
}

/* ---------------------------------------------------------------- events */

static void on_finished(evutil_socket_t descriptor, short what, void *argument)
{
    (void)descriptor;
    (void)what;
    quern_exchange_collect(argument);
}

static void on_resume(evutil_socket_t descriptor, short what, void *argument)
{
    struct quern_server *server = argument;
    (void)descriptor;
    (void)what;
    evconnlistener_enable(server->listener);
}

static void on_reload(evutil_socket_t descriptor, short what, void *argument)
{
    struct quern_server *server = argument;
    quern_error error;
    (void)descriptor;
    (void)what;
    if (quern_keys_load(&server->keys, server->options->api_key_file, &error) == QUERN_OK)
        quern_log(server->options, "info", "read %zu API keys", server->keys.count);
    else
        quern_log(server->options, "error", "%s; the keys stay as they were", error.text);
    if (server->options->threads == 0)
        atomic_store(&server->worker.must_renew, true);
}

/* The loop turns. Whether the model gives vectors is for /ready to say. */
static void on_watchdog(evutil_socket_t descriptor, short what, void *argument)
{
    const struct quern_server *server = argument;
    (void)descriptor;
    (void)what;
    quern_systemd_tell(&server->systemd, "WATCHDOG=1");
}

/* Looks again and again whether what was accepted is done. */
static void on_drain(evutil_socket_t descriptor, short what, void *argument)
{
    struct quern_server *server = argument;
    (void)descriptor;
    (void)what;
    if (quern_connections_drain(server))
        event_base_loopbreak(server->base);
}

static void on_stop(evutil_socket_t descriptor, short what, void *argument)
{
    struct quern_server *server = argument;
    const struct timeval tick = {0, 20000}, end = quern_timeval(server->options->drain_timeout);
    (void)descriptor;
    (void)what;
    if (server->service.draining) { /* told twice */
        event_base_loopbreak(server->base);
        return;
    }
    server->service.draining = true;
    quern_systemd_tell(&server->systemd, "STOPPING=1");
    quern_log(server->options, "info", "ending; %zu requests are still to be answered",
              server->service.load.requests);
    event_add(server->drained, &tick);
    event_base_loopexit(server->base, &end);
}

/* ---------------------------------------------------------------- start and end */

/* What decides a vector's bits, beside its tokens, is the key: the model, the kernels and the numeric path. */
static void load_cache(struct quern_server *server, const char *path)
{
    char space[QUERN_SPACE_SIZE] = "";
    const struct quern_server_options *options = server->options;
    quern_space(server->service.model, NULL, space, NULL);
    snprintf(server->cache_key, sizeof server->cache_key, "%s %.24s %.24s", space, server->service.info.kernels, path);
    const long texts = quern_cache_file_read(&server->service.cache, server->cache_file, server->cache_key);
    if (texts >= 0)
        quern_log(options, "info", "read %ld vectors from %s", texts, options->cache_file);
    else
        quern_log(options, "warn", "%s is damaged or of another model, CPU or path; the cache starts empty",
                  options->cache_file);
}

static void save_cache(struct quern_server *server)
{
    const char *name = server->options->cache_file;
    if (server->cache_file == NULL)
        return;
    if (server->cache_key[0] != '\0') { /* else it never started */
        if (quern_cache_file_write(&server->service.cache, server->cache_file, server->cache_key))
            quern_log(server->options, "info", "kept %zu vectors in %s", server->service.cache.entries, name);
        else
            quern_log(server->options, "error", "cannot write %s: %s", name, strerror(errno));
    }
    fclose(server->cache_file);
}

static int open_contexts(struct quern_server *server, quern_error *error)
{
    const struct quern_server_options *options = server->options;
    const quern_context_options engine = {.size = sizeof engine, .threads = options->threads, .path = options->path,
                                          .step_tokens = options->step_tokens};
    const quern_context_options tokenizer = {.size = sizeof tokenizer, .threads = 1};
    quern_context_info info = {.size = sizeof info};
    quern_context *context = NULL;
    int code = quern_context_new(&context, server->service.model, &engine, error);
    server->worker.engine = context;
    if (code == QUERN_OK)
        code = quern_context_new(&server->service.tokenizer, server->service.model,
                                 &tokenizer, error);
    if (code == QUERN_OK)
        code = quern_model_describe(server->service.model, &server->service.info, error);
    if (code == QUERN_OK)
        code = quern_tokenizer_describe(server->service.model, &server->service.tokens, error);
    if (code == QUERN_OK)
        code = quern_context_describe(context, &info, error);
    if (code != QUERN_OK)
        return code;
    server->service.spaced = quern_service_is_spaced(&server->service);
    quern_log(options, "info", "%d threads (%s), kernels %s, path %s, steps of %d tokens", info.threads,
              info.threads_reason, server->service.info.kernels, info.path, info.step_tokens);
    if (options->cache_bytes > 0 && quern_cache_init(&server->service.cache, options->cache_bytes,
                                                     (size_t)server->service.info.dimensions) != QUERN_OK)
        return fail(error, "no memory for the cache");
    if (server->cache_file != NULL)
        load_cache(server, info.path);
    return quern_batcher_init(&server->batcher, (uint64_t)info.step_tokens, (uint64_t)options->queue_tokens) == QUERN_OK
               ? QUERN_OK
               : fail(error, "no memory for the queue");
}

/* The number of threads follows what the machine lets us use. Called by the worker, between steps. */
static void *renew_engine(void *owner, void *engine)
{
    const struct quern_server *server = owner;
    const quern_context_options options = {.size = sizeof options, .path = server->options->path,
                                           .step_tokens = (int)server->batcher.budget};
    quern_context_info before = {.size = sizeof before}, after = {.size = sizeof after};
    quern_context *context = NULL;
    quern_error error = {0};
    int code = quern_context_describe(engine, &before, &error);
    if (code == QUERN_OK)
        code = quern_context_new(&context, server->service.model, &options, &error);
    if (code == QUERN_OK)
        code = quern_context_describe(context, &after, &error);
    const bool is_better = code == QUERN_OK && after.threads != before.threads;
    if (is_better)
        quern_log(server->options, "info", "%d threads (%s)", after.threads, after.threads_reason);
    else if (code != QUERN_OK)
        quern_log(server->options, "error", "%s; threads stay as they were", error.text);
    quern_context_free(is_better ? engine : context);
    return is_better ? context : engine;
}

static int start_worker(struct quern_server *server, quern_error *error)
{
    server->worker.batcher = &server->batcher;
    server->worker.embed = quern_worker_embed;
    server->worker.renew = renew_engine;
    server->worker.owner = server;
    server->worker.width = (size_t)server->service.info.dimensions;
    return quern_worker_start(&server->worker) == QUERN_OK ? QUERN_OK
                                                           : fail(error, "no memory or thread for the worker");
}

static int open_events(struct quern_server *server, quern_error *error)
{
    static const struct {
        int signal;
        event_callback_fn call;
    } table[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}};
    server->worker.finished = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (server->worker.finished < 0)
        return fail(error, strerror(errno));
    server->base = event_base_new();
    if (server->base == NULL)
        return fail(error, "no event loop");
    server->collect = event_new(server->base, server->worker.finished, EV_READ | EV_PERSIST, on_finished, server);
    server->resume = evtimer_new(server->base, on_resume, server);
    server->drained = event_new(server->base, -1, EV_PERSIST, on_drain, server);
    server->watchdog = event_new(server->base, -1, EV_PERSIST, on_watchdog, server);
    if (server->collect == NULL || server->resume == NULL || server->drained == NULL || server->watchdog == NULL)
        return fail(error, "no memory for events");
    server->systemd = quern_systemd_open();
    const int64_t interval = server->systemd.watchdog_us / 2;
    const struct timeval often = {(time_t)(interval / 1000000), (suseconds_t)(interval % 1000000)};
    if (interval > 0)
        event_add(server->watchdog, &often);
    event_add(server->collect, NULL);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        server->signals[i] = evsignal_new(server->base, table[i].signal, table[i].call, server);
        if (server->signals[i] == NULL || event_add(server->signals[i], NULL) != 0)
            return fail(error, "no memory for signals");
    }
    return QUERN_OK;
}

/* The folder of a file's path. */
static const char *folder_of(const char *path, char folder[static PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    const size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    snprintf(folder, PATH_MAX, "%.*s", length > 0 ? (int)length : 1, length > 0 ? path : ".");
    return folder;
}

/* Gives up every right that is not needed from here on. Threads inherit it: so there are none yet. What SIGHUP reads
 * stays readable: the folder of the keys, for a file may be replaced, and where the CPU quota stands. */
static void enter_sandbox(const struct quern_server *server)
{
    char keys[PATH_MAX], sockets[PATH_MAX];
    const struct quern_server_options *options = server->options;
    const char *key_file = options->api_key_file, *path = server->socket_path;
    const struct quern_sandbox sandbox = {
        .readable = {"/proc", "/sys/fs/cgroup", key_file != NULL ? folder_of(key_file, keys) : NULL},
        .removable = path != NULL ? folder_of(path, sockets) : NULL};
    if (options->no_sandbox) {
        quern_log(options, "warn", "sandbox: none, as --no-sandbox says");
        return;
    }
    const struct quern_sandbox_state state = quern_sandbox_enter(&sandbox);
    const bool whole = state.landlock > 0 && state.seccomp_error == 0;
    quern_log(options, whole ? "info" : "warn", "sandbox: Landlock %s%s, seccomp %s%s",
              state.landlock > 0 ? "in force" : "not there: ", state.landlock > 0 ? "" : strerror(state.landlock_error),
              state.seccomp_error == 0 ? "in force" : "not there: ",
              state.seccomp_error == 0 ? "" : strerror(state.seccomp_error));
}

/* As many descriptors as connections want, if the system lets us. */
static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void close_events(struct quern_server *server)
{
    struct event *events[] = {server->collect, server->resume, server->drained, server->watchdog, server->signals[0],
                              server->signals[1], server->signals[2]};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i] != NULL)
            event_free(events[i]);
    if (server->base != NULL)
        event_base_free(server->base);
}

static void end(struct quern_server *server)
{
    quern_worker_stop(&server->worker);
    while (server->first != NULL)
        quern_connection_close(server->first);
    if (server->batcher.budget > 0)
        quern_exchange_collect(server);
    if (server->worker.finished > 0)
        close(server->worker.finished);
    save_cache(server);
    quern_cache_free(&server->service.cache);
    quern_listen_end(server);
    close_events(server);
    quern_systemd_close(&server->systemd);
    if (server->batcher.budget > 0)
        quern_batcher_free(&server->batcher);
    quern_keys_free(&server->keys);
    quern_context_free(server->service.tokenizer);
    quern_context_free(server->worker.engine);
}

int quern_server_run(quern_model *model, const struct quern_server_options *options, quern_error *error)
{
    struct quern_server server = {
        .options = options,
        .systemd.socket = -1,
        .service = {
            .model = model, .options = options, .batcher = &server.batcher, .created = time(NULL),
            .info.size = sizeof server.service.info,
            .tokens.size = sizeof server.service.tokens}};
    char name[128];
    signal(SIGPIPE, SIG_IGN);
    raise_limits();
    int code = quern_keys_load(&server.keys, options->api_key_file, error);
    if (code == QUERN_OK)
        code = open_events(&server, error);
    if (code == QUERN_OK)
        code = quern_listen(&server, error);
    if (code == QUERN_OK && options->cache_file != NULL) {
        server.cache_file = quern_cache_file_open(options->cache_file, error);
        code = server.cache_file != NULL ? QUERN_OK : QUERN_EIO;
    }
    if (code == QUERN_OK) {
        enter_sandbox(&server);
        code = open_contexts(&server, error);
    }
    if (code == QUERN_OK)
        code = start_worker(&server, error);
    if (code == QUERN_OK) {
        quern_listen_name(&server, name);
        quern_log(options, "info", "ready on %s, model %s, %zu API keys", name, options->model_name, server.keys.count);
        quern_systemd_tell(&server.systemd, "READY=1");
        event_base_dispatch(server.base);
        quern_log(options, "info", "ended; %zu requests were not answered", server.service.load.requests);
    }
    end(&server);
    return code;
}
