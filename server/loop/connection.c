/* Bytes in, bytes out: the stages of a connection, and its time limits. */
#include "loop.h"

#include "requests/routes.h"

#include <event2/buffer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define READ_AHEAD 65536  /* bytes a client may send before they are wanted */
#define PROGRESS 65536    /* bytes that must have moved, either way, in the time of a read */
#define LINGER_SECONDS 2

static void on_timer(evutil_socket_t descriptor, short what, void *argument);
static void advance(struct quern_connection *connection);

static void set_timer(struct quern_connection *connection, double seconds)
{
    const struct timeval time = quern_timeval(seconds);
    event_add(connection->timer, &time);
}

static void enter(struct quern_connection *connection, enum quern_stage stage)
{
    const struct quern_server_options *options = connection->server->options;
    const double seconds[] = {[QUERN_STAGE_IDLE] = options->idle_timeout,  [QUERN_STAGE_HEAD] = options->read_timeout,
                              [QUERN_STAGE_BODY] = options->read_timeout,  [QUERN_STAGE_BUSY] = 0,
                              [QUERN_STAGE_ANSWER] = options->read_timeout, [QUERN_STAGE_LINGER] = LINGER_SECONDS};
    connection->stage = stage;
    connection->progress = 0;
    if (seconds[stage] > 0)
        set_timer(connection, seconds[stage]);
    else
        event_del(connection->timer);
}

bool quern_connection_hold(struct quern_connection *connection, size_t bytes)
{
    struct quern_server *server = connection->server;
    if (bytes > (size_t)server->options->queue_bytes - server->service.load.bytes)
        return false;
    server->service.load.bytes += bytes;
    connection->held += bytes;
    return true;
}

/* ---------------------------------------------------------------- in */

/* Leaves out the empty line that some clients send behind a body (RFC 9112, 2.2). */
static void skip_empty_line(struct evbuffer *input)
{
    char line[2];
    if (evbuffer_copyout(input, line, 2) == 2 && memcmp(line, "\r\n", 2) == 0)
        evbuffer_drain(input, 2);
}

/* Looks for a head's end. 1: it is in connection->head; 0: not yet; else the status to refuse with. */
static int read_head(struct quern_connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->socket);
    skip_empty_line(input);
    size_t length = evbuffer_get_length(input);
    if (length == 0)
        return 0;
    if (length > QUERN_HEAD_BYTES)
        length = QUERN_HEAD_BYTES;
    char *data = (char *)evbuffer_pullup(input, (ev_ssize_t)length);
    if (data == NULL)
        return 400;
    const char *end = memmem(data, length, "\r\n\r\n", 4), *bare = memchr(data, '\n', length);
    if (data[0] < 'A' || data[0] > 'Z' || (bare != NULL && (bare == data || bare[-1] != '\r')))
        return 400; /* another protocol; or lines we would wait for the end of for ever */
    if (end == NULL)
        return length == QUERN_HEAD_BYTES ? 431 : 0;
    length = (size_t)(end - data) + 4;
    connection->head_data = malloc(length);
    if (connection->head_data == NULL)
        return 431;
    evbuffer_remove(input, connection->head_data, length);
    const int status = quern_head_parse(&connection->head, connection->head_data, length);
    return status == 0 ? 1 : status;
}

static void begin_body(struct quern_connection *connection)
{
    const struct quern_head *head = &connection->head;
    connection->chunks = (struct quern_chunks){0};
    enter(connection, QUERN_STAGE_BODY);
    if (head->expects_continue && (head->chunked || head->length > 0) &&
        evbuffer_get_length(bufferevent_get_input(connection->socket)) == 0)
        evbuffer_add_printf(bufferevent_get_output(connection->socket), "HTTP/1.1 100 Continue\r\n\r\n");
}

/* Reads what there is of a head. False: more is needed, or the connection has gone on to something else. */
static bool advance_head(struct quern_connection *connection)
{
    if (evbuffer_get_length(bufferevent_get_input(connection->socket)) == 0)
        return false;
    if (connection->stage == QUERN_STAGE_IDLE)
        enter(connection, QUERN_STAGE_HEAD);
    const int status = read_head(connection);
    if (status == 0)
        return false;
    if (status != 1)
        connection->head = (struct quern_head){.method = "", .path = "", .query = ""};
    connection->closes = status != 1 || !connection->head.keep_alive;
    if (!quern_exchange_begin(connection, status == 1 ? 0 : status))
        return false;
    begin_body(connection);
    return true;
}

/* Takes what has come of the body: at most one piece. 1: it is whole; 0: more is needed; -1: refused. */
static int take_body(struct quern_connection *connection)
{
    const struct quern_head *head = &connection->head;
    struct evbuffer *input = bufferevent_get_input(connection->socket);
    const size_t most = (size_t)connection->server->options->max_body;
    size_t length = evbuffer_get_contiguous_space(input), body = 0, used = 0;
    int code;
    if (!head->chunked && length > head->length - connection->body.length)
        length = (size_t)head->length - connection->body.length;
    char *room = length > 0 ? quern_buffer_room(&connection->body, length) : NULL;
    if (length > 0 && (room == NULL || !quern_connection_hold(connection, length))) {
        quern_exchange_refuse(connection, QUERN_FAULT_BUSY, "the server holds as much as it may; try again soon");
        return -1;
    }
    if (length > 0)
        evbuffer_copyout(input, room, length);
    if (head->chunked) {
        code = quern_chunks_take(&connection->chunks, room, length, &body, &used);
    } else {
        body = used = length;
        code = connection->body.length + body == head->length ? QUERN_CHUNKS_DONE : QUERN_CHUNKS_MORE;
    }
    evbuffer_drain(input, used);
    connection->body.length += body;
    connection->progress += used;
    if (code == QUERN_CHUNKS_BAD)
        quern_exchange_refuse(connection, QUERN_FAULT_REQUEST, "the chunks of the body are malformed");
    else if (connection->body.length > most)
        quern_exchange_refuse(connection, QUERN_FAULT_BODY, "the body is too large; send fewer texts at once");
    else
        return code;
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
    enter(connection, QUERN_STAGE_BUSY);
    quern_exchange_run(connection);
    return false;
}

static void advance(struct quern_connection *connection)
{
    bool more = true;
    while (more) {
        switch (connection->stage) {
        case QUERN_STAGE_IDLE:
        case QUERN_STAGE_HEAD: more = advance_head(connection); break;
        case QUERN_STAGE_BODY: more = advance_body(connection); break;
        case QUERN_STAGE_LINGER:
            evbuffer_drain(bufferevent_get_input(connection->socket), SIZE_MAX);
            return;
        default: return; /* what comes now belongs to the next request */
        }
    }
}

static void on_read(struct bufferevent *socket, void *argument)
{
    (void)socket;
    advance(argument);
}

/* ---------------------------------------------------------------- out */

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } table[] = {{200, "OK"}, {204, "No Content"}, {304, "Not Modified"}, {400, "Bad Request"},
                 {401, "Unauthorized"}, {403, "Forbidden"},
                 {404, "Not Found"}, {405, "Method Not Allowed"}, {408, "Request Timeout"}, {411, "Length Required"},
                 {413, "Content Too Large"}, {415, "Unsupported Media Type"}, {417, "Expectation Failed"},
                 {422, "Unprocessable Content"}, {424, "Failed Dependency"}, {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
                 {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status)
            return table[i].reason;
    return "Answer";
}

static void free_data(const void *data, size_t length, void *argument)
{
    (void)length;
    (void)argument;
    free((void *)(uintptr_t)data);
}

void quern_connection_send(struct quern_connection *connection)
{
    struct quern_request *request = connection->request;
    struct evbuffer *output = bufferevent_get_output(connection->socket);
    struct quern_buffer *answer = &request->answer;
    char date[64];
    const time_t now = time(NULL);
    struct tm tm;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    const struct quern_server *server = connection->server;
    connection->closes |= server->service.draining ||
                          server->service.load.connections >= server->options->max_connections;
    evbuffer_add_printf(output, "HTTP/1.1 %d %s\r\nDate: %s\r\nX-Request-Id: %s\r\n", request->status,
                        reason(request->status), date, request->id);
    const bool has_content = request->status != 204 && request->status != 304;
    if (has_content)
        evbuffer_add_printf(output, "Content-Type: %s\r\nContent-Length: %zu\r\n", request->type, answer->length);
    evbuffer_add(output, request->fields.data, request->fields.length);
    evbuffer_add_printf(output, "%s\r\n", connection->closes ? "Connection: close\r\n" : "");
    const bool has_body = has_content && strcmp(connection->head.method, "HEAD") != 0;
    if (has_body && answer->length > 0 &&
        evbuffer_add_reference(output, answer->data, answer->length, free_data, NULL) == 0)
        *answer = (struct quern_buffer){.length = answer->length}; /* for the log */
    enter(connection, QUERN_STAGE_ANSWER);
    quern_buffer_free(&connection->body);
}

/* Ready for the next request, or to part. */
static void finish_answer(struct quern_connection *connection)
{
    connection->server->service.load.bytes -= connection->held;
    connection->held = 0;
    quern_exchange_end(connection);
    free(connection->head_data);
    connection->head_data = NULL;
    if (connection->closes) {
        shutdown(bufferevent_getfd(connection->socket), SHUT_WR);
        enter(connection, QUERN_STAGE_LINGER);
    } else {
        enter(connection, QUERN_STAGE_IDLE);
    }
    advance(connection);
}

static void on_written(struct bufferevent *socket, void *argument)
{
    struct quern_connection *connection = argument;
    if (connection->stage == QUERN_STAGE_ANSWER && evbuffer_get_length(bufferevent_get_output(socket)) == 0)
        finish_answer(connection);
}

/* Counts what the client has taken of an answer. */
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *argument)
{
    struct quern_connection *connection = argument;
    (void)output;
    if (connection->stage == QUERN_STAGE_ANSWER)
        connection->progress += info->n_deleted;
}

/* ---------------------------------------------------------------- ends */

static void on_end(struct bufferevent *socket, short what, void *argument)
{
    (void)socket;
    (void)what;
    quern_connection_close(argument); /* one that stops sending has left: no client of HTTP halves a connection */
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    struct quern_connection *connection = argument;
    (void)descriptor;
    (void)what;
    const bool moves = connection->progress >= PROGRESS;
    if ((connection->stage == QUERN_STAGE_BODY || connection->stage == QUERN_STAGE_ANSWER) && moves)
        enter(connection, connection->stage);
    else if (connection->stage == QUERN_STAGE_BODY)
        quern_exchange_refuse(connection, QUERN_FAULT_SLOW, "the body did not arrive in time");
    else if (connection->stage == QUERN_STAGE_HEAD) {
        connection->head = (struct quern_head){.method = "", .path = "", .query = ""};
        connection->closes = true;
        quern_exchange_begin(connection, 408);
    } else {
        quern_connection_close(connection);
    }
}

void quern_connection_open(struct quern_server *server, evutil_socket_t descriptor)
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
        return;
    }
    if (!server->is_unix)
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    *connection = (struct quern_connection){.server = server, .socket = socket, .timer = timer, .before = server->last};
    if (server->last != NULL)
        server->last->after = connection;
    else
        server->first = connection;
    server->last = connection;
    server->service.load.connections++;
    bufferevent_setcb(socket, on_read, on_written, on_end, connection);
    bufferevent_setwatermark(socket, EV_READ, 0, READ_AHEAD);
    evbuffer_add_cb(bufferevent_get_output(socket), on_output, connection);
    bufferevent_enable(socket, EV_READ | EV_WRITE);
    enter(connection, QUERN_STAGE_IDLE);
}

void quern_connection_close(struct quern_connection *connection)
{
    struct quern_server *server = connection->server;
    if (connection->request != NULL && connection->stage == QUERN_STAGE_ANSWER)
        quern_exchange_end(connection);
    else if (connection->request != NULL)
        quern_exchange_abandon(connection);
    server->service.load.bytes -= connection->held;
    if (connection->before != NULL)
        connection->before->after = connection->after;
    else
        server->first = connection->after;
    if (connection->after != NULL)
        connection->after->before = connection->before;
    else
        server->last = connection->before;
    server->service.load.connections--;
    event_free(connection->timer);
    bufferevent_free(connection->socket);
    quern_buffer_free(&connection->body);
    free(connection->head_data);
    free(connection);
    if (server->service.load.connections < server->options->max_connections)
        evconnlistener_enable(server->listener);
}

/* Whether nothing of a request has come, not even to the kernel: closing would reset the connection under it. */
static bool is_idle(const struct quern_connection *connection)
{
    char byte;
    return connection->stage == QUERN_STAGE_IDLE &&
           recv(bufferevent_getfd(connection->socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

bool quern_connections_close_idle(struct quern_server *server)
{
    for (struct quern_connection *connection = server->first; connection != NULL; connection = connection->after)
        if (is_idle(connection)) {
            quern_connection_close(connection);
            return true;
        }
    return false;
}

bool quern_connections_drain(struct quern_server *server)
{
    bool done = true;
    for (struct quern_connection *connection = server->first, *next; connection != NULL; connection = next) {
        next = connection->after;
        if (is_idle(connection))
            quern_connection_close(connection);
        else if (connection->stage != QUERN_STAGE_HEAD)
            done = false;
    }
    return done;
}
