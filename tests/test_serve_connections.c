/* quern serve: HTTP as it should not be, connections, limits and deadlines.
 * usage: test_serve_connections QUERN */
#include "serve_trial.h"

#include "base/count.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WHERE "/v1/embeddings"

static const char *const no_options[] = {"--allow-token-ids", "--read-timeout", "10", NULL};

/* ---------------------------------------------------------------- HTTP */

#define BODY "{\"model\":\"m\",\"input\":\"a\"}"
#define START "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n"

static void test_http_as_it_should_not_be(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int status;
    } table[] = {
        {"\x16\x03\x01\x02\x00", 400},
        {"\n\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: localhost\n\n", 400},
        {"get / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505},
        {"GET / HTTP/0.9\r\nHost: localhost\r\n\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"GET / HTTP/11\r\nHost: localhost\r\n\r\n", 400},
        {"GET / http/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET /\r\n\r\n", 400},
        {"GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET http:///health HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET http://me@localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET http://localhost/health HTTP/1.1\r\n\r\n", 400},
        {"GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n", 403},
        {"GET localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: localhost, localhost\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nA b: c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nA: b\rc\r\n\r\n", 400},
        {"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
        {"GET /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
        {"BREW /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
        {START "\r\n", 411},
        {START "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
        {START "Content-Length: 3, 3\r\n\r\nabc", 400},
        {START "Content-Length : 3\r\n\r\nabc", 400},
        {START "Content-Length: +3\r\n\r\nabc", 400},
        {START "Content-Length: -3\r\n\r\nabc", 400},
        {START "Content-Length: 0x3\r\n\r\nabc", 400},
        {START "Content-Length: 99999999999999999999\r\n\r\n", 400},
        {START "Content-Length: 999999999999\r\n\r\n", 413},
        {START "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {START "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {START "Transfer-Encoding: xchunked\r\n\r\n", 501},
        {START "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {START "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
        {START "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", 400},
        {START "Transfer-Encoding: chunked\r\n\r\n3\nabc\n", 400},
        {START "Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n", 400},
        {START "Expect: tea\r\nContent-Length: 3\r\n\r\nabc", 417},
        {START "Content-Type: multipart/form-data\r\nContent-Length: 3\r\n\r\nabc", 415},
        {"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
        {"GET /v1/models HTTP/1.1\r\nHost: localhost.evil.example:80\r\n\r\n", 403},
        {"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n", 403},
        {"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 403},
        {"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:99\r\nOrigin: http://127.0.0.1:99\r\n\r\n", 200},
        {"GET /v1/models HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 200},
        {"GET /v1/models?a=b HTTP/1.0\r\n\r\n", 200},
        {"HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200},
        {"\r\n\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
        {"GET http://localhost:9/health?a=b HTTP/1.1\r\nHost: other\r\n\r\n", 200},
        {"GET HTTPS://127.0.0.1/health HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
        {"GET http://localhost/health HTTP/1.0\r\n\r\n", 200},
        {"GET http://localhost?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
        {"GET /health HTTP/1.9\r\nHost: localhost\r\n\r\n", 200},
        {"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 204},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        const int client = client_connect(&serve_server);
        struct reply reply;
        client_send(client, table[i].bytes, strlen(table[i].bytes));
        if (strncmp(table[i].bytes, "HEAD", 4) == 0 || table[i].status == 204)
            reply = (struct reply){.status = table[i].status}; /* read below: it has no body */
        else
            client_read(client, &reply);
        if (reply.status != table[i].status)
            fail_msg("%s: %d, not %d", table[i].bytes, reply.status, table[i].status);
        reply_free(&reply);
        close(client);
    }
}

static void test_a_head_that_does_not_end(void **state)
{
    (void)state;
    const int client = client_connect(&serve_server);
    struct reply reply;
    client_print(client, "GET / HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 300; i++)
        client_print(client, "X-%d: %0100d\r\n", i, 0);
    client_read(client, &reply);
    assert_int_equal(reply.status, 431);
    assert_non_null(strstr(reply.body, "16384 bytes and 100 fields"));
    reply_free(&reply);
    assert_true(client_is_closed(client));
    close(client);
}

/* A refusal of a head or a body names what is wrong, or the limit that was passed. */
static void test_limits_are_named(void **state)
{
    (void)state;
    static const char *const options[] = {"--max-body", "20", NULL};
    static const struct {
        const char *bytes, *says;
        int status;
    } table[] = {
        {"\x16\x03\x01\x02\x00", "it seems to be TLS", 400},
        {"get / HTTP/1.1\r\n\r\n", "a method in capital letters", 400},
        {"GET / HTTP/1.1\nHost: localhost\n\n", "ends with LF alone", 400},
        {"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1: CONNECT is for proxies", 400},
        {START "Transfer-Encoding: chunked\r\n\r\nz", "malformed: a size must be hexadecimal digits", 400},
        {"GET /%20000d", "more than 16384 bytes", 414},
        {START "Expect: tea\r\nContent-Length: 3\r\n\r\n", "only be 100-continue", 417},
        {START "Content-Length: 21\r\n\r\n", "has 21 bytes, a request may have 20", 413},
        {START "Transfer-Encoding: chunked\r\n\r\n32\r\n" BODY BODY, "more than the 20 bytes", 413},
        {START "Transfer-Encoding: gzip, chunked\r\n\r\n", "only be chunked", 501},
        {"GET / HTTP/3.0\r\n\r\n", "1.1 or 1.0", 505},
    };
    struct served other;
    assert_true(serve_start(&other, options));
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        const int client = client_connect(&other);
        struct reply reply;
        if (strchr(table[i].bytes, '%') != NULL)
            client_print(client, "GET /%020000d", 0);
        else
            client_send(client, table[i].bytes, strlen(table[i].bytes));
        client_read(client, &reply);
        if (reply.status != table[i].status || strstr(reply.body, table[i].says) == NULL)
            fail_msg("%s: %d %s", table[i].bytes, reply.status, reply.body != NULL ? reply.body : "");
        reply_free(&reply);
        close(client);
    }
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

/* A client that closes its side after its requests may still read the answers. */
static void test_half_closed_clients(void **state)
{
    (void)state;
    int client = client_connect(&serve_server);
    struct reply reply;
    for (int i = 0; i < 2; i++)
        client_post(client, WHERE, "", BODY);
    shutdown(client, SHUT_WR);
    for (int i = 0; i < 2; i++) {
        client_read(client, &reply);
        assert_int_equal(reply.status, 200);
        assert_non_null(strstr(reply.body, "\"usage\""));
        reply_free(&reply);
    }
    assert_true(client_is_closed(client));
    close(client);

    client = client_connect(&serve_server);
    client_print(client, START "Content-Length: 100\r\n\r\nabc");
    shutdown(client, SHUT_WR);
    client_read(client, &reply);
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.body, "ended before the body"));
    reply_free(&reply);
    close(client);
}

/* An answer says whether, and how long, the connection stays open: also to a client of HTTP/1.0 that asks for it. */
static void test_connections_are_kept(void **state)
{
    (void)state;
    static const char kept[] = "Connection: keep-alive\r\nKeep-Alive: timeout=180\r\n";
    static const struct {
        const char *version, *fields;
        bool is_kept;
    } table[] = {{"1.1", "", true},
                 {"1.1", "Connection: keep-alive\r\nConnection: x, Close\r\n", false},
                 {"1.0", "", false},
                 {"1.0", "Connection: Keep-Alive\r\n", true},
                 {"1.0", "Connection: keep-alive, close\r\n", false}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        const int client = client_connect(&serve_server);
        struct reply reply;
        for (int again = 0; again <= table[i].is_kept; again++) {
            client_print(client, "GET /health HTTP/%s\r\nHost: localhost\r\n%s\r\n\r\n", table[i].version,
                         table[i].fields);
            client_read(client, &reply);
            assert_int_equal(reply.status, 200);
            assert_non_null(strstr(reply.head, table[i].is_kept ? kept : "Connection: close\r\n"));
            reply_free(&reply);
        }
        if (!table[i].is_kept)
            assert_true(client_is_closed(client));
        close(client);
    }
}

static void test_one_connection_many_requests(void **state)
{
    (void)state;
    const int client = client_connect(&serve_server);
    struct reply reply;
    /* Pipelined requests; chunks of odd sizes, with an extension and a trailer; a refusal between them. */
    client_print(client, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" START "Content-Length: %zu\r\n\r\n" BODY,
                 strlen(BODY));
    client_print(client,
                 START "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n%.5s\r\n%zx\r\n%s\r\n0\r\nTrailer: t\r\n\r\n", BODY,
                 strlen(BODY) - 5, &BODY[5]);
    client_print(client,
                 "HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_read(client, &reply);
    assert_string_equal(reply.body, "{\"status\":\"ok\"}\n");
    reply_free(&reply);
    for (int i = 0; i < 2; i++) {
        client_read(client, &reply);
        assert_int_equal(reply.status, 200);
        assert_non_null(strstr(reply.body, "\"usage\""));
        reply_free(&reply);
    }
    char head[1024] = "";
    for (size_t i = 0; i + 1 < sizeof head && strstr(head, "\r\n\r\n") == NULL; i++)
        assert_int_equal(read(client, head + i, 1), 1);
    assert_non_null(strstr(head, "Content-Length: 16\r\n"));
    client_read(client, &reply);
    assert_int_equal(reply.status, 404);
    reply_free(&reply);

    client_print(client, START "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n", strlen(BODY));
    client_read(client, &reply);
    assert_int_equal(reply.status, 100);
    reply_free(&reply);
    client_print(client, BODY);
    client_read(client, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    close(client);
}

static void test_slow_clients(void **state)
{
    (void)state;
    static const char *const options[] = {"--read-timeout", "0.2", "--idle-timeout", "0.2", NULL};
    struct served other;
    struct reply reply;
    assert_true(serve_start(&other, options));
    const int idle = client_connect(&other), head = client_connect(&other), body = client_connect(&other);
    client_print(head, "GET /health HTTP/1.1\r\n");
    client_print(body, START "Content-Length: 100\r\n\r\nabc");
    client_read(head, &reply);
    assert_int_equal(reply.status, 408);
    reply_free(&reply);
    client_read(body, &reply);
    assert_int_equal(reply.status, 408);
    reply_free(&reply);
    assert_true(client_is_closed(idle) && client_is_closed(head) && client_is_closed(body));
    close(idle);
    close(head);
    close(body);
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

/* ---------------------------------------------------------------- limits */

static void test_what_is_too_much(void **state)
{
    (void)state;
    static const char *const never[] = {"--queue-bytes", "65536", "--max-body", "200000", NULL};
    static const char *const options[] = {"--queue-bytes", "65536", "--queue-tokens", "100", NULL};
    struct served other;
    struct reply reply;
    char *large = calloc(1, 60000);
    memset(large, ' ', 59999);
    assert_false(serve_start(&other, never));
    assert_true(served_logs(&other, "--max-body 200000 is more than --queue-bytes 65536"));
    assert_int_equal(served_end(&other, 0), 2);
    assert_true(serve_start(&other, options));
    const int slow = client_connect(&other); /* its body fills the memory in part */
    client_print(slow, START "Content-Length: 50000\r\n\r\n%.40000s", large);
    usleep(50000);
    client_ask(&other, WHERE, "", large, &reply);
    close(slow);
    assert_true(served_logs(&other, " warn the server has no memory left for requests"));
    assert_int_equal(reply.status, 429);
    assert_non_null(strstr(reply.head, "Retry-After: 1\r\n"));
    assert_non_null(strstr(reply.head, "X-Should-Retry: true\r\n"));
    assert_non_null(strstr(reply.body, "\"type\":\"tokens\""));
    assert_non_null(strstr(reply.body, "\"code\":\"rate_limit_exceeded\""));
    reply_free(&reply);
    client_ask(&other, WHERE, "", BODY, &reply); /* the memory was given back */
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    client_ask(&other, WHERE, "",
               "{\"model\":\"m:query\",\"input\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"]}", &reply);
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.body, "send fewer"));
    reply_free(&reply);
    assert_int_equal(served_end(&other, SIGTERM), 0);
    free(large);
}

/* A request that could never be taken, however empty the server is, is not told to try again. */
static void test_what_can_never_fit(void **state)
{
    (void)state;
    static const char *const options[] = {"--queue-bytes", "65536", NULL};
    static char body[4096] = "{\"input\":[\"a\"";
    struct served other;
    struct reply reply;
    for (int i = 1; i < 400; i++)
        strcat(body, ",\"a\"");
    strcat(body, "]}");
    assert_true(serve_start(&other, options));
    client_ask(&other, WHERE, "", body, &reply);
    assert_int_equal(reply.status, 413);
    assert_null(strstr(reply.head, "Retry-After"));
    assert_non_null(strstr(reply.body, "--queue-bytes"));
    reply_free(&reply);
    client_ask(&other, WHERE, "", BODY, &reply); /* the memory was given back */
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

/* More clients than connections, each of which sends its request some time after it has connected. */
static void test_young_connections_stay(void **state)
{
    (void)state;
    enum { CLIENTS = 24 };
    static const char *const options[] = {"--max-connections", "2", NULL};
    struct served other;
    struct reply reply;
    int clients[CLIENTS];
    assert_true(serve_start(&other, options));
    for (int i = 0; i < CLIENTS; i++) { /* the system connects them; the server accepts two */
        clients[i] = client_connect(&other);
        usleep(1000);
    }
    for (int i = 0; i < CLIENTS; i++)
        client_post(clients[i], WHERE, "Connection: close\r\n", BODY);
    for (int i = 0; i < CLIENTS; i++) {
        client_read(clients[i], &reply);
        assert_int_equal(reply.status, 200);
        reply_free(&reply);
        close(clients[i]);
    }
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

static void test_connections_are_limited(void **state)
{
    (void)state;
    static const char *const options[] = {"--max-connections", "4", NULL};
    struct served other;
    struct reply reply;
    int clients[6];
    assert_true(serve_start(&other, options));
    for (int i = 0; i < 6; i++) /* idle connections are closed to make room */
        clients[i] = client_connect(&other);
    client_ask(&other, WHERE, "", BODY, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    for (int i = 0; i < 6; i++)
        close(clients[i]);
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

/* A request that takes some time to compute. */
static char *long_request(int texts)
{
    char *json = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&json, &length);
    fputs("{\"model\":\"m:query\",\"input\":[", file);
    for (int i = 0; i < texts; i++)
        fprintf(file, "%s\"some text that is computed, number %d\"", i > 0 ? "," : "", i);
    fputs("]}", file);
    fclose(file);
    return json;
}

static void test_deadlines(void **state)
{
    (void)state;
    struct reply reply;
    char *json = long_request(400);
    const int client = client_connect(&serve_server);
    client_post(client, WHERE, "X-Timeout-Ms: 1\r\n", json);
    client_read(client, &reply);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.body, "deadline_exceeded"));
    reply_free(&reply);
    client_post(client, WHERE, "X-Timeout-Ms: 20000\r\n", BODY); /* on the same connection */
    client_read(client, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    client_post(client, WHERE, "X-Timeout-Ms: soon\r\n", BODY);
    client_read(client, &reply);
    assert_int_equal(reply.status, 400);
    reply_free(&reply);
    close(client);
    free(json);
}

static void test_clients_that_leave(void **state)
{
    (void)state;
    static const char *const options[] = {"--threads", "1", "--queue-tokens", "10000000", NULL};
    struct served other;
    struct reply reply;
    char *json = long_request(2000);
    assert_true(serve_start(&other, options));
    for (int i = 0; i < 40; i++) { /* more than a second of work */
        const int client = client_connect(&other);
        client_post(client, WHERE, "X-Request-Id: left\r\n", json);
        close(client);
    }
    assert_true(served_logs(&other, " 499 "));
    client_ask(&other, WHERE, "", BODY, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    assert_int_equal(served_end(&other, SIGTERM), 0);
    free(json);
}

/* When the server must end, it answers what it has accepted, refuses the rest, and exits with status 0. */
static void test_draining(void **state)
{
    (void)state;
    static const char *const options[] = {"--threads", "1", NULL};
    struct served other;
    struct reply reply;
    char *json = long_request(60);
    assert_true(serve_start(&other, options));
    int clients[4];
    const int late = client_connect(&other);
    client_print(late, START); /* not yet a whole request */
    for (int i = 0; i < 4; i++) {
        clients[i] = client_connect(&other);
        client_post(clients[i], WHERE, "Expect: 100-continue\r\n", json);
    }
    usleep(20000);
    kill(other.pid, SIGTERM);
    assert_true(served_logs(&other, "ending"));
    client_print(late, "Content-Length: %zu\r\n\r\n" BODY, strlen(BODY));
    client_read(late, &reply);
    assert_true(reply.status == 503 || reply.status == 0); /* the server may have ended by then */
    if (reply.status == 503)
        assert_non_null(strstr(reply.head, "Retry-After"));
    reply_free(&reply);
    for (int i = 0; i < 4; i++) {
        client_read(clients[i], &reply);
        if (reply.status == 100) {
            reply_free(&reply);
            client_read(clients[i], &reply);
        }
        assert_true(reply.status == 200 || reply.status == 503); /* 503: the request was not read before */
        reply_free(&reply);
        close(clients[i]);
    }
    close(late);
    assert_int_equal(served_end(&other, 0), 0);
    free(json);
}

/* Connects again and again until the server is gone. Each client is refused, and does not read it for a while. */
static void ask_until_it_has_ended(const struct served *server)
{
    enum { CLIENTS = 64 };
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char text[] = START "Content-Length: 9\r\n\r\n";
    int clients[CLIENTS] = {0};
    for (size_t i = 0;; i = (i + 1) % CLIENTS) {
        if (clients[i] > 0)
            close(clients[i]);
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(clients[i], (const struct sockaddr *)(const void *)&address, sizeof address) != 0)
            _exit(0);
        (void)!send(clients[i], text, sizeof text - 1, MSG_NOSIGNAL);
        usleep(10000);
    }
}

/* Clients that come when the server must end are refused, and do not keep it from ending. */
static void test_new_clients_do_not_hold_up_the_end(void **state)
{
    (void)state;
    static const char *const options[] = {"--drain-timeout", "600", NULL};
    struct served other;
    assert_true(serve_start(&other, options));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        ask_until_it_has_ended(&other);
    usleep(200000); /* so that some are there when it must end */
    const int code = served_end(&other, SIGTERM);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(code, 0);
}

/* ---------------------------------------------------------------- */

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_as_it_should_not_be),
        cmocka_unit_test(test_a_head_that_does_not_end),
        cmocka_unit_test(test_limits_are_named),
        cmocka_unit_test(test_half_closed_clients),
        cmocka_unit_test(test_connections_are_kept),
        cmocka_unit_test(test_one_connection_many_requests),
        cmocka_unit_test(test_slow_clients),
        cmocka_unit_test(test_what_is_too_much),
        cmocka_unit_test(test_what_can_never_fit),
        cmocka_unit_test(test_young_connections_stay),
        cmocka_unit_test(test_connections_are_limited),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_clients_that_leave),
        cmocka_unit_test(test_draining),
        cmocka_unit_test(test_new_clients_do_not_hold_up_the_end),
    };
    return serve_run(tests, argc, argv, no_options);
}
