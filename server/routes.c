#include "routes.h"

#include <string.h>

static const struct quern_dialect *const dialects[] = {&quern_dialect_openai, &quern_dialect_page,
                                                      &quern_dialect_ollama, &quern_dialect_tei,
                                                      &quern_dialect_llama,  &quern_dialect_probes};
#define DIALECTS (sizeof dialects / sizeof dialects[0])

/* Whether a path is the route's; *rest is what stands for its '*'. */
static bool is_path(const struct quern_route *route, const char *path, const char **rest)
{
    const size_t length = strlen(route->path);
    const bool is_open = route->path[length - 1] == '*';
    *rest = path + length - is_open;
    return is_open ? strncmp(path, route->path, length - 1) == 0 && **rest != '\0' : strcmp(path, route->path) == 0;
}

static bool is_method(const struct quern_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 || (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* Route i of all and its dialect, or NULL. */
static const struct quern_route *route_at(size_t i, const struct quern_dialect **dialect)
{
    for (size_t d = 0; d < DIALECTS; i -= dialects[d++]->route_count)
        if (i < dialects[d]->route_count) {
            *dialect = dialects[d];
            return &dialects[d]->routes[i];
        }
    return NULL;
}

const struct quern_route *quern_route_at(size_t i)
{
    const struct quern_dialect *dialect;
    return route_at(i, &dialect);
}

/* The first route from number i on of the request's path, and with its method if that matters. */
static const struct quern_route *find(const struct quern_request *request, size_t *i, bool any_method,
                                      const char **rest)
{
    const struct quern_route *route;
    const struct quern_dialect *dialect;
    while ((route = route_at((*i)++, &dialect)) != NULL)
        if (is_path(route, request->head->path, rest) && (any_method || is_method(route, request->head->method)) &&
            (dialect->wants == NULL || dialect->wants(request)))
            return route;
    return NULL;
}

/* The path has routes, but with other methods, which are told. */
static bool refuse_method(struct quern_request *request)
{
    const struct quern_route *route;
    const char *rest;
    bool get = false, post = false;
    for (size_t i = 0; (route = find(request, &i, true, &rest)) != NULL;) {
        get |= strcmp(route->method, "GET") == 0;
        post |= strcmp(route->method, "POST") == 0;
    }
    const char *methods = get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : "POST";
    quern_buffer_print(&request->fields, "Allow: %s\r\n", methods);
    return quern_refuse(request, QUERN_FAULT_METHOD, NULL, "this path takes %s", methods);
}

bool quern_route_find(struct quern_request *request)
{
    size_t i = 0, any = 0;
    const char *rest;
    request->route = find(request, &i, false, &request->rest);
    if (request->route != NULL)
        return true;
    request->rest = "";
    return find(request, &any, true, &rest) != NULL ? refuse_method(request)
                                                    : quern_refuse(request, QUERN_FAULT_ROUTE, NULL,
                                                                   "there is nothing at this path");
}

bool quern_route_pass(struct quern_request *request)
{
    const struct quern_route *other;
    size_t i = 0;
    while (quern_route_at(i) != request->route)
        i++;
    i++;
    other = find(request, &i, false, &request->rest);
    if (other != NULL)
        request->route = other;
    return other != NULL;
}

static bool has_route(const struct quern_dialect *dialect, const struct quern_route *route)
{
    for (size_t r = 0; r < dialect->route_count; r++)
        if (route == &dialect->routes[r])
            return true;
    return false;
}

const struct quern_dialect *quern_request_dialect(const struct quern_request *request)
{
    const char *path = request->head != NULL && request->head->path != NULL ? request->head->path : "", *rest;
    const struct quern_route *route = request->route;
    size_t any = 0;
    if (route == NULL && path[0] != '\0')
        route = find(request, &any, true, &rest);
    for (size_t d = 0; d < DIALECTS; d++)
        if (route != NULL ? has_route(dialects[d], route)
                          : strncmp(path, dialects[d]->prefix, strlen(dialects[d]->prefix)) == 0)
            return dialects[d];
    return dialects[0];
}
