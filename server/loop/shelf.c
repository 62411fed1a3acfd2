#include "shelf.h"

#include "log.h"
#include "requests/request.h"
#include "server_state.h"
#include "steps/failure.h"
#include "steps/server_clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct quern_place *place_of(struct quern_server *server, const struct quern_served *served)
{
    return &server->shelf.places[served - server->service.models];
}

static bool is_in_memory(const struct quern_place *place)
{
    return place->state == QUERN_PLACE_LOADED || place->state == QUERN_PLACE_LEAVING;
}

/* ---------------------------------------------------------------- waiting */

static void unlink_waiting(struct quern_model_wait *waiting)
{
    struct quern_place *place = waiting->place;
    *(waiting->before != NULL ? &waiting->before->after : &place->first) = waiting->after;
    *(waiting->after != NULL ? &waiting->after->before : &place->last) = waiting->before;
}

static void wait_for(struct quern_place *place, struct quern_model_wait *waiting)
{
    waiting->place = place;
    waiting->before = place->last;
    waiting->after = NULL;
    *(place->last != NULL ? &place->last->after : &place->first) = waiting;
    place->last = waiting;
}

/* Tells all that wait for a model. If it is loaded, they are its users from now on, so that it is not freed before they
 * go on. */
static void end_waits(struct quern_place *place)
{
    while (place->first != NULL) {
        struct quern_model_wait *waiting = place->first;
        unlink_waiting(waiting);
        waiting->is_granted = place->state == QUERN_PLACE_LOADED;
        place->users += waiting->is_granted;
        if (!waiting->is_granted)
            waiting->place = NULL;
        waiting->loaded(waiting->owner);
    }
}

/* ---------------------------------------------------------------- the loader */

static void load(struct quern_background_job *job)
{
    struct quern_place *place = job->owner;
    const struct quern_server *server = place->server;
    const int threads = server->threads > 1 ? server->threads / 2 : 1; /* others may compute meanwhile */
    place->code = quern_place_load(place, threads, &place->error);
}

static void free_memory(struct quern_background_job *job)
{
    struct quern_place *place = job->owner;
    quern_place_free(place);
    quern_log(&place->server->service, "info", "%s: freed", place->given->name);
}

static void submit(struct quern_place *place, enum quern_place_state state, void (*run)(struct quern_background_job *))
{
    place->state = state;
    place->job = (struct quern_background_job){.run = run, .owner = place};
    quern_background_submit(&place->server->shelf.loader, &place->job);
}

static void begin_freeing(struct quern_place *place)
{
    struct quern_served *served = place->served;
    if (!place->server->shelf.loader.is_running) /* the server ends, and frees all itself */
        return;
    served->is_loaded = false;
    quern_cache_counts_add(&served->cache_counts, &served->cache.counts);
    submit(place, QUERN_PLACE_FREEING, free_memory);
}

static int64_t to_ns(double seconds)
{
    return seconds < 0 || seconds > 1e9 ? INT64_MAX : (int64_t)(seconds * 1e9);
}

/* Notes when an unused model expires. */
static void set_expiry(struct quern_place *place)
{
    const int64_t keep = to_ns(place->keep_s);
    place->served->expires_ns = keep < INT64_MAX - place->used_ns ? place->used_ns + keep : INT64_MAX;
}

/* What is told of a model changes with its loading. */
static void note_loaded(struct quern_place *place)
{
    struct quern_served *served = place->served;
    memcpy(served->space, place->space, sizeof served->space);
    place->state = QUERN_PLACE_LOADED;
    place->used_ns = quern_clock_ns();
    place->keep_s = place->server->options->unload_after > 0 ? place->server->options->unload_after : -1;
    place->failed_ns = 0;
    served->is_loaded = true;
    served->loads++;
    served->load_ns += place->load_ns;
    set_expiry(place);
}

/* ---------------------------------------------------------------- what is loaded next */

static void want(struct quern_place *place)
{
    struct quern_shelf *shelf = &place->server->shelf;
    if (place->is_wanted)
        return;
    place->is_wanted = true;
    place->next_wanted = NULL;
    *(shelf->first_wanted != NULL ? &shelf->last_wanted->next_wanted : &shelf->first_wanted) = place;
    shelf->last_wanted = place;
}

static struct quern_place *take_wanted(struct quern_shelf *shelf)
{
    struct quern_place *place = shelf->first_wanted;
    shelf->first_wanted = place->next_wanted;
    place->is_wanted = false;
    return place;
}

/* Bytes of all models that will still be in memory when the loader has done what it was told. */
static uint64_t bytes_in_memory(const struct quern_server *server)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < server->service.model_count; i++)
        if (is_in_memory(&server->shelf.places[i]) || server->shelf.places[i].state == QUERN_PLACE_LOADING)
            bytes += quern_served_bytes(&server->service.models[i]);
    return bytes;
}

/* The loaded model whose last use is longest ago; is_free: of those that no request uses. NULL: there is none. */
static struct quern_place *find_oldest(const struct quern_server *server, bool is_free)
{
    struct quern_place *oldest = NULL;
    for (size_t i = 0; i < server->service.model_count; i++) {
        struct quern_place *place = &server->shelf.places[i];
        if (place->state == QUERN_PLACE_LOADED && (!is_free || place->users == 0) &&
            (oldest == NULL || place->used_ns < oldest->used_ns))
            oldest = place;
    }
    return oldest;
}

static bool is_any(const struct quern_server *server, enum quern_place_state state)
{
    for (size_t i = 0; i < server->service.model_count; i++)
        if (server->shelf.places[i].state == state)
            return true;
    return false;
}

/* Makes room for a model. False: it must wait until others have left. */
static bool make_room(struct quern_server *server, const struct quern_place *place)
{
    const uint64_t most = server->shelf.most_bytes, bytes = quern_served_bytes(place->served);
    for (uint64_t others; (others = bytes_in_memory(server)) > 0 && (bytes > most || others > most - bytes);) {
        struct quern_place *oldest = find_oldest(server, true);
        if (oldest == NULL) {
            oldest = is_any(server, QUERN_PLACE_LEAVING) ? NULL : find_oldest(server, false);
            if (oldest != NULL)
                oldest->state = QUERN_PLACE_LEAVING;
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
        struct quern_place *place = &server->shelf.places[i];
        if (place->state != QUERN_PLACE_LEAVING)
            continue;
        place->state = QUERN_PLACE_LOADED;
        end_waits(place);
    }
}

/* Has the loader do what can be done now. */
static void advance(struct quern_server *server)
{
    struct quern_shelf *shelf = &server->shelf;
    while (shelf->loader.is_running && shelf->first_wanted != NULL && !is_any(server, QUERN_PLACE_LOADING)) {
        struct quern_place *place = shelf->first_wanted;
        if (place->first != NULL && !make_room(server, place))
            return;
        take_wanted(shelf);
        if (place->first != NULL) /* else nobody waits for it any more */
            submit(place, QUERN_PLACE_LOADING, load);
    }
    if (shelf->first_wanted == NULL)
        call_back(server);
}

/* ---------------------------------------------------------------- time */

/* Frees models whose time is over, and sets the timer for the next one. */
static void free_expired(struct quern_server *server)
{
    const int64_t now = quern_clock_ns();
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < server->service.model_count; i++) {
        struct quern_place *place = &server->shelf.places[i];
        const int64_t expires = place->served->expires_ns;
        if (place->state != QUERN_PLACE_LOADED || place->users > 0)
            continue;
        if (expires <= now)
            begin_freeing(place);
        else if (expires < next)
            next = expires;
    }
    const struct timeval time = quern_clock_interval(next < INT64_MAX ? (double)(next - now) * 1e-9 + 1e-3 : 0);
    if (next < INT64_MAX)
        event_add(server->shelf.timer, &time);
    else
        event_del(server->shelf.timer);
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    (void)descriptor;
    (void)what;
    free_expired(argument);
}

void quern_shelf_keep(struct quern_server *server, const struct quern_served *served, double seconds)
{
    struct quern_place *place = place_of(server, served);
    if (!server->shelf.gives_back)
        return;
    place->keep_s = seconds;
    set_expiry(place);
    if (place->users == 0)
        free_expired(server);
}

/* ---------------------------------------------------------------- use */

static bool refuse_failed(struct quern_request *request, const struct quern_place *place)
{
    const char *reason = place->code == QUERN_ENOMEM        ? "there is no memory for it"
                         : place->code == QUERN_EIO         ? "its file cannot be read, or is another one now"
                         : place->code == QUERN_EFORMAT     ? "its file is damaged"
                                                            : "its file is of a kind that is not supported";
    return quern_refuse(request, QUERN_FAULT_UNAVAILABLE, "model", "the model %.64s cannot be loaded: %s; the log of "
                        "the server says more", place->served->name, reason);
}

int quern_shelf_use(struct quern_server *server, struct quern_request *request, struct quern_model_wait *waiting)
{
    struct quern_place *place = place_of(server, request->served);
    if (waiting->is_granted) {
        waiting->is_granted = false;
        waiting->place = NULL;
        return 1;
    }
    if (place->state == QUERN_PLACE_LOADED) {
        place->users++;
        place->used_ns = quern_clock_ns();
        return 1;
    }
    if (place->failed_ns > 0 && quern_clock_ns() - place->failed_ns < QUERN_SHELF_RETRY_NS) {
        refuse_failed(request, place);
        return -1;
    }
    wait_for(place, waiting);
    if (place->state == QUERN_PLACE_EMPTY)
        want(place);
    advance(server);
    return 0;
}

void quern_shelf_share(struct quern_server *server, const struct quern_served *served)
{
    place_of(server, served)->users++;
}

void quern_shelf_release(struct quern_server *server, const struct quern_served *served)
{
    struct quern_place *place = place_of(server, served);
    place->used_ns = quern_clock_ns();
    if (--place->users > 0)
        return;
    if (place->state == QUERN_PLACE_LEAVING) {
        begin_freeing(place);
    } else {
        set_expiry(place);
        if (place->served->expires_ns < INT64_MAX)
            free_expired(server);
    }
    if (server->shelf.first_wanted != NULL)
        advance(server);
}

void quern_shelf_leave(struct quern_model_wait *waiting)
{
    struct quern_place *place = waiting->place;
    if (place == NULL)
        return;
    if (waiting->is_granted)
        quern_shelf_release(place->server, place->served);
    else
        unlink_waiting(waiting);
    waiting->is_granted = false;
    waiting->place = NULL;
}

static void take_done(struct quern_place *place)
{
    struct quern_server *server = place->server;
    if (place->state == QUERN_PLACE_FREEING) {
        place->state = QUERN_PLACE_EMPTY;
        if (place->first != NULL)
            want(place);
        return;
    }
    if (place->code == QUERN_OK) {
        note_loaded(place);
    } else {
        place->state = QUERN_PLACE_EMPTY;
        place->failed_ns = quern_clock_ns();
        place->served->failures++;
        quern_log(&server->service, "error", "%s cannot be loaded: %s", place->served->name, place->error.text);
    }
    end_waits(place);
}

void quern_shelf_collect(struct quern_server *server)
{
    struct quern_background_job *job = quern_background_collect(&server->shelf.loader);
    if (job == NULL || !server->shelf.loader.is_running)
        return;
    for (struct quern_background_job *next; job != NULL; job = next) {
        next = job->after;
        take_done(job->owner);
    }
    advance(server);
}

void quern_shelf_examine(struct quern_server *server)
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

/* Half of the machine's memory. */
static uint64_t usual_limit(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages / 2 * (uint64_t)size : UINT64_MAX;
}

/* The name of a model's file of vectors: the option's, with the name of the model behind it if there are several. */
static char *name_cache(const struct quern_server *server, const struct quern_place *place)
{
    const char *file = server->options->cache_file, *name = place->served->name;
    const size_t length = strlen(file);
    char *path = malloc(length + strlen(name) + 2);
    if (path == NULL)
        return NULL;
    strcpy(path, file);
    if (server->service.model_count == 1)
        return path;
    path[length] = '.';
    strcpy(path + length + 1, name);
    for (char *at = path + length + 1; *at != '\0'; at++)
        if (*at == '/')
            *at = '-';
    return path;
}

static int open_cache_file(struct quern_server *server, struct quern_place *place, quern_error *error)
{
    if (server->options->cache_file == NULL)
        return QUERN_OK;
    place->cache_name = name_cache(server, place);
    if (place->cache_name == NULL)
        return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the name of a file");
    place->cache_file = quern_cache_file_open(place->cache_name, error);
    return place->cache_file != NULL ? QUERN_OK : QUERN_EIO;
}

/* Refuses a limit that one model alone is above. */
static int check_size(const struct quern_server *server, const struct quern_served *served, quern_error *error)
{
    const size_t most = server->options->models_memory;
    if (most == 0 || quern_served_bytes(served) <= most)
        return QUERN_OK;
    return quern_server_fail(error, QUERN_EINVAL, "%s takes %llu bytes of memory, and --models-memory allows %zu: "
                             "raise it, or leave the model out", served->name,
                             (unsigned long long)quern_served_bytes(served), most);
}

/* Gives a model the next place. */
static int add(struct quern_server *server, const struct quern_server_model *given, quern_error *error)
{
    struct quern_service *service = &server->service;
    struct quern_place *place = &server->shelf.places[service->model_count];
    struct quern_served *served = &service->models[service->model_count];
    *served = (struct quern_served){.name = given->name, .alias = given->alias};
    *place = (struct quern_place){.server = server, .served = served, .given = given};
    if (server->options->model_count > 1) {
        int code = quern_place_look(place, error);
        if (code == QUERN_OK)
            code = check_size(server, served, error);
        if (code != QUERN_OK && given->is_optional) {
            quern_log(service, "warn", "%s is left out: %s", given->name, error->text);
            return QUERN_OK;
        }
        if (code != QUERN_OK)
            return code;
    }
    service->model_count++;
    return QUERN_OK;
}

int quern_shelf_open(struct quern_server *server, quern_error *error)
{
    const struct quern_server_options *options = server->options;
    struct quern_shelf *shelf = &server->shelf;
    shelf->places = calloc(options->model_count, sizeof *shelf->places);
    server->service.models = calloc(options->model_count, sizeof *server->service.models);
    shelf->timer = evtimer_new(server->base, on_timer, server);
    if (shelf->places == NULL || server->service.models == NULL || shelf->timer == NULL)
        return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the list of models");
    shelf->most_bytes = options->models_memory > 0 ? options->models_memory : usual_limit();
    shelf->gives_back = options->model_count > 1 || options->unload_after > 0;
    for (size_t i = 0; i < options->model_count; i++) {
        const int code = add(server, &options->models[i], error);
        if (code != QUERN_OK)
            return code;
    }
    if (server->service.model_count == 0)
        return quern_server_fail(error, QUERN_EINVAL, "none of the %zu files is a model that can be served",
                                 options->model_count);
    for (size_t i = 0; i < server->service.model_count; i++) {
        const int code = open_cache_file(server, &shelf->places[i], error);
        if (code != QUERN_OK)
            return code;
    }
    return QUERN_OK;
}

int quern_shelf_load_first(struct quern_server *server, quern_error *error)
{
    struct quern_place *place = &server->shelf.places[0];
    const int code = quern_place_load(place, server->options->threads, error);
    if (code != QUERN_OK)
        return code;
    note_loaded(place);
    free_expired(server);
    return QUERN_OK;
}

int quern_shelf_start(struct quern_server *server, quern_error *error)
{
    if (!server->shelf.gives_back) /* the one model stays */
        return QUERN_OK;
    server->shelf.loader.finished = &server->finished;
    return quern_background_start(&server->shelf.loader) == QUERN_OK
               ? QUERN_OK
               : quern_server_fail(error, QUERN_ENOMEM, "there is no memory or thread to load models");
}

void quern_shelf_stop(struct quern_server *server)
{
    quern_background_stop(&server->shelf.loader);
}

void quern_shelf_close(struct quern_server *server)
{
    struct quern_shelf *shelf = &server->shelf;
    for (size_t i = 0; i < server->service.model_count; i++) {
        struct quern_place *place = &shelf->places[i];
        quern_place_free(place);
        if (place->cache_file != NULL)
            fclose(place->cache_file);
        free(place->cache_name);
    }
    if (shelf->timer != NULL)
        event_free(shelf->timer);
    free(shelf->places);
    free(server->service.models);
}
