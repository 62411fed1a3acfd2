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

#include "steps/batcher.h"
#include "http/buffer.h"
#include "http/http.h"
#include "meters.h"
#include "quern.h"
#include "refusal.h"
#include "server.h"
#include "steps/vector_cache.h"

#include <jansson.h>
#include <stdarg.h>

#define QUERN_INPUTS 2048  /* texts of a request at most */
#define QUERN_ID_BYTES 129 /* of a request's id, with its end */
#define QUERN_TOKENIZE_BYTES (1 << 18) /* of a text that is tokenised but not embedded: what the loop has time for */
#define QUERN_TOKENIZE_TOKENS (1 << 16) /* of a request of that kind */

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
    quern_tokenizer_info tokens;
    const struct quern_server_options *options;
    quern_context *tokenizer; /* of one thread */
    struct quern_batcher *batcher;
    struct quern_cache cache;
    struct quern_meters meters;
    struct quern_load load;
    int64_t created;          /* seconds since 1970 */
    bool spaced;              /* the vocabulary puts a space before every text */
    bool draining;            /* the server is ending */
    bool broken;              /* the model gave no vectors for a reason of its own; not ready */
};

enum quern_form { QUERN_FORM_JSON, QUERN_FORM_RAW, QUERN_FORM_NPY };
enum quern_cut { QUERN_CUT_NONE, QUERN_CUT_END, QUERN_CUT_START }; /* of a text that is too long */

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
    const struct quern_route *route;     /* NULL: none was found, yet */
    const struct quern_dialect *dialect; /* the route's */
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
    bool normalize, base64;
    enum quern_cut truncate;
    quern_dtype dtype;
    enum quern_form form; /* of the vectors */
    bool only_tokens;     /* inputs are tokenised, whatever their length, and not embedded */
    unsigned token_flags; /* of quern_tokenize, then */

    /* What tokenize fills. */
    int32_t *ids;
    size_t id_count, id_capacity, tokenized, token_count; /* tokenized: inputs; token_count: of these */
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

/* Tokenises inputs until about slice bytes of text are done. 1: all are, and there is memory for vectors if some are
 * wanted; 0: call again; -1: refused. */
int quern_request_tokenize(struct quern_request *request, size_t slice);

/* Makes room for count more ids. False: refused. */
bool quern_request_reserve_ids(struct quern_request *request, size_t count);

/* Writes the answer, to request->answer: of a refusal, of vectors that job brought, or of the route. */
void quern_request_answer(struct quern_request *request);

/* Bytes that a request holds. */
size_t quern_request_bytes(const struct quern_request *request);

/* ---------------------------------------------------------------- body.c: for parse */

/* The body as a JSON object, screened for depth and size first; NULL: refused. The same one when called again. */
json_t *quern_request_object(struct quern_request *request);

/* Adds an input. False: refused. */
bool quern_request_add_text(struct quern_request *request, const char *param, const char *data, size_t length);
bool quern_request_add_ids(struct quern_request *request, const char *param, const json_t *array);

/* A string, or an array of strings, or ids in one of their two forms, as most dialects take them. */
bool quern_request_add_inputs(struct quern_request *request, const char *param, const json_t *value);

/* Refuses an empty string among the inputs. */
bool quern_request_refuse_empty(struct quern_request *request, const char *param);

/* A field of an object; NULL when it is not there, or null. */
const json_t *quern_field(const json_t *object, const char *name);

/* "dimensions", of an object. */
bool quern_request_dimensions(struct quern_request *request, const json_t *object);

/* A field of an object that is true or false; left alone when it is not there. */
bool quern_request_flag(struct quern_request *request, const json_t *object, const char *name, bool *flag);

/* ---------------------------------------------------------------- extensions.c: the same for every dialect */

/* Reads model, task, title, truncate, normalize and output_dtype, and the form that Accept asks for. Comes after the
 * inputs. The task is that of the field, the one that a dialect has set before, that of a model's name that ends in one
 * ("NAME:query"), or the server's. */
bool quern_request_extensions(struct quern_request *request, const json_t *object);

/* The task that a model's name ends in after ':', or -1. *length: of the name without it, and without ":latest". */
int quern_model_task(const char *name, size_t *length);
bool quern_model_is_ours(const struct quern_service *service, const char *name);

/* ---------------------------------------------------------------- token_text.c */

/* A token's piece. One whose file is lost is empty, as one of an id that is none. */
quern_piece quern_request_piece(const struct quern_request *request, int32_t id);
bool quern_service_is_spaced(const struct quern_service *service); /* asks the tokenizer */
int quern_piece_byte(const quern_piece *piece); /* that a byte token stands for; -1: it is none */

/* Adds the text that a piece stands for to the answer, in quotes; of a control token, its name. */
void quern_request_put_piece(struct quern_request *request, const quern_piece *piece);

/* The same for ids, one behind the other, without the spaces that the vocabulary puts before it; control tokens may
 * be left out. Refuses a text of more bytes than a body may have. */
void quern_request_put_text(struct quern_request *request, const int32_t *ids, size_t count, bool skip_control);

/* Where in a text its next token stands. Starts with text alone filled in. */
struct quern_span {
    quern_text text;    /* that was tokenised, with its prompt */
    size_t start, stop; /* bytes */
    bool lost;          /* the tokens are not those of the text */
    bool inside;        /* the next token goes on where an ordinary one ended */
};
void quern_span_next(struct quern_span *span, const quern_piece *piece);

/* ---------------------------------------------------------------- cut.c: texts that are too long */

/* The tokens that a text has at least, as far as its length tells. */
size_t quern_tokens_least(const struct quern_service *service, size_t bytes); /* of text */

/* What of a text is worth tokenising when its first or last limit tokens are asked for: more than their bytes. */
quern_text quern_text_part(const struct quern_service *service, quern_text text, enum quern_cut cut);

/* Moves the ids to keep together, where the end of ids[count] is to be kept: what opens the text and its prompt, of at
 * most half of limit, and the last ones. */
void quern_ids_keep_end(const struct quern_request *request, const struct quern_input *input, int32_t *ids,
                        size_t count, size_t limit);

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
void quern_request_put_raw(struct quern_request *request);

#endif
