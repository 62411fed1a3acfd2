/* A model that the server has, whether it is in memory or not: what requests need of it. The loop's thread owns it,
 * except while another thread loads or frees the model. */
#ifndef QUERN_SERVER_SERVED_H
#define QUERN_SERVER_SERVED_H

#include "quern.h"
#include "steps/vector_cache.h"
#include "steps/worker.h"

/* Why requests are refused when the model's file was lost. */
#define QUERN_LOST_MODEL "the model's file was cut off or written to while it was served; the server must be restarted"

struct quern_served {
    const char *name;      /* what clients call it */
    const char *alias;     /* what they may call it, too; NULL: nothing */
    quern_model_info info; /* also of a model that is not in memory */
    char space[QUERN_SPACE_SIZE]; /* of the server's usual task; "" until the model was loaded for the first time */

    /* NULL and zero while it is not in memory. */
    quern_model *model;
    quern_context *tokenizer;      /* a context of the loop's own, with one thread */
    quern_context *long_tokenizer; /* the same for the thread that tokenises long texts */
    struct quern_step_engine engine;
    struct quern_cache cache;
    bool broken; /* the model's file was lost: requests are refused until the server is started again */

    bool is_loaded;         /* requests can be computed */
    int64_t expires_ns;     /* while it is loaded: when its memory will be given back, by server_clock.h, unless a
                               request comes; INT64_MAX: never */
    bool told_of_tasks;     /* the log says that the model ignores tasks */

    struct quern_cache_counts cache_counts; /* of its caches that were freed */

    /* What is counted, since the server started. */
    uint64_t requests, texts, tokens; /* that were answered */
    uint64_t loads, failures;         /* of loading */
    int64_t load_ns;                  /* how long it took to load it, all times together */
};

/* When a loaded model will be given back, in seconds since 1970; INT64_MAX: never. */
int64_t quern_served_expiry(const struct quern_served *served);

/* Bytes that the model's weights and vocabulary take while it is in memory. */
uint64_t quern_served_bytes(const struct quern_served *served);

#endif
