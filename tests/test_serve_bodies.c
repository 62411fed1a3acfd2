/* Large bodies: the memory that they take together, and what of it is given back. usage: test_serve_bodies QUERN */
#include "base/count.h"
#include "serve_trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MIB = 1 << 20, CLIENTS = 40, LIMIT = 32 * MIB };
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
 * longer. A sanitizer keeps memory that was given back. */
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
    const long before = memory("VmRSS");
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        char *body = make_body(table[i].start, table[i].part, table[i].end, table[i].bytes);
        const int good = attack(table[i].path, body, table[i].status);
        if (good == 0)
            fail_msg("%s: nobody was served", table[i].start);
        free(body);
        serve_expect("/v1/embeddings", "{\"model\":\"m\",\"input\":\"a\"}", 200, "embedding");
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
    const long most = memory("VmHWM") - before, now = memory("VmRSS") - before;
    if (most > 2 * LIMIT / MIB || now > LIMIT / MIB / 2)
        fail_msg("%ld MiB at most, now %ld MiB", most, now);
#else
    (void)before;
#endif
}

/* Sends bodies that need much more memory than they have bytes, and become whole at the same time. The first one is
 * served. */
static void race(const char *body)
{
    enum { BODIES = 36 };
    const size_t length = strlen(body);
    int clients[BODIES];
    for (int i = 0; i < BODIES; i++) {
        clients[i] = client_connect(&serve_server);
        client_print(clients[i], "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
                     length);
        client_send(clients[i], body, length - 1);
    }
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
        cmocka_unit_test(test_the_first_is_served),
    };
    return serve_run(tests, argc, argv, options);
}
