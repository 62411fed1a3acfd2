#include "routes.h"

#include <string.h>

static const struct quern_dialect *const dialects[] = {&quern_dialect_openai, &quern_dialect_page,
                                                      &quern_dialect_probes};
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

bool quern_route_find(struct quern_request *request)
{
    const struct quern_route *other = NULL;
    for (size_t d = 0; d < DIALECTS; d++) {
        if (dialects[d]->wants != NULL && !dialects[d]->wants(request))
            continue;
        for (size_t r = 0; r < dialects[d]->route_count; r++) {
            const struct quern_route *route = &dialects[d]->routes[r];
            const char *rest;
            if (!is_path(route, request->head->path, &rest))
                continue;
            if (is_method(route, request->head->method)) {
                request->route = route;
                request->rest = rest;
                return true;
            }
            other = route;
        }
    }
    if (other == NULL)
        return quern_refuse(request, QUERN_FAULT_ROUTE, NULL, "there is nothing at this path");
    quern_buffer_print(&request->fields, "Allow: %s\r\n", other->method);
    return quern_refuse(request, QUERN_FAULT_METHOD, NULL, "this path takes %s", other->method);
}

const struct quern_dialect *quern_request_dialect(const struct quern_request *request)
{
    const char *path = request->head != NULL && request->head->path != NULL ? request->head->path : "";
    for (size_t d = 0; d < DIALECTS; d++)
        for (size_t r = 0; r < dialects[d]->route_count; r++)
            if (request->route == &dialects[d]->routes[r])
                return dialects[d];
    for (size_t d = 0; d < DIALECTS; d++)
        if (strncmp(path, dialects[d]->prefix, strlen(dialects[d]->prefix)) == 0)
            return dialects[d];
    return dialects[0];
}
