#include "text_worker.h"

#include <signal.h>
#include <unistd.h>

void quern_text_job_run(struct quern_text_job *job, quern_context *context)
{
    size_t count = 0;
    switch (job->work) {
    case QUERN_TEXT_PREPARE:
        job->code = quern_prepare(context, job->text, &job->options, job->ids, job->capacity, &job->result, NULL);
        break;
    case QUERN_TEXT_TOKENIZE:
        job->code = quern_tokenize(context, job->text, &job->options, job->ids, job->capacity, &count, NULL);
        job->result = (quern_result){.tokens = (uint32_t)count};
        break;
    case QUERN_TEXT_PLACES:
        job->code = quern_token_spans(context, job->text, &job->options, job->ids, job->capacity, job->places, NULL);
        break;
    }
    job->is_done = true;
}

/* Takes the first job; waits for one. NULL: the worker is ending. */
static struct quern_text_job *take(struct quern_text_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    while (worker->first == NULL && !worker->is_ending)
        pthread_cond_wait(&worker->work, &worker->lock);
    struct quern_text_job *job = worker->is_ending ? NULL : worker->first;
    if (job != NULL)
        worker->first = job->after;
    pthread_mutex_unlock(&worker->lock);
    return job;
}

static void give_back(struct quern_text_worker *worker, struct quern_text_job *job)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&worker->lock);
    job->after = worker->done;
    worker->done = job;
    pthread_mutex_unlock(&worker->lock);
    ssize_t written = write(worker->finished, &one, sizeof one); /* fails only when it can be read already */
    (void)written;
}

static void *run(void *argument)
{
    struct quern_text_worker *worker = argument;
    for (struct quern_text_job *job = take(worker); job != NULL; job = take(worker)) {
        quern_text_job_run(job, worker->context);
        give_back(worker, job);
    }
    return NULL;
}

int quern_text_worker_start(struct quern_text_worker *worker)
{
    sigset_t all, before;
    if (pthread_mutex_init(&worker->lock, NULL) != 0)
        return QUERN_ENOMEM;
    if (pthread_cond_init(&worker->work, NULL) != 0) {
        pthread_mutex_destroy(&worker->lock);
        return QUERN_ENOMEM;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    worker->is_running = pthread_create(&worker->thread, NULL, run, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (worker->is_running)
        return QUERN_OK;
    pthread_cond_destroy(&worker->work);
    pthread_mutex_destroy(&worker->lock);
    return QUERN_ENOMEM;
}

void quern_text_worker_stop(struct quern_text_worker *worker)
{
    if (!worker->is_running)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->is_ending = true;
    pthread_cond_signal(&worker->work);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    worker->is_running = false;
    pthread_cond_destroy(&worker->work);
    pthread_mutex_destroy(&worker->lock);
    for (struct quern_text_job *job = worker->first, *next; job != NULL; job = next) {
        next = job->after;
        job->after = worker->done;
        worker->done = job;
    }
    worker->first = NULL;
}

void quern_text_worker_submit(struct quern_text_worker *worker, struct quern_text_job *job)
{
    job->is_done = false;
    job->after = NULL;
    pthread_mutex_lock(&worker->lock);
    *(worker->first != NULL ? &worker->last->after : &worker->first) = job;
    worker->last = job;
    pthread_cond_signal(&worker->work);
    pthread_mutex_unlock(&worker->lock);
}

struct quern_text_job *quern_text_worker_collect(struct quern_text_worker *worker)
{
    if (worker->is_running)
        pthread_mutex_lock(&worker->lock);
    struct quern_text_job *done = worker->done;
    worker->done = NULL;
    if (worker->is_running)
        pthread_mutex_unlock(&worker->lock);
    return done;
}
