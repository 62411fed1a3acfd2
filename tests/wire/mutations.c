#include "base/count.h"
#include "mutations.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    char *data;
    size_t length, capacity;
    bool failed;
};

struct maker {
    struct quern_mutation *out;
    uint64_t random;
    struct bytes message;
};

/* ---------------------------------------------------------------- pieces */

static uint64_t below(struct maker *maker, uint64_t bound)
{
    maker->random ^= maker->random << 13;
    maker->random ^= maker->random >> 7;
    maker->random ^= maker->random << 17;
    return (maker->random * UINT64_C(0x2545f4914f6cdd1d) >> 32) % bound;
}

#define PICK(maker, list) ((list)[below((maker), QUERN_COUNT(list))])

static void add(struct bytes *bytes, const void *data, size_t length)
{
    if (bytes->length + length > bytes->capacity) {
        size_t capacity = 2 * (bytes->length + length) + 256;
        char *grown = realloc(bytes->data, capacity);
        if (!grown) {
            bytes->failed = true;
            return;
        }
        bytes->data = grown;
        bytes->capacity = capacity;
    }
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
}

static void add_text(struct bytes *bytes, const char *text)
{
    add(bytes, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void print(struct bytes *bytes, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    add(bytes, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

static void repeat(struct bytes *bytes, const char *text, size_t count)
{
    while (count-- > 0)
        add_text(bytes, text);
}

static void insert(struct bytes *bytes, size_t at, const void *data, size_t length)
{
    size_t old = bytes->length;
    add(bytes, data, length);
    if (bytes->length == old)
        return;
    memmove(bytes->data + at + length, bytes->data + at, old - at);
    memcpy(bytes->data + at, data, length);
}

static const struct {
    const char *path, *before, *after; /* body: before, a string, after */
    bool cuts;                         /* truncates long texts by default */
    bool may_be_empty;
} dialects[] = {
    {"/v1/embeddings", "{\"model\":\"m\",\"input\":", "}", false, false},
    {"/v1/embeddings", "{\"model\":\"m\",\"encoding_format\":\"base64\",\"input\":", "}", false, false},
    {"/api/embed", "{\"model\":\"m\",\"input\":", "}", true, true},
    {"/api/embeddings", "{\"model\":\"m\",\"prompt\":", "}", true, true},
    {"/embed", "{\"inputs\":", "}", false, false},
    {"/embedding", "{\"content\":", "}", false, false},
};
enum { DIALECTS = QUERN_COUNT(dialects) };

static void add_head(struct bytes *message, const char *path, const char *fields)
{
    print(message, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s", path, fields);
}

static void add_whole(struct bytes *message, const char *path, const struct bytes *body)
{
    add_head(message, path, "");
    print(message, "Content-Length: %zu\r\n\r\n", body->length);
    add(message, body->data, body->length);
}

static void good_body(struct bytes *body, uint64_t dialect)
{
    add_text(body, dialects[dialect].before);
    add_text(body, "\"some text about nothing at all\"");
    add_text(body, dialects[dialect].after);
}

static void add_good(struct maker *maker)
{
    struct bytes body = {0};
    uint64_t dialect = below(maker, DIALECTS);
    good_body(&body, dialect);
    add_whole(&maker->message, dialects[dialect].path, &body);
    free(body.data);
}

/* ---------------------------------------------------------------- JSON */

static void broken_json(struct maker *maker)
{
    struct bytes body = {0};
    uint64_t dialect = below(maker, DIALECTS);
    good_body(&body, dialect);
    switch (below(maker, 4)) {
    case 0: /* ends too early */
        body.length = 1 + below(maker, body.length - 1);
        break;
    case 1: /* a control byte, which is allowed nowhere */
        insert(&body, below(maker, body.length), &(char){(char)(1 + below(maker, 8))}, 1);
        break;
    case 2: /* a byte that is not UTF-8, where no string is */
        insert(&body, 0, &(char){(char)(128 + below(maker, 128))}, 1);
        break;
    default: /* NUL */
        insert(&body, below(maker, body.length), "", 1);
    }
    add_whole(&maker->message, dialects[dialect].path, &body);
    free(body.data);
}

static void deep_json(struct maker *maker)
{
    struct bytes body = {0};
    uint64_t dialect = below(maker, DIALECTS), depth = 40 + below(maker, 50000);
    bool closed = below(maker, 2), objects = below(maker, 2);
    add_text(&body, dialects[dialect].before);
    repeat(&body, objects ? "{\"a\":" : "[", depth);
    if (closed) {
        add_text(&body, "1");
        repeat(&body, objects ? "}" : "]", depth);
        add_text(&body, dialects[dialect].after);
    }
    add_whole(&maker->message, dialects[dialect].path, &body);
    free(body.data);
}

static void wrong_value(struct maker *maker)
{
    static const char *const values[] = {
        "7", "-1", "1e999", "99999999999999999999999999", "0.5", "true", "{}", "{\"a\":\"b\"}", "[7]", "[[]]", "[{}]",
        "[null]", "[\"a\",7]", "[\"a\",null]", "[\"a\",[\"b\"]]", "NaN", "-", "0x10", "'a'", "\"\\ud8\"", "\"\\x\"",
        "[\"a\",]",
    };
    struct bytes body = {0};
    uint64_t dialect = below(maker, DIALECTS);
    add_text(&body, dialects[dialect].before);
    add_text(&body, PICK(maker, values));
    add_text(&body, dialects[dialect].after);
    add_whole(&maker->message, dialects[dialect].path, &body);
    free(body.data);
}

static void wrong_option(struct maker *maker)
{
    static const char *const options[] = {
        "\"dimensions\":-1", "\"dimensions\":-9223372036854775808", "\"dimensions\":9223372036854775807",
        "\"dimensions\":1e308", "\"dimensions\":\"8\"", "\"dimensions\":[8]", "\"dimensions\":true", "\"task\":7",
        "\"task\":\"none such\"", "\"task\":[\"query\"]", "\"truncate\":{}", "\"truncate\":17",
        "\"normalize\":\"yes\"", "\"normalize\":[]", "\"output_dtype\":\"float128\"", "\"output_dtype\":4",
        "\"title\":{\"a\":1}", "\"task\":\"document\",\"title\":[\"a\",\"b\",\"c\"]", "\"model\":7",
        "\"input\":3,\"input\":4",
    };
    struct bytes body = {0};
    uint64_t dialect = below(maker, 3); /* the dialects that have dimensions */
    good_body(&body, dialect);
    body.length--;
    print(&body, ",%s}", PICK(maker, options));
    add_whole(&maker->message, dialects[dialect].path, &body);
    free(body.data);
}

static void too_much(struct maker *maker)
{
    static const uint64_t strict[] = {0, 1, 4, 5}; /* the last one has no limit of items */
    struct bytes body = {0};
    uint64_t dialect = PICK(maker, strict);
    add_text(&body, dialects[dialect].before);
    if (dialect != 5 && below(maker, 2)) {
        add_text(&body, "[\"a\"");
        repeat(&body, ",\"a\"", 2048 + below(maker, 20000));
        add_text(&body, "]");
    } else {
        add_text(&body, "\"");
        repeat(&body, "word ", 3000 + below(maker, 20000));
        add_text(&body, "\"");
    }
    add_text(&body, dialects[dialect].after);
    add_whole(&maker->message, dialects[dialect].path, &body);
    free(body.data);
}

/* ---------------------------------------------------------------- HTTP */

static void two_lengths(struct maker *maker)
{
    static const char *const fields[] = {
        "Content-Length: 27\r\nContent-Length: 27\r\n", "Content-Length: 27\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 27\r\n", "Content-Length: 27, 27\r\n",
        "Content-Length: 27\r\ncontent-length: 0\r\n", "Content-Length: 27\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 27\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: \vchunked\r\n", "Transfer-Encoding : chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Content-Length: -27\r\n", "Content-Length: +27\r\n", "Content-Length: 0x1b\r\n", "Content-Length: 27 27\r\n",
        "Content-Length: 27a\r\n", "Content-Length:\r\n", "Content-Length: 27;a=b\r\n",
        "Content-Length: 99999999999999999999999\r\n", "Content-Length: 18446744073709551643\r\n",
        "Content-Length: 9223372036854775807\r\n", "",
    };
    add_head(&maker->message, dialects[below(maker, DIALECTS)].path, PICK(maker, fields));
    add_text(&maker->message, "\r\n{\"model\":\"one\",\"input\":\"a\"}");
    if (below(maker, 2)) /* a second request, which shows if the server misunderstands the lengths */
        add_text(&maker->message, "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

static void wrong_chunks(struct maker *maker)
{
    static const char *const bodies[] = {
        "zz\r\n{}\r\n0\r\n\r\n", "-2\r\n{}\r\n0\r\n\r\n", "2\n{}\n0\n\n", "2\r\n{}0\r\n\r\n", "2 \r\n{\r\n0\r\n\r\n",
        "\r\n\r\n", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n", "ffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n", "+2\r\n{}\r\n0\r\n\r\n", "2;\r\n{}\r\n0\r\nX: \x01\r\n\r\n", "3\r\n{}\r\n0\r\n\r\n",
        "7fffffff\r\n{}\r\n0\r\n\r\n", "2\r\n{}\r\n0\r\nContent-Length\r\n\r\n",
    };
    add_head(&maker->message, dialects[below(maker, DIALECTS)].path, "Transfer-Encoding: chunked\r\n\r\n");
    if (below(maker, 8) == 0) {
        add_text(&maker->message, "2;");
        repeat(&maker->message, "x", 1000 + below(maker, 100000));
        add_text(&maker->message, "\r\n{}\r\n0\r\n\r\n");
    } else {
        add_text(&maker->message, PICK(maker, bodies));
    }
}

static void large_head(struct maker *maker)
{
    uint64_t size = 20000 + below(maker, 200000);
    switch (below(maker, 4)) {
    case 0:
        add_text(&maker->message, "GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ");
        repeat(&maker->message, "a", size);
        break;
    case 1:
        add_text(&maker->message, "GET /");
        repeat(&maker->message, "a", size);
        add_text(&maker->message, " HTTP/1.1\r\nHost: localhost");
        break;
    case 2:
        repeat(&maker->message, "G", size);
        add_text(&maker->message, " /health HTTP/1.1\r\nHost: localhost");
        break;
    default:
        add_text(&maker->message, "GET /health HTTP/1.1\r\nHost: localhost");
        repeat(&maker->message, "\r\nA: b", 200 + size / 10);
    }
    add_text(&maker->message, "\r\n\r\n");
}

static void wrong_field(struct maker *maker)
{
    static const char *const fields[] = {
        "X-A : b", " X-A: b", "X-A: b\r\n c", "X-A: b\r\n\tc", ": b", "nothing", "X\x01: b", "X-A: b\x01",
        "X-A: b\x7f", "X(A): b", "X-A: b\nX-B: c", "X-A: b\rX-B: c", "X\xc3\xa9: b", "Host: localhost", "Host: other",
        "Expect: a-miracle", "X-Timeout-Ms: 1\r\nX-Timeout-Ms: 2",
    };
    print(&maker->message, "GET /health HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n", PICK(maker, fields));
}

static void wrong_line(struct maker *maker)
{
    static const char *const lines[] = {
        "BREW /health HTTP/1.1", "POST /health HTTP/1.1", "DELETE /v1/models HTTP/1.1", "get /health HTTP/1.1",
        "GET  /health HTTP/1.1", "GET /health  HTTP/1.1", "GET /health HTTP/1.1 ", "GET /health HTTP/1.12",
        "GET /health HTTP/2.0", "GET /health HTTP/0.9", "GET /health http/1.1", "GET /health", "GET", "/health",
        " GET /health HTTP/1.1", "GET\t/health\tHTTP/1.1", "GET health HTTP/1.1", "GET /health\x01 HTTP/1.1",
        "GET /h\xc3\xa9 HTTP/1.1", "PUT /v1/embeddings HTTP/1.1", "TRACE / HTTP/1.1", "CONNECT a:1 HTTP/1.1",
        "GET /%00 HTTP/1.1", "GET /../health/a HTTP/1.1", "GET /v1/embeddings HTTP/1.1",
        "GET /page/../../etc/passwd HTTP/1.1", "GET /v1/models/%s%n%s HTTP/1.1", "OPTIONS /health HTTP/1.1",
        "PRI * HTTP/2.0", "GET /no/such HTTP/1.1", "GET /health HTTP/1.1\r",
    };
    print(&maker->message, "%s\r\nHost: localhost\r\n\r\n", PICK(maker, lines));
}

static void wrong_origin(struct maker *maker)
{
    static const char *const fields[] = {
        "Host: evil.example", "Host: localhost.evil.example", "Host: 127.0.0.1.evil.example", "Host: evil.example:80",
        "Host: ", "Host: localhost@evil.example", "Host: localhost/evil", "X-No-Host: 1",
        "Host: localhost\r\nOrigin: http://evil.example", "Host: localhost\r\nOrigin: http://localhost.evil.example",
        "Host: localhost\r\nOrigin: null", "Host: localhost\r\nOrigin: file://",
    };
    print(&maker->message, "GET /v1/models HTTP/1.1\r\n%s\r\n\r\n", PICK(maker, fields));
}

/* ---------------------------------------------------------------- bytes */

static void half(struct maker *maker)
{
    add_good(maker);
    maker->message.length = below(maker, maker->message.length);
    maker->out->breaks_off = true;
}

static void noise(struct maker *maker)
{
    for (uint64_t i = 1 + below(maker, 2000); i > 0; i--)
        add(&maker->message, &(char){(char)below(maker, 256)}, 1);
    maker->message.data[0] = (char)(128 + below(maker, 128));
    add_text(&maker->message, "\r\n\r\n");
}

static void flips(struct maker *maker)
{
    add_good(maker);
    for (uint64_t i = 1 + below(maker, 6); i > 0; i--)
        maker->message.data[below(maker, maker->message.length)] = (char)below(maker, 256);
    maker->out->may_pass = true;
}

static void behind_good_ones(struct maker *maker)
{
    maker->out->good_before = 1 + (int)below(maker, 3);
    for (int i = 0; i < maker->out->good_before; i++)
        add_good(maker);
    switch (below(maker, 4)) {
    case 0: two_lengths(maker); break;
    case 1: broken_json(maker); break;
    case 2: wrong_line(maker); break;
    default: wrong_field(maker);
    }
}

bool quern_mutation_make(struct quern_mutation *mutation, uint64_t seed)
{
    static const struct {
        const char *name;
        void (*make)(struct maker *);
    } kinds[] = {
        {"broken JSON", broken_json}, {"deep JSON", deep_json}, {"wrong value", wrong_value},
        {"wrong option", wrong_option}, {"too much", too_much}, {"length", two_lengths}, {"chunks", wrong_chunks},
        {"large head", large_head}, {"wrong field", wrong_field}, {"request line", wrong_line},
        {"host and origin", wrong_origin}, {"breaks off", half}, {"noise", noise}, {"changed bytes", flips},
        {"behind good ones", behind_good_ones},
    };
    struct maker maker = {.out = mutation, .random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15)};
    for (int i = 0; i < 8; i++)
        below(&maker, 2); /* the first numbers of similar seeds are similar */
    uint64_t kind = below(&maker, QUERN_COUNT(kinds));
    *mutation = (struct quern_mutation){.kind = kinds[kind].name};
    kinds[kind].make(&maker);
    mutation->data = maker.message.data;
    mutation->length = maker.message.length;
    return !maker.message.failed;
}
