#include "connection.h"

#include "exchange.h"
#include "guard.h"
#include "http/http_answer.h"
#include "log.h"
#include "receive.h"
#include "steps/server_clock.h"
#include "waste.h"

#include "base/system/sockets.h"

#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_AHEAD 65536 /* bytes that a client may send before they are wanted */
#define PROGRESS 65536   /* bytes that must be moved, in either direction, within the read timeout */
#define LINGER_SECONDS 2
#define WATCH_SECONDS 0.5      /* between looks whether a client that has closed its side still reads */
#define YOUNG_NS INT64_C(500000000)  /* for a connection's first request to begin; less than a pause of listen.c */
#define GRACE_NS INT64_C(1000000000) /* for bodies that are on their way when the server must end */

enum stage {
    IDLE,   /* waits for the first byte of a request */
    HEAD,   /* reads its head */
    BODY,   /* reads its body */
    BUSY,   /* waits for its answer */
    ANSWER, /* writes the answer */
    LINGER  /* lets a client that still sends read why it is refused */
};

struct quern_connection {
    struct quern_server *server;
    struct bufferevent *socket;
    struct event *timer;
    enum stage stage;
    struct quern_receiver receiver;  /* of the request */
    struct quern_exchange *exchange; /* NULL: none is begun */
    size_t progress;                 /* bytes moved since the timer was set */
    bool closes;                     /* after the answer */
    int64_t opened_ns;
    bool is_used;                    /* a request has begun to arrive */
    bool is_surplus;                 /* one too many: its request is refused */
    bool ended;                      /* the client has closed its side: nothing more arrives */
    bool is_probed;                  /* since then, something was sent to learn whether it still reads */
    struct quern_connection *before, *after;
};

static void on_timer(evutil_socket_t descriptor, short what, void *argument);
static void advance(struct quern_connection *connection);
static void on_ready(void *owner);
static void take_end(struct quern_connection *connection);

static void set_timer(struct quern_connection *connection, double seconds)
{
    const struct timeval time = quern_clock_interval(seconds);
    event_add(connection->timer, &time);
}

static void enter(struct quern_connection *connection, enum stage stage)
{
    const struct quern_server_options *options = connection->server->options;
    const double seconds[] = {[IDLE] = options->idle_timeout, [HEAD] = options->read_timeout,
                              [BODY] = options->read_timeout, [BUSY] = connection->ended ? WATCH_SECONDS : 0,
                              [ANSWER] = options->read_timeout, [LINGER] = LINGER_SECONDS};
    connection->stage = stage;
    connection->progress = 0;
    if (seconds[stage] > 0)
        set_timer(connection, seconds[stage]);
    else
        event_del(connection->timer);
}

/* ---------------------------------------------------------------- the list */

static void join(struct quern_connection *connection)
{
    struct quern_server *server = connection->server;
    connection->before = server->last;
    connection->after = NULL;
    if (server->last != NULL)
        server->last->after = connection;
    else
        server->first = connection;
    server->last = connection;
}

static void leave(struct quern_connection *connection)
{
    struct quern_server *server = connection->server;
    if (connection->before != NULL)
        connection->before->after = connection->after;
    else
        server->first = connection->after;
    if (connection->after != NULL)
        connection->after->before = connection->before;
    else
        server->last = connection->before;
}

static void move_to_end(struct quern_connection *connection)
{
    leave(connection);
    join(connection);
}

/* ---------------------------------------------------------------- the exchange */

/* Answers when there is no memory to write an answer. What is sent lies in no buffer. */
static void refuse_without_memory(struct quern_connection *connection)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 69\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
                                 "{\"error\":\"the server has no memory left for requests; try it later\"}\n";
    struct evbuffer *output = bufferevent_get_output(connection->socket);
    const evutil_socket_t descriptor = bufferevent_getfd(connection->socket);
    evbuffer_drain(output, evbuffer_get_length(output));
    const ssize_t sent = send(descriptor, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent; /* the client sees that the connection ends */
    quern_log_shortage(&connection->server->service, "there is no memory for requests");
    shutdown(descriptor, SHUT_WR);
    enter(connection, LINGER);
}

/* Begins an exchange for a head that was read (status 0), or could not be (the status to refuse with). False: the
 * request is refused and answered. */
static bool begin_exchange(struct quern_connection *connection, int status)
{
    const struct quern_head *head = &connection->receiver.head;
    if (connection->is_surplus && status == 0)
        status = 503;
    connection->closes = status != 0 || !head->keep_alive;
    connection->exchange = quern_exchange_new(connection->server, head, on_ready, connection);
    if (connection->exchange == NULL) {
        refuse_without_memory(connection);
        return false;
    }
    struct quern_request *request = &connection->exchange->request;
    if (quern_guard(connection->server, request, &connection->exchange->answer, status))
        return true;
    const bool has_body = head->chunked || head->length > 0 || request->refusal.fault == QUERN_FAULT_NO_LENGTH;
    connection->closes |= has_body; /* the body is not read, and what follows it cannot be found */
    quern_exchange_answer(connection->exchange);
    return false;
}

/* Answers a request that is refused before its body was read to its end. */
static void refuse_body(struct quern_connection *connection)
{
    connection->closes = true;
    quern_exchange_answer(connection->exchange);
}

/* ---------------------------------------------------------------- in */

static void begin_body(struct quern_connection *connection)
{
    const struct quern_head *head = &connection->receiver.head;
    enter(connection, BODY);
    if (head->expects_continue && (head->chunked || head->length > 0) &&
        evbuffer_get_length(bufferevent_get_input(connection->socket)) == 0)
        evbuffer_add_printf(bufferevent_get_output(connection->socket), "HTTP/1.1 100 Continue\r\n\r\n");
}

/* Reads what has arrived of a head. False: there is nothing more to do at present. */
static bool advance_head(struct quern_connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->socket);
    quern_receive_skip(input);
    if (evbuffer_get_length(input) == 0)
        return false;
    connection->is_used = true;
    if (connection->stage == IDLE)
        enter(connection, HEAD);
    const int status = quern_receive_head(&connection->receiver, input);
    if (status == 0)
        return false;
    if (!begin_exchange(connection, status == 1 ? 0 : status))
        return false;
    begin_body(connection);
    return true;
}

/* Takes one piece of the body that has arrived. 1: the body is whole; 0: more is needed; -1: refused. */
static int take_body(struct quern_connection *connection)
{
    struct quern_receiver *receiver = &connection->receiver;
    struct evbuffer *input = bufferevent_get_input(connection->socket);
    struct quern_request *request = &connection->exchange->request;
    const int most = connection->server->options->max_body;
    const size_t size = quern_receive_size(receiver, input), before = receiver->body.length;
    size_t moved = 0;
    int code = QUERN_CHUNKS_BAD;
    const bool is_claimed = size == 0 || quern_request_claim(request, size);
    if (!is_claimed || (size > 0 && quern_buffer_room(&receiver->body, size) == NULL))
        quern_refuse_memory(request);
    else
        code = quern_receive_body(receiver, input, size, &moved);
    if (is_claimed) /* what is no part of the body is not kept */
        quern_request_release(request, size - (receiver->body.length - before));
    connection->progress += moved;
    if (code == QUERN_CHUNKS_BAD)
        quern_refuse(request, QUERN_FAULT_REQUEST, NULL, "the chunks of the body are malformed: %s",
                     receiver->chunks.problem);
    else if (receiver->body.length > (size_t)most)
        quern_refuse(request, QUERN_FAULT_BODY, NULL, "the body has more than the %d bytes that a request may have: "
                     "send fewer texts at once", most);
    else
        return code;
    refuse_body(connection);
    return -1;
}

static bool advance_body(struct quern_connection *connection)
{
    int code;
    do
        code = take_body(connection);
    while (code == 0 && evbuffer_get_length(bufferevent_get_input(connection->socket)) > 0);
    if (code != 1)
        return false;
    enter(connection, BUSY);
    quern_exchange_run(connection->exchange, &connection->receiver.body);
    return false;
}

static void advance(struct quern_connection *connection)
{
    bool more = true;
    while (more) {
        switch (connection->stage) {
        case IDLE:
        case HEAD: more = advance_head(connection); break;
        case BODY: more = advance_body(connection); break;
        case LINGER:
            evbuffer_drain(bufferevent_get_input(connection->socket), SIZE_MAX);
            return;
        default: return; /* what arrives now belongs to the next request */
        }
    }
}

static void on_read(struct bufferevent *socket, void *argument)
{
    (void)socket;
    advance(argument);
}

/* ---------------------------------------------------------------- out */

static void free_data(const void *data, size_t length, void *argument)
{
    quern_waste_free(argument, (void *)(uintptr_t)data, length);
}

/* Gives memory to the output, which frees it. Only the length stays, for the log. False: no memory. */
static bool give_to_output(struct quern_connection *connection, struct quern_buffer *buffer)
{
    struct evbuffer *output = bufferevent_get_output(connection->socket);
    if (buffer->failed || (buffer->length > 0 &&
                           evbuffer_add_reference(output, buffer->data, buffer->length, free_data,
                                                  connection->server) != 0))
        return false;
    *buffer = (struct quern_buffer){.length = buffer->length};
    return true;
}

/* Sends the answer of the exchange. on_written goes on once all of it is written. */
static void on_ready(void *owner)
{
    struct quern_connection *connection = owner;
    struct quern_server *server = connection->server;
    struct quern_exchange *exchange = connection->exchange;
    struct quern_answer *answer = &exchange->answer;
    struct quern_buffer head = {0};
    /* At once, not after the answer is sent: when no memory is left, others that come next may go on with it. */
    quern_request_release(&exchange->request, connection->receiver.body.length);
    quern_waste_free(server, connection->receiver.body.data, connection->receiver.body.capacity);
    connection->receiver.body = (struct quern_buffer){0};
    /* An answer that is beyond the memory limit is sent all the same, as it is computed, and frees its memory soon. */
    connection->closes |= !quern_request_hold(&exchange->request, answer->body.length) || server->service.draining ||
                          server->service.load.connections >= server->most_connections;
    quern_answer_head_put(&head, &(struct quern_answer_head){
        .status = answer->status, .id = exchange->request.id, .type = answer->type, .length = answer->body.length,
        .fields = {answer->fields.data, answer->fields.length}, .closes = connection->closes,
        .idle_seconds = (int)server->options->idle_timeout});
    const bool has_body =
        quern_status_has_content(answer->status) && strcmp(connection->receiver.head.method, "HEAD") != 0;
    const bool good = !answer->fields.failed && give_to_output(connection, &head) &&
                      (!has_body || give_to_output(connection, &answer->body));
    quern_buffer_free(&head);
    if (good)
        enter(connection, ANSWER);
    else
        refuse_without_memory(connection);
}

/* The answer is sent: the connection is ready for the next request, or ends. */
static void finish_answer(struct quern_connection *connection)
{
    quern_exchange_end(connection->exchange);
    connection->exchange = NULL;
    quern_receiver_clear(&connection->receiver);
    if (connection->closes) {
        shutdown(bufferevent_getfd(connection->socket), SHUT_WR);
        enter(connection, LINGER);
    } else {
        move_to_end(connection);
        enter(connection, IDLE);
    }
    advance(connection);
    if (connection->ended)
        take_end(connection);
}

static void on_written(struct bufferevent *socket, void *argument)
{
    struct quern_connection *connection = argument;
    if (connection->stage == ANSWER && evbuffer_get_length(bufferevent_get_output(socket)) == 0)
        finish_answer(connection);
}

/* Counts what the client has taken of an answer. */
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *argument)
{
    struct quern_connection *connection = argument;
    (void)output;
    if (connection->stage == ANSWER)
        connection->progress += info->n_deleted;
}

/* ---------------------------------------------------------------- ends */

/* Looks whether a client that has closed its side still waits for its answer. A client that has closed both sides does
 * not tell. Its system answers that nobody is there when something is sent, so an interim answer is sent, once. */
static void watch(struct quern_connection *connection)
{
    struct evbuffer *output = bufferevent_get_output(connection->socket);
    if (quern_system_has_left(bufferevent_getfd(connection->socket))) {
        quern_connection_close(connection);
        return;
    }
    if (!connection->is_probed && !connection->receiver.head.is_old)
        evbuffer_add_printf(output, "HTTP/1.1 100 Continue\r\n\r\n");
    connection->is_probed = true;
    enter(connection, BUSY);
}

/* The client has closed its side. What it has sent to the end is answered: it may still read. */
static void take_end(struct quern_connection *connection)
{
    connection->ended = true;
    switch (connection->stage) {
    case BODY:
        quern_refuse(&connection->exchange->request, QUERN_FAULT_REQUEST, NULL,
                     "the connection ended before the body");
        refuse_body(connection);
        break;
    case BUSY: enter(connection, BUSY); break;
    case ANSWER: break;
    default: quern_connection_close(connection); break;
    }
}

static void on_end(struct bufferevent *socket, short what, void *argument)
{
    (void)socket;
    if ((what & BEV_EVENT_EOF) != 0)
        take_end(argument);
    else
        quern_connection_close(argument);
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    struct quern_connection *connection = argument;
    (void)descriptor;
    (void)what;
    const bool moves = connection->progress >= PROGRESS;
    if ((connection->stage == BODY || connection->stage == ANSWER) && moves)
        enter(connection, connection->stage);
    else if (connection->stage == BODY) {
        quern_refuse(&connection->exchange->request, QUERN_FAULT_SLOW, NULL, "less than %d bytes of the body arrived "
                     "in %g seconds", PROGRESS, connection->server->options->read_timeout);
        refuse_body(connection);
    } else if (connection->stage == BUSY)
        watch(connection);
    else if (connection->stage == HEAD) {
        connection->receiver.head = (struct quern_head){.method = "", .path = "", .query = ""};
        begin_exchange(connection, 408);
    } else {
        quern_connection_close(connection);
    }
}

void quern_connection_open(struct quern_server *server, evutil_socket_t descriptor, bool is_surplus)
{
    const int yes = 1;
    struct quern_connection *connection = calloc(1, sizeof *connection);
    struct bufferevent *socket = bufferevent_socket_new(server->base, descriptor, BEV_OPT_CLOSE_ON_FREE);
    struct event *timer = connection != NULL ? evtimer_new(server->base, on_timer, connection) : NULL;
    if (connection == NULL || socket == NULL || timer == NULL) {
        free(connection);
        if (timer != NULL)
            event_free(timer);
        if (socket != NULL)
            bufferevent_free(socket);
        else
            evutil_closesocket(descriptor);
        quern_log_shortage(&server->service, "there is no memory for a connection");
        return;
    }
    if (!server->is_unix)
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, (const void *)&yes, sizeof yes);
    *connection = (struct quern_connection){.server = server, .socket = socket, .timer = timer,
                                            .is_surplus = is_surplus, .opened_ns = quern_clock_ns()};
    join(connection);
    server->service.load.connections++;
    bufferevent_setcb(socket, on_read, on_written, on_end, connection);
    bufferevent_setwatermark(socket, EV_READ, 0, READ_AHEAD);
    evbuffer_add_cb(bufferevent_get_output(socket), on_output, connection);
    bufferevent_enable(socket, EV_READ | EV_WRITE);
    enter(connection, IDLE);
}

void quern_connection_close(struct quern_connection *connection)
{
    struct quern_server *server = connection->server;
    if (connection->exchange != NULL)
        quern_exchange_end(connection->exchange);
    leave(connection);
    server->service.load.connections--;
    event_free(connection->timer);
    bufferevent_free(connection->socket);
    quern_receiver_clear(&connection->receiver);
    free(connection);
    if (server->service.load.connections < server->most_connections) {
        event_del(server->resume);
        evconnlistener_enable(server->listener);
    }
}

/* Whether no byte of a request has arrived, not even in the kernel. If one has, closing would reset the connection. */
static bool is_idle(const struct quern_connection *connection)
{
    char byte;
    return connection->stage == IDLE &&
           recv(bufferevent_getfd(connection->socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/* Whether the first request of a connection may still be on its way. */
static bool is_young(const struct quern_connection *connection)
{
    return !connection->is_used && quern_clock_ns() - connection->opened_ns < YOUNG_NS;
}

static struct quern_connection *find_idle(const struct quern_server *server)
{
    struct quern_connection *connection = server->first;
    while (connection != NULL && (is_young(connection) || !is_idle(connection)))
        connection = connection->after;
    return connection;
}

bool quern_connections_have_idle(const struct quern_server *server)
{
    return find_idle(server) != NULL;
}

bool quern_connections_close_idle(struct quern_server *server)
{
    struct quern_connection *connection = find_idle(server);
    if (connection != NULL)
        quern_connection_close(connection);
    return connection != NULL;
}

bool quern_connections_drain(struct quern_server *server)
{
    const bool is_late = quern_clock_ns() - server->stopped_ns > GRACE_NS;
    bool done = true;
    for (struct quern_connection *connection = server->first, *next; connection != NULL; connection = next) {
        next = connection->after;
        if (is_idle(connection)) {
            quern_connection_close(connection);
            continue;
        }
        if (connection->stage == BODY && is_late) {
            quern_refuse(&connection->exchange->request, QUERN_FAULT_DRAINING, NULL,
                         "the server is about to end; try again soon");
            refuse_body(connection);
        }
        done &= connection->stage == HEAD || connection->opened_ns > server->stopped_ns;
    }
    return done;
}
