#include "mcp_calls.h"

#include <errno.h>
#include <stdlib.h>

enum { MOST_WAITING = 256 };

/* The next call; NULL: there will be none. */
static struct quern_mcp_call *next_call(struct quern_mcp_calls *calls)
{
    pthread_mutex_lock(&calls->lock);
    while (calls->first == NULL && !calls->is_ending)
        pthread_cond_wait(&calls->changed, &calls->lock);
    struct quern_mcp_call *call = calls->running = calls->first;
    if (call != NULL) {
        calls->first = call->next;
        if (calls->first == NULL)
            calls->last = &calls->first;
        calls->waiting--;
        pthread_cond_broadcast(&calls->changed);
    }
    pthread_mutex_unlock(&calls->lock);
    return call;
}

static void *work(void *user)
{
    static const char no_memory[] = "{\"content\":[{\"type\":\"text\",\"text\":\"there is no memory for the result\"}],"
                                    "\"isError\":true}";
    struct quern_mcp_calls *calls = user;
    for (struct quern_mcp_call *call; (call = next_call(calls)) != NULL;) {
        quern_text result = {0}, shown = {no_memory, sizeof no_memory - 1};
        if (!atomic_load(&call->is_cancelled))
            result = calls->run(calls->user, call);
        pthread_mutex_lock(&calls->lock);
        calls->running = NULL; /* from now on nobody else looks at it */
        pthread_mutex_unlock(&calls->lock);
        if (result.data != NULL)
            shown = result;
        quern_mcp_end_call(calls->protocol, call, atomic_load(&call->is_cancelled) ? (quern_text){0} : shown);
        free((char *)result.data);
    }
    return NULL;
}

bool quern_mcp_calls_begin(struct quern_mcp_calls *calls)
{
    pthread_mutex_init(&calls->lock, NULL);
    pthread_cond_init(&calls->changed, NULL);
    calls->last = &calls->first;
    errno = pthread_create(&calls->thread, NULL, work, calls);
    return errno == 0;
}

void quern_mcp_calls_take(void *user, struct quern_mcp_call *call)
{
    struct quern_mcp_calls *calls = user;
    pthread_mutex_lock(&calls->lock);
    while (calls->waiting == MOST_WAITING)
        pthread_cond_wait(&calls->changed, &calls->lock);
    *calls->last = call;
    calls->last = &call->next;
    calls->waiting++;
    pthread_cond_broadcast(&calls->changed);
    pthread_mutex_unlock(&calls->lock);
}

void quern_mcp_calls_cancel(void *user, const struct quern_value *id)
{
    struct quern_mcp_calls *calls = user;
    pthread_mutex_lock(&calls->lock);
    if (calls->running != NULL && quern_value_equals(calls->running->id, id))
        atomic_store(&calls->running->is_cancelled, true);
    for (struct quern_mcp_call *call = calls->first; call != NULL; call = call->next)
        if (quern_value_equals(call->id, id))
            atomic_store(&call->is_cancelled, true);
    pthread_mutex_unlock(&calls->lock);
}

void quern_mcp_calls_end(struct quern_mcp_calls *calls)
{
    pthread_mutex_lock(&calls->lock);
    calls->is_ending = true;
    pthread_cond_broadcast(&calls->changed);
    pthread_mutex_unlock(&calls->lock);
    pthread_join(calls->thread, NULL);
    pthread_cond_destroy(&calls->changed);
    pthread_mutex_destroy(&calls->lock);
}
