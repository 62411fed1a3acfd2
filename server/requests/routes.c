#include "routes.h"

#include "array_count.h"

#include <string.h>

static const struct quern_dialect *const dialects[] = {&quern_dialect_openai, &quern_dialect_page,
                                                      &quern_dialect_ollama, &quern_dialect_tei,
                                                      &quern_dialect_llama,  &quern_dialect_index,
                                                      &quern_dialect_index_changes, &quern_dialect_probes};

/* Whether a path is the route's; *rest is the part that stands for its '*'. */
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
    for (size_t d = 0; d < QUERN_COUNT(dialects); i -= dialects[d++]->route_count)
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

/* A walk over the routes of a request's path: the one that was found last, and the number of the one to try next. */
struct walk {
    size_t next;
    const struct quern_route *route;
    const struct quern_dialect *dialect;
    const char *rest;
};

/* Finds the next route with the request's path and, unless any method will do, its method. False: there is none. */
static bool find(const struct quern_request *request, struct walk *walk, bool any_method)
{
    while ((walk->route = route_at(walk->next++, &walk->dialect)) != NULL)
        if (is_path(walk->route, request->path, &walk->rest) &&
            (any_method || is_method(walk->route, request->head->method)) &&
            (walk->dialect->wants == NULL || walk->dialect->wants(request)))
            return true;
    return false;
}

/* Makes the next route with the request's path and method the request's route. False: there is none. */
static bool follow(struct quern_request *request, struct walk *walk)
{
    if (!find(request, walk, false))
        return false;
    request->route = walk->route;
    request->dialect = walk->dialect;
    request->rest = walk->rest;
    return true;
}

/* Refuses the request if its path has routes, but with other methods. False: it has none. */
static bool refuse_method(struct quern_request *request)
{
    static const char *const lists[] = {NULL,     "GET, HEAD",         "POST",         "GET, HEAD, POST",
                                        "DELETE", "GET, HEAD, DELETE", "POST, DELETE", "GET, HEAD, POST, DELETE"};
    size_t which = 0;
    for (struct walk walk = {0}; find(request, &walk, true);)
        which |= strcmp(walk.route->method, "GET") == 0 ? 1 : strcmp(walk.route->method, "POST") == 0 ? 2 : 4;
    const char *methods = lists[which];
    if (methods == NULL)
        return false;
    quern_refuse(request, QUERN_FAULT_METHOD, NULL, "this path takes %s", methods);
    request->refusal.allow = methods;
    return true;
}

/* The route that is probably meant by a path that has none: one that begins with it, as behind a base URL alone, or the
 * longest one that it ends in. NULL: none. */
static const struct quern_route *guess(const char *path)
{
    const size_t length = strlen(path);
    const struct quern_route *best = NULL, *route;
    for (size_t i = 0; (route = quern_route_at(i)) != NULL; i++) {
        const size_t size = strlen(route->path);
        if (size == 1 || route->path[size - 1] == '*')
            continue;
        if (size > length && strncmp(route->path, path, length) == 0)
            return route;
        if (size < length && strcmp(path + length - size, route->path) == 0 &&
            (best == NULL || size > strlen(best->path)))
            best = route;
    }
    return best;
}

/* What a path asks for that other servers do and this one does not; NULL: nothing of the kind. */
static const char *find_lack(const char *path)
{
    static const char text[] = "this server gives vectors of texts and writes no text: POST /v1/embeddings",
                      order[] = "this server gives vectors of texts, and neither ranks nor classifies them: POST "
                                "/similarity compares a text with others",
                      sparse[] = "this server gives dense vectors: POST /embed";
    static const struct {
        const char *word, *message;
    } table[] = {{"completions", text}, {"completion", text},  {"chat", text},      {"responses", text},
                 {"messages", text},    {"infill", text},      {"rerank", order},   {"reranking", order},
                 {"predict", order},    {"classify", order},   {"score", order},    {"embed_sparse", sparse}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        if (strcmp(strrchr(path, '/') + 1, table[i].word) == 0)
            return table[i].message;
    return NULL;
}

static void refuse_path(struct quern_request *request)
{
    const struct quern_route *route = guess(request->path);
    const char *lack = find_lack(request->path);
    if (lack != NULL)
        quern_refuse(request, QUERN_FAULT_ROUTE, NULL, "%s", lack);
    else if (route == NULL)
        quern_refuse(request, QUERN_FAULT_ROUTE, NULL, QUERN_NO_PATH);
    else
        quern_refuse(request, QUERN_FAULT_ROUTE, NULL, "there is nothing at this path (did you mean %s %s?); GET "
                     "/openapi.json lists what there is", route->method, route->path);
}

bool quern_route_find(struct quern_request *request)
{
    request->rest = "";
    if (follow(request, &(struct walk){0}))
        return true;
    if (!refuse_method(request))
        refuse_path(request);
    return false;
}

bool quern_route_pass(struct quern_request *request)
{
    struct walk walk = {0};
    while (quern_route_at(walk.next++) != request->route)
        continue;
    return follow(request, &walk);
}

const struct quern_dialect *quern_route_dialect(const struct quern_request *request)
{
    struct walk walk = {0};
    if (request->dialect != NULL)
        return request->dialect;
    if (request->path[0] != '\0' && find(request, &walk, true))
        return walk.dialect;
    for (size_t d = 0; d < QUERN_COUNT(dialects); d++)
        if (strncmp(request->path, dialects[d]->prefix, strlen(dialects[d]->prefix)) == 0)
            return dialects[d];
    return dialects[0];
}
