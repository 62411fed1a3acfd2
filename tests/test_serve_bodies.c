/* Large bodies: the memory that they take together, and what of it is given back. usage: test_serve_bodies QUERN */
#include "base/count.h"
#include "serve_trial.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { KIB = 1 << 10, MIB = 1 << 20, CLIENTS = 40, LIMIT = 32 * MIB };
enum { READ_AHEAD = 64 * KIB }; /* of a client, as connection.c has it */
/* What may stay of what was counted: waste.c trims the heap after 4 MiB, and a body's block has room for half as much
 * again. */
enum { UNTRIMMED = 6 * MIB };
static const char *const options[] = {"--queue-bytes", "33554432", NULL};

/* A figure of the server's memory, in MiB: "VmRSS", or "VmHWM", the most that it ever had. */
static long memory(const char *name)
{
    char line[128];
    long size = -1;
    snprintf(line, sizeof line, "/proc/%d/status", (int)serve_server.pid);
    FILE *file = fopen(line, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            size = strtol(line + strlen(name) + 1, NULL, 10) / 1024;
    fclose(file);
    return size;
}

/* Fails if the server has so many bytes more than before, in MiB. A sanitizer keeps memory that was given back. */
static void check_growth(const char *name, long before, long most)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
    const long more = memory(name) - before;
    if (more > most / MIB)
        fail_msg("%s: %ld MiB more, not %ld", name, more, most / MIB);
#else
    (void)name, (void)before, (void)most;
#endif
}

/* Waits until the server holds from least to most bytes of requests. Then it has read what was sent, or freed what was
 * answered. */
static void wait_held(size_t least, size_t most)
{
    static const char name[] = "\nquern_held_bytes ";
    const struct timespec pause = {0, 5000000};
    double held = -1;
    for (int i = 0; i < 12000; i++) {
        struct reply reply;
        client_ask(&serve_server, "/metrics", "", NULL, &reply);
        const char *line = reply.body != NULL ? strstr(reply.body, name) : NULL;
        assert_non_null(line);
        held = strtod(line + strlen(name), NULL);
        reply_free(&reply);
        if (held >= (double)least && held <= (double)most)
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("%.0f bytes are held, not %zu to %zu", held, least, most);
}

/* Begins a request with a body of length bytes, and sends the first ones. */
static int begin_body(const char *body, size_t length, size_t first)
{
    const int client = client_connect(&serve_server);
    client_print(client, "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", length);
    client_send(client, body, first);
    return client;
}

/* start, then a part many times until the whole has so many bytes, then end. */
static char *make_body(const char *start, const char *part, const char *end, size_t bytes)
{
    char *body = malloc(bytes + 1), *at = body + strlen(start);
    strcpy(body, start);
    for (; at + strlen(part) + strlen(end) <= body + bytes; at += strlen(part))
        strcpy(at, part);
    strcpy(at, end);
    return body;
}

/* Sends a body from many clients at once, behind a request that takes long. Every client gets an answer: a status of
 * the class that is right for the body, or busy. Returns how many got the former. */
static int attack(const char *path, const char *body, int status)
{
    char *slow = make_body("{\"input\":[", "\"a text that takes a while to compute\",", "\"\"]}", 20000);
    const int first = client_connect(&serve_server);
    int clients[CLIENTS], good = 0;
    struct reply reply;
    client_post(first, "/embedding", "", slow);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_connect(&serve_server);
        client_post(clients[i], path, "", body);
    }
    for (int i = 0; i < CLIENTS; i++) {
        client_read(clients[i], &reply);
        const bool is_busy = reply.status == 429 || reply.status == 503;
        if (!is_busy && reply.status / 100 != status / 100)
            fail_msg("%s: %d %s", path, reply.status, reply.body != NULL ? reply.body : "nothing");
        good += !is_busy;
        reply_free(&reply);
        close(clients[i]);
    }
    client_read(first, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    close(first);
    free(slow);
    return good;
}

/* Bodies are read into memory that is counted, and so is what is kept of them: many small values, texts that become
 * longer. What is not counted, such as room for a body to grow, takes less than that again. What stays is what was
 * freed since the heap was trimmed, and what clients had sent ahead. What the first requests take for good is not
 * measured. */
static void test_memory_stays_within_the_limit(void **state)
{
    (void)state;
    static const struct {
        const char *path, *start, *part, *end;
        int status;
        size_t bytes;
    } table[] = {
        {"/v1/embeddings", "{\"model\":\"m\",\"input\":\"a\",\"u\":[", "1,", "1]}", 200, MIB},
        {"/v1/embeddings", "{\"model\":\"m\",\"input\":\"a\"", ",\"u\":[[{}]]", "}", 200, MIB},
        {"/v1/embeddings", "{\"model\":\"m\",\"input\":\"a\"", ",\"title\":[\"a\"],\"title\":null", "}", 200, MIB / 4},
        {"/v1/embeddings", "{\"model\":\"m\",\"input\":[", "1,", "1]}", 400, MIB / 4},
        {"/v1/embeddings", "{\"model\":\"m\",\"input\":[", "[1],", "[1]]}", 400, MIB / 4},
        {"/similarity", "{\"inputs\":{\"source_sentence\":\"a\",\"sentences\":[", "\"\",", "\"\"]}}", 400, MIB / 4},
        {"/api/embed", "{\"model\":\"m\",\"input\":\"", "a \xff ", "\"}", 200, MIB / 4},
    };
    assert_int_equal(attack("/v1/embeddings", "{\"model\":\"m\",\"input\":\"a\"}", 200), CLIENTS);
    const long before = memory("VmRSS");
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        char *body = make_body(table[i].start, table[i].part, table[i].end, table[i].bytes);
        const int good = attack(table[i].path, body, table[i].status);
        if (good == 0)
            fail_msg("%s: nobody was served", table[i].start);
        free(body);
        serve_expect("/v1/embeddings", "{\"model\":\"m\",\"input\":\"a\"}", 200, "embedding");
    }
    wait_held(0, 0);
    check_growth("VmHWM", before, 2 * LIMIT);
    check_growth("VmRSS", before, UNTRIMMED + CLIENTS * READ_AHEAD + 2 * MIB);
}

/* Blocks that are too small to go back to the system by themselves go back, too, though a block behind them is in use:
 * that of the last client. */
static void test_small_blocks_go_back(void **state)
{
    (void)state;
    enum { MANY = 200, PART = 64 * KIB };
    char *body = make_body("", "1", "", PART);
    int clients[MANY];
    const long before = memory("VmRSS");
    for (int i = 0; i < MANY; i++) {
        clients[i] = begin_body(body, PART + 1, PART);
        wait_held((size_t)(i + 1) * PART, LIMIT);
    }
    for (int i = 0; i < MANY - 1; i++)
        close(clients[i]);
    wait_held(PART, PART);
    check_growth("VmRSS", before, UNTRIMMED + 2 * MIB);
    close(clients[MANY - 1]);
    wait_held(0, 0);
    free(body);
}

/* Bodies that arrive are refused when they fill the memory; what a refused one held is for the others at once. The
 * server is stopped while the parts are sent that are too much, so it finds them all together. */
static void test_not_all_are_refused(void **state)
{
    (void)state;
    enum { BODIES = 28, REST = 32 * KIB, FIRST = LIMIT / 4 * 3 / BODIES - 2 * KIB, BYTES = FIRST + REST };
    char *body = make_body("{\"model\":\"m\",\"input\":\"a\",\"u\":\"", "1", "\"}", BYTES);
    int clients[BODIES], good = 0, status;
    for (int i = 0; i < BODIES; i++)
        clients[i] = begin_body(body, BYTES, FIRST);
    wait_held((size_t)BODIES * FIRST, LIMIT);
    kill(serve_server.pid, SIGSTOP);
    assert_int_equal(waitpid(serve_server.pid, &status, WUNTRACED), serve_server.pid);
    assert_true(WIFSTOPPED(status));
    for (int i = 0; i < BODIES; i++)
        client_send(clients[i], body + FIRST, REST);
    kill(serve_server.pid, SIGCONT);
    for (int i = 0; i < BODIES; i++) {
        struct reply reply;
        client_read(clients[i], &reply);
        if (reply.status != 200 && reply.status != 429)
            fail_msg("%d: %d %s", i, reply.status, reply.body != NULL ? reply.body : "nothing");
        good += reply.status == 200;
        reply_free(&reply);
        close(clients[i]);
    }
    if (good < BODIES / 2 || good == BODIES)
        fail_msg("%d of %d were served", good, BODIES);
    free(body);
}

/* Sends bodies that need much more memory than they have bytes, and become whole at the same time, but in their order:
 * the server has read all of them but for the last byte of each. The first one is served. */
static void race(const char *body)
{
    enum { BODIES = 36 };
    const size_t length = strlen(body);
    int clients[BODIES];
    for (int i = 0; i < BODIES; i++)
        clients[i] = begin_body(body, length, length - 1);
    wait_held(BODIES * (length - 1), LIMIT);
    for (int i = 0; i < BODIES; i++)
        client_send(clients[i], body + length - 1, 1);
    for (int i = 0; i < BODIES; i++) {
        struct reply reply;
        client_read(clients[i], &reply);
        const bool is_busy = reply.status == 429 && strstr(reply.head, "\r\nRetry-After: 1\r\n") != NULL;
        if (!(is_busy && i > 0) && (reply.status != 400 || strstr(reply.body, "token ids") == NULL))
            fail_msg("%d: %d %s", i, reply.status, reply.body != NULL ? reply.body : "nothing");
        reply_free(&reply);
        close(clients[i]);
    }
    wait_held(0, 0);
}

static void test_the_first_is_served(void **state)
{
    (void)state;
    enum { ROUNDS = 5, BYTES = 600000 };
    char *body = make_body("{\"model\":\"m\",\"input\":[", "1,", "1]}", BYTES);
    for (int i = 0; i < ROUNDS; i++)
        race(body);
    free(body);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_stays_within_the_limit),
        cmocka_unit_test(test_small_blocks_go_back),
        cmocka_unit_test(test_not_all_are_refused),
        cmocka_unit_test(test_the_first_is_served),
    };
    return serve_run(tests, argc, argv, options);
}
