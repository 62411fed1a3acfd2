#include "exchange.h"

#include "indexes.h"
#include "log.h"
#include "requests/index_request.h"
#include "requests/model_of_index.h"
#include "requests/request_tokens.h"
#include "requests/respond.h"
#include "steps/server_clock.h"
#include "waste.h"

#include <stdlib.h>
#include <string.h>

#define SLICE 16384     /* bytes that are read or written before others have their turn */
#define TEXT_SLICE 4096 /* bytes that are tokenised */
#define CLAIM_SLICE 256 /* texts that are claimed, or whose vectors the cache takes */

/* ---------------------------------------------------------------- the states */

/* Seconds that the request may take: the server's limit, or the client's if that is shorter. 0: no limit. */
static double time_limit(struct quern_request *request)
{
    const char *text = quern_head_find(request->head, "x-timeout-ms");
    const double most = request->service->options->timeout;
    if (text == NULL)
        return most;
    const size_t length = strlen(text);
    if (length == 0 || length > 9 || strspn(text, "0123456789") != length || atoi(text) == 0) {
        quern_refuse(request, QUERN_FAULT_REQUEST, "X-Timeout-Ms",
                     "X-Timeout-Ms must be a number of milliseconds, at least 1");
        return most;
    }
    const double asked = atoi(text) / 1e3;
    return most > 0 && most < asked ? most : asked;
}

/* Has the deadline watched. False: refused. */
static bool set_deadline(struct quern_exchange *exchange)
{
    struct quern_request *request = &exchange->request;
    const double limit = time_limit(request);
    const double left = limit - (double)(quern_clock_ns() - request->arrived_ns) * 1e-9;
    const struct timeval time = quern_clock_interval(left > 0 ? left : 0);
    if (limit > 0 && !quern_is_refused(request))
        event_add(exchange->deadline, &time);
    return !quern_is_refused(request);
}

static enum quern_exchange_state submit(struct quern_exchange *exchange)
{
    if (quern_batcher_submit(&exchange->server->batcher, exchange->job))
        return QUERN_EXCHANGE_COMPUTING;
    quern_refuse(&exchange->request, QUERN_FAULT_BUSY, NULL, "the queue is full; try again soon");
    return QUERN_EXCHANGE_WRITING;
}

/* Claims the texts that have no vectors, and submits those that nobody else computes. */
static enum quern_exchange_state claim(struct quern_exchange *exchange)
{
    if (!quern_claims_take(&exchange->claims, CLAIM_SLICE))
        return QUERN_EXCHANGE_CLAIMING;
    if (exchange->claims.computing)
        return submit(exchange);
    return exchange->claims.awaited > 0 ? QUERN_EXCHANGE_WAITING : QUERN_EXCHANGE_WRITING;
}

/* Gives an exchange a turn after all others that are ready. */
static void schedule(struct quern_exchange *exchange)
{
    quern_turns_add(&exchange->server->turns, &exchange->turn);
}

/* Only schedules, because the cache calls this while it changes others' claims, and residents.h while it changes its
 * slots. */
static void on_settled(void *owner)
{
    schedule(owner);
}

/* Makes the job of a tokenised request, and has it computed. */
static enum quern_exchange_state start(struct quern_exchange *exchange)
{
    struct quern_request *request = &exchange->request;
    struct quern_cache *cache = &request->served->cache;
    const size_t claim_bytes = cache->table != NULL ? request->input_count * sizeof(struct quern_claim) : 0;
    const size_t bytes =
        claim_bytes + quern_job_bytes(request->input_count, (size_t)request->served->info.dimensions);
    if (quern_is_refused(request) || !quern_request_claim(request, bytes) ||
        (exchange->job = quern_request_make_job(request)) == NULL || !set_deadline(exchange))
        return QUERN_EXCHANGE_WRITING;
    exchange->job->owner = exchange;
    if (cache->table == NULL)
        return submit(exchange);
    exchange->claims = (struct quern_claims){
        .cache = cache, .job = exchange->job, .settled = on_settled, .owner = exchange};
    if (quern_claims_begin(&exchange->claims) == QUERN_OK)
        return claim(exchange);
    quern_refuse_memory(request);
    return QUERN_EXCHANGE_WRITING;
}

static enum quern_exchange_state tokenise(struct quern_exchange *exchange)
{
    switch (quern_request_tokenize(&exchange->request, TEXT_SLICE)) {
    case 0: return QUERN_EXCHANGE_TOKENISING;
    case QUERN_TOKENS_AWAY: return QUERN_EXCHANGE_AWAY;
    case 1: return quern_request_wants_vectors(&exchange->request) ? start(exchange) : QUERN_EXCHANGE_WRITING;
    default: return QUERN_EXCHANGE_WRITING;
    }
}

/* Has the request's model loaded, if it must be in memory. Each model that turns out to be the wrong one is known from
 * then on, so this comes to an end. */
static enum quern_exchange_state use_model(struct quern_exchange *exchange)
{
    struct quern_request *request = &exchange->request;
    if (request->input_count == 0 && !request->options.loads_model)
        return QUERN_EXCHANGE_WRITING;
    const int code = quern_residents_use(exchange->server, request, &exchange->loading);
    if (code < 0 || (code == 0 && !set_deadline(exchange)))
        return QUERN_EXCHANGE_WRITING;
    const int64_t now = quern_clock_ns();
    if (exchange->waits_ns == 0)
        exchange->waits_ns = now;
    if (code == 0)
        return QUERN_EXCHANGE_LOADING;
    request->load_ns = now - exchange->waits_ns;
    event_del(exchange->deadline);
    if (quern_index_model_is_wrong(request)) {
        quern_residents_release(exchange->server, request->served);
        return quern_respond_parse_again(request) == 1 ? use_model(exchange) : QUERN_EXCHANGE_WRITING;
    }
    exchange->uses_model = true;
    return tokenise(exchange);
}

static enum quern_exchange_state parse(struct quern_exchange *exchange)
{
    switch (quern_respond_parse(&exchange->request, SLICE)) {
    case 0: return QUERN_EXCHANGE_PARSING;
    case 1: return use_model(exchange);
    default: return QUERN_EXCHANGE_WRITING;
    }
}

/* Others have computed, or failed to compute, what was awaited, or the job is back. */
static enum quern_exchange_state resume(struct quern_exchange *exchange)
{
    const struct quern_claims *claims = &exchange->claims;
    if (exchange->job->code != QUERN_OK || claims->each == NULL)
        return QUERN_EXCHANGE_WRITING;
    if (claims->awaited > 0)
        return QUERN_EXCHANGE_WAITING;
    return quern_claims_are_met(claims) ? QUERN_EXCHANGE_WRITING : claim(exchange);
}

/* The job is back: the cache takes its vectors. */
static enum quern_exchange_state take_job(struct quern_exchange *exchange)
{
    if (exchange->claims.each != NULL &&
        !quern_claims_computed(&exchange->claims, exchange->job->code == QUERN_OK, CLAIM_SLICE))
        return QUERN_EXCHANGE_COMPUTED;
    return resume(exchange);
}

/* The state that follows when what the exchange waited for has happened. */
static enum quern_exchange_state next_state(struct quern_exchange *exchange)
{
    switch (exchange->state) {
    case QUERN_EXCHANGE_READING:
    case QUERN_EXCHANGE_PARSING: return parse(exchange);
    case QUERN_EXCHANGE_LOADING: return use_model(exchange);
    case QUERN_EXCHANGE_TOKENISING:
    case QUERN_EXCHANGE_AWAY: return tokenise(exchange);
    case QUERN_EXCHANGE_CLAIMING: return claim(exchange);
    case QUERN_EXCHANGE_COMPUTED: return take_job(exchange);
    case QUERN_EXCHANGE_WAITING: return resume(exchange);
    case QUERN_EXCHANGE_COMPUTING:
    case QUERN_EXCHANGE_SEARCHING:
    case QUERN_EXCHANGE_WRITING:
    case QUERN_EXCHANGE_ANSWERED: break;
    }
    return QUERN_EXCHANGE_WRITING;
}

/* Whatever runs out is told in the log, too: to the client it is no fault of its own. */
static void note_shortage(struct quern_exchange *exchange)
{
    const struct quern_refusal *refusal = &exchange->request.refusal;
    if (refusal->fault == QUERN_FAULT_BUSY || refusal->fault == QUERN_FAULT_UNAVAILABLE) {
        quern_residents_examine(exchange->server);
        quern_log_shortage(&exchange->server->service, refusal->message);
    }
}

/* Writes a slice of the answer. False: there is more to write. */
static bool write_answer(struct quern_exchange *exchange)
{
    const int64_t begin = quern_clock_ns();
    event_del(exchange->deadline);
    quern_residents_leave(&exchange->loading);
    quern_claims_end(&exchange->claims);
    const int code = quern_respond_write(&exchange->request, exchange->job, &exchange->answer, SLICE);
    const int64_t end = quern_clock_ns();
    if (code != 0)
        note_shortage(exchange);
    exchange->answer.encode_ns += end - begin;
    exchange->answer.written_ns = code != 0 ? end : 0;
    return code != 0;
}

/* The vectors are there, or none were wanted: has the work on indexes done, if there is some. It takes so little time
 * that the deadline counts no more, and a change must not be told to have failed when it was made. */
static enum quern_exchange_state search_or_write(struct quern_exchange *exchange)
{
    if (!quern_request_wants_index(&exchange->request) || (exchange->job != NULL && exchange->job->code != QUERN_OK) ||
        !quern_request_prepare_index(&exchange->request, exchange->job))
        return QUERN_EXCHANGE_WRITING;
    event_del(exchange->deadline);
    return QUERN_EXCHANGE_SEARCHING;
}

/* The only function that changes the state. */
static void enter(struct quern_exchange *exchange, enum quern_exchange_state state)
{
    if (state == QUERN_EXCHANGE_WRITING && exchange->state != QUERN_EXCHANGE_WRITING)
        state = search_or_write(exchange);
    if (state != QUERN_EXCHANGE_PARSING && state != QUERN_EXCHANGE_LOADING && state != QUERN_EXCHANGE_TOKENISING &&
        state != QUERN_EXCHANGE_AWAY)
        quern_request_leave(&exchange->request);
    const bool is_written = state == QUERN_EXCHANGE_WRITING && write_answer(exchange);
    exchange->state = is_written ? QUERN_EXCHANGE_ANSWERED : state;
    if (is_written) {
        quern_turns_remove(&exchange->server->turns, &exchange->turn);
        quern_request_release(&exchange->request, exchange->body.length);
        quern_buffer_free(&exchange->body);
        exchange->ready(exchange->owner);
    } else if (state == QUERN_EXCHANGE_AWAY) {
        quern_text_job_submit(&exchange->request.text_job, &exchange->server->text_worker,
                              exchange->request.served->long_tokenizer, exchange);
    } else if (state == QUERN_EXCHANGE_SEARCHING) {
        quern_indexes_submit(exchange->server, &exchange->request.index_job, exchange);
    } else if (state != QUERN_EXCHANGE_LOADING && state != QUERN_EXCHANGE_COMPUTING &&
               state != QUERN_EXCHANGE_WAITING) {
        schedule(exchange);
    }
}

static void take_turn(void *owner)
{
    struct quern_exchange *exchange = owner;
    enter(exchange, next_state(exchange));
}

/* Gives up a job whose vectors nobody waits for any more. The job is freed now, or, when the worker is computing a text
 * of it, once it comes back. Other requests that waited for its texts compute them. */
static void give_up_job(struct quern_exchange *exchange)
{
    struct quern_job *job = exchange->job;
    quern_claims_end(&exchange->claims);
    exchange->job = NULL;
    if (exchange->state == QUERN_EXCHANGE_COMPUTING) {
        job->owner = NULL;
        if (!quern_batcher_cancel(&exchange->server->batcher, job)) {
            quern_residents_share(exchange->server, exchange->request.served);
            return; /* quern_exchange_collect frees it */
        }
    }
    quern_waste_job(exchange->server, job);
}

static void on_deadline(evutil_socket_t descriptor, short what, void *argument)
{
    struct quern_exchange *exchange = argument;
    (void)descriptor;
    (void)what;
    const bool is_loading = exchange->state == QUERN_EXCHANGE_LOADING;
    give_up_job(exchange);
    quern_refuse(&exchange->request, QUERN_FAULT_DEADLINE, NULL, "the %s not %s in the time given",
                 is_loading ? "model was" : "vectors were", is_loading ? "loaded" : "computed");
    enter(exchange, QUERN_EXCHANGE_WRITING);
}

/* ---------------------------------------------------------------- begin and end */

struct quern_exchange *quern_exchange_new(struct quern_server *server, const struct quern_head *head,
                                          quern_exchange_ready *ready, void *owner)
{
    struct quern_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->server = server;
    exchange->ready = ready;
    exchange->owner = owner;
    exchange->turn = (struct quern_turn){.take = take_turn, .owner = exchange};
    exchange->loading = (struct quern_model_wait){.loaded = on_settled, .owner = exchange};
    exchange->deadline = evtimer_new(server->base, on_deadline, exchange);
    if (exchange->deadline == NULL) {
        free(exchange);
        return NULL;
    }
    quern_request_init(&exchange->request, &server->service, head);
    quern_answer_init(&exchange->answer);
    exchange->request.arrived_ns = quern_clock_ns();
    server->service.load.requests++;
    return exchange;
}

void quern_exchange_answer(struct quern_exchange *exchange)
{
    enter(exchange, QUERN_EXCHANGE_WRITING);
}

void quern_exchange_run(struct quern_exchange *exchange, struct quern_buffer *body)
{
    exchange->body = *body;
    *body = (struct quern_buffer){0};
    exchange->request.body = exchange->body.data;
    exchange->request.body_length = exchange->body.length;
    exchange->request.received_ns = quern_clock_ns();
    quern_request_join(&exchange->request);
    enter(exchange, next_state(exchange));
}

/* Says once that the model has no prompts, when a task was asked for. */
static void tell_of_tasks(struct quern_service *service, const struct quern_request *request)
{
    if (!request->options.ignores_task || request->served->told_of_tasks)
        return;
    request->served->told_of_tasks = true;
    quern_log(service, "warn", "a request has a task, but this model has no prompts: all texts are embedded as they "
              "are (said once)");
}

/* Frees all that is left of an exchange. */
static void release(struct quern_exchange *exchange)
{
    if (exchange->uses_model)
        quern_residents_release(exchange->server, exchange->request.served);
    quern_waste_leave(exchange->server, &exchange->request);
    quern_request_free(&exchange->request);
    quern_answer_free(&exchange->answer);
    quern_waste_free(exchange->server, exchange->body.data, exchange->body.capacity);
    quern_waste_trim(exchange->server);
    free(exchange);
}

void quern_exchange_end(struct quern_exchange *exchange)
{
    struct quern_service *service = &exchange->server->service;
    const int64_t now = quern_clock_ns();
    if (exchange->state != QUERN_EXCHANGE_ANSWERED) { /* the client has left before there was an answer */
        exchange->answer.status = 499;
        give_up_job(exchange);
    }
    quern_meters_count(&service->meters, &exchange->request, exchange->job, &exchange->answer, now);
    tell_of_tasks(service, &exchange->request);
    quern_log_request(&exchange->request, exchange->job, &exchange->answer, now);
    service->load.requests--;
    quern_residents_leave(&exchange->loading);
    if (exchange->request.options.has_keep && !quern_is_refused(&exchange->request))
        quern_residents_keep(exchange->server, exchange->request.served, exchange->request.options.keep_s);
    quern_turns_remove(&exchange->server->turns, &exchange->turn);
    event_free(exchange->deadline);
    quern_waste_job(exchange->server, exchange->job);
    exchange->is_left = exchange->state == QUERN_EXCHANGE_AWAY || /* the other thread reads its texts */
                        exchange->state == QUERN_EXCHANGE_SEARCHING;
    if (!exchange->is_left)
        release(exchange);
}

/* Goes on with the exchanges whose work another thread has done. */
static void collect_away(struct quern_server *server, struct quern_background *background)
{
    for (struct quern_background_job *job = quern_background_collect(background), *next; job != NULL; job = next) {
        struct quern_exchange *exchange = job->owner;
        next = job->after;
        if (background != &server->text_worker)
            quern_indexes_note(server, &exchange->request.index_job);
        if (exchange->is_left)
            release(exchange);
        else
            schedule(exchange);
    }
}

void quern_exchange_collect(struct quern_server *server)
{
    quern_bell_quiet(&server->finished);
    collect_away(server, &server->text_worker);
    collect_away(server, &server->index_worker);
    collect_away(server, &server->change_worker);
    quern_residents_collect(server);
    for (struct quern_job *job = quern_batcher_collect(&server->batcher), *next; job != NULL; job = next) {
        struct quern_exchange *exchange = job->owner;
        next = job->after;
        if (exchange == NULL) {
            const struct quern_slot *slot = job->engine->owner;
            quern_waste_job(server, job);
            quern_residents_release(server, slot->served);
            continue;
        }
        enter(exchange, QUERN_EXCHANGE_COMPUTED);
    }
}
