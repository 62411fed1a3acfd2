/* Dialects: what others' servers are asked and answer. Each is one file with one struct quern_dialect, listed in
 * routes.c, and knows nothing of the others. */
#ifndef QUERN_SERVER_ROUTES_H
#define QUERN_SERVER_ROUTES_H

#include "request.h"

struct quern_route {
    const char *method; /* "GET" (which HEAD may ask too) or "POST" */
    const char *path;   /* a last '*' stands for any rest */
    bool is_public;     /* needs no key */

    /* Fills a request from its body; NULL: there is nothing to read. When it adds inputs, they are embedded before
     * write is called. False: refused. */
    bool (*parse)(struct quern_request *request);

    /* Writes request->answer; status and type are 200 and JSON unless it sets them. It may refuse, too. */
    void (*write)(struct quern_request *request);
};

struct quern_dialect {
    const char *prefix; /* paths that begin so and are no route are refused in this dialect */
    const struct quern_route *routes;
    size_t route_count;
    void (*write_error)(struct quern_request *request, struct quern_buffer *answer); /* of request->refusal, JSON */
    bool (*wants)(const struct quern_request *request); /* whether its routes are for this request; NULL: for all */
    int (*status)(enum quern_fault fault); /* where it is not the usual one; NULL: always is */
};

extern const struct quern_dialect quern_dialect_openai, quern_dialect_ollama, quern_dialect_tei, quern_dialect_llama,
    quern_dialect_page, quern_dialect_probes;

/* The write_error of those that have no words of their own: {"error": "why"}. */
void quern_write_error(struct quern_request *request, struct quern_buffer *answer);

/* Sets request->route, dialect and rest by method and path. False: refused, with the nearest dialect's words; a
 * path that exists with other methods names them in Allow. */
bool quern_route_find(struct quern_request *request);

/* Passes a body that is not this route's on to the next dialect's of the same method and path: request->route is that
 * one then. False: there is none. */
bool quern_route_pass(struct quern_request *request);

/* Route i of all, or NULL. */
const struct quern_route *quern_route_at(size_t i);

/* The dialect whose words an answer is in. */
const struct quern_dialect *quern_request_dialect(const struct quern_request *request);

#endif
