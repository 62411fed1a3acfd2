/* The server's state, which the loop's thread owns. */
#ifndef QUERN_SERVER_STATE_H
#define QUERN_SERVER_STATE_H

#include "allowed.h"
#include "keys.h"
#include "requests/service.h"
#include "server.h"
#include "residents.h"
#include "steps/background.h"
#include "steps/worker.h"
#include "systemd.h"
#include "turns.h"

#include <event2/event.h>
#include <event2/listener.h>

struct quern_server {
    struct quern_service service;
    const struct quern_server_options *options;
    struct quern_batcher batcher;
    struct quern_bell finished;          /* the other threads ring it when there is something to collect */
    struct quern_worker worker;
    struct quern_background text_worker; /* tokenises long texts */
    struct quern_background index_worker; /* searches in indexes */
    struct quern_background change_worker; /* changes them */
    struct quern_residents residents;
    int threads;                   /* that compute */
    struct quern_keys keys;
    struct quern_allowed origins, hosts; /* of --cors-origin and --allowed-hosts */
    struct event_base *base;
    struct quern_turns turns;      /* of exchanges */
    struct evconnlistener *listener;
    bool is_unix;                  /* it listens on a unix socket */
    const char *socket_path;       /* to be removed at the end; NULL: none */
    struct quern_connection *first, *last; /* those without a request in the order in which they became idle */
    int most_connections;                  /* what the options and the limit of descriptors allow */
    int64_t stopped_ns;                    /* when the server was told to end; 0: it was not */
    struct quern_systemd systemd;
    struct event *collect, *resume, *drained, *watchdog, *signals[3];
};

#endif
