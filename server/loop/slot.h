/* A slot of the server for a model: the model's file, and its memory while it is loaded. Looking at a file, loading and
 * freeing take seconds, and may be done by any thread; the slot, and the model in it, are that thread's meanwhile. When
 * which is done is decided in residents.h. */
#ifndef QUERN_SERVER_SLOT_H
#define QUERN_SERVER_SLOT_H

#include "requests/service.h"
#include "steps/background.h"
#include "steps/cache_file.h"

#include <stdio.h>
#include <sys/stat.h>

struct quern_model_wait { /* an exchange that waits until a model is loaded. Starts as zero */
    void (*loaded)(void *owner); /* called once, when it is loaded or cannot be. It must not call residents.h at once */
    void *owner;
    struct quern_slot *slot;   /* NULL: it does not wait */
    bool is_granted;             /* it waits no longer, and counts as a user */
    struct quern_model_wait *before, *after;
};

/* Of a model that is not loaded, the first two; of one that is, the next two. */
enum quern_slot_state {
    QUERN_SLOT_EMPTY,   /* perhaps requests wait for it */
    QUERN_SLOT_LOADING, /* the loader has it */
    QUERN_SLOT_LOADED,
    QUERN_SLOT_LEAVING, /* another model needs its memory: new requests wait until it was loaded again */
    QUERN_SLOT_FREEING  /* the loader has it */
};

struct quern_slot {
    struct quern_server *server;
    struct quern_served *served;
    const struct quern_server_model *given;
    struct stat file;           /* as it was when the server started */
    char architecture[64], name[128], notice[512], kernels[32], kernels_reason[128], types[256], known[64],
        known_reason[128];      /* of served->info */
    char space[QUERN_SPACE_SIZE]; /* for served->space */
    int64_t load_ns;            /* how long it took to load it */
    FILE *cache_file;           /* NULL: none */
    char *cache_name;           /* of that file; NULL: none */
    char cache_key[QUERN_CACHE_KEY];

    /* The rest belongs to residents.h. */
    enum quern_slot_state state;
    size_t users;               /* requests that use it, and jobs that were given up but are still being computed */
    struct quern_model_wait *first, *last; /* requests that wait for it */
    struct quern_slot *next_wanted;
    bool is_wanted;             /* it is in the queue of those that must be loaded */
    double keep_s;              /* seconds without a request after which it is freed; negative: never */
    int64_t used_ns;            /* when its last request ended */
    struct quern_background_job job;
    int code;                   /* of the last loading */
    quern_error error;
    int64_t failed_ns;          /* when it failed; 0: it did not */
};

/* Checks a model's file without reading its weights, and fills served->info. */
int quern_slot_look(struct quern_slot *slot, quern_error *error);

/* Loads a model with so many threads (0: all), makes all that computes with it, and reads its cache's file. Looks at it
 * first if nobody has. */
int quern_slot_load(struct quern_slot *slot, int threads, quern_error *error);

/* Writes the cache's file, and frees all. No job of the model is left. */
void quern_slot_free(struct quern_slot *slot);

#endif
