/* What the files of the load tool share: the plan, the requests, the counts of a client. */
#ifndef QUERN_WIRE_LOAD_H
#define QUERN_WIRE_LOAD_H

#include "client.h"

#include <stdatomic.h>

struct quern_load_request {
    char *body;
    size_t length;
    char **expected; /* [texts]: the vectors that one client got before the load, in base64 */
    long tokens;     /* as the answer counts them */
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
    long broken_off;            /* by this client, as a fault */
    long lost;                  /* sent, but the server closed, or did not answer in time */
    long away;                  /* no server listened */
    long retried;               /* refused, lost or away, and sent again */
    long wrong_status, wrong_vector, twice;
    char complaint[256];        /* says what was wrong with the first wrong answer */
};

/* A complete request with an id of its own, which the answer must repeat; malloc'd. */
char *quern_load_message(struct quern_load_plan *load, const struct quern_load_request *request, long id,
                         size_t *length);

/* Fills load->list with requests, and with the vectors that the server gives to a single client. */
bool quern_load_learn(struct quern_load_plan *load);
void quern_load_forget(struct quern_load_plan *load);

/* Whether the answer belongs to this request: its id, and the number, order and bits of its vectors. If not, writes the
 * reason to complaint. */
bool quern_load_is_right(const struct quern_load_plan *load, const struct quern_load_request *request, long id,
                         const struct quern_wire_answer *answer, char complaint[256]);

/* The function of a client's thread, for pthread_create. It runs until load->ending. */
void *quern_load_live(void *client);

#endif
