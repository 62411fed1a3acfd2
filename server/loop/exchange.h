/* An exchange: one request and its answer, on their way through the loop. It knows nothing of the connection but the
 * function that takes the answer. */
#ifndef QUERN_SERVER_EXCHANGE_H
#define QUERN_SERVER_EXCHANGE_H

#include "requests/answer.h"
#include "server_state.h"

/* The states of an exchange, in their order. WRITING can follow any of those before it.
 *
 *     READING -> PARSING -> LOADING -> TOKENISING -> CLAIMING -> COMPUTING -> COMPUTED -> WRITING -> ANSWERED
 *                                        ^-> AWAY        ^----------- WAITING <----^     ^-> SEARCHING
 *
 * Without a cache an exchange is never CLAIMING or WAITING. With a cache it may compute and wait several times, when
 * others fail to compute the texts that it waited for. */
enum quern_exchange_state {
    QUERN_EXCHANGE_READING,    /* its body arrives */
    QUERN_EXCHANGE_PARSING,    /* its JSON is read, a slice at each turn of the loop */
    QUERN_EXCHANGE_LOADING,    /* another thread loads its model */
    QUERN_EXCHANGE_TOKENISING, /* its texts become tokens, a slice at each turn of the loop */
    QUERN_EXCHANGE_AWAY,       /* another thread tokenises a long text of it; then it is TOKENISING again */
    QUERN_EXCHANGE_CLAIMING,   /* its texts are looked for in the cache, a slice at each turn of the loop */
    QUERN_EXCHANGE_COMPUTING,  /* the batcher has its job */
    QUERN_EXCHANGE_COMPUTED,   /* the job is back, and the cache takes its vectors, a slice at each turn */
    QUERN_EXCHANGE_WAITING,    /* others compute texts of its job */
    QUERN_EXCHANGE_SEARCHING,  /* another thread works on the indexes for it */
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
    struct quern_buffer body;    /* of the request, until the answer is written */
    bool is_left;                /* its client has left while it was AWAY or SEARCHING: it is freed when that is done */
    struct quern_job *job;       /* NULL: none is made yet, or it was given up */
    struct quern_model_wait loading; /* for its model */
    int64_t waits_ns;            /* since when, or when it got it */
    bool uses_model;             /* its model stays in memory until the exchange is freed */
    struct quern_claims claims;  /* on vectors of the cache */
    struct quern_turn turn;      /* its next turn in the loop */
    struct event *deadline;      /* when its model must be loaded, and its vectors computed */
    quern_exchange_ready *ready;
    void *owner;                 /* for ready */
};

/* Begins an exchange for the head of a request, which must outlive it. NULL: no memory. */
struct quern_exchange *quern_exchange_new(struct quern_server *server, const struct quern_head *head,
                                          quern_exchange_ready *ready, void *owner);

/* Answers a request that is refused before its body was read. */
void quern_exchange_answer(struct quern_exchange *exchange);

/* The body is whole: takes it over, parses, tokenises, computes, answers. */
void quern_exchange_run(struct quern_exchange *exchange, struct quern_buffer *body);

/* Ends an exchange: its answer was sent, or its client has left before. Logs and counts it, and frees it. */
void quern_exchange_end(struct quern_exchange *exchange);

/* Gives the exchanges whose jobs or texts other threads have finished a turn each. */
void quern_exchange_collect(struct quern_server *server);

#endif
