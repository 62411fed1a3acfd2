/* A thread that works for the loop in the background: on what would hold the loop for too long, one job after the
 * other. Long texts are tokenised by one such thread, and models are loaded and freed by another. */
#ifndef QUERN_SERVER_BACKGROUND_H
#define QUERN_SERVER_BACKGROUND_H

#include "bell.h"

#include <pthread.h>
#include <stdbool.h>

/* From quern_background_submit until the job comes back, it and all that it refers to must stay. */
struct quern_background_job {
    void (*run)(struct quern_background_job *job); /* called by the thread */
    void *owner;                                   /* for whoever collects the job */
    struct quern_background_job *after;            /* the thread's own */
};

struct quern_background {
    const struct quern_bell *finished; /* rung when a job is back */
    bool is_running, is_ending;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct quern_background_job *first, *last; /* to be done, in order of arrival */
    struct quern_background_job *done;
    pthread_t thread;
};

/* Starts the thread, as quern_system_start_thread does. The caller has set finished; the rest is zero. QUERN_ENOMEM. */
int quern_background_start(struct quern_background *background);

/* Ends the thread after the job that it does. The jobs that are not done come back, too. A thread that never started is
 * allowed. */
void quern_background_stop(struct quern_background *background);

void quern_background_submit(struct quern_background *background, struct quern_background_job *job);

/* Returns all jobs that are back, linked by `after`. */
struct quern_background_job *quern_background_collect(struct quern_background *background);

#endif
