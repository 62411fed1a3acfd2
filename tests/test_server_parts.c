/* Parts of the server on their own: heads and chunks, base64, number formats, keys. */
#include "../server/http/http.h"
#include "../server/loop/allowed.h"
#include "../server/loop/keys.h"
#include "../server/loop/waste.h"
#include "../server/requests/accept.h"
#include "../server/requests/answer_vectors.h"
#include "base/count.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- HTTP */

static int parse(struct quern_head *head, char *copy, const char *text)
{
    strcpy(copy, text);
    return quern_head_parse(head, copy, strlen(text));
}

static void test_heads_are_read(void **state)
{
    (void)state;
    char copy[1024];
    struct quern_head head;
    assert_int_equal(
        parse(&head, copy, "POST /a/b?c=d HTTP/1.1\r\nHOST:x\r\nContent-Length: \t042 \r\nA: b c\r\nE:\r\n\r\n"), 0);
    assert_string_equal(head.method, "POST");
    assert_string_equal(head.path, "/a/b");
    assert_string_equal(head.query, "c=d");
    assert_string_equal(quern_head_find(&head, "host"), "x");
    assert_string_equal(quern_head_find(&head, "a"), "b c");
    assert_string_equal(quern_head_find(&head, "e"), "");
    assert_null(quern_head_find(&head, "b"));
    assert_true(head.has_length && head.length == 42 && head.keep_alive && !head.chunked && !head.expects_continue);
    assert_int_equal(parse(&head, copy, "GET / HTTP/1.1\r\nHost: x\r\nConnection: TE, Close\r\n\r\n"), 0);
    assert_false(head.keep_alive || head.has_length);
    assert_int_equal(parse(&head, copy, "GET http://b.example:9/c?d HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    assert_string_equal(head.path, "/c");
    assert_string_equal(head.query, "d");
    assert_string_equal(quern_head_find(&head, "host"), "b.example:9"); /* it counts more than the field */
    assert_int_equal(parse(&head, copy, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    assert_string_equal(head.path, "*");
    assert_int_equal(parse(&head, copy, "GET / HTTP/1.0\r\n\r\n"), 0);
    assert_false(head.keep_alive);
    assert_int_equal(
        parse(&head, copy, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n"),
        0);
    assert_true(head.chunked && head.expects_continue);
}

/* Which of JSON, bytes and NumPy a client likes best: 0, 1, 2, or -1 for none. */
static void test_accept(void **state)
{
    (void)state;
    static const char *const types[] = {"application/json", "application/octet-stream", "application/x-npy"};
    static const struct {
        const char *fields;
        int best;
    } table[] = {{"", 0},
                 {"Accept: */*\r\n", 0},
                 {"Accept:\r\n", -1},
                 {"Accept: application/*\r\n", 0},
                 {"Accept: application/json, text/plain, */*\r\n", 0},
                 {"Accept: application/octet-stream\r\n", 1},
                 {"Accept: Application/Octet-Stream\r\n", 1},
                 {"Accept: application/octet-stream, */*\r\n", 1},
                 {"Accept: */*, application/octet-stream\r\n", 1},
                 {"Accept: application/octet-stream, application/json\r\n", 1},
                 {"Accept: application/json, application/octet-stream\r\n", 0},
                 {"Accept: application/octet-stream;q=0.1, application/json\r\n", 0},
                 {"Accept: application/octet-stream ; q=0.1 ,application/json\r\n", 0},
                 {"Accept: application/json;q=0.5, application/x-npy;q=0.501\r\n", 2},
                 {"Accept: application/json;charset=utf-8;q=0.9, application/x-npy;v=\"1,\\\";q=0\";q=1.000\r\n", 2},
                 {"Accept: application/json;q=0, */*\r\n", 1},
                 {"Accept: application/*;q=0, application/x-npy;q=0.001\r\n", 2},
                 {"Accept: application/json;Q=0.2, application/octet-stream;q=0.3\r\n", 1},
                 {"Accept: application/json;q=0.2\r\nAccept: application/x-npy\r\n", 2},
                 {"Accept: application/json\r\nAccept: application/x-npy;q=0.9\r\n", 0},
                 {"Accept: application/json;q=0\r\n", -1},
                 {"Accept: text/html\r\n", -1},
                 {"Accept: application/json;q=2, application/x-npy;q=0.9\r\n", 0},
                 {"Accept: application/json;q=, application/x-npy;q=0.9\r\n", 0},
                 {"Accept: ,;,/,*, application/, application/octet-stream\r\n", 1}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        char copy[1024], text[512];
        struct quern_head head;
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", table[i].fields);
        assert_int_equal(parse(&head, copy, text), 0);
        const int best = quern_accept_best(&head, types, 3);
        if (best != table[i].best)
            fail_msg("%s: %d", table[i].fields, best);
    }
}

/* Whatever makes a head bad is said. */
static void test_bad_heads_have_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *head, *says;
    } table[] = {
        {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", "the target * is for OPTIONS alone"},
        {"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT is for proxies"},
        {"GET x HTTP/1.1\r\nHost: x\r\n\r\n", "must be a path that begins with /"},
        {"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "must begin with http:// or https://"},
        {"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", "not ASCII"},
        {"GET /\r\nHost: x\r\n\r\n", "a method, a target and a version"},
        {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "a method, a target and a version"},
        {"(/ HTTP/1.1\r\nHost: x\r\n\r\n", "a method, a target and a version"},
        {"GET / HTTP/11\r\nHost: x\r\n\r\n", "must end with a version"},
        {"GET / HTTP/1.1\r\n\r\n", "Host is missing"},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "Host must be one name"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "comes twice"},
        {"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "continued on the next line"},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "without a space between them"},
        {"GET / HTTP/1.1\r\nHost: a\nA: b\r\n\r\n", "LF alone"},
        {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "not its end"},
        {"GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", "control character"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\nA", "bytes behind its end"},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", "Content-Length must be a number"},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         "both Content-Length and Transfer-Encoding"},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 has no Transfer-Encoding"},
    };
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        char copy[1024];
        struct quern_head head;
        assert_int_equal(parse(&head, copy, table[i].head), 400);
        if (strstr(head.problem, table[i].says) == NULL)
            fail_msg("%s: %s", table[i].head, head.problem);
    }
}

static void test_too_many_fields_are_refused(void **state)
{
    (void)state;
    char text[QUERN_HEAD_BYTES] = "GET / HTTP/1.1\r\nHost: x\r\n", copy[QUERN_HEAD_BYTES];
    struct quern_head head;
    for (int i = 1; i < QUERN_HEAD_FIELDS; i++)
        strcat(text, "A: b\r\n");
    char *end = text + strlen(text);
    strcpy(end, "\r\n");
    assert_int_equal(parse(&head, copy, text), 0);
    strcpy(end, "A: b\r\n\r\n");
    assert_int_equal(parse(&head, copy, text), 431);
}

/* The body is the same, whatever the pieces in which it arrives. */
static void test_chunks_come_in_any_pieces(void **state)
{
    (void)state;
    static const char stream[] = "5\r\nhello\r\n1;name=\"v\"\r\n \r\n0005\r\nworld\r\n0\r\nA: b\r\nC: d\r\n\r\nGET";
    for (size_t piece = 1; piece < sizeof stream; piece++) {
        struct quern_chunks chunks = {0};
        char whole[64] = "", data[sizeof stream];
        size_t length = 0, at = 0, body, used;
        int code = QUERN_CHUNKS_MORE;
        while (code == QUERN_CHUNKS_MORE && at < sizeof stream - 1) {
            const size_t size = piece < sizeof stream - 1 - at ? piece : sizeof stream - 1 - at;
            memcpy(data, stream + at, size);
            code = quern_chunks_take(&chunks, data, size, &body, &used);
            memcpy(whole + length, data, body);
            length += body;
            at += used;
        }
        assert_int_equal(code, QUERN_CHUNKS_DONE);
        assert_int_equal(length, 11);
        assert_memory_equal(whole, "hello world", 11);
        assert_string_equal(stream + at, "GET");
    }
}

static void test_chunks_and_trailers_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {{"z\r\n", QUERN_CHUNKS_BAD},                {"fffffffff\r\n", QUERN_CHUNKS_BAD},
                 {"1\r\nab", QUERN_CHUNKS_BAD},              {"1\ra", QUERN_CHUNKS_BAD},
                 {"1\r\na\rb", QUERN_CHUNKS_BAD},            {"1;\x01\r\n", QUERN_CHUNKS_BAD},
                 {"0\r\nA: b\ra", QUERN_CHUNKS_BAD},         {"0\r\n\ra", QUERN_CHUNKS_BAD},
                 {"0\r\n\r\n", QUERN_CHUNKS_DONE},          {"0\r\nA:\r\n\r\n", QUERN_CHUNKS_DONE},
                 {"0\r\nA: b:c\t\r\n\r\n", QUERN_CHUNKS_DONE}, {"0\r\nA\r\n\r\n", QUERN_CHUNKS_BAD},
                 {"0\r\n: b\r\n\r\n", QUERN_CHUNKS_BAD},     {"0\r\nA : b\r\n\r\n", QUERN_CHUNKS_BAD},
                 {"0\r\n A: b\r\n\r\n", QUERN_CHUNKS_BAD},   {"0\r\nA: \x01\r\n\r\n", QUERN_CHUNKS_BAD},
                 {"0\r\nGET / HTTP/1.1\r\n\r\n", QUERN_CHUNKS_BAD}};
    for (size_t i = 0; i < QUERN_COUNT(cases); i++) {
        struct quern_chunks chunks = {0};
        char data[32];
        size_t body, used;
        strcpy(data, cases[i].text);
        assert_int_equal(quern_chunks_take(&chunks, data, strlen(data), &body, &used), cases[i].code);
        assert_int_equal(chunks.problem != NULL, cases[i].code == QUERN_CHUNKS_BAD); /* it is said */
    }
}

/* ---------------------------------------------------------------- memory */

/* A quarter of the memory is for the oldest request that is being worked on, or for one that is alone. */
static void test_the_oldest_request_gets_its_memory(void **state)
{
    (void)state;
    static const struct quern_server_options options = {.queue_bytes = 1000};
    static struct quern_service service = {.options = &options};
    struct quern_request all[5];
    for (int i = 0; i < 5; i++)
        quern_request_init(&all[i], &service, NULL);
    for (int i = 0; i < 3; i++)
        quern_request_join(&all[i]);
    assert_true(quern_request_claim(&all[0], 200) && quern_request_claim(&all[1], 550));
    assert_false(quern_request_claim(&all[1], 1));
    assert_false(quern_request_claim(&all[2], 1));
    assert_int_equal(all[1].refusal.fault, QUERN_FAULT_BUSY);
    assert_int_equal(all[2].refusal.fault, QUERN_FAULT_BUSY);
    assert_true(quern_request_claim(&all[0], 250));
    assert_false(quern_request_claim(&all[0], 1)); /* it would fit alone: the server is busy */
    assert_int_equal(all[0].refusal.fault, QUERN_FAULT_BUSY);
    quern_request_leave(&all[0]);
    quern_request_leave(&all[1]);
    quern_request_free(&all[1]);
    assert_true(quern_request_claim(&all[2], 200)); /* it is the oldest now */
    assert_true(quern_request_claim(&all[3], 100)); /* its body is still being read */
    assert_false(quern_request_claim(&all[3], 1));
    assert_true(quern_request_claim(&all[2], 250));
    quern_request_release(&all[2], 450); /* before it ends */
    quern_request_free(&all[3]);
    quern_request_free(&all[0]);
    assert_true(quern_request_claim(&all[4], 750));
    assert_true(quern_request_claim(&all[4], 250)); /* it is alone */
    quern_request_free(&all[4]);
    quern_request_free(&all[2]);
    assert_int_equal(service.load.bytes, 0);
    assert_null(service.load.oldest);
    assert_null(service.load.newest);
}

/* ---------------------------------------------------------------- answers */

static void test_base64(void **state)
{
    (void)state;
    static const char *const table[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff", "+/8="}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        struct quern_buffer buffer = {0};
        quern_buffer_base64(&buffer, table[i][0], strlen(table[i][0]));
        assert_int_equal(buffer.length, strlen(table[i][1]));
        if (buffer.length > 0)
            assert_memory_equal(buffer.data, table[i][1], buffer.length);
        quern_buffer_free(&buffer);
    }
    /* OpenAI's example of two numbers. */
    static const float two[] = {0.1f, 0.2f};
    struct quern_buffer buffer = {0};
    quern_buffer_base64(&buffer, two, sizeof two);
    quern_buffer_add(&buffer, "", 1);
    assert_string_equal(buffer.data, "zczMPc3MTD4=");
    quern_buffer_free(&buffer);
}

static void test_floats_and_strings(void **state)
{
    (void)state;
    static const float values[] = {0, -1, 0.0123f, 1e-9f, 3e20f};
    struct quern_buffer buffer = {0};
    quern_buffer_floats(&buffer, values, 5);
    quern_buffer_floats(&buffer, values, 0);
    quern_buffer_string(&buffer, "a\"\n\xff");
    quern_buffer_string(&buffer, NULL);
    quern_buffer_add(&buffer, "", 1);
    assert_false(buffer.failed);
    assert_string_equal(buffer.data,
                        "[0,-1,0.0122999996,9.99999972e-10,3.00000006e+20][]\"a\\u0022\\u000a\xef\xbf\xbd\"null");
    quern_buffer_free(&buffer);
}

/* Answers one vector of 8 dimensions as raw bytes, as it is. */
static void encode(quern_dtype dtype, const float row[8], void *out, size_t size)
{
    struct quern_served served = {.info.dimensions = 8};
    struct quern_service service = {.models = &served, .model_count = 1};
    struct quern_job *job = quern_job_new(1, 8);
    struct quern_request request;
    struct quern_answer answer;
    quern_request_init(&request, &service, NULL);
    quern_answer_init(&answer);
    request.options.dtype = dtype;
    request.options.normalize = false;
    request.options.form = QUERN_VECTORS_RAW;
    memcpy(job->vectors, row, 8 * sizeof(float));
    assert_int_equal(quern_vectors_finish(&request, job, &answer, SIZE_MAX), 1);
    quern_vectors_begin_raw(&request, job, &answer);
    assert_int_equal(quern_vectors_add_raw(&request, job, &answer, SIZE_MAX), 1);
    assert_int_equal(answer.body.length, size);
    memcpy(out, answer.body.data, size);
    quern_request_free(&request);
    quern_answer_free(&answer);
    quern_job_free(job);
}

static void test_number_formats(void **state)
{
    (void)state;
    static const float row[8] = {1, -1, 0.5f, 0, -0.25f, 0.004f, 2, 1e-9f};
    /* Half precision: limits, subnormals, ties to even. */
    static const float halves[8] = {65504,         65519.99f,     65520,       5.9604645e-8f,
                                    2.9802322e-8f, 6.1035156e-5f, 1.00048828f, -2};
    static const uint16_t expected[8] = {0x7bff, 0x7bff, 0x7c00, 0x0001, 0x0000, 0x0400, 0x3c00, 0xc000};
    signed char bytes[8];
    unsigned char bits;
    uint16_t half[8];
    encode(QUERN_DTYPE_INT8, row, bytes, 8);
    static const signed char eights[8] = {127, -127, 64, 0, -32, 1, 127, 0};
    assert_memory_equal(bytes, eights, 8);
    encode(QUERN_DTYPE_BINARY, row, &bits, 1);
    assert_int_equal(bits, 0xa7); /* 1 0 1 0 0 1 1 1 */
    encode(QUERN_DTYPE_F16, halves, half, 16);
    for (int i = 0; i < 8; i++)
        assert_int_equal(half[i], expected[i]);
}

/* ---------------------------------------------------------------- lists of names */

static void test_origins(void **state)
{
    (void)state;
    static const struct {
        const char *list, *origin;
        bool is_in;
    } table[] = {
        {"http://a.example/", "http://a.example", true},
        {"http://a.example", "http://a.example.evil", false},
        {"http://a.example", "https://a.example", false},
        {"http://a.example", "http://a.example:80", false}, /* no browser sends it */
        {"http://a.example:80", "http://a.example", true},
        {"https://a.example:443/", "https://a.example", true},
        {"https://a.example:8443", "https://a.example", false},
        {"HTTP://A.Example", "http://a.example", true},
        {"http://localhost:*", "http://localhost:3000", true},
        {"http://localhost:*", "http://localhost", true},
        {"http://localhost:*", "http://localhost.evil:3000", false},
        {"http://*:3000", "http://a:3000", true},
        {"http://*:3000", "http://a:3001", false},
        {"http://*", "http://a.example:8080", true},
        {"https://*.a.example", "https://b.c.a.example", true},
        {"https://*.a.example", "https://a.example", false},
        {"https://*.a.example", "https://.a.example", false},
        {"https://*.a.example", "https://evila.example", false},
        {"https://*.a.example", "https://b.a.example:99", false},
        {"http://[::1]:*", "http://[::1]:5", true},
        {"chrome-extension://*", "chrome-extension://abcdef", true},
        {"chrome-extension://*", "moz-extension://abcdef", false},
        {"moz-extension://*/", "moz-extension://1-2-3", true},
        {"file://", "file://", true},
        {"file://*", "file://", true},
        {"null", "null", true},
        {"http://a.example", "null", false},
        {"*", "anything", true},
        {" http://a.example , http://b.example ", "http://b.example", true},
        {"http://a.example,*", "http://c.example", true},
        {NULL, "http://a.example", false},
    };
    static const struct {
        const char *list, *says;
    } bad[] = {{"a.example", "begins with a scheme"},
               {"localhost:3000", "begins with a scheme"},
               {"*://a.example", "begins with a scheme"},
               {"://a.example", "begins with a scheme"},
               {"http://a.example/page", "has no path"},
               {"http://a.example?a", "has no path"},
               {"http://me@a.example", "has no path"},
               {"http://a.example http://b.example", "put a comma"},
               {"http://a.example;http://b.example", "put a comma"},
               {"http://a.example,", "an entry is empty"},
               {"", "an entry is empty"},
               {"http://", "its name must be"},
               {"http://a*.example", "its name must be"},
               {"http://*a.example", "its name must be"},
               {"http://a.*.example", "its name must be"},
               {"http://b\xc3\xbc" "cher.example", "its name must be"},
               {"http://a.example:99999", "its port"},
               {"http://a.example:0", "its port"},
               {"http://localhost:080", "its port"},
               {"http://a.example:x", "its port"}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        struct quern_allowed allowed = {0};
        assert_int_equal(quern_origins_read(&allowed, table[i].list, NULL), QUERN_OK);
        if (quern_origins_have(&allowed, table[i].origin) != table[i].is_in)
            fail_msg("%s: %s", table[i].list, table[i].origin);
        quern_allowed_free(&allowed);
    }
    for (size_t i = 0; i < QUERN_COUNT(bad); i++) {
        struct quern_allowed allowed = {0};
        quern_error error;
        assert_int_equal(quern_origins_read(&allowed, bad[i].list, &error), QUERN_EINVAL);
        if (strstr(error.text, bad[i].says) == NULL || strstr(error.text, "--cors-origin: '") == NULL)
            fail_msg("%s: %s", bad[i].list, error.text);
    }
}

static void test_hosts(void **state)
{
    (void)state;
    static const char *const bad[] = {"http://a.example", "a.example/path", "a.example b.example", "a*.example", "",
                                      "a.example:x", "b\xc3\xbc\x63her"};
    struct quern_allowed allowed = {0};
    quern_error error;
    assert_int_equal(quern_hosts_read(&allowed, " A.example:8080, *.b.example", &error), QUERN_OK);
    assert_true(quern_hosts_have(&allowed, "a.EXAMPLE", 9) && quern_hosts_have(&allowed, "x.b.example", 11));
    assert_false(quern_hosts_have(&allowed, "b.example", 9) || quern_hosts_have(&allowed, "a.example.c", 11));
    quern_allowed_free(&allowed);
    assert_int_equal(quern_hosts_read(&allowed, "*", &error), QUERN_OK);
    assert_true(quern_hosts_have(&allowed, "anything", 8));
    quern_allowed_free(&allowed);
    for (size_t i = 0; i < QUERN_COUNT(bad); i++)
        if (quern_hosts_read(&allowed, bad[i], &error) != QUERN_EINVAL || strstr(error.text, "never match") == NULL)
            fail_msg("%s", bad[i]);
}

/* ---------------------------------------------------------------- keys */

static void test_keys(void **state)
{
    (void)state;
    char path[] = "/tmp/quern-keys-XXXXXX";
    struct quern_keys keys = {0};
    quern_error error;
    const int file = mkstemp(path);
    setenv("QUERN_API_KEY", "one, two", 1);
    assert_int_equal(quern_keys_load(&keys, NULL, &error), QUERN_OK);
    assert_int_equal(keys.count, 2);
    assert_true(quern_keys_have(&keys, "one") && quern_keys_have(&keys, "two"));
    assert_false(quern_keys_have(&keys, "on") || quern_keys_have(&keys, "one ") || quern_keys_have(&keys, "") ||
                 quern_keys_have(&keys, NULL));
    setenv("QUERN_API_KEY", " ,", 1);
    assert_int_equal(quern_keys_load(&keys, NULL, &error), QUERN_EINVAL);
    assert_non_null(strstr(error.text, "QUERN_API_KEY has no keys"));
    setenv("QUERN_API_KEY", "", 1); /* the same as not set */
    assert_int_equal(quern_keys_load(&(struct quern_keys){0}, NULL, &error), QUERN_OK);
    unsetenv("QUERN_API_KEY");
    assert_int_equal(quern_keys_load(&keys, path, &error),
                     QUERN_EINVAL); /* an empty file would let nobody in, or everybody */
    assert_non_null(strstr(error.text, "no keys"));
    assert_int_equal(keys.count, 2);
    dprintf(file, "# a file\n\n  three  \nfour\n");
    assert_int_equal(quern_keys_load(&keys, path, &error), QUERN_OK);
    assert_true(quern_keys_have(&keys, "three") && quern_keys_have(&keys, "four") && !quern_keys_have(&keys, "one"));
    assert_int_equal(ftruncate(file, 0) + (int)lseek(file, 0, SEEK_SET), 0);
    dprintf(file, "\xef\xbb\xbf" "three\r\nfour\r\n"); /* as editors of Windows write it */
    assert_int_equal(quern_keys_load(&keys, path, &error), QUERN_OK);
    assert_true(quern_keys_have(&keys, "three") && quern_keys_have(&keys, "four"));
    assert_int_equal(pwrite(file, "a\0b\0\n", 5, 0), 5); /* UTF-16 */
    assert_int_equal(quern_keys_load(&keys, path, &error), QUERN_EINVAL);
    assert_non_null(strstr(error.text, "NUL byte"));
    assert_int_equal(ftruncate(file, 0) + (int)lseek(file, 0, SEEK_SET), 0);
    dprintf(file, "five six\n");
    assert_int_equal(quern_keys_load(&keys, path, &error), QUERN_EINVAL);
    assert_int_equal(ftruncate(file, 1048577), 0);
    assert_int_equal(quern_keys_load(&keys, path, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "more than 1048576 bytes"));
    unlink(path);
    close(file);
    assert_int_equal(quern_keys_load(&keys, "/dev/zero", &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "not a regular file"));
    assert_int_equal(mkfifo(path, 0600), 0); /* the loop would wait for it */
    assert_int_equal(quern_keys_load(&keys, path, &error), QUERN_EIO);
    unlink(path);
    assert_int_equal(quern_keys_load(&keys, path, &error), QUERN_EIO);
    assert_true(quern_keys_have(&keys, "three"));
    quern_keys_free(&keys);
}

/* Large blocks go back to the system a part in each turn, so that no turn holds the loop for long. */
static void test_waste_is_freed_in_turns(void **state)
{
    (void)state;
    enum { MIB = 1 << 20, BYTES = 5 * MIB + 4321 };
    static struct quern_server server;
    struct event_base *base = event_base_new();
    char *data = malloc(BYTES), *other = malloc(2 * MIB);
    int turns = 0;
    assert_true(base != NULL && data != NULL && other != NULL && quern_turns_init(&server.turns, base));
    memset(data, 1, BYTES);
    quern_waste_free(&server, data, BYTES);
    for (; server.turns.first != NULL; turns++)
        event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(turns, 6);
    quern_waste_free(&server, malloc(100), 100);
    quern_waste_free(&server, NULL, 0);
    assert_null(server.turns.first);
    quern_turns_free(&server.turns);
    quern_waste_free(&server, other, 2 * MIB); /* as libevent does at the end, when there are no turns any more */
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads_are_read),
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_bad_heads_have_a_reason),
        cmocka_unit_test(test_too_many_fields_are_refused),
        cmocka_unit_test(test_chunks_come_in_any_pieces),
        cmocka_unit_test(test_chunks_and_trailers_are_strict),
        cmocka_unit_test(test_the_oldest_request_gets_its_memory),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_floats_and_strings),
        cmocka_unit_test(test_number_formats),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_waste_is_freed_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
