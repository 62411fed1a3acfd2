/* An exchange: one request and its answer, on their way through the loop. It knows nothing of the connection but the
 * function that takes the answer. */
#ifndef QUERN_SERVER_EXCHANGE_H
#define QUERN_SERVER_EXCHANGE_H

#include "requests/answer.h"
#include "server_state.h"

/* The states of an exchange, in their order. WRITING can follow any of those before it.
 *
 *     READING -> PARSING -> TOKENISING -> COMPUTING -> COMPUTED -> WRITING -> ANSWERED
 *                                             ^-> WAITING <-^
 *
 * Without a cache an exchange is never WAITING. With a cache it may compute and wait several times, when others fail to
 * compute the texts that it waited for. */
enum quern_exchange_state {
    QUERN_EXCHANGE_READING,    /* its body arrives */
    QUERN_EXCHANGE_PARSING,    /* its JSON is read, a slice at each turn of the loop */
    QUERN_EXCHANGE_TOKENISING, /* its texts become tokens, a slice at each turn of the loop */
    QUERN_EXCHANGE_COMPUTING,  /* the batcher has its job */
    QUERN_EXCHANGE_COMPUTED,   /* the job is back, and its turn comes */
    QUERN_EXCHANGE_WAITING,    /* others compute texts of its job */
    QUERN_EXCHANGE_WRITING,    /* its answer is written, a slice at each turn of the loop */
    QUERN_EXCHANGE_ANSWERED    /* the connection has the answer */
};

/* Called once, when the answer is written. It must not end the exchange at once. */
typedef void quern_exchange_ready(void *owner);

struct quern_exchange {
    struct quern_server *server;
    enum quern_exchange_state state; /* changed by exchange.c only */
    struct quern_request request;
    struct quern_answer answer;
    struct quern_job *job;       /* NULL: none is made yet, or it was given up */
    struct quern_claims claims;  /* on vectors of the cache */
    struct quern_turn turn;      /* its next turn in the loop */
    struct event *deadline;      /* when its vectors must be computed */
    quern_exchange_ready *ready;
    void *owner;                 /* for ready */
};

/* Begins an exchange for the head of a request, which must outlive it. NULL: no memory. */
struct quern_exchange *quern_exchange_new(struct quern_server *server, const struct quern_head *head,
                                          quern_exchange_ready *ready, void *owner);

/* Answers a request that is refused before its body was read. */
void quern_exchange_answer(struct quern_exchange *exchange);

/* The body is whole: parses, tokenises, computes, answers. The body is changed, and must live until the answer is
 * ready. */
void quern_exchange_run(struct quern_exchange *exchange, char *body, size_t length);

/* Ends an exchange: its answer was sent, or its client has left before. Logs and counts it, and frees it. */
void quern_exchange_end(struct quern_exchange *exchange);

/* Gives the exchanges whose jobs the worker has finished a turn each. */
void quern_exchange_collect(struct quern_server *server);

#endif
