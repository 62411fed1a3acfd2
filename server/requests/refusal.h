/* Why a request is refused. Each dialect writes it in its own form. */
#ifndef QUERN_SERVER_REFUSAL_H
#define QUERN_SERVER_REFUSAL_H

#include <stdbool.h>

enum quern_fault {
    QUERN_FAULT_NONE = 0,
    QUERN_FAULT_REQUEST,      /* 400: broken HTTP or JSON */
    QUERN_FAULT_FIELD,        /* 400: a field is missing, or holds another kind of value than it must */
    QUERN_FAULT_EMPTY,        /* 400: an input is empty */
    QUERN_FAULT_VALUE,        /* 400: a field has a value that is not supported */
    QUERN_FAULT_TOO_LONG,     /* 400: a text has more tokens than the model takes */
    QUERN_FAULT_MANY,         /* 400: there are more inputs, or tokens of all, than a request may have */
    QUERN_FAULT_TOKEN_IDS,    /* 400: inputs are token ids */
    QUERN_FAULT_KEY,          /* 401 */
    QUERN_FAULT_FORBIDDEN,    /* 403: Host or Origin, or indexes that cannot be changed */
    QUERN_FAULT_MODEL,        /* 404: there is no model with this name */
    QUERN_FAULT_ROUTE,        /* 404: there is nothing at this path */
    QUERN_FAULT_METHOD,       /* 405 */
    QUERN_FAULT_SLOW,         /* 408: the request did not arrive in time */
    QUERN_FAULT_NO_LENGTH,    /* 411 */
    QUERN_FAULT_BODY,         /* 413: the body is too large, or the request could never fit into memory */
    QUERN_FAULT_TARGET,       /* 414 */
    QUERN_FAULT_TYPE,         /* 415 */
    QUERN_FAULT_EXPECTATION,  /* 417 */
    QUERN_FAULT_BUSY,         /* 429: the queue is full */
    QUERN_FAULT_HEAD,         /* 431 */
    QUERN_FAULT_INTERNAL,     /* 500 */
    QUERN_FAULT_CODING,       /* 501: a Transfer-Encoding that is not known */
    QUERN_FAULT_UNAVAILABLE,  /* 503: connections ran out, or the model's file was lost */
    QUERN_FAULT_DRAINING,     /* 503: the server is ending */
    QUERN_FAULT_DEADLINE,     /* 503: the vectors were not computed in time */
    QUERN_FAULT_VERSION       /* 505: a version of HTTP that is not known */
};

#define QUERN_NO_PATH "there is nothing at this path; GET /openapi.json lists what there is"

/* The message says what is wrong and what to do, and repeats nothing of the input. */
struct quern_refusal {
    enum quern_fault fault;
    char message[256];
    const char *param; /* the field at fault; static; NULL: none */
    const char *allow; /* QUERN_FAULT_METHOD: the methods that the path takes; static */
    unsigned long index, tokens, limit; /* QUERN_FAULT_TOO_LONG: which text, its tokens, and how many it may have */
};

int quern_fault_status(enum quern_fault fault);         /* the status given above */
enum quern_fault quern_status_fault(int status);        /* the fault of a head that could not be read */
bool quern_fault_is_temporary(enum quern_fault fault);  /* the same request may succeed later */

#endif
