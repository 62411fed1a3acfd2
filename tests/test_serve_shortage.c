/* What `quern serve` does when something runs out or breaks: connections, descriptors, memory, disk, the model's file.
 * Whoever asks gets status 429 or 503 with Retry-After, the log has a line, and the server is well afterwards.
 * usage: test_serve_shortage QUERN */
#include "base/count.h"
#include "gguf/gguf.h"
#include "http_client.h"
#include "trial.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define WHERE "/v1/embeddings"
#define BODY "{\"model\":\"m\",\"input\":\"a red apple\"}"

static const char *command;
static char model_path[TRIAL_PATH];

static void start(struct served *server, const char *const *options)
{
    if (!served_start(server, command, model_path, options))
        fail_msg("no server");
}

/* Starts a server under a limit of the shell. */
static bool start_limited(struct served *server, const char *limit, const char *const *options)
{
    char path[TRIAL_PATH + 16];
    snprintf(path, sizeof path, "%s.sh", model_path);
    FILE *file = fopen(path, "we");
    fprintf(file, "#!/bin/sh\nulimit %s\nexec \"$QUERN_TESTED\" \"$@\"\n", limit);
    fclose(file);
    chmod(path, 0700);
    setenv("QUERN_TESTED", command, 1);
    const bool started = served_start(server, path, model_path, options);
    unsetenv("QUERN_TESTED");
    unlink(path);
    return started;
}

static void ask(const struct served *server, const char *path, const char *body, int status, const char *text)
{
    struct reply reply;
    client_ask(server, path, "", body, &reply);
    if (reply.status != status || strstr(reply.body, text) == NULL ||
        (status == 503 && strstr(reply.head, "Retry-After: 1\r\n") == NULL))
        fail_msg("%s: %d %s, not %d", path, reply.status, reply.body != NULL ? reply.body : "", status);
    reply_free(&reply);
}

/* ---------------------------------------------------------------- connections */

/* Opens connections that are busy: with a part of a head. */
static void fill(const struct served *server, int *clients, int count)
{
    for (int i = 0; i < count; i++) {
        clients[i] = client_connect(server);
        client_print(clients[i], "GET /health HTTP/1.1\r\n");
    }
    usleep(50000);
}

static void assert_full(const struct served *server, int most)
{
    int clients[16];
    fill(server, clients, most);
    ask(server, "/health", NULL, 503, "no memory or connection left");
    assert_true(served_logs(server, " warn the server has no memory or connection left"));
    for (int i = 0; i < most; i++)
        close(clients[i]);
    ask(server, WHERE, BODY, 200, "\"usage\"");
}

static void test_connections_run_out(void **state)
{
    (void)state;
    static const char *const options[] = {"--max-connections", "4", NULL};
    struct served server;
    start(&server, options);
    assert_full(&server, 4);
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

static void health(int client)
{
    struct reply reply;
    client_print(client, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_read(client, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
}

/* The connection that has been without a request for the longest time makes room, not the oldest one. */
static void test_the_longest_idle_one_closes(void **state)
{
    (void)state;
    static const char *const options[] = {"--max-connections", "4", NULL};
    struct served server;
    start(&server, options);
    const int first = client_connect(&server), second = client_connect(&server), third = client_connect(&server);
    health(second);
    health(third);
    health(first);
    const int fourth = client_connect(&server);
    health(fourth);
    assert_true(client_is_closed(second));
    health(third);
    health(first);
    close(first);
    close(second);
    close(third);
    close(fourth);
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

static void test_descriptors_run_out(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    struct served server;
    assert_true(start_limited(&server, "-n 70", none));
    assert_true(served_logs(&server, "at most 6 connections at once, not 512: the limit of open files is 70"));
    assert_full(&server, 6);
    assert_int_equal(served_end(&server, SIGTERM), 0);

    assert_false(start_limited(&server, "-n 60", none));
    assert_true(served_logs(&server, "it may open 60 files at once, and needs more than 64"));
    assert_int_equal(served_end(&server, 0), 1);
}

/* The limit is lowered while the server runs, so that accepting a connection fails. */
static void test_descriptors_run_out_later(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    const struct rlimit low = {24, 24};
    struct rlimit before;
    struct served server;
    int clients[16];
    start(&server, none);
    assert_int_equal(prlimit(server.pid, RLIMIT_NOFILE, &low, &before), 0);
    fill(&server, clients, 16);
    assert_true(served_logs(&server, " warn cannot accept a connection beside "));
    for (int i = 0; i < 16; i++)
        close(clients[i]);
    ask(&server, WHERE, BODY, 200, "\"usage\"");
    assert_int_equal(served_end(&server, SIGTERM), 0);
}

/* ---------------------------------------------------------------- memory and disk */

/* The memory that a process has mapped, in bytes. */
static rlim_t mapped_bytes(pid_t pid)
{
    char path[64];
    unsigned long long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    assert_int_equal(fscanf(file, "%llu", &pages), 1);
    fclose(file);
    return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    enum { LARGE = 14 << 20 };
    static const char *const none[] = {NULL};
    struct served server;
    struct reply reply;
    struct rlimit before, low;
    if (getenv("QUERN_NO_SANDBOX") != NULL)
        skip(); /* sanitizers map more than any limit */
    char *large = malloc(LARGE + 1);
    memset(large, ' ', LARGE);
    large[LARGE] = '\0';
    start(&server, none);
    ask(&server, WHERE, BODY, 200, "\"usage\"");
    assert_int_equal(prlimit(server.pid, RLIMIT_AS, NULL, &before), 0);
    low = (struct rlimit){mapped_bytes(server.pid) + (4 << 20), before.rlim_max};
    assert_int_equal(prlimit(server.pid, RLIMIT_AS, &low, NULL), 0);
    for (int i = 0; i < 3; i++) {
        client_ask(&server, WHERE, "", large, &reply);
        if (reply.status != 429 || strstr(reply.head, "Retry-After: 1\r\n") == NULL)
            fail_msg("%d %s", reply.status, reply.body != NULL ? reply.body : "");
        reply_free(&reply);
        ask(&server, WHERE, BODY, 200, "\"usage\""); /* others have what they need */
    }
    assert_true(served_logs(&server, " warn the server has no memory left for requests"));
    assert_int_equal(prlimit(server.pid, RLIMIT_AS, &before, NULL), 0);
    ask(&server, WHERE, large, 400, "");
    assert_int_equal(served_end(&server, SIGTERM), 0);
    free(large);
}

/* Neither the log nor the file of the cache may grow beyond 2 KiB. */
static void test_disk_runs_out(void **state)
{
    (void)state;
    char path[TRIAL_PATH + 16];
    snprintf(path, sizeof path, "%s.cache", model_path);
    const char *const options[] = {"--cache", "1M", "--cache-file", path, NULL};
    struct served server;
    struct reply reply;
    assert_true(start_limited(&server, "-f 4", options));
    for (int i = 0; i < 40; i++) {
        char body[64];
        snprintf(body, sizeof body, "{\"model\":\"m\",\"input\":\"text %d\"}", i);
        ask(&server, WHERE, body, 200, "\"usage\"");
    }
    client_ask(&server, "/metrics", "", NULL, &reply);
    assert_non_null(strstr(reply.body, "\nquern_log_lines_left_out_total "));
    assert_null(strstr(reply.body, "\nquern_log_lines_left_out_total 0\n"));
    reply_free(&reply);
    assert_int_equal(served_end(&server, SIGTERM), 0);

    start(&server, options); /* what was written in part is not read */
    assert_true(served_logs(&server, "the cache starts empty"));
    ask(&server, WHERE, BODY, 200, "\"usage\"");
    assert_int_equal(served_end(&server, SIGTERM), 0);
    unlink(path);
}

/* ---------------------------------------------------------------- the model's file */

static void copy_model(const char *path)
{
    char line[4 * TRIAL_PATH];
    snprintf(line, sizeof line, "cp %s %s", model_path, path);
    assert_int_equal(system(line), 0);
    usleep(20000); /* the clock of file systems has ticks */
}

/* Changes the model in place: writes one of its bytes again, or cuts it off. */
static void test_a_model_that_is_written_to(void **state)
{
    (void)state;
    char path[TRIAL_PATH + 8];
    snprintf(path, sizeof path, "%s.copy", model_path);
    const char *const options[] = {"-m", path, "--cache", "1M", NULL};
    struct served server;
    char byte;
    for (int cuts = 0; cuts < 2; cuts++) {
        copy_model(path);
        start(&server, options);
        ask(&server, WHERE, BODY, 200, "\"usage\"");
        const int file = open(path, O_RDWR | O_CLOEXEC);
        if (cuts)
            assert_int_equal(ftruncate(file, 10000), 0);
        else
            assert_true(pread(file, &byte, 1, 9000) == 1 && pwrite(file, &byte, 1, 9000) == 1);
        close(file);
        ask(&server, "/ready", NULL, 503, "cut off or written to");
        ask(&server, WHERE, BODY, 503, "cut off or written to"); /* also for vectors of the cache */
        ask(&server, "/tokenize", "{\"content\":\"a\"}", 503, "cut off or written to");
        ask(&server, "/health", NULL, 200, "ok");
        assert_true(served_logs(&server, path));
        assert_true(served_logs(&server, cuts ? "was cut off" : "was written to while it was in use"));
        assert_int_equal(served_end(&server, SIGTERM), 0);
    }
    copy_model(path);
    start(&server, options); /* the way out */
    ask(&server, WHERE, BODY, 200, "\"usage\"");
    assert_int_equal(rename(path, model_path), 0); /* another file's name changes; this one stays */
    copy_model(path);
    ask(&server, WHERE, "{\"model\":\"m\",\"input\":\"another text\"}", 200, "\"usage\"");
    ask(&server, "/ready", NULL, 200, "ready");
    assert_int_equal(served_end(&server, SIGTERM), 0);
    unlink(path);
}

/* The row of a token has a scale that is not a number. Texts without this token have their vectors all the same. */
static void test_a_row_that_is_not_finite(void **state)
{
    (void)state;
    enum { TOKEN = 300, BLOCK = 34 /* bytes of Q8_0 */ };
    char path[TRIAL_PATH + 8];
    struct quern_gguf gguf;
    struct served server;
    snprintf(path, sizeof path, "%s.nan", model_path);
    copy_model(path);
    assert_int_equal(quern_gguf_open(&gguf, path, NULL), QUERN_OK);
    const struct quern_gguf_tensor *tensor = quern_gguf_tensor_find(&gguf, "token_embd.weight");
    assert_non_null(tensor);
    const size_t row = (size_t)tensor->shape[0] / 32 * BLOCK;
    const off_t at = (off_t)((size_t)((const unsigned char *)tensor->data - gguf.map.data) + TOKEN * row);
    quern_gguf_close(&gguf);
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(file, "\x00\x7e", 2, at), 2);
    close(file);
    const char *const options[] = {"-m", path, "--allow-token-ids", NULL};
    start(&server, options);
    ask(&server, WHERE, "{\"model\":\"m\",\"input\":[[2,301,1],[2,300,1]]}", 500,
        "the vector of input 1 is not finite");
    ask(&server, WHERE, "{\"model\":\"m\",\"input\":[2,301,1]}", 200, "\"usage\"");
    ask(&server, "/ready", NULL, 200, "ready");
    assert_int_equal(served_end(&server, SIGTERM), 0);
    unlink(path);
}

/* ---------------------------------------------------------------- the end */

/* A body that is still on its way does not hold the end of the server. */
static void test_a_body_in_part_when_the_server_ends(void **state)
{
    (void)state;
    static const char *const options[] = {"--drain-timeout", "60", NULL};
    struct served server;
    struct reply reply;
    start(&server, options);
    const int client = client_connect(&server);
    client_print(client, "POST " WHERE " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{");
    usleep(50000);
    kill(server.pid, SIGTERM);
    client_read(client, &reply);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.head, "Retry-After: 1\r\n"));
    reply_free(&reply);
    close(client);
    assert_int_equal(served_end(&server, 0), 0);
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
        cmocka_unit_test(test_connections_run_out),
        cmocka_unit_test(test_the_longest_idle_one_closes),
        cmocka_unit_test(test_descriptors_run_out),
        cmocka_unit_test(test_descriptors_run_out_later),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_disk_runs_out),
        cmocka_unit_test(test_a_model_that_is_written_to),
        cmocka_unit_test(test_a_row_that_is_not_finite),
        cmocka_unit_test(test_a_body_in_part_when_the_server_ends),
    };
    if (argc != 2)
        return 2;
    command = argv[1];
    return cmocka_run_group_tests(tests, setup, teardown);
}
