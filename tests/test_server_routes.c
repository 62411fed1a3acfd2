/* The table of routes, and openapi.json, which describes it. */
#include "../server/page/page.h"
#include "../server/requests/routes.h"
#include "base/count.h"

#include <ctype.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *read_description(void)
{
    json_error_t error;
    const struct quern_page_file *file = quern_page_find("/openapi.json");
    assert_non_null(file);
    json_t *description = json_loadb((const char *)file->bytes, file->size, JSON_REJECT_DUPLICATES, &error);
    if (description == NULL)
        fail_msg("openapi.json, line %d: %s", error.line, error.text);
    return description;
}

static struct quern_request ask(struct quern_head *head, const char *method, const char *path)
{
    static struct quern_service service;
    struct quern_request request;
    *head = (struct quern_head){.method = method, .path = path, .query = ""};
    quern_request_init(&request, &service, head);
    quern_route_find(&request);
    return request;
}

static const json_t *describe(const json_t *description, const struct quern_route *route)
{
    char path[64], method[8];
    const char *star = strchr(route->path, '*');
    assert_true(strlen(route->path) + 8 < sizeof path);
    strcpy(path, route->path);
    if (star != NULL)
        strcpy(path + (star - route->path), "{name}");
    for (size_t i = 0; i <= strlen(route->method); i++)
        method[i] = (char)tolower(route->method[i]);
    return json_object_get(json_object_get(json_object_get(description, "paths"), path), method);
}

static void test_every_route_is_described(void **state)
{
    (void)state;
    json_t *description = read_description();
    const struct quern_route *route;
    size_t i = 0;
    for (; (route = quern_route_at(i)) != NULL; i++) {
        const json_t *operation = describe(description, route);
        if (operation == NULL || !json_is_string(json_object_get(operation, "summary")))
            fail_msg("%s %s is not described", route->method, route->path);
        if ((json_object_get(operation, "security") != NULL) != (route->kind == QUERN_ROUTE_PUBLIC))
            fail_msg("%s %s: whether it needs a key is described wrongly", route->method, route->path);
        if ((json_object_get(operation, "requestBody") != NULL) != (route->parse != NULL))
            fail_msg("%s %s: whether it has a body is described wrongly", route->method, route->path);
    }
    assert_true(i > 20);
    json_decref(description);
}

static void test_everything_described_is_a_route(void **state)
{
    (void)state;
    json_t *description = read_description(), *item, *operation;
    const char *path, *method;
    json_object_foreach(json_object_get(description, "paths"), path, item)
        json_object_foreach(item, method, operation) {
            struct quern_head head;
            char name[8];
            for (size_t i = 0; i <= strlen(method); i++)
                name[i] = (char)toupper(method[i]);
            struct quern_request request = ask(&head, name, path);
            if (request.route == NULL)
                fail_msg("%s %s is described, and no route", name, path);
            quern_request_free(&request);
        }
    json_decref(description);
}

static void check_references(const json_t *description, json_t *value)
{
    json_t *item;
    const char *key, *target = json_string_value(json_object_get(value, "$ref"));
    size_t i;
    if (target != NULL) {
        const json_t *at = description;
        char *copy = strdup(target), *rest = copy;
        for (char *part = strsep(&rest, "/"); (part = strsep(&rest, "/")) != NULL;)
            at = json_object_get(at, part);
        free(copy);
        if (at == NULL)
            fail_msg("%s leads nowhere", target);
    }
    json_object_foreach(value, key, item)
        check_references(description, item);
    json_array_foreach(value, i, item)
        check_references(description, item);
}

static void test_references_lead_somewhere(void **state)
{
    (void)state;
    json_t *description = read_description();
    check_references(description, description);
    json_decref(description);
}

static void test_a_path_tells_its_methods(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *allow;
    } table[] = {{"PUT", "/", "GET, HEAD, POST"},         {"GET", "/embed", "POST"},
                 {"POST", "/v1/models/a", "GET, HEAD"},   {"POST", "/api/delete", "DELETE"},
                 {"OPTIONS", "//api//embed/", "POST"},    {"PUT", "/models/", "GET, HEAD"}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        struct quern_head head;
        struct quern_request request = ask(&head, table[i].method, table[i].path);
        assert_null(request.route);
        assert_int_equal(request.refusal.fault, QUERN_FAULT_METHOD);
        assert_string_equal(request.refusal.allow, table[i].allow);
        quern_request_free(&request);
    }
}

static void test_refusals_are_in_the_words_of_the_nearest_dialect(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        const struct quern_dialect *dialect;
    } table[] = {{"GET", "/v1/nothing", &quern_dialect_openai}, {"GET", "/nothing", &quern_dialect_openai},
                 {"GET", "/api/nothing", &quern_dialect_ollama}, {"GET", "/embed", &quern_dialect_tei},
                 {"GET", "/embed_sparse", &quern_dialect_tei},   {"PUT", "/props", &quern_dialect_llama},
                 {"POST", "/", &quern_dialect_tei},              {"GET", "/", &quern_dialect_ollama}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        struct quern_head head;
        struct quern_request request = ask(&head, table[i].method, table[i].path);
        assert_ptr_equal(quern_route_dialect(&request), table[i].dialect);
        quern_request_free(&request);
    }
}

static void test_paths_are_repaired(void **state)
{
    (void)state;
    static const struct {
        const char *sent, *path;
    } table[] = {{"/", "/"},
                 {"//", "/"},
                 {"/v1/embeddings/", "/v1/embeddings"},
                 {"//v1///embeddings//", "/v1/embeddings"},
                 {"/api/v1/embeddings", "/v1/embeddings"},
                 {"/v1/v1/embeddings", "/v1/embeddings"},
                 {"/v1/api/embed", "/api/embed"},
                 {"/api/api/embed", "/api/embed"},
                 {"/api/v1", "/api/v1"},
                 {"/openai/v1/embeddings", "/v1/embeddings"},
                 {"/openai/v1/models/a", "/v1/models/a"},
                 {"/openai/embeddings", "/v1/embeddings"},
                 {"/openai/deployments/my-name/embeddings", "/v1/embeddings"},
                 {"/openai/deployments/my-name", "/v1/deployments/my-name"},
                 {"/v1/engines/my-name/embeddings", "/v1/embeddings"},
                 {"/engines/v1/embeddings", "/v1/embeddings"},
                 {"/engines/my-name/v1/embeddings", "/v1/embeddings"},
                 {"/engine/v1/embeddings", "/v1/embeddings"},
                 {"/engines/", "/engines"},
                 {"/v1beta/openai/embeddings", "/v1/embeddings"},
                 {"/ollama/api/embed", "/api/embed"},
                 {"/ollama/v1/embeddings", "/v1/embeddings"},
                 {"/./v1/embeddings", "/v1/embeddings"},
                 {"/v1/./embeddings/.", "/v1/embeddings"},
                 {"/a/b/../../v1/models/..", "/v1"},
                 {"/../../v1/x/../models", "/v1/models"},
                 {"/v1/%2e%2E/embed", "/embed"},
                 {"/..", "/"},
                 {"/v1/models/..a", "/v1/models/..a"},
                 {"/v1/models/...", "/v1/models/..."},
                 {"/v1/models/.a", "/v1/models/.a"},
                 {"/models", "/v1/models"},
                 {"/models/a", "/v1/models/a"},
                 {"/modelsx", "/modelsx"},
                 {"/v1/models/a%3Aquery", "/v1/models/a:query"},
                 {"/v1/models/a%2fb%2F", "/v1/models/a/b"},
                 {"/a%", "/a%"},
                 {"/a%4", "/a%4"},
                 {"/a%00b%zz", "/a%00b%zz"}};
    char path[QUERN_PATH_BYTES], longest[2 * QUERN_PATH_BYTES];
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        quern_path_read(path, table[i].sent);
        assert_string_equal(path, table[i].path);
    }
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "/models/", 8);
    longest[sizeof longest - 1] = '\0';
    quern_path_read(path, longest);
    assert_int_equal(strlen(path), QUERN_PATH_BYTES - 1);
}

/* Paths that are nearly one of ours. */
static void test_paths_get_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *path, *says;
    } table[] = {{"/v1", "there is nothing at this path (did you mean POST /v1/embeddings?); GET /openapi.json lists"},
                 {"/api", "(did you mean POST /api/embed?)"},
                 {"/v1/embedding", "(did you mean POST /v1/embeddings?)"},
                 {"/proxy/quern/v1/models", "(did you mean GET /v1/models?)"},
                 {"/my/api/embed", "(did you mean POST /api/embed?)"},
                 {"/v1/chat/completions", "this server gives vectors of texts and writes no text: POST /v1/embeddings"},
                 {"/completion", "writes no text"},
                 {"/v1/rerank", "neither ranks nor classifies them: POST /similarity"},
                 {"/reranking", "neither ranks nor classifies them"},
                 {"/embed_sparse", "this server gives dense vectors: POST /embed"},
                 {"/nothing", "there is nothing at this path; GET /openapi.json lists what there is"}};
    struct quern_head head;
    for (size_t i = 0; i < QUERN_COUNT(table); i++) {
        struct quern_request request = ask(&head, "GET", table[i].path);
        assert_int_equal(request.refusal.fault, QUERN_FAULT_ROUTE);
        if (strstr(request.refusal.message, table[i].says) == NULL)
            fail_msg("%s: %s", table[i].path, request.refusal.message);
        quern_request_free(&request);
    }
}

static void test_a_body_is_passed_on_once(void **state)
{
    (void)state;
    struct quern_head head;
    struct quern_request request = ask(&head, "POST", "/tokenize");
    const struct quern_route *first = request.route;
    assert_true(quern_route_pass(&request));
    assert_ptr_not_equal(request.route, first);
    assert_string_equal(request.route->path, "/tokenize");
    first = request.route;
    assert_false(quern_route_pass(&request));
    assert_ptr_equal(request.route, first);
    quern_request_free(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_is_described),
        cmocka_unit_test(test_everything_described_is_a_route),
        cmocka_unit_test(test_references_lead_somewhere),
        cmocka_unit_test(test_a_path_tells_its_methods),
        cmocka_unit_test(test_refusals_are_in_the_words_of_the_nearest_dialect),
        cmocka_unit_test(test_paths_are_repaired),
        cmocka_unit_test(test_paths_get_a_hint),
        cmocka_unit_test(test_a_body_is_passed_on_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
