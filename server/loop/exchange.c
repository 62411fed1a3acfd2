/* A request's way through the loop: head, body, tokens, queue, answer. */
#include "loop.h"

#include "requests/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define SLICE 65536 /* bytes of text tokenised before others have their turn */

static void answer(struct quern_connection *connection)
{
    struct quern_request *request = connection->request;
    const int64_t begin = quern_now_ns();
    event_del(request->timer);
    quern_claims_end(&request->claims);
    quern_request_answer(request);
    request->answered_ns = quern_now_ns();
    request->encode_ns = request->answered_ns - begin;
    if (!quern_connection_hold(connection, request->answer.length))
        connection->closes = true; /* what is computed is given out, and weighs on nothing else for long */
    quern_connection_send(connection);
}

/* ---------------------------------------------------------------- ids */

/* Letters, digits and ".-_" only, so that it can stand in a header and a log. */
static bool is_sane(const char *text)
{
    const size_t length = strlen(text);
    return length > 0 && length < QUERN_ID_BYTES &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") == length;
}

/* W3C's traceparent, version 00: "00-32 digits-16 digits-2 digits", lower-case hex. */
static bool is_trace(const char *text)
{
    if (strlen(text) != 55 || strncmp(text, "00-", 3) != 0)
        return false;
    for (size_t i = 3; i < 55; i++)
        if (i == 35 || i == 52 ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL)
            return false;
    return true;
}

static void identify(struct quern_request *request)
{
    const char *id = quern_head_find(request->head, "x-request-id"),
               *trace = quern_head_find(request->head, "traceparent");
    uint64_t random[2] = {0};
    if (id != NULL && is_sane(id)) {
        strcpy(request->id, id);
    } else {
        ssize_t got = getrandom(random, sizeof random, GRND_NONBLOCK);
        (void)got; /* an id that is not unique is still an id */
        snprintf(request->id, sizeof request->id, "%016llx%016llx", (unsigned long long)random[0],
                 (unsigned long long)random[1]);
    }
    if (trace != NULL && is_trace(trace))
        strcpy(request->trace, trace);
}

/* ---------------------------------------------------------------- limits */

/* Seconds this request may take: the server's, or the client's if it wants it sooner. */
static double time_limit(struct quern_request *request)
{
    const char *text = quern_head_find(request->head, "x-timeout-ms");
    const double most = request->service->options->timeout;
    if (text == NULL)
        return most;
    const size_t length = strlen(text);
    if (length == 0 || length > 9 || strspn(text, "0123456789") != length || atoi(text) == 0) {
        quern_refuse(request, QUERN_FAULT_REQUEST, "X-Timeout-Ms", "X-Timeout-Ms is to be a number of milliseconds, at "
                     "least 1");
        return most;
    }
    const double asked = atoi(text) / 1e3;
    return most > 0 && most < asked ? most : asked;
}

static void on_deadline(evutil_socket_t descriptor, short what, void *argument);
static void proceed(struct quern_connection *connection);
static void go_on(struct quern_connection *connection);

static void on_request_timer(evutil_socket_t descriptor, short what, void *argument)
{
    struct quern_connection *connection = argument;
    if (connection->request->settled)
        go_on(connection);
    else if (connection->request->queued)
        on_deadline(descriptor, what, connection);
    else
        proceed(connection);
}

/* Whether content is JSON: said so, or not said, or curl's word for -d. */
static bool is_json(const char *type)
{
    const size_t length = type != NULL ? strcspn(type, "; \t") : 0;
    return type == NULL || (length == 16 && strncasecmp(type, "application/json", 16) == 0) ||
           (length > 5 && strncasecmp(type + length - 5, "+json", 5) == 0) ||
           (length == 33 && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0);
}

static bool check_body(const struct quern_server *server, struct quern_request *request)
{
    const struct quern_head *head = request->head;
    if (head->has_length && head->length > (uint64_t)server->options->max_body)
        return quern_refuse(request, QUERN_FAULT_BODY, NULL,
                            "the body has %llu bytes, a request may have %d: send fewer texts at once",
                            (unsigned long long)head->length, server->options->max_body);
    if (request->route == NULL || request->route->parse == NULL)
        return true;
    if (!head->has_length && !head->chunked)
        return quern_refuse(request, QUERN_FAULT_NO_LENGTH, NULL, "the request has no Content-Length");
    if (!is_json(quern_head_find(head, "content-type")))
        return quern_refuse(request, QUERN_FAULT_TYPE, NULL, "the body is to be application/json");
    return true;
}

/* ---------------------------------------------------------------- stages */

static bool check_head(struct quern_server *server, struct quern_request *request, int status)
{
    if (status == 408)
        return quern_refuse(request, QUERN_FAULT_SLOW, NULL, "the request did not arrive in time");
    if (status != 0)
        return quern_refuse(request, quern_status_fault(status), NULL, "the request's HTTP is not understood");
    if (!quern_guard(server, request))
        return false;
    if (server->service.draining && (request->route == NULL || !request->route->is_public))
        return quern_refuse(request, QUERN_FAULT_DRAINING, NULL, "the server is about to end; try again soon");
    return check_body(server, request);
}

/* A request of the connection's head, which does not have it yet; NULL: no memory, and the connection is closed. */
static struct quern_request *new_request(struct quern_connection *connection)
{
    struct quern_server *server = connection->server;
    struct quern_request *request = calloc(1, sizeof *request);
    struct event *timer = evtimer_new(server->base, on_request_timer, connection);
    if (request == NULL || timer == NULL) {
        free(request);
        if (timer != NULL)
            event_free(timer);
        quern_connection_close(connection);
        return NULL;
    }
    quern_request_init(request, &server->service, &connection->head);
    request->timer = timer;
    request->connection = connection;
    server->service.load.requests++;
    return request;
}

bool quern_exchange_begin(struct quern_connection *connection, int status)
{
    struct quern_server *server = connection->server;
    struct quern_request *request = new_request(connection);
    if (request == NULL)
        return false;
    request->arrived_ns = quern_now_ns();
    identify(request);
    connection->request = request;
    if (check_head(server, request, status))
        return true;
    const bool has_body = connection->head.chunked || connection->head.length > 0 ||
                          request->refusal.fault == QUERN_FAULT_NO_LENGTH;
    connection->closes |= has_body; /* it is not read, and what follows it cannot be found */
    answer(connection);
    return false;
}

void quern_exchange_refuse(struct quern_connection *connection, enum quern_fault fault, const char *message)
{
    quern_refuse(connection->request, fault, NULL, "%s", message);
    connection->closes = true;
    answer(connection);
}

/* What others computed, or failed to, is there: not now, for it may be from amidst their work. */
static void on_settled(struct quern_claims *claims)
{
    struct quern_request *request =
        (struct quern_request *)((char *)claims - offsetof(struct quern_request, claims));
    request->settled = true;
    event_active(request->timer, EV_TIMEOUT, 0);
}

static bool begin_claims(struct quern_server *server, struct quern_request *request)
{
    if (server->service.cache.table == NULL)
        return true;
    request->claims = (struct quern_claims){.cache = &server->service.cache, .texts = request->tokens,
                                            .vectors = request->vectors, .count = request->input_count,
                                            .settled = on_settled};
    return quern_claims_begin(&request->claims) == QUERN_OK ||
           quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "no memory for the texts");
}

/* Queues the job, or with a cache a job of what nobody else has computed or is computing, if any. False: refused. */
static bool queue_job(struct quern_server *server, struct quern_request *request)
{
    struct quern_claims *claims = &request->claims;
    if (claims->each != NULL) {
        quern_claims_take(claims);
        if (claims->missing_count == 0)
            return true;
        request->job = (struct quern_job){.texts = claims->missing, .slots = claims->slots,
                                          .count = claims->missing_count, .vectors = request->vectors};
    }
    request->submitted = quern_batcher_submit(&server->batcher, &request->job);
    return request->submitted || quern_refuse(request, QUERN_FAULT_BUSY, NULL, "the queue is full; try again soon");
}

/* Answers if the vectors are there; waits for those that are awaited; sees to those that others did not compute. */
static void go_on(struct quern_connection *connection)
{
    struct quern_request *request = connection->request;
    struct quern_claims *claims = &request->claims;
    request->settled = false;
    if (claims->each != NULL && request->job.code == QUERN_OK && claims->awaited == 0 && !quern_claims_are_met(claims))
        queue_job(connection->server, request);
    const bool waits = request->submitted || (request->job.code == QUERN_OK && claims->awaited > 0);
    if (!waits || request->refusal.fault != QUERN_FAULT_NONE)
        answer(connection);
}

static void submit(struct quern_connection *connection)
{
    struct quern_server *server = connection->server;
    struct quern_request *request = connection->request;
    const double seconds = time_limit(request);
    if (request->refusal.fault == QUERN_FAULT_NONE &&
        !quern_connection_hold(connection, quern_request_bytes(request)))
        quern_refuse(request, QUERN_FAULT_BUSY, NULL, "the queue is full; try again soon");
    request->queued = request->refusal.fault == QUERN_FAULT_NONE && begin_claims(server, request) &&
                      queue_job(server, request);
    if (!request->submitted && request->claims.awaited == 0) {
        answer(connection);
        return;
    }
    const double left = seconds - (double)(quern_now_ns() - request->arrived_ns) * 1e-9;
    const struct timeval time = quern_timeval(left > 0 ? left : 0);
    if (seconds > 0)
        event_add(request->timer, &time);
}

/* Tokenises a slice, and goes on when nothing else has to be done, or queues the request. */
static void proceed(struct quern_connection *connection)
{
    static const struct timeval at_once = {0, 0};
    struct quern_request *request = connection->request;
    const int code = quern_request_tokenize(request, SLICE);
    if (code == 0)
        event_add(request->timer, &at_once);
    else if (code < 0 || request->job.count == 0)
        answer(connection);
    else
        submit(connection);
}

void quern_exchange_run(struct quern_connection *connection)
{
    struct quern_request *request = connection->request;
    request->body = connection->body.data;
    request->body_length = connection->body.length;
    request->received_ns = quern_now_ns();
    if (quern_request_parse(request))
        proceed(connection);
    else
        answer(connection);
}

/* ---------------------------------------------------------------- ends */

static void destroy(struct quern_server *server, struct quern_request *request)
{
    event_free(request->timer);
    quern_claims_end(&request->claims);
    quern_request_free(request);
    free(request);
    server->service.load.requests--;
}

/* Notes a request that is over. */
static void record(struct quern_server *server, const struct quern_request *request)
{
    const int64_t now = quern_now_ns();
    quern_meters_count(&server->service.meters, request, now);
    quern_log_request(request, now);
}

/* Parts a request from its connection. It lives on while the worker has hold of it. */
static void part(struct quern_server *server, struct quern_request *request)
{
    event_del(request->timer);
    quern_claims_leave(&request->claims);
    request->connection->request = NULL;
    request->connection = NULL;
    request->head = NULL;
    if (!request->submitted || quern_batcher_cancel(&server->batcher, &request->job))
        destroy(server, request);
}

/* The vectors come too late: another request takes this one's place, to be refused. */
static void on_deadline(evutil_socket_t descriptor, short what, void *argument)
{
    struct quern_connection *connection = argument;
    struct quern_request *late = connection->request;
    (void)descriptor;
    (void)what;
    struct quern_request *request = new_request(connection);
    if (request == NULL)
        return;
    request->route = late->route;
    request->dialect = late->dialect;
    request->fields = late->fields;
    late->fields = (struct quern_buffer){0};
    request->arrived_ns = late->arrived_ns;
    request->received_ns = late->received_ns;
    strcpy(request->id, late->id);
    strcpy(request->trace, late->trace);
    part(connection->server, late);
    connection->request = request;
    quern_refuse(request, QUERN_FAULT_DEADLINE, NULL, "the vectors were not there in the time that was given");
    answer(connection);
}

void quern_exchange_abandon(struct quern_connection *connection)
{
    struct quern_request *request = connection->request;
    request->status = 499;
    record(connection->server, request);
    part(connection->server, request);
}

void quern_exchange_end(struct quern_connection *connection)
{
    record(connection->server, connection->request);
    destroy(connection->server, connection->request);
    connection->request = NULL;
}

void quern_exchange_collect(struct quern_server *server)
{
    uint64_t count;
    ssize_t got = read(server->worker.finished, &count, sizeof count);
    (void)got; /* it is enough that there may be something */
    for (struct quern_job *job = quern_batcher_collect(&server->batcher), *next; job != NULL; job = next) {
        struct quern_request *request = (struct quern_request *)((char *)job - offsetof(struct quern_request, job));
        next = job->after;
        server->service.broken |= job->code == QUERN_EIO || job->code == QUERN_ENUMERIC;
        request->submitted = false;
        if (request->claims.each != NULL)
            quern_claims_computed(&request->claims, job->code == QUERN_OK && !job->cancelled);
        if (request->connection != NULL)
            go_on(request->connection);
        else
            destroy(server, request);
    }
}
