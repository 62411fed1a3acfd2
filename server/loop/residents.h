/* Which models are in memory.
 *
 * The default model is loaded when the server starts, others when a request asks for them. A thread of its own loads
 * and frees, one model at a time; requests wait meanwhile, under their deadline.
 *
 * The models in memory take no more than a limit together, as far as weights and vocabularies go; one alone may take
 * more. When a model does not fit, others are freed for it, those first whose last use is longest ago, and never one
 * that requests use. When all are in use, the one whose last use is longest ago must leave: it takes no new requests,
 * which wait, and is freed when it has answered those that it has. Models are loaded in the order in which they were
 * asked for, so every request comes to its turn, and between two changes at least all requests that waited are
 * answered.
 *
 * A model that cannot be loaded fails the requests that wait for it, and those of the next QUERN_RESIDENTS_RETRY_NS.
 * Then it is tried again. */
#ifndef QUERN_SERVER_RESIDENTS_H
#define QUERN_SERVER_RESIDENTS_H

#include "slot.h"

#define QUERN_RESIDENTS_RETRY_NS INT64_C(1000000000)

struct event;
struct quern_request;

struct quern_residents {
    struct quern_slot *slots;   /* [service.model_count], as service.models */
    uint64_t most_bytes;        /* of the models in memory together */
    bool gives_back;            /* keep_alive counts: there are several models, or --unload-after was given */
    struct quern_background loader;
    struct quern_slot *first_wanted, *last_wanted; /* to be loaded, in this order */
    struct event *timer;        /* when the next model may be freed */
};

/* Whether a model may have its name: QUERN_EINVAL with the option at fault if it ends in a task, or if a model before
 * it has that name. */
int quern_residents_check_name(const struct quern_server_options *options, size_t i, quern_error *error);

/* Looks at all files, and opens the files of caches. What is optional and cannot be served is left out. */
int quern_residents_open(struct quern_server *server, quern_error *error);

/* Loads the default model, in this thread. */
int quern_residents_load_first(struct quern_server *server, quern_error *error);

/* Starts the thread that loads the others. There is none for one model that is never freed. */
int quern_residents_start(struct quern_server *server, quern_error *error);

/* Has a request use its model until quern_residents_release. 1: it may; 0: it waits, and waiting->loaded will be
 * called, after which this must be called again; -1: refused. */
int quern_residents_use(struct quern_server *server, struct quern_request *request, struct quern_model_wait *waiting);

/* One more user of a model that has one. */
void quern_residents_share(struct quern_server *server, const struct quern_served *served);
void quern_residents_release(struct quern_server *server, const struct quern_served *served);

/* Gives up waiting, before quern_residents_use was called again; allowed when it does not wait. */
void quern_residents_leave(struct quern_model_wait *waiting);

/* Sets after how many seconds without a request a model is freed; negative: never. */
void quern_residents_keep(struct quern_server *server, const struct quern_served *served, double seconds);

/* Goes on with what the thread has done. */
void quern_residents_collect(struct quern_server *server);

/* Looks whether the files of loaded models are still what they were when they were opened. The first time that one is
 * not, the log says so, and the model is broken. */
void quern_residents_examine(struct quern_server *server);

/* Ends the thread, and frees all. No request and no job is left. */
void quern_residents_stop(struct quern_server *server);
void quern_residents_close(struct quern_server *server);

#endif
