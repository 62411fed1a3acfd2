/* quern serve: who may ask it, how it starts and ends, and what its log tells.
 * usage: test_serve_access QUERN */
#include "serve_trial.h"

#include "base/count.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WHERE "/v1/embeddings"
#define BODY "{\"model\":\"m\",\"input\":\"a\"}"

static const char *const no_options[] = {"--allow-token-ids", "--read-timeout", "10", NULL};

static void test_keys(void **state)
{
    (void)state;
    char path[] = "/tmp/quern-keys-XXXXXX";
    const int file = mkstemp(path);
    const char *const options[] = {"--api-key-file", path, "--cors-origin", "https://a.example", NULL};
    struct served other;
    struct reply reply;
    dprintf(file, "# keys\n\nfirst\nsecond\n");
    assert_true(serve_start(&other, options));
    static const struct {
        const char *fields;
        int status;
    } table[] = {{"", 401}, {"Authorization: Bearer wrong\r\n", 401}, {"Authorization: Bearer firs\r\n", 401},
                 {"Authorization: Basic first\r\n", 401}, {"Authorization: Bearer \r\n", 401},
                 {"Authorization: Bearer first\r\n", 200}, {"X-Api-Key: second\r\n", 200}, {"Api-Key: first\r\n", 200}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        client_ask(&other, "/v1/embeddings", table[i].fields, BODY, &reply);
        assert_int_equal(reply.status, table[i].status);
        assert_true((strstr(reply.head, "WWW-Authenticate: Bearer\r\n") != NULL) == (table[i].status == 401));
        reply_free(&reply);
    }
    client_ask(&other, "/ready", "", NULL, &reply); /* probes need no key */
    assert_int_equal(reply.status, 200);
    reply_free(&reply);

    const int client = client_connect(&other);
    client_print(
        client,
        "OPTIONS /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\n"
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, x-stainless-os\r\n\r\n");
    client_read(client, &reply);
    assert_int_equal(reply.status, 204);
    assert_non_null(strstr(reply.head, "Access-Control-Allow-Origin: https://a.example\r\n"));
    assert_non_null(strstr(reply.head, "Access-Control-Allow-Headers: authorization, x-stainless-os\r\n"));
    reply_free(&reply);
    close(client);

    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(pwrite(file, "third\n", 6, 0), 6);
    kill(other.pid, SIGHUP);
    assert_true(served_logs(&other, "read 1 API keys"));
    client_ask(&other, WHERE, "Authorization: Bearer third\r\n", BODY, &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    client_ask(&other, WHERE, "Authorization: Bearer first\r\n", BODY, &reply);
    assert_int_equal(reply.status, 401);
    reply_free(&reply);
    assert_int_equal(served_end(&other, SIGTERM), 0);
    unlink(path);
    close(file);
}

static void test_other_addresses_need_a_key(void **state)
{
    (void)state;
    static const char *const open[] = {"--host", "0.0.0.0", NULL};
    static const char *const insecure[] = {"--host", "0.0.0.0", "--insecure", NULL};
    struct served other;
    assert_false(serve_start(&other, open));
    assert_true(served_logs(&other, "--insecure"));
    assert_int_equal(served_end(&other, 0), 1);
    assert_true(serve_start(&other, insecure));
    assert_int_equal(served_end(&other, SIGINT), 0);
}

static void test_unix_sockets(void **state)
{
    (void)state;
    char host[64];
    snprintf(host, sizeof host, "unix:%s.sock", serve_path);
    const char *const options[] = {"--host", host, NULL};
    struct served other;
    struct reply reply;
    for (int i = 0; i < 2; i++) { /* the second time there is a stale socket */
        assert_true(serve_start(&other, options));
        const int client = client_connect_unix(host + 5);
        client_post(client, WHERE, "", BODY);
        client_read(client, &reply);
        assert_int_equal(reply.status, 200);
        reply_free(&reply);
        close(client);
        assert_int_equal(served_end(&other, i == 0 ? SIGKILL : SIGTERM), i == 0 ? -1 : 0);
        assert_int_equal(access(host + 5, F_OK), i == 0 ? 0 : -1);
    }
}

static void test_logs_have_nothing_of_the_input(void **state)
{
    (void)state;
    static const char *const options[] = {"--log-format", "json", "--strict-model", "--model-name", "ours", NULL};
    static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    struct served other;
    struct reply reply;
    char fields[256];
    snprintf(fields, sizeof fields, "traceparent: %s\r\nX-Request-Id: sec\"ret\r\nUser-Agent: secret\r\n", trace);
    assert_true(serve_start(&other, options));
    client_ask(&other, "/v1/embeddings", fields, "{\"model\":\"ours:query\",\"input\":\"secret\",\"user\":\"secret\"}",
               &reply);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    client_ask(&other, "/v1/embeddings", fields, "{\"model\":\"secret\",\"input\":\"secret\"}", &reply);
    assert_int_equal(reply.status, 404);
    assert_null(strstr(reply.body, "secret"));
    reply_free(&reply);
    client_ask(&other, "/secret", fields, NULL, &reply);
    assert_int_equal(reply.status, 404);
    assert_null(strstr(reply.body, "secret"));
    reply_free(&reply);
    assert_true(served_logs(&other, "\"path\":\"-\",\"status\":404"));
    assert_true(served_logs(&other, trace));
    char grep[128];
    snprintf(grep, sizeof grep, "! grep -q 'sec\"*ret' %s", other.log);
    assert_int_equal(system(grep), 0);
    assert_int_equal(served_end(&other, SIGTERM), 0);
}

static void test_options_come_from_the_environment(void **state)
{
    (void)state;
    static const char *const none[] = {NULL}, *const plain[] = {"--log-format", "plain", NULL};
    struct served other;
    setenv("QUERN_LOG_FORMAT", "json", 1);
    setenv("QUERN_MODEL_NAME", "named", 1);
    assert_true(serve_start(&other, none));
    assert_true(served_logs(&other, "{\"time\":") && served_logs(&other, "model named"));
    assert_int_equal(served_end(&other, SIGTERM), 0);
    assert_true(serve_start(&other, plain)); /* the command line counts more */
    assert_true(served_logs(&other, " info ready on "));
    assert_int_equal(served_end(&other, SIGTERM), 0);
    unsetenv("QUERN_LOG_FORMAT");
    setenv("QUERN_PORT", "tcp://10.96.0.1:8080", 1); /* not read: the command line has --port */
    assert_true(serve_start(&other, none));
    assert_int_equal(served_end(&other, SIGTERM), 0);
    unsetenv("QUERN_PORT");
    setenv("QUERN_TIMEOUT", "many", 1);
    assert_false(serve_start(&other, none));
    assert_true(served_logs(&other, "$QUERN_TIMEOUT takes seconds from 0 to 86400, not 'many'"));
    assert_int_equal(served_end(&other, 0), 2);
    unsetenv("QUERN_TIMEOUT");
    unsetenv("QUERN_MODEL_NAME");
}

/* ---------------------------------------------------------------- */

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_other_addresses_need_a_key),
        cmocka_unit_test(test_unix_sockets),
        cmocka_unit_test(test_logs_have_nothing_of_the_input),
        cmocka_unit_test(test_options_come_from_the_environment),
    };
    return serve_run(tests, argc, argv, no_options);
}
