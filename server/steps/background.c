#include "background.h"

#include "base/system/system.h"
#include "quern.h"

/* Takes the first job; waits for one. NULL: the thread must end. */
static struct quern_background_job *take(struct quern_background *background)
{
    pthread_mutex_lock(&background->lock);
    while (background->first == NULL && !background->is_ending)
        pthread_cond_wait(&background->work, &background->lock);
    struct quern_background_job *job = background->is_ending ? NULL : background->first;
    if (job != NULL)
        background->first = job->after;
    pthread_mutex_unlock(&background->lock);
    return job;
}

static void give_back(struct quern_background *background, struct quern_background_job *job)
{
    pthread_mutex_lock(&background->lock);
    job->after = background->done;
    background->done = job;
    pthread_mutex_unlock(&background->lock);
    quern_bell_ring(background->finished);
}

static void *run(void *argument)
{
    struct quern_background *background = argument;
    for (struct quern_background_job *job = take(background); job != NULL; job = take(background)) {
        job->run(job);
        give_back(background, job);
    }
    return NULL;
}

int quern_background_start(struct quern_background *background)
{
    if (pthread_mutex_init(&background->lock, NULL) != 0)
        return QUERN_ENOMEM;
    if (pthread_cond_init(&background->work, NULL) != 0) {
        pthread_mutex_destroy(&background->lock);
        return QUERN_ENOMEM;
    }
    background->is_running = quern_system_start_thread(&background->thread, run, background) == 0;
    if (background->is_running)
        return QUERN_OK;
    pthread_cond_destroy(&background->work);
    pthread_mutex_destroy(&background->lock);
    return QUERN_ENOMEM;
}

void quern_background_stop(struct quern_background *background)
{
    if (!background->is_running)
        return;
    pthread_mutex_lock(&background->lock);
    background->is_ending = true;
    pthread_cond_signal(&background->work);
    pthread_mutex_unlock(&background->lock);
    pthread_join(background->thread, NULL);
    background->is_running = false;
    pthread_cond_destroy(&background->work);
    pthread_mutex_destroy(&background->lock);
    for (struct quern_background_job *job = background->first, *next; job != NULL; job = next) {
        next = job->after;
        job->after = background->done;
        background->done = job;
    }
    background->first = NULL;
}

void quern_background_submit(struct quern_background *background, struct quern_background_job *job)
{
    job->after = NULL;
    pthread_mutex_lock(&background->lock);
    *(background->first != NULL ? &background->last->after : &background->first) = job;
    background->last = job;
    pthread_cond_signal(&background->work);
    pthread_mutex_unlock(&background->lock);
}

struct quern_background_job *quern_background_collect(struct quern_background *background)
{
    if (background->is_running)
        pthread_mutex_lock(&background->lock);
    struct quern_background_job *done = background->done;
    background->done = NULL;
    if (background->is_running)
        pthread_mutex_unlock(&background->lock);
    return done;
}
