/* What the parts of the load tool share: the plan, the requests, what a client counts. */
#ifndef QUERN_WIRE_LOAD_H
#define QUERN_WIRE_LOAD_H

#include "client.h"

#include <stdatomic.h>

struct quern_load_request {
    char *body;
    size_t length;
    char **expected; /* [texts]: the vectors as the quiet pass got them, in base64 */
    long tokens;     /* that the answer says it cost */
};

struct quern_load_plan {
    const char *address, *path, *model, *key;
    int clients, texts, words, requests, fault_percent, retry_seconds;
    double seconds;
    uint64_t seed;
    bool check, json;
    long pid;
    struct quern_load_request *list; /* [requests] */
    atomic_bool ending;
    atomic_long ids;
};

struct quern_load_client {
    struct quern_load_plan *load;
    struct quern_wire wire;
    uint64_t random;
    float *times; /* milliseconds of each good answer; [good] */
    size_t capacity;
    long good, refused, tokens; /* refused: 429 and 503 */
    long broken_off;            /* by this client, on purpose */
    long lost;                  /* sent, but the server closed, or did not answer in time */
    long away;                  /* nobody listened */
    long retried;               /* refused, lost or away, and sent again */
    long wrong_status, wrong_vector, twice;
    char complaint[256];        /* about the first that was wrong */
};

/* A whole request, with an id of its own that the answer is to have; malloc'd. */
char *quern_load_message(struct quern_load_plan *load, const struct quern_load_request *request, long id,
                         size_t *length);

/* Fills load->list with bodies, and with the vectors that the server gives to one client. */
bool quern_load_learn(struct quern_load_plan *load);
void quern_load_forget(struct quern_load_plan *load);

/* Whether the answer is to this request: id, number, order and bits of its vectors. Else writes why to complaint. */
bool quern_load_is_right(const struct quern_load_plan *load, const struct quern_load_request *request, long id,
                         const struct quern_wire_answer *answer, char complaint[256]);

/* A client's life, for pthread_create: until load->ending. */
void *quern_load_live(void *client);

#endif
