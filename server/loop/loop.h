/* What lives on the loop's thread: the server, its connections, and the exchange of a request for an answer on each. */
#ifndef QUERN_SERVER_LOOP_H
#define QUERN_SERVER_LOOP_H

#include "steps/cache_file.h"
#include "http/http.h"
#include "keys.h"
#include "requests/request.h"
#include "server.h"
#include "systemd.h"
#include "steps/worker.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

struct quern_server {
    struct quern_service service;
    const struct quern_server_options *options;
    struct quern_batcher batcher;
    struct quern_worker worker;
    struct quern_keys keys;
    FILE *cache_file;              /* NULL: none */
    char cache_key[QUERN_CACHE_KEY];
    struct event_base *base;
    struct evconnlistener *listener;
    bool is_unix;                  /* it listens on a unix socket */
    const char *socket_path;       /* to be removed at the end; NULL: none */
    struct quern_connection *first, *last; /* the oldest first */
    struct quern_systemd systemd;
    struct event *collect, *resume, *drained, *watchdog, *signals[3];
};

/* ---------------------------------------------------------------- listen.c */

/* Opens the socket, or takes the one that systemd opened. */
int quern_listen(struct quern_server *server, quern_error *error);

/* The address clients reach it under: "http://127.0.0.1:8080", "unix:/path". */
void quern_listen_name(const struct quern_server *server, char name[static 128]);
void quern_listen_end(struct quern_server *server);

/* ---------------------------------------------------------------- connection.c */

enum quern_stage {
    QUERN_STAGE_IDLE,    /* waits for a request's first byte */
    QUERN_STAGE_HEAD,    /* reads its head */
    QUERN_STAGE_BODY,    /* reads its body */
    QUERN_STAGE_BUSY,    /* waits for its answer */
    QUERN_STAGE_ANSWER,  /* writes the answer */
    QUERN_STAGE_LINGER   /* lets a client that still sends read why it is refused */
};

struct quern_connection {
    struct quern_server *server;
    struct bufferevent *socket;
    struct event *timer;
    enum quern_stage stage;
    char *head_data;            /* of the request, which head points into */
    struct quern_head head;
    struct quern_buffer body;
    struct quern_chunks chunks;
    struct quern_request *request; /* NULL: none begun */
    size_t held, progress;         /* bytes: held of the server's, moved at the last tick */
    bool closes;                   /* after the answer */
    struct quern_connection *before, *after;
};

/* Takes a socket over. */
void quern_connection_open(struct quern_server *server, evutil_socket_t descriptor);
void quern_connection_close(struct quern_connection *connection);

/* Whether the server may hold so many bytes more for this connection; counts them if so. Given back with the answer. */
bool quern_connection_hold(struct quern_connection *connection, size_t bytes);

/* Sends the request's answer. The connection goes on to the next request once it is written. */
void quern_connection_send(struct quern_connection *connection);

/* Closes the oldest connection that has no request. False: all have. */
bool quern_connections_close_idle(struct quern_server *server);

/* Closes all that have no request. True: nobody waits for an answer, or is still reading one; requests of which only a
 * part has come do not count. */
bool quern_connections_drain(struct quern_server *server);

/* ---------------------------------------------------------------- exchange.c */

/* A head is read: begins a request, and refuses what can be refused without its body, or has no body to wait for.
 * False: it is refused, and the answer on its way. status: that the head is to be refused with; 0: it is fine. */
bool quern_exchange_begin(struct quern_connection *connection, int status);

/* The request, begun, is refused before its body is whole. */
void quern_exchange_refuse(struct quern_connection *connection, enum quern_fault fault, const char *message);

/* The body is whole. */
void quern_exchange_run(struct quern_connection *connection);

/* The client is gone. */
void quern_exchange_abandon(struct quern_connection *connection);

/* Answers what the worker has finished. */
void quern_exchange_collect(struct quern_server *server);

/* Ends a request whose answer is written: logs it and frees it. */
void quern_exchange_end(struct quern_connection *connection);

/* ---------------------------------------------------------------- guard.c */

/* Whether a request may be made at all: Host, Origin, path and method, key. Adds the fields for other origins' pages. A
 * page's question whether it may ask is answered with status 204 and no route. False: refused. */
bool quern_guard(struct quern_server *server, struct quern_request *request);

/* ---------------------------------------------------------------- log.c */

/* A line on standard error: an event of the server's. Like all lines it is left out, and counted, when it would have
 * to wait for whoever reads them. */
void quern_log(const struct quern_server_options *options, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The line of a request that is answered, or (status 499) was left by its client. Nothing of the input is in it. */
void quern_log_request(const struct quern_request *request, int64_t now_ns);

/* ---------------------------------------------------------------- serve.c */

struct timeval quern_timeval(double seconds); /* not below 0 */

#endif
