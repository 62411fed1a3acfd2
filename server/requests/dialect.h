/* Dialects: the requests of other servers' clients, and the answers that these expect. Each is one file with one struct
 * quern_dialect, listed in routes.c, and knows nothing of the others. */
#ifndef QUERN_SERVER_DIALECT_H
#define QUERN_SERVER_DIALECT_H

#include "answer.h"

enum quern_route_kind {
    QUERN_ROUTE_KEYED,   /* needs a key where the server has keys */
    QUERN_ROUTE_VECTORS, /* the same; what it does begins with vectors, so it is counted as a request for them */
    QUERN_ROUTE_PUBLIC   /* needs no key */
};

struct quern_route {
    const char *method; /* "GET" (which HEAD may ask too), "POST" or "DELETE" */
    const char *path;   /* a '*' at its end stands for any rest */
    enum quern_route_kind kind;

    /* Fills a request from its body; NULL: the route has none. When it adds inputs, they are tokenised and, unless only
     * tokens are wanted, embedded before write is called. False: refused. */
    bool (*parse)(struct quern_request *request);

    /* Writes answer->body; status and type are 200 and JSON unless it sets them. It may refuse, too. job has the
     * finished vectors of all inputs; NULL: no vectors were computed. */
    void (*write)(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer);

    /* Whether the body is for this route, and not for the same path in another dialect; NULL: it is. */
    bool (*takes)(struct quern_request *request);
};

struct quern_dialect {
    const char *prefix; /* unknown paths that begin with it are refused in this dialect */
    const struct quern_route *routes;
    size_t route_count;
    size_t most_inputs;  /* of a request; 0: QUERN_MOST_INPUTS */
    const char *model_field; /* that has the model's name, beside "model"; NULL: none */
    bool replaces_bytes; /* bytes that are not UTF-8 become U+FFFD; else they are refused */
    void (*write_error)(const struct quern_request *request, struct quern_answer *answer); /* the refusal, as JSON */
    void (*begin)(struct quern_request *request); /* called for a route without parse; NULL: nothing is to be done */
    bool (*wants)(const struct quern_request *request); /* whether its routes are for this request; NULL: always */
    int (*status)(enum quern_fault fault);              /* where it differs from the usual one; NULL: never */
};

extern const struct quern_dialect quern_dialect_openai, quern_dialect_ollama, quern_dialect_tei, quern_dialect_llama,
    quern_dialect_page, quern_dialect_index, quern_dialect_index_changes, quern_dialect_probes;

#endif
