/* What operators of `quern serve` rely on, from end to end, on a tiny model.
 * usage: test_serve_operation QUERN */
#include "base/count.h"
#include "http_client.h"
#include "trial.h"

#include "base/system/budget.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static const char *command;
static char model_path[TRIAL_PATH];
static const char *const no_options[] = {NULL};

#define ONE "{\"model\":\"m\",\"input\":\"a red apple\"}"
#define THREE "{\"model\":\"m:query\",\"input\":[\"a\",\"b\",\"c\"]}"

static void start(struct served *server, const char *const *options)
{
    if (!served_start(server, command, model_path, options))
        fail_msg("no server");
}

/* Starts a server with a shell script that finds the command's path in $QUERN_TESTED. False: it ended instead. */
static bool start_by_script(struct served *server, const char *script)
{
    char path[TRIAL_PATH + 16];
    snprintf(path, sizeof path, "%s.sh", model_path);
    FILE *file = fopen(path, "we");
    fputs(script, file);
    fclose(file);
    chmod(path, 0700);
    setenv("QUERN_TESTED", command, 1);
    const bool started = served_start(server, path, model_path, no_options);
    unlink(path);
    return started;
}

static void ask(const struct served *server, const char *path, const char *body, int status)
{
    struct reply reply;
    client_ask(server, path, "", body, &reply);
    if (reply.status != status)
        fail_msg("%s: %d %s", path, reply.status, reply.body != NULL ? reply.body : "");
    reply_free(&reply);
}

/* ---------------------------------------------------------------- metrics */

/* The value of a sample, given with its labels; -1: there is none. */
static double metric(const struct served *server, const char *name)
{
    char line[256];
    struct reply reply;
    client_ask(server, "/metrics", "", NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.head, "Content-Type: text/plain; version=0.0.4"));
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(reply.body, line);
    const double value = at != NULL ? strtod(at + strlen(line), NULL) : -1;
    reply_free(&reply);
    return value;
}

static void assert_metric(const struct served *server, const char *name, double value)
{
    const double got = metric(server, name);
    if (!(got >= value && got <= value))
        fail_msg("%s is %g, not %g", name, got, value);
}

static void test_metrics_add_up(void **state)
{
    (void)state;
    struct served server;
    start(&server, no_options);
    for (int i = 0; i < 3; i++)
        ask(&server, "/v1/embeddings", ONE, 200);
    ask(&server, "/v1/embeddings", THREE, 200);
    ask(&server, "/v1/embeddings", "{}", 400);
    ask(&server, "/nothing", NULL, 404);
    ask(&server, "/v1/models", NULL, 200);
    assert_metric(&server, "quern_requests_total{method=\"POST\",route=\"/v1/embeddings\",status=\"200\"}", 4);
    assert_metric(&server, "quern_requests_total{method=\"POST\",route=\"/v1/embeddings\",status=\"400\"}", 1);
    assert_metric(&server, "quern_requests_total{method=\"-\",route=\"-\",status=\"404\"}", 1);
    assert_metric(&server, "te_request_count{method=\"single\"}", 4);
    assert_metric(&server, "te_request_success{method=\"single\"}", 3);
    assert_metric(&server, "te_request_success{method=\"batch\"}", 1);
    assert_metric(&server, "te_request_failure{err=\"validation\"}", 1);
    assert_metric(&server, "te_embed_count", 6);
    assert_metric(&server, "quern_texts_without_prompt_total", 3);
    assert_metric(&server, "te_request_queue_duration_count", 4);
    assert_metric(&server, "te_request_inference_duration_count", 4);
    assert_metric(&server, "te_batch_next_size_sum", 6);
    assert_metric(&server, "te_queue_size", 0);
    assert_metric(&server, "quern_pending_requests", 1); /* this request */
    assert_true(metric(&server, "quern_tokens_total") > 6);
    assert_metric(&server, "te_batch_next_tokens_sum", metric(&server, "quern_tokens_total"));
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

static void test_a_port_that_is_taken_is_named(void **state)
{
    (void)state;
    char port[16], line[64];
    const char *const options[] = {"--port", port, NULL};
    struct served server, second;
    start(&server, no_options);
    snprintf(port, sizeof port, "%d", server.port);
    snprintf(line, sizeof line, "port %d: Address already in use; choose another with --port", server.port);
    assert_false(served_start(&second, command, model_path, options));
    assert_true(served_logs(&second, line));
    assert_int_equal(served_end(&second, 0), 1);
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

static void test_metrics_want_the_key(void **state)
{
    (void)state;
    struct served server;
    struct reply reply;
    setenv("QUERN_API_KEY", "key", 1);
    start(&server, no_options);
    unsetenv("QUERN_API_KEY");
    ask(&server, "/metrics", NULL, 401);
    client_ask(&server, "/metrics", "Authorization: Bearer key\r\n", NULL, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

/* ---------------------------------------------------------------- the log */

static void test_a_request_has_a_line(void **state)
{
    (void)state;
    static const char *const options[] = {"--log-format", "json", "--model-name", "two\nlines", NULL};
    static const char *const parts[] = {
        "\"level\":\"info\",\"method\":\"POST\",\"path\":\"/v1/embeddings\",\"status\":200,\"ms\":", "\"queue_ms\":",
        "\"compute_ms\":", "\"texts\":3,\"tokens\":", "\"bytes\":", "\"id\":\"an-id\"}"};
    struct served server;
    struct reply reply;
    start(&server, options);
    client_ask(&server, "/v1/embeddings", "X-Request-Id: an-id\r\n", THREE, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    for (size_t i = 0; i < QUERN_COUNT(parts); i++)
        assert_true(served_logs(&server, parts[i]));
    assert_true(served_logs(&server, "model two?lines"));
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

/* Starts a server, and stops reading its log after the line that says it is ready. */
static bool start_with_deaf_reader(struct served *server)
{
    static const char script[] =
        "#!/bin/sh\nmkfifo \"$0.fifo\"\n"
        "{ while read -r line; do echo \"$line\" >&2\n"
        "case $line in *'ready on'*) rm \"$0.fifo\"; exec sleep 30; esac; done\n"
        "} <\"$0.fifo\" >/dev/null &\n"
        "exec \"$QUERN_TESTED\" \"$@\" 2>\"$0.fifo\"\n";
    return start_by_script(server, script);
}

static void test_a_full_log_stops_nobody(void **state)
{
    (void)state;
    struct served server;
    assert_true(start_with_deaf_reader(&server));
    for (int i = 0; i < 800; i++) /* a pipe holds about 500 lines */
        ask(&server, "/health", NULL, 200);
    assert_true(metric(&server, "quern_log_lines_left_out_total") > 0);
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

/* ---------------------------------------------------------------- the cache */

static const char *const with_cache[] = {"--cache", "1M", NULL};

/* The same texts, in another order and with other options, are computed once. The answers are the same, to the bit, as
 * those of a server that keeps no vectors. */
static void test_vectors_are_kept(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"model\":\"m:query\",\"input\":[\"one\",\"two\",\"one\",\"three\"]}",
        "{\"model\":\"m:query\",\"input\":[\"two\",\"four\"]}",
        "{\"model\":\"m:query\",\"input\":\"four\",\"dimensions\":16}",
        "{\"model\":\"m:query\",\"input\":[\"three\",\"one\"],\"normalize\":false}",
        "{\"model\":\"m:document\",\"input\":\"one\"}", /* other tokens */
    };
    struct served plain, keeps;
    start(&plain, no_options);
    start(&keeps, with_cache);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < QUERN_COUNT(bodies); i++) {
            struct reply expected, got;
            client_ask(&plain, "/v1/embeddings", "Accept: application/octet-stream\r\n", bodies[i], &expected);
            client_ask(&keeps, "/v1/embeddings", "Accept: application/octet-stream\r\n", bodies[i], &got);
            assert_int_equal(got.status, 200);
            assert_int_equal(got.length, expected.length);
            assert_memory_equal(got.body, expected.body, got.length);
            reply_free(&expected);
            reply_free(&got);
        }
    assert_metric(&keeps, "quern_cache_misses_total", 5);
    assert_metric(&keeps, "quern_cache_entries", 5);
    assert_metric(&keeps, "quern_cache_joined_total", 1);
    assert_metric(&keeps, "quern_cache_hits_total", 4 + 10);
    assert_metric(&keeps, "te_embed_success", 20);
    assert_metric(&plain, "quern_cache_entries", -1);
    assert_int_equal(served_end(&plain, SIGTERM), 0);
    assert_int_equal(served_end(&keeps, SIGTERM), 0);
}

static void test_vectors_outlive_the_server(void **state)
{
    (void)state;
    char path[TRIAL_PATH + 16];
    struct served server, second;
    snprintf(path, sizeof path, "%s.cache", model_path);
    const char *const options[] = {"--cache", "1M", "--cache-file", path, NULL};
    start(&server, options);
    ask(&server, "/v1/embeddings", THREE, 200);
    assert_false(served_start(&second, command, model_path, options));
    assert_true(served_logs(&second, "another server uses it"));
    assert_int_equal(served_end(&second, 0), 1);
    assert_int_equal(served_end(&server, SIGTERM), 0);
    for (int run = 0; run < 2; run++) {
        start(&server, options);
        assert_true(served_logs(&server, "read 3 vectors from"));
        ask(&server, "/v1/embeddings", THREE, 200);
        assert_metric(&server, "quern_cache_hits_total", 3);
        assert_metric(&server, "quern_cache_misses_total", 0);
        assert_int_equal(served_end(&server, run == 0 ? SIGKILL : SIGTERM), run == 0 ? -1 : 0);
    }
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    assert_int_equal(fseek(file, 200, SEEK_SET), 0);
    assert_int_equal(fputs("damage", file) >= 0 && fclose(file) == 0, true);
    start(&server, options);
    assert_true(served_logs(&server, "is damaged, or was written with another model, CPU or path; the cache starts "
                            "empty"));
    ask(&server, "/v1/embeddings", THREE, 200);
    assert_int_equal(served_end(&server, SIGTERM), 0);
    unlink(path);

    const char *const alone[] = {"--cache-file", path, NULL};
    const char *const folder[] = {"--cache", "1M", "--cache-file", "/", NULL};
    assert_false(served_start(&server, command, model_path, alone));
    assert_int_equal(served_end(&server, 0), 2);
    assert_false(served_start(&server, command, model_path, folder));
    assert_true(served_logs(&server, "cannot use '/' to keep the cache: it is a folder; name a file in it"));
    assert_int_equal(served_end(&server, 0), 1);
    const char *const keys[] = {"--api-key-file", "/", NULL};
    assert_false(served_start(&server, command, model_path, keys));
    assert_true(served_logs(&server, "cannot read the keys of /: it is a folder; name a file in it"));
    assert_int_equal(served_end(&server, 0), 1);
}

/* Many clients ask for the same at once; half of them leave, or allow little time. */
static void test_texts_in_flight_are_shared(void **state)
{
    (void)state;
    enum { CLIENTS = 24, ROUNDS = 12 };
    struct served server;
    struct reply reply;
    start(&server, with_cache);
    for (int round = 0; round < ROUNDS; round++) {
        int clients[CLIENTS];
        char body[512];
        snprintf(body, sizeof body,
                 "{\"model\":\"m:query\",\"input\":[\"round %d\",\"a longer text, which takes a while, %d\",\"c %d\"]}",
                 round, round, round % 3);
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = client_connect(&server);
            client_post(clients[i], "/v1/embeddings", i % 4 == 1 ? "X-Timeout-Ms: 1\r\n" : "", body);
            if (i % 4 == 0)
                close(clients[i]); /* also the first, whose request computes for all */
        }
        for (int i = 0; i < CLIENTS; i++) {
            if (i % 4 == 0)
                continue;
            client_read(clients[i], &reply);
            if (reply.status != 200 && !(i % 4 == 1 && reply.status == 503))
                fail_msg("%d: %d %s", i, reply.status, reply.body != NULL ? reply.body : "");
            reply_free(&reply);
            close(clients[i]);
        }
    }
    assert_metric(&server, "te_queue_size", 0);
    assert_metric(&server, "quern_pending_requests", 1);
    const double missed = metric(&server, "quern_cache_misses_total");
    if (!(missed >= 27 && missed < ROUNDS * CLIENTS * 3 / 2.0))
        fail_msg("%g texts computed", missed);
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

/* ---------------------------------------------------------------- the page */

#define BROWSER "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"

static void test_browsers_get_the_page(void **state)
{
    (void)state;
    struct served server;
    struct reply reply;
    char known[128] = "";
    setenv("QUERN_API_KEY", "key", 1); /* the page asks its user for it */
    start(&server, no_options);
    unsetenv("QUERN_API_KEY");
    client_ask(&server, "/", BROWSER, NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_memory_equal(reply.body, "<!doctype html>", 15);
    assert_non_null(strstr(reply.head, "Content-Type: text/html; charset=utf-8\r\n"));
    assert_non_null(strstr(reply.head, "Content-Security-Policy: default-src 'none'; script-src 'self';"));
    assert_non_null(strstr(reply.head, "Vary: Accept\r\n"));
    const char *tag = strstr(reply.head, "ETag: ");
    assert_non_null(tag);
    snprintf(known, sizeof known, "%sIf-None-Match: %.*s\r\n", BROWSER, (int)strcspn(tag + 6, "\r"), tag + 6);
    reply_free(&reply);

    const int client = client_connect(&server);
    client_print(client, "GET / HTTP/1.1\r\nHost: localhost\r\n%s\r\n", known);
    char head[2048] = "";
    for (size_t i = 0; i + 1 < sizeof head && strstr(head, "\r\n\r\n") == NULL; i++)
        assert_int_equal(read(client, head + i, 1), 1);
    assert_non_null(strstr(head, "HTTP/1.1 304 Not Modified\r\n"));
    assert_null(strstr(head, "Content-Length"));
    client_print(client, "GET /page/app.js HTTP/1.1\r\nHost: localhost\r\n\r\n"); /* a 304 has no body */
    client_read(client, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.head, "Content-Type: text/javascript; charset=utf-8\r\n"));
    assert_true(reply.length > 100);
    reply_free(&reply);
    close(client);

    ask(&server, "/page/nothing", NULL, 404);
    client_ask(&server, "/", "Accept: application/json\r\n", NULL, &reply);
    assert_true(reply.body == NULL || strstr(reply.body, "<html") == NULL);
    reply_free(&reply);
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

/* ---------------------------------------------------------------- the CPU budget */

/* Counts the threads of the server, and those of them that have a seccomp filter. */
static void count_threads(const struct served *server, int *threads, int *filtered)
{
    char line[128];
    FILE *file;
    snprintf(line, sizeof line, "cat /proc/%d/task/*/status", (int)server->pid);
    file = popen(line, "re");
    *threads = *filtered = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        *threads += strncmp(line, "Name:", 5) == 0;
        *filtered += strcmp(line, "Seccomp:\t2\n") == 0;
    }
    pclose(file);
}

/* Limits every thread of a process to one CPU. */
static void set_cpus(pid_t pid, const cpu_set_t *cpus)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        if (entry->d_name[0] != '.')
            sched_setaffinity((pid_t)atoi(entry->d_name), sizeof *cpus, cpus);
    closedir(folder);
}

static void test_threads_follow_the_budget(void **state)
{
    (void)state;
    struct served server;
    cpu_set_t all, one;
    int before, threads, filtered;
    char reason[256];
    if (quern_cpu_budget(reason, sizeof reason) < 2) /* affinity or quota allow one CPU only */
        skip();
    CPU_ZERO(&one);
    sched_getaffinity(0, sizeof all, &all);
    for (int i = 0; CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    start(&server, no_options);
    count_threads(&server, &before, &filtered);
    set_cpus(server.pid, &one);
    kill(server.pid, SIGHUP);
    assert_true(served_logs(&server, "read 0 API keys"));
    ask(&server, "/v1/embeddings", ONE, 200);
    assert_true(served_logs(&server, "info 1 threads (1 CPU"));
    count_threads(&server, &threads, &filtered);
    assert_true(threads < before);
    set_cpus(server.pid, &all);
    kill(server.pid, SIGHUP);
    for (int i = 0; i < 1000 && threads != before; i++) { /* until the signal is handled */
        ask(&server, "/v1/embeddings", THREE, 200);
        count_threads(&server, &threads, &filtered);
    }
    assert_int_equal(threads, before);
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

/* ---------------------------------------------------------------- the sandbox */

static void test_the_sandbox_holds_every_thread(void **state)
{
    (void)state;
    char keys[] = "/tmp/quern-keys-XXXXXX", host[TRIAL_PATH + 16];
    if (getenv("QUERN_NO_SANDBOX") != NULL)
        skip();
    const int file = mkstemp(keys);
    snprintf(host, sizeof host, "unix:%s.sock", model_path);
    const char *const options[] = {"--host", host, "--api-key-file", keys, "--threads", "3", NULL};
    struct served server;
    struct reply reply;
    int threads, filtered;
    dprintf(file, "first\n");
    start(&server, options);
    count_threads(&server, &threads, &filtered);
    assert_in_range(threads, 4, 5);
    if (served_logs(&server, "seccomp in force"))
        assert_int_equal(filtered, threads);
    const int client = client_connect_unix(host + 5);
    client_post(client, "/v1/embeddings", "X-Api-Key: first\r\n", ONE);
    client_read(client, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    close(client);

    /* A new file in its place, as when keys are rotated, is read too. */
    char fresh[] = "/tmp/quern-keys-XXXXXX";
    const int fresh_file = mkstemp(fresh);
    dprintf(fresh_file, "second\nthird\n");
    assert_int_equal(rename(fresh, keys), 0);
    kill(server.pid, SIGHUP);
    assert_true(served_logs(&server, "read 2 API keys"));
    assert_int_equal(served_end(&server, SIGTERM), 0);
    assert_int_equal(access(host + 5, F_OK), -1); /* the socket's file was removed */
    unlink(keys);
    close(file);
    close(fresh_file);
}

static void test_the_sandbox_can_be_left_out(void **state)
{
    (void)state;
    static const char *const options[] = {"--no-sandbox", NULL};
    struct served server;
    int threads, filtered;
    start(&server, options);
    assert_true(served_logs(&server, " warn sandbox: none"));
    count_threads(&server, &threads, &filtered);
    assert_int_equal(filtered, 0);
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

/* ---------------------------------------------------------------- systemd */

/* The next message of the server to systemd. */
static void assert_told(int notified, const char *expected)
{
    char message[64] = "";
    struct pollfd wanted = {.fd = notified, .events = POLLIN};
    assert_int_equal(poll(&wanted, 1, 60000), 1);
    assert_true(recv(notified, message, sizeof message - 1, 0) > 0);
    assert_string_equal(message, expected);
}

/* A socket that listens at path; '@' at its beginning stands for an abstract address. */
static int notify_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    strcpy(address.sun_path, path);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(notified, (const struct sockaddr *)(const void *)&address, size), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    return notified;
}

static void test_systemd_hears_how_it_goes(void **state)
{
    (void)state;
    char path[TRIAL_PATH + 16];
    struct served server;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, i == 0 ? "%s.notify" : "@%s", model_path);
        const int notified = notify_socket(path);
        setenv("WATCHDOG_USEC", "40000", 1);
        start(&server, no_options);
        assert_told(notified, "READY=1");
        assert_told(notified, "WATCHDOG=1");
        assert_told(notified, "WATCHDOG=1");
        unsetenv("WATCHDOG_USEC");
        assert_int_equal(served_end(&server, SIGTERM), 0);
        unlink(path);
        close(notified);
    }
    snprintf(path, sizeof path, "%s.notify", model_path);
    const int notified = notify_socket(path);
    setenv("WATCHDOG_USEC", "40000", 1);
    setenv("WATCHDOG_PID", "1", 1); /* meant for another process */
    start(&server, no_options);
    assert_told(notified, "READY=1");
    assert_int_equal(served_end(&server, SIGTERM), 0);
    assert_told(notified, "STOPPING=1");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    unsetenv("NOTIFY_SOCKET");
    unlink(path);
    close(notified);
}

/* Starts a server that finds descriptor as number 3, for itself. Between fork and exec its id is not known to the
 * environment; a shell tells it. */
static bool start_with_socket(struct served *server, int descriptor, const char *count)
{
    if (descriptor != 3) {
        assert_int_equal(dup2(descriptor, 3), 3);
        close(descriptor);
    }
    setenv("LISTEN_FDS", count, 1);
    const bool started = start_by_script(server, "#!/bin/sh\nLISTEN_PID=$$ exec \"$QUERN_TESTED\" \"$@\"\n");
    unsetenv("LISTEN_FDS");
    close(3);
    return started;
}

static int listening_socket(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)(void *)address, length), 0);
    assert_int_equal(listen(descriptor, 16), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)(void *)address, &length), 0);
    return descriptor;
}

static void test_systemd_hands_over_a_socket(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct served server;
    assert_int_equal(fcntl(3, F_GETFD), -1); /* the test itself has none */
    assert_true(start_with_socket(&server, listening_socket(&address), "1"));
    assert_int_equal(server.port, ntohs(address.sin_port));
    ask(&server, "/v1/embeddings", ONE, 200);
    assert_int_equal(served_end(&server, SIGTERM), 0);

    address = (struct sockaddr_in){.sin_family = AF_INET};
    assert_false(start_with_socket(&server, listening_socket(&address), "1")); /* reachable, without a key */
    assert_true(served_logs(&server, "--insecure"));
    assert_int_equal(served_end(&server, 0), 1);

    assert_false(start_with_socket(&server, socket(AF_INET, SOCK_STREAM, 0), "1"));
    assert_true(served_logs(&server, "ListenStream"));
    assert_int_equal(served_end(&server, 0), 1);

    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_false(start_with_socket(&server, listening_socket(&address), "2"));
    assert_true(served_logs(&server, "exactly one"));
    assert_int_equal(served_end(&server, 0), 1);

    setenv("LISTEN_PID", "1", 1); /* meant for another process */
    setenv("LISTEN_FDS", "1", 1);
    start(&server, no_options);
    ask(&server, "/health", NULL, 200);
    assert_int_equal(served_end(&server, SIGTERM), 0);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
}

/* ---------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    const struct quern_recipe recipe = trial_recipe(8 /* Q8_0 */, true);
    trial_make(model_path, &recipe);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(model_path);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_add_up),
        cmocka_unit_test(test_a_port_that_is_taken_is_named),
        cmocka_unit_test(test_metrics_want_the_key),
        cmocka_unit_test(test_a_request_has_a_line),
        cmocka_unit_test(test_a_full_log_stops_nobody),
        cmocka_unit_test(test_vectors_are_kept),
        cmocka_unit_test(test_vectors_outlive_the_server),
        cmocka_unit_test(test_texts_in_flight_are_shared),
        cmocka_unit_test(test_browsers_get_the_page),
        cmocka_unit_test(test_threads_follow_the_budget),
        cmocka_unit_test(test_the_sandbox_holds_every_thread),
        cmocka_unit_test(test_the_sandbox_can_be_left_out),
        cmocka_unit_test(test_systemd_hears_how_it_goes),
        cmocka_unit_test(test_systemd_hands_over_a_socket),
    };
    if (argc != 2)
        return 2;
    command = argv[1];
    return cmocka_run_group_tests(tests, setup, teardown);
}
