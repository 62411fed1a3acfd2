/* A request: what a client asked for. The way of a request is
 *
 *     routes.h          finds its route by method and path
 *     respond.h         has the route parse the body, and resolves what was left to defaults
 *     request_tokens.h  turns its inputs into tokens, and these into a job
 *     batcher.h         has the job computed
 *     respond.h         has the route write the answer from the request and the job
 *
 * If something goes wrong on the way, it becomes a refusal, which the dialect writes too. Nothing here knows of
 * sockets. */
#ifndef QUERN_SERVER_REQUEST_H
#define QUERN_SERVER_REQUEST_H

#include "http/http.h"
#include "json_reader.h"
#include "path.h"
#include "refusal.h"
#include "service.h"
#include "steps/index_job.h"
#include "steps/text_job.h"

#define QUERN_INPUTS 2048               /* texts of a request at most, where a dialect documents a limit */
#define QUERN_MOST_INPUTS (1 << 16)     /* elsewhere: the loop has time for so many */
#define QUERN_ID_BYTES 129              /* of a request's id, with its terminator */
#define QUERN_TOKENIZE_BYTES (1 << 18)  /* most bytes of a text that is only tokenised: the loop has time for so many */
#define QUERN_TOKENIZE_TOKENS (1 << 16) /* of a request of that kind */

enum quern_vectors_form { QUERN_VECTORS_JSON, QUERN_VECTORS_RAW, QUERN_VECTORS_NPY };

struct quern_request_input {
    quern_text text, title; /* in the body, or of a passage */
    const char *param;      /* the field that it comes from; static */
    bool is_ids;            /* the client sent token ids */
    const struct quern_value *next_id; /* of them, to be read next */
    size_t ids_read;
    size_t first_id;        /* in the request's ids, once it is tokenised */
    quern_result result;    /* tokens and truncated, once it is tokenised */
    quern_token_span *places; /* [result.tokens], where the tokens stand in the text; NULL: not asked for */
};

/* What the body asks for, beside its inputs. */
struct quern_request_options {
    const char *model;    /* as asked for; NULL: not given */
    int task;             /* a quern_task; -1: not given, until quern_extensions_resolve */
    bool ignores_task;    /* a task was asked for, and the model has no prompts */
    const struct quern_value *title;  /* a string, or an array with one for each input; NULL: none */
    int dimensions;       /* 0: all */
    bool normalize;
    size_t token_limit;   /* of a text, if it is less than what the model takes; 0: none */
    unsigned truncate;    /* QUERN_TRUNCATE, QUERN_TRUNCATE_START, or 0: a text that is too long is refused */
    quern_dtype dtype;    /* number format of the vectors */
    bool base64;          /* in JSON, vectors are strings in base64 */
    enum quern_vectors_form form;
    bool loads_model;     /* the model must be in memory, even if there are no inputs */
    bool has_keep;        /* keep_s was asked for */
    double keep_s;        /* seconds without a request after which the model's memory is given back; -1: never */
    bool only_tokens;     /* inputs are tokenised, whatever their length, and not embedded */
    unsigned token_flags; /* flags of quern_tokenize, for that */
    bool wants_places;    /* where the tokens stand in the text is wanted, too */
};

struct quern_request {
    struct quern_service *service;
    struct quern_served *served;         /* the model that it is for; the usual one until it says which */
    const struct quern_head *head;       /* the connection's */
    const struct quern_route *route;     /* NULL: none was found yet */
    const struct quern_dialect *dialect; /* the route's */
    char path[QUERN_PATH_BYTES];         /* the head's, as the routes have it; "" before there is one */
    const char *rest;                    /* what stands for the '*' in the route's path, else "" */
    char id[QUERN_ID_BYTES], trace[56];  /* x-request-id; traceparent, or "" */
    int64_t arrived_ns, received_ns;     /* when the head and the body were whole */
    char *body;                          /* the connection's, which the reader changes; texts are in it */
    size_t body_length;
    struct quern_refusal refusal;        /* fault QUERN_FAULT_NONE: it is not refused */

    size_t held;                     /* bytes, counted in the service's load until the request ends */
    bool is_joined;                  /* its body is being worked on */
    struct quern_request *older, *newer; /* the next of these requests */

    int64_t load_ns;                 /* how long it waited for its model to be loaded */

    struct quern_json_reader reader; /* of the body; its values are what inputs and options refer to */
    const struct quern_value *object; /* the body, once it is read */
    struct quern_request_input *inputs;
    size_t input_count, input_capacity;
    struct quern_request_options options;

    int32_t *ids; /* of the inputs that are tokenised; NULL again once a job has them */
    size_t id_count, id_capacity;
    struct quern_text_job text_job; /* the text that is being tokenised */
    struct quern_index_job index_job; /* what it wants of indexes */
    struct quern_text_cut *cuts; /* [cut_count]: texts to be cut, whose passages become inputs */
    size_t cut_count, cuts_done;
    size_t tokenized;   /* inputs that are tokenised */
    size_t token_count; /* their tokens */
    size_t text_bytes;  /* of the text of ids that the client wants to have as text */
};

/* Begins a request for a head that was read, or for none (NULL). The head must live as long as the request. */
void quern_request_init(struct quern_request *request, struct quern_service *service, const struct quern_head *head);
void quern_request_free(struct quern_request *request); /* what it owns */

/* Forgets what was parsed, so that the body, which was read, can be parsed again. */
void quern_request_reset(struct quern_request *request);

/* Notes why the request is refused; the first reason stays. Returns false, for the caller to return. */
bool quern_refuse(struct quern_request *request, enum quern_fault fault, const char *param, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Refuses the request because the model's file was cut off or changed while it was served. */
bool quern_refuse_lost_model(struct quern_request *request);

/* Refuses the request because the library failed with a code for input i, and it is not the client's fault. */
bool quern_refuse_failure(struct quern_request *request, int code, size_t i);
bool quern_is_refused(const struct quern_request *request);

/* Whether the server may hold so many bytes more for this request. If it may, they are counted until it ends. */
bool quern_request_hold(struct quern_request *request, size_t bytes);

/* Bytes that were held for this request are free again before it ends. */
void quern_request_release(struct quern_request *request, size_t bytes);

/* Holds so many bytes more for this request, or refuses it. False: refused.
 *
 * Bodies that arrive, and work on them, take three quarters of the memory that all may take. Only the oldest request
 * that is being worked on takes more, and one beside which no other holds anything. Without this rule, several bodies
 * that need much more memory than they have bytes could fill it together, so that each of them is refused. With it, the
 * oldest goes on while the others are refused, and these may come again. */
bool quern_request_claim(struct quern_request *request, size_t bytes);

/* The body of a request is whole, and work on it begins; it ends, when all memory for it is claimed or it is refused.
 * To leave without having joined is allowed. */
void quern_request_join(struct quern_request *request);
void quern_request_leave(struct quern_request *request);

/* Refuses a request because the server has no memory for it now. Returns false. */
bool quern_refuse_memory(struct quern_request *request);

/* Makes room for count more ids. False: refused. */
bool quern_request_reserve_ids(struct quern_request *request, size_t count);

#endif
