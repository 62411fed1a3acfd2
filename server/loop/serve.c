/* The server's start, its signals, its end. */
#include "array_count.h"
#include "compute.h"
#include "connection.h"
#include "exchange.h"
#include "indexes.h"
#include "listen.h"
#include "log.h"
#include "sandbox.h"
#include "steps/failure.h"
#include "steps/server_clock.h"

#include "base/system/sockets.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define OTHER_DESCRIPTORS (QUERN_SURPLUS + 32) /* descriptors that are not for connections within the limit */

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
        quern_log(&server->service, "info", "read %zu API keys", server->keys.count);
    else
        quern_log(&server->service, "error", "%s; the old keys stay valid", error.text);
    for (size_t i = 0; server->options->threads == 0 && i < server->service.model_count; i++)
        atomic_store(&server->service.models[i].engine.must_renew, true);
}

/* Tells systemd that the loop runs. Only /ready tells whether the model gives vectors. */
static void on_watchdog(evutil_socket_t descriptor, short what, void *argument)
{
    const struct quern_server *server = argument;
    (void)descriptor;
    (void)what;
    quern_systemd_tell(&server->systemd, "WATCHDOG=1");
}

/* Called at intervals while the server ends: checks whether all accepted requests are answered. */
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
    const struct timeval tick = {0, 20000}, end = quern_clock_interval(server->options->drain_timeout);
    (void)descriptor;
    (void)what;
    if (server->service.draining) { /* the second signal ends it at once */
        event_base_loopbreak(server->base);
        return;
    }
    server->service.draining = true;
    server->stopped_ns = quern_clock_ns();
    quern_systemd_tell(&server->systemd, "STOPPING=1");
    quern_log(&server->service, "info", "ending; %zu requests must still be answered",
              server->service.load.requests);
    event_add(server->drained, &tick);
    event_base_loopexit(server->base, &end);
}

/* ---------------------------------------------------------------- start and end */

static int fail(quern_error *error, const char *what)
{
    return quern_server_fail(error, QUERN_ENOMEM, "cannot start the server: %s", what);
}

static int open_events(struct quern_server *server, quern_error *error)
{
    if (!quern_system_start_sockets() || !quern_bell_open(&server->finished))
        return fail(error, evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    server->base = event_base_new();
    if (server->base == NULL)
        return fail(error, "there is no event loop");
    server->collect = event_new(server->base, server->finished.heard, EV_READ | EV_PERSIST, on_finished, server);
    server->resume = evtimer_new(server->base, on_resume, server);
    server->drained = event_new(server->base, -1, EV_PERSIST, on_drain, server);
    server->watchdog = event_new(server->base, -1, EV_PERSIST, on_watchdog, server);
    if (server->collect == NULL || server->resume == NULL || server->drained == NULL || server->watchdog == NULL ||
        !quern_turns_init(&server->turns, server->base))
        return fail(error, "there is no memory for events");
    server->systemd = quern_systemd_open();
    const int64_t interval = server->systemd.watchdog_us / 2;
    const struct timeval often = {(time_t)(interval / 1000000), (suseconds_t)(interval % 1000000)};
    if (interval > 0)
        event_add(server->watchdog, &often);
    event_add(server->collect, NULL);
    return QUERN_OK;
}

/* Until here a signal ends the process at once. Not every system has all of them. */
static int open_signals(struct quern_server *server, quern_error *error)
{
    static const struct {
        int signal;
        event_callback_fn call;
    } table[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        if (signal(table[i].signal, SIG_DFL) == SIG_ERR)
            continue;
        server->signals[i] = evsignal_new(server->base, table[i].signal, table[i].call, server);
        if (server->signals[i] == NULL || event_add(server->signals[i], NULL) != 0)
            return fail(error, "there is no memory for signals");
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

/* The folder in which an index is replaced: of a link, that of the file which it leads to. */
static const char *folder_of_index(const char *path, char folder[static PATH_MAX])
{
    char real[PATH_MAX];
    return folder_of(realpath(path, real) != NULL ? real : path, folder);
}

/* Gives up every right that is not needed from here on. Threads inherit the sandbox, so none are started before. What
 * SIGHUP reads stays readable: the folder of the keys, because the file may be replaced, and the files with the CPU
 * quota. So do the models, which are loaded later, and the folders of indexes, which may be replaced. Where indexes may
 * be changed, their folders stay writable. */
static int enter_sandbox(struct quern_server *server, quern_error *error)
{
    enum { FOLDERS = 3 };
    char keys[PATH_MAX], sockets[PATH_MAX], text[QUERN_SANDBOX_TEXT];
    const struct quern_server_options *options = server->options;
    const char *key_file = options->api_key_file, *path = server->socket_path;
    const size_t models = server->service.model_count, count = FOLDERS + models + server->service.index_count;
    if (options->no_sandbox) {
        quern_log(&server->service, "warn", "sandbox: none, because of --no-sandbox");
        return QUERN_OK;
    }
    char (*folders)[PATH_MAX] = calloc(server->service.index_count + 1, sizeof *folders);
    const char **readable = calloc(count, sizeof *readable);
    if (readable == NULL || folders == NULL) {
        free(readable);
        free(folders);
        return fail(error, "there is no memory for the sandbox");
    }
    readable[0] = "/proc";
    readable[1] = "/sys/fs/cgroup";
    readable[2] = key_file != NULL ? folder_of(key_file, keys) : NULL;
    for (size_t i = 0; i < models; i++)
        readable[FOLDERS + i] = server->residents.slots[i].given->path;
    for (size_t i = 0; i < server->service.index_count; i++)
        readable[FOLDERS + models + i] = folder_of_index(options->indexes[i].path, folders[i]);
    const struct quern_sandbox_state state = quern_sandbox_enter(&(struct quern_sandbox){
        .readable = readable, .readable_count = count, .removable = path != NULL ? folder_of(path, sockets) : NULL,
        .writable = readable + FOLDERS + models,
        .writable_count = options->index_writable ? server->service.index_count : 0});
    free(readable);
    free(folders);
    quern_sandbox_describe(&state, text);
    if (options->index_writable && state.landlock == 0)
        return quern_server_fail(error, QUERN_EINVAL, "--index-writable needs Landlock, so that nothing but the "
                                 "indexes can be changed (sandbox: %s). Start without it, or with --no-sandbox", text);
    const bool whole = state.landlock > 0 && state.seccomp_error == 0;
    quern_log(&server->service, whole ? "info" : "warn", "sandbox: %s", text);
    return QUERN_OK;
}

/* Raises the limit of open descriptors as far as the system permits. One may permit less than it says: macOS. */
static void raise_limit(rlim_t needed)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    const rlim_t current = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 || current >= needed)
        return;
    limit.rlim_cur = needed;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Takes no more connections than the limit of open descriptors leaves. */
static int limit_connections(struct quern_server *server, quern_error *error)
{
    struct rlimit limit;
    server->most_connections = server->options->max_connections;
    raise_limit((rlim_t)server->most_connections + OTHER_DESCRIPTORS);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return QUERN_OK;
    if (limit.rlim_cur >= (rlim_t)server->most_connections + OTHER_DESCRIPTORS)
        return QUERN_OK;
    if (limit.rlim_cur <= OTHER_DESCRIPTORS)
        return quern_server_fail(error, QUERN_EINVAL, "cannot start the server: it may open %llu files at once, and "
                                 "needs more than %d; see ulimit -n", (unsigned long long)limit.rlim_cur,
                                 OTHER_DESCRIPTORS);
    server->most_connections = (int)(limit.rlim_cur - OTHER_DESCRIPTORS);
    quern_log(&server->service, "warn", "at most %d connections at once, not %d: the limit of open files is %llu "
              "(ulimit -n)", server->most_connections, server->options->max_connections,
              (unsigned long long)limit.rlim_cur);
    return QUERN_OK;
}

static int check_names(const struct quern_server_options *options, quern_error *error)
{
    for (size_t i = 0; i < options->model_count; i++) {
        const bool is_left_out = options->models[i].is_optional && options->model_count > 1; /* if it is wrong */
        const int code = is_left_out ? QUERN_OK : quern_residents_check_name(options, i, error);
        if (code != QUERN_OK)
            return code;
    }
    return QUERN_OK;
}

int quern_server_check(const struct quern_server_options *options, quern_error *error)
{
    struct quern_allowed list = {0};
    int code = check_names(options, error);
    if (code != QUERN_OK)
        return code;
    if (options->index_writable && options->index_count == 0)
        return quern_server_fail(error, QUERN_EINVAL, "--index-writable: it needs --index, the file to change");
    code = quern_origins_read(&list, options->cors_origins, error);
    quern_allowed_free(&list);
    if (code == QUERN_OK)
        code = quern_hosts_read(&list, options->allowed_hosts, error);
    quern_allowed_free(&list);
    return code;
}

static void close_events(struct quern_server *server)
{
    struct event *events[] = {server->collect, server->resume, server->drained, server->watchdog, server->signals[0],
                              server->signals[1], server->signals[2]};
    for (size_t i = 0; i < QUERN_COUNT(events); i++)
        if (events[i] != NULL)
            event_free(events[i]);
    quern_turns_free(&server->turns);
    if (server->base != NULL)
        event_base_free(server->base);
}

static void end(struct quern_server *server)
{
    quern_compute_stop(server);
    quern_indexes_stop(server);
    quern_residents_stop(server);
    while (server->first != NULL)
        quern_connection_close(server->first);
    if (server->batcher.budget > 0)
        quern_exchange_collect(server);
    quern_bell_close(&server->finished);
    quern_residents_close(server);
    quern_compute_close(server);
    quern_indexes_close(server);
    quern_listen_end(server);
    close_events(server);
    quern_systemd_close(&server->systemd);
    quern_keys_free(&server->keys);
    quern_allowed_free(&server->origins);
    quern_allowed_free(&server->hosts);
}

/* What large bodies and answers took goes back to the system as soon as it is freed. By itself, glibc raises the size
 * from which it does so to that of what was freed last, and keeps the rest. */
static void give_memory_back(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 17);
}

/* Reads what is told of who may ask for what. */
static int read_lists(struct quern_server *server, quern_error *error)
{
    int code = quern_origins_read(&server->origins, server->options->cors_origins, error);
    if (code == QUERN_OK)
        code = quern_hosts_read(&server->hosts, server->options->allowed_hosts, error);
    if (code == QUERN_OK)
        code = quern_keys_load(&server->keys, server->options->api_key_file, error);
    return code;
}

static int start(struct quern_server *server, quern_error *error)
{
    static int (*const steps[])(struct quern_server *server, quern_error *error) = {
        limit_connections, read_lists, open_events, quern_listen, quern_residents_open, quern_indexes_check,
        enter_sandbox,
        quern_residents_load_first, quern_compute_open, quern_compute_start, quern_indexes_start,
        quern_residents_start, open_signals};
    int code = QUERN_OK;
    for (size_t i = 0; code == QUERN_OK && i < QUERN_COUNT(steps); i++)
        code = steps[i](server, error);
    return code;
}

/* Runs the loop until a signal ends it. */
static void run(struct quern_server *server)
{
    struct quern_service *service = &server->service;
    char name[128];
    quern_listen_name(server, name);
    quern_log(service, "info", "ready on %s, model %s, %zu API keys", name, service->models[0].name,
              server->keys.count);
    quern_systemd_tell(&server->systemd, "READY=1");
    event_base_dispatch(server->base);
    quern_log(service, "info", "ended; %zu requests were not answered", service->load.requests);
}

int quern_server_run(const struct quern_server_options *options, quern_error *error)
{
    struct quern_server server = {
        .options = options,
        .systemd.socket = -1,
        .service = {
            .options = options, .batcher = &server.batcher, .created = time(NULL)}};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is like a full disk */
    give_memory_back();
    const int code = start(&server, error);
    if (code == QUERN_OK)
        run(&server);
    end(&server);
    return code;
}
