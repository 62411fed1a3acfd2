#include "residents.h"

#include "log.h"
#include "requests/request.h"
#include "server_state.h"
#include "steps/failure.h"
#include "steps/server_clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct quern_slot *slot_of(struct quern_server *server, const struct quern_served *served)
{
    return &server->residents.slots[served - server->service.models];
}

static bool is_in_memory(const struct quern_slot *slot)
{
    return slot->state == QUERN_SLOT_LOADED || slot->state == QUERN_SLOT_LEAVING;
}

/* ---------------------------------------------------------------- waiting */

static void unlink_waiting(struct quern_model_wait *waiting)
{
    struct quern_slot *slot = waiting->slot;
    *(waiting->before != NULL ? &waiting->before->after : &slot->first) = waiting->after;
    *(waiting->after != NULL ? &waiting->after->before : &slot->last) = waiting->before;
}

static void wait_for(struct quern_slot *slot, struct quern_model_wait *waiting)
{
    waiting->slot = slot;
    waiting->before = slot->last;
    waiting->after = NULL;
    *(slot->last != NULL ? &slot->last->after : &slot->first) = waiting;
    slot->last = waiting;
}

/* Tells all that wait for a model. If it is loaded, they are its users from now on, so that it is not freed before they
 * go on. */
static void end_waits(struct quern_slot *slot)
{
    while (slot->first != NULL) {
        struct quern_model_wait *waiting = slot->first;
        unlink_waiting(waiting);
        waiting->is_granted = slot->state == QUERN_SLOT_LOADED;
        slot->users += waiting->is_granted;
        if (!waiting->is_granted)
            waiting->slot = NULL;
        waiting->loaded(waiting->owner);
    }
}

/* ---------------------------------------------------------------- the loader */

static void load(struct quern_background_job *job)
{
    struct quern_slot *slot = job->owner;
    const struct quern_server *server = slot->server;
    const int threads = server->threads > 1 ? server->threads / 2 : 1; /* others may compute meanwhile */
    slot->code = quern_slot_load(slot, threads, &slot->error);
}

static void free_memory(struct quern_background_job *job)
{
    struct quern_slot *slot = job->owner;
    quern_slot_free(slot);
    quern_log(&slot->server->service, "info", "%s: freed", slot->given->name);
}

static void submit(struct quern_slot *slot, enum quern_slot_state state, void (*run)(struct quern_background_job *))
{
    slot->state = state;
    slot->job = (struct quern_background_job){.run = run, .owner = slot};
    quern_background_submit(&slot->server->residents.loader, &slot->job);
}

static void begin_freeing(struct quern_slot *slot)
{
    struct quern_served *served = slot->served;
    if (!slot->server->residents.loader.is_running) /* the server ends, and frees all itself */
        return;
    served->is_loaded = false;
    quern_cache_counts_add(&served->cache_counts, &served->cache.counts);
    submit(slot, QUERN_SLOT_FREEING, free_memory);
}

static int64_t to_ns(double seconds)
{
    return seconds < 0 || seconds > 1e9 ? INT64_MAX : (int64_t)(seconds * 1e9);
}

/* Notes when an unused model expires. */
static void set_expiry(struct quern_slot *slot)
{
    const int64_t keep = to_ns(slot->keep_s);
    slot->served->expires_ns = keep < INT64_MAX - slot->used_ns ? slot->used_ns + keep : INT64_MAX;
}

/* What is told of a model changes with its loading. */
static void note_loaded(struct quern_slot *slot)
{
    struct quern_served *served = slot->served;
    memcpy(served->space, slot->space, sizeof served->space);
    slot->state = QUERN_SLOT_LOADED;
    slot->used_ns = quern_clock_ns();
    slot->keep_s = slot->server->options->unload_after > 0 ? slot->server->options->unload_after : -1;
    slot->failed_ns = 0;
    served->is_loaded = true;
    served->loads++;
    served->load_ns += slot->load_ns;
    set_expiry(slot);
}

/* ---------------------------------------------------------------- what is loaded next */

static void want(struct quern_slot *slot)
{
    struct quern_residents *residents = &slot->server->residents;
    if (slot->is_wanted)
        return;
    slot->is_wanted = true;
    slot->next_wanted = NULL;
    *(residents->first_wanted != NULL ? &residents->last_wanted->next_wanted : &residents->first_wanted) = slot;
    residents->last_wanted = slot;
}

static struct quern_slot *take_wanted(struct quern_residents *residents)
{
    struct quern_slot *slot = residents->first_wanted;
    residents->first_wanted = slot->next_wanted;
    slot->is_wanted = false;
    return slot;
}

/* Bytes of all models that will still be in memory when the loader has done what it was told. */
static uint64_t bytes_in_memory(const struct quern_server *server)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < server->service.model_count; i++)
        if (is_in_memory(&server->residents.slots[i]) || server->residents.slots[i].state == QUERN_SLOT_LOADING)
            bytes += quern_served_bytes(&server->service.models[i]);
    return bytes;
}

/* The loaded model whose last use is longest ago; is_free: of those that no request uses. NULL: there is none. */
static struct quern_slot *find_oldest(const struct quern_server *server, bool is_free)
{
    struct quern_slot *oldest = NULL;
    for (size_t i = 0; i < server->service.model_count; i++) {
        struct quern_slot *slot = &server->residents.slots[i];
        if (slot->state == QUERN_SLOT_LOADED && (!is_free || slot->users == 0) &&
            (oldest == NULL || slot->used_ns < oldest->used_ns))
            oldest = slot;
    }
    return oldest;
}

static bool is_any(const struct quern_server *server, enum quern_slot_state state)
{
    for (size_t i = 0; i < server->service.model_count; i++)
        if (server->residents.slots[i].state == state)
            return true;
    return false;
}

/* Makes room for a model. False: it must wait until others have left. */
static bool make_room(struct quern_server *server, const struct quern_slot *slot)
{
    const uint64_t most = server->residents.most_bytes, bytes = quern_served_bytes(slot->served);
    for (uint64_t others; (others = bytes_in_memory(server)) > 0 && (bytes > most || others > most - bytes);) {
        struct quern_slot *oldest = find_oldest(server, true);
        if (oldest == NULL) {
            oldest = is_any(server, QUERN_SLOT_LEAVING) ? NULL : find_oldest(server, false);
            if (oldest != NULL)
                oldest->state = QUERN_SLOT_LEAVING;
            return false;
        }
        begin_freeing(oldest);
    }
    return true;
}

/* No model needs the memory of those that were to leave: they stay. */
static void call_back(struct quern_server *server)
{
    for (size_t i = 0; i < server->service.model_count; i++) {
        struct quern_slot *slot = &server->residents.slots[i];
        if (slot->state != QUERN_SLOT_LEAVING)
            continue;
        slot->state = QUERN_SLOT_LOADED;
        end_waits(slot);
    }
}

/* Has the loader do what can be done now. */
static void advance(struct quern_server *server)
{
    struct quern_residents *residents = &server->residents;
    while (residents->loader.is_running && residents->first_wanted != NULL && !is_any(server, QUERN_SLOT_LOADING)) {
        struct quern_slot *slot = residents->first_wanted;
        if (slot->first != NULL && !make_room(server, slot))
            return;
        take_wanted(residents);
        if (slot->first != NULL) /* else nobody waits for it any more */
            submit(slot, QUERN_SLOT_LOADING, load);
    }
    if (residents->first_wanted == NULL)
        call_back(server);
}

/* ---------------------------------------------------------------- time */

/* Frees models whose time is over, and sets the timer for the next one. */
static void free_expired(struct quern_server *server)
{
    const int64_t now = quern_clock_ns();
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < server->service.model_count; i++) {
        struct quern_slot *slot = &server->residents.slots[i];
        const int64_t expires = slot->served->expires_ns;
        if (slot->state != QUERN_SLOT_LOADED || slot->users > 0)
            continue;
        if (expires <= now)
            begin_freeing(slot);
        else if (expires < next)
            next = expires;
    }
    const struct timeval time = quern_clock_interval(next < INT64_MAX ? (double)(next - now) * 1e-9 + 1e-3 : 0);
    if (next < INT64_MAX)
        event_add(server->residents.timer, &time);
    else
        event_del(server->residents.timer);
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    (void)descriptor;
    (void)what;
    free_expired(argument);
}

void quern_residents_keep(struct quern_server *server, const struct quern_served *served, double seconds)
{
    struct quern_slot *slot = slot_of(server, served);
    if (!server->residents.gives_back)
        return;
    slot->keep_s = seconds;
    set_expiry(slot);
    if (slot->users == 0)
        free_expired(server);
}

/* ---------------------------------------------------------------- use */

static bool refuse_failed(struct quern_request *request, const struct quern_slot *slot)
{
    const char *reason = slot->code == QUERN_ENOMEM        ? "there is no memory for it"
                         : slot->code == QUERN_EIO         ? "its file cannot be read, or is another one now"
                         : slot->code == QUERN_EFORMAT     ? "its file is damaged"
                                                            : "its file is of a kind that is not supported";
    return quern_refuse(request, QUERN_FAULT_UNAVAILABLE, "model", "the model %.64s cannot be loaded: %s; the log of "
                        "the server says more", slot->served->name, reason);
}

int quern_residents_use(struct quern_server *server, struct quern_request *request, struct quern_model_wait *waiting)
{
    struct quern_slot *slot = slot_of(server, request->served);
    if (waiting->is_granted) {
        waiting->is_granted = false;
        waiting->slot = NULL;
        return 1;
    }
    if (slot->state == QUERN_SLOT_LOADED) {
        slot->users++;
        slot->used_ns = quern_clock_ns();
        return 1;
    }
    if (slot->failed_ns > 0 && quern_clock_ns() - slot->failed_ns < QUERN_RESIDENTS_RETRY_NS) {
        refuse_failed(request, slot);
        return -1;
    }
    wait_for(slot, waiting);
    if (slot->state == QUERN_SLOT_EMPTY)
        want(slot);
    advance(server);
    return 0;
}

void quern_residents_share(struct quern_server *server, const struct quern_served *served)
{
    slot_of(server, served)->users++;
}

void quern_residents_release(struct quern_server *server, const struct quern_served *served)
{
    struct quern_slot *slot = slot_of(server, served);
    slot->used_ns = quern_clock_ns();
    if (--slot->users > 0)
        return;
    if (slot->state == QUERN_SLOT_LEAVING) {
        begin_freeing(slot);
    } else {
        set_expiry(slot);
        if (slot->served->expires_ns < INT64_MAX)
            free_expired(server);
    }
    if (server->residents.first_wanted != NULL)
        advance(server);
}

void quern_residents_leave(struct quern_model_wait *waiting)
{
    struct quern_slot *slot = waiting->slot;
    if (slot == NULL)
        return;
    if (waiting->is_granted)
        quern_residents_release(slot->server, slot->served);
    else
        unlink_waiting(waiting);
    waiting->is_granted = false;
    waiting->slot = NULL;
}

static void take_done(struct quern_slot *slot)
{
    struct quern_server *server = slot->server;
    if (slot->state == QUERN_SLOT_FREEING) {
        slot->state = QUERN_SLOT_EMPTY;
        if (slot->first != NULL)
            want(slot);
        return;
    }
    if (slot->code == QUERN_OK) {
        note_loaded(slot);
    } else {
        slot->state = QUERN_SLOT_EMPTY;
        slot->failed_ns = quern_clock_ns();
        slot->served->failures++;
        quern_log(&server->service, "error", "%s cannot be loaded: %s", slot->served->name, slot->error.text);
    }
    end_waits(slot);
}

void quern_residents_collect(struct quern_server *server)
{
    struct quern_background_job *job = quern_background_collect(&server->residents.loader);
    if (job == NULL || !server->residents.loader.is_running)
        return;
    for (struct quern_background_job *next; job != NULL; job = next) {
        next = job->after;
        take_done(job->owner);
    }
    advance(server);
}

void quern_residents_examine(struct quern_server *server)
{
    for (size_t i = 0; i < server->service.model_count; i++) {
        struct quern_served *served = &server->service.models[i];
        size_t length;
        quern_error error;
        /* The text of no tokens: this reads nothing but the state of the file. */
        if (!served->is_loaded || served->broken ||
            quern_detokenize(served->model, NULL, 0, 0, NULL, 0, &length, &error) != QUERN_EIO)
            continue;
        served->broken = true;
        quern_log(&server->service, "error", "%s; requests get status 503 until the server is started again",
                  error.text);
    }
}

/* ---------------------------------------------------------------- start and end */

int quern_residents_load_first(struct quern_server *server, quern_error *error)
{
    struct quern_slot *slot = &server->residents.slots[0];
    server->residents.timer = evtimer_new(server->base, on_timer, server);
    if (server->residents.timer == NULL)
        return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for a timer");
    const int code = quern_slot_load(slot, server->options->threads, error);
    if (code != QUERN_OK)
        return code;
    note_loaded(slot);
    free_expired(server);
    return QUERN_OK;
}

int quern_residents_start(struct quern_server *server, quern_error *error)
{
    if (!server->residents.gives_back) /* the one model stays */
        return QUERN_OK;
    server->residents.loader.finished = &server->finished;
    return quern_background_start(&server->residents.loader) == QUERN_OK
               ? QUERN_OK
               : quern_server_fail(error, QUERN_ENOMEM, "there is no memory or thread to load models");
}

void quern_residents_stop(struct quern_server *server)
{
    quern_background_stop(&server->residents.loader);
}
