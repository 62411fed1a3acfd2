/* The place of a model in the server: the model's file, and its memory while it is loaded. Looking at a file, loading
 * and freeing take seconds, and may be done by any thread; the place, and the model in it, are that thread's meanwhile.
 * When which is done is decided in shelf.h. */
#ifndef QUERN_SERVER_PLACE_H
#define QUERN_SERVER_PLACE_H

#include "requests/service.h"
#include "steps/background.h"
#include "steps/cache_file.h"

#include <stdio.h>
#include <sys/stat.h>

struct quern_model_wait { /* an exchange that waits until a model is loaded. Starts as zero */
    void (*loaded)(void *owner); /* called once, when it is loaded or cannot be. It must not call shelf.h at once */
    void *owner;
    struct quern_place *place;   /* NULL: it does not wait */
    bool is_granted;             /* it waits no longer, and counts as a user */
    struct quern_model_wait *before, *after;
};

/* Of a model that is not loaded, the first two; of one that is, the next two. */
enum quern_place_state {
    QUERN_PLACE_EMPTY,   /* perhaps requests wait for it */
    QUERN_PLACE_LOADING, /* the loader has it */
    QUERN_PLACE_LOADED,
    QUERN_PLACE_LEAVING, /* another model needs its memory: new requests wait until it was loaded again */
    QUERN_PLACE_FREEING  /* the loader has it */
};

struct quern_place {
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

    /* The rest is the shelf's. */
    enum quern_place_state state;
    size_t users;               /* requests that use it, and jobs that were given up but are still being computed */
    struct quern_model_wait *first, *last; /* requests that wait for it */
    struct quern_place *next_wanted;
    bool is_wanted;             /* it is in the queue of those that must be loaded */
    double keep_s;              /* seconds without a request after which it is freed; negative: never */
    int64_t used_ns;            /* when its last request ended */
    struct quern_background_job job;
    int code;                   /* of the last loading */
    quern_error error;
    int64_t failed_ns;          /* when it failed; 0: it did not */
};

/* Checks a model's file without reading its weights, and fills served->info. */
int quern_place_look(struct quern_place *place, quern_error *error);

/* Loads a model with so many threads (0: all), makes all that computes with it, and reads its cache's file. Looks at it
 * first if nobody has. */
int quern_place_load(struct quern_place *place, int threads, quern_error *error);

/* Writes the cache's file, and frees all. No job of the model is left. */
void quern_place_free(struct quern_place *place);

#endif
