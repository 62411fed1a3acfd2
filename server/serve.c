/* Starting, signals, ending. */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int64_t quern_now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
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
    const double most = server->options->drain_timeout;
    const struct timeval tick = {0, 20000}, end = {(time_t)most, (suseconds_t)((most - (double)(time_t)most) * 1e6)};
    (void)descriptor;
    (void)what;
    if (server->service.draining) { /* told twice */
        event_base_loopbreak(server->base);
        return;
    }
    server->service.draining = true;
    quern_log(server->options, "info", "ending; %zu requests are still to be answered", server->pending_requests);
    event_add(server->drained, &tick);
    event_base_loopexit(server->base, &end);
}

/* ---------------------------------------------------------------- start and end */

static int open_contexts(struct quern_server *server, quern_error *error)
{
    const struct quern_server_options *options = server->options;
    const quern_context_options engine = {.size = sizeof engine, .threads = options->threads, .path = options->path,
                                          .step_tokens = options->step_tokens};
    const quern_context_options tokenizer = {.size = sizeof tokenizer, .threads = 1};
    quern_context_info info = {.size = sizeof info};
    int code = quern_context_new(&server->engine, server->service.model, &engine, error);
    if (code == QUERN_OK)
        code = quern_context_new(&server->service.tokenizer, server->service.model,
                                 &tokenizer, error);
    if (code == QUERN_OK)
        code = quern_model_describe(server->service.model, &server->service.info, error);
    if (code == QUERN_OK)
        code = quern_context_describe(server->engine, &info, error);
    if (code != QUERN_OK)
        return code;
    quern_log(options, "info", "%d threads (%s), kernels %s, path %s, steps of %d tokens", info.threads,
              info.threads_reason, server->service.info.kernels, info.path, info.step_tokens);
    return quern_batcher_init(&server->batcher, (uint64_t)info.step_tokens, (uint64_t)options->queue_tokens) == QUERN_OK
               ? QUERN_OK
               : fail(error, "no memory for the queue");
}

static int start_worker(struct quern_server *server, quern_error *error)
{
    server->worker = (struct quern_worker){.batcher = &server->batcher, .embed = quern_worker_embed,
                                           .engine = server->engine, .finished = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                                           .width = (size_t)server->service.info.dimensions};
    if (server->worker.finished < 0)
        return fail(error, strerror(errno));
    return quern_worker_start(&server->worker) == QUERN_OK ? QUERN_OK
                                                           : fail(error, "no memory or thread for the worker");
}

static int open_events(struct quern_server *server, quern_error *error)
{
    static const struct {
        int signal;
        event_callback_fn call;
    } table[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}};
    server->base = event_base_new();
    if (server->base == NULL)
        return fail(error, "no event loop");
    server->collect = event_new(server->base, server->worker.finished, EV_READ | EV_PERSIST, on_finished, server);
    server->resume = evtimer_new(server->base, on_resume, server);
    server->drained = event_new(server->base, -1, EV_PERSIST, on_drain, server);
    if (server->collect == NULL || server->resume == NULL || server->drained == NULL)
        return fail(error, "no memory for events");
    event_add(server->collect, NULL);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        server->signals[i] = evsignal_new(server->base, table[i].signal, table[i].call, server);
        if (server->signals[i] == NULL || event_add(server->signals[i], NULL) != 0)
            return fail(error, "no memory for signals");
    }
    return QUERN_OK;
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
    struct event *events[] = {server->collect, server->resume, server->drained, server->signals[0], server->signals[1],
                              server->signals[2]};
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
    if (server->worker.finished > 0) {
        quern_exchange_collect(server);
        close(server->worker.finished);
    }
    quern_listen_end(server);
    close_events(server);
    if (server->batcher.budget > 0)
        quern_batcher_free(&server->batcher);
    quern_keys_free(&server->keys);
    quern_context_free(server->service.tokenizer);
    quern_context_free(server->engine);
}

int quern_server_run(quern_model *model, const struct quern_server_options *options, quern_error *error)
{
    struct quern_server server = {
        .options = options,
        .service = {
            .model = model, .options = options, .created = time(NULL), .info.size = sizeof server.service.info}};
    char name[128];
    signal(SIGPIPE, SIG_IGN);
    raise_limits();
    int code = quern_keys_load(&server.keys, options->api_key_file, error);
    if (code == QUERN_OK)
        code = open_contexts(&server, error);
    if (code == QUERN_OK)
        code = start_worker(&server, error);
    if (code == QUERN_OK)
        code = open_events(&server, error);
    if (code == QUERN_OK)
        code = quern_listen(&server, error);
    if (code == QUERN_OK) {
        quern_listen_name(&server, name);
        quern_log(options, "info", "ready on %s, model %s, %zu API keys", name, options->model_name, server.keys.count);
        event_base_dispatch(server.base);
        quern_log(options, "info", "ended; %zu requests were not answered", server.pending_requests);
    }
    end(&server);
    return code;
}
