/* One request, from a dialect's JSON to a dialect's answer. Nothing here knows of sockets.
 *
 *     route->parse     fills inputs, model and options from the body
 *     tokenize         makes ids of the inputs; refuses what is too long
 *     (batcher)        fills vectors
 *     route->write     writes the answer; vectors asked for as raw bytes are written without it
 *
 * Whatever goes wrong on the way is a refusal, and the dialect writes that too. */
#ifndef QUERN_SERVER_REQUEST_H
#define QUERN_SERVER_REQUEST_H

#include "batcher.h"
#include "buffer.h"
#include "vector_cache.h"
#include "http.h"
#include "meters.h"
#include "quern.h"
#include "refusal.h"
#include "server.h"

#include <jansson.h>
#include <stdarg.h>

#define QUERN_INPUTS 2048  /* texts of a request at most */
#define QUERN_ID_BYTES 129 /* of a request's id, with its end */

/* What the server holds at the moment. */
struct quern_load {
    int connections;
    size_t requests; /* begun and not yet over */
    size_t bytes;    /* of requests, bodies and answers */
};

/* What requests are answered with. One thread uses it. */
struct quern_service {
    quern_model *model;
    quern_model_info info;
    const struct quern_server_options *options;
    quern_context *tokenizer; /* of one thread */
    struct quern_batcher *batcher;
    struct quern_cache cache;
    struct quern_meters meters;
    struct quern_load load;
    int64_t created;          /* seconds since 1970 */
    bool draining;            /* the server is ending */
    bool broken;              /* the model gave no vectors for a reason of its own; not ready */
};

enum quern_dtype { QUERN_DTYPE_FLOAT, QUERN_DTYPE_F16, QUERN_DTYPE_INT8, QUERN_DTYPE_BINARY };
enum quern_form { QUERN_FORM_JSON, QUERN_FORM_RAW, QUERN_FORM_NPY };

struct quern_input {
    quern_text text, title; /* live in json, until they are tokens */
    bool is_ids;            /* was given as ids, which are there already */
    size_t first_id;        /* in the request's ids */
    quern_result result;
};

struct quern_request {
    struct quern_service *service;
    const struct quern_head *head;
    const char *body; /* [body_length]; until parsed */
    size_t body_length;
    const struct quern_route *route;
    const char *rest; /* of the path, where the route leaves it open */
    char id[QUERN_ID_BYTES], trace[56]; /* x-request-id; traceparent, or "" */
    int64_t arrived_ns, received_ns, answered_ns, encode_ns; /* when head, body and answer were whole; for the answer */

    /* What parse fills. */
    json_t *json;
    struct quern_input *inputs;
    size_t input_count, input_capacity;
    const char *model; /* as asked for; NULL: not */
    int task;          /* a quern_task; -1: not said */
    int dimensions;    /* 0: all */
    bool normalize, truncate, base64;
    enum quern_dtype dtype;

    /* What tokenize fills. */
    int32_t *ids;
    size_t id_count, id_capacity, tokenized; /* tokenized: inputs */
    quern_tokens *tokens;
    float *vectors; /* [input_count][width], as the batcher gives them */
    struct quern_job job;

    /* The answer. */
    struct quern_refusal refusal;
    int status;
    const char *type;            /* of content; static */
    struct quern_buffer fields;  /* "Name: value\r\n", besides those every answer has */
    struct quern_buffer answer;

    /* Of the loop alone. */
    struct quern_connection *connection; /* NULL: nobody waits any more */
    struct event *timer; /* of tokenising in slices; of the deadline, when queued */
    struct quern_claims claims;
    bool queued, settled; /* its tokens are there; nothing is awaited any more */
    bool submitted;       /* the batcher has the job */
};

/* ---------------------------------------------------------------- request.c */

/* Starts a request for a head that is read. Takes nothing over. */
void quern_request_init(struct quern_request *request, struct quern_service *service, const struct quern_head *head);
void quern_request_free(struct quern_request *request); /* what it owns */

/* Notes a refusal, the first one stays. False, to be returned. */
bool quern_refuse(struct quern_request *request, enum quern_fault fault, const char *param, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Runs the route's parse on the body, and checks what every dialect wants checked. False: refused. */
bool quern_request_parse(struct quern_request *request);

/* Tokenises inputs until about slice bytes of text are done. 1: all are, and there is memory for vectors; 0: call
 * again; -1: refused. */
int quern_request_tokenize(struct quern_request *request, size_t slice);

/* Makes room for count more ids. False: refused. */
bool quern_request_reserve_ids(struct quern_request *request, size_t count);

/* Writes the answer, to request->answer: of a refusal, of vectors that job brought, or of the route. */
void quern_request_answer(struct quern_request *request);

/* Bytes that a request holds. */
size_t quern_request_bytes(const struct quern_request *request);

/* ---------------------------------------------------------------- body.c: for parse */

/* The body as a JSON object, screened for depth and size first; NULL: refused. */
json_t *quern_request_object(struct quern_request *request);

/* Adds an input. False: refused. */
bool quern_request_add_text(struct quern_request *request, const char *param, const char *data, size_t length);
bool quern_request_add_ids(struct quern_request *request, const char *param, const json_t *array);

/* A string, or an array of strings, or ids in one of their two forms, as most dialects take them. */
bool quern_request_add_inputs(struct quern_request *request, const char *param, const json_t *value);

/* "dimensions", of an object. */
bool quern_request_dimensions(struct quern_request *request, const json_t *object);

/* ---------------------------------------------------------------- extensions.c: the same for every dialect */

/* Reads model, task, title, truncate, normalize and output_dtype, and the form that Accept asks for. Comes after the
 * inputs. The task is that of the field, of a model's name that ends in one ("NAME:query"), or the server's. */
bool quern_request_extensions(struct quern_request *request, const json_t *object);

/* The task that a model's name ends in after ':', or -1. *length: of the name without it. */
int quern_model_task(const char *name, size_t *length);
bool quern_model_is_ours(const struct quern_service *service, const char *name);

enum quern_form quern_request_form(const struct quern_request *request);

/* ---------------------------------------------------------------- encode.c */

/* Cuts row[width] to its leading dimensions and, if asked, makes it of length 1: as the library does, bit for bit. */
void quern_vector_finish(float *row, int dimensions, bool normalize);

/* The number of dimensions, and of bytes a vector has on its way out. */
int quern_request_width(const struct quern_request *request);
size_t quern_request_row_bytes(const struct quern_request *request);

/* Finishes all vectors, in place: cut, normalised, packed one behind the other. Once. */
void quern_request_finish_vectors(struct quern_request *request);

/* Adds vector i as its number format wants it: as a JSON array, or in base64 and quotes. */
void quern_request_put_vector(const struct quern_request *request, struct quern_buffer *buffer, size_t i);

/* Writes all vectors as bytes, or as a file for NumPy. */
void quern_request_put_raw(struct quern_request *request, enum quern_form form);

#endif
