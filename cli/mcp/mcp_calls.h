/* The calls of tools that wait: a thread of their own runs one after the other, so that messages are read meanwhile. */
#ifndef QUERN_MCP_CALLS_H
#define QUERN_MCP_CALLS_H

#include "mcp_protocol.h"

struct quern_mcp_calls {
    /* Runs a call. Returns its result, which is freed; data NULL: there is no memory for one. */
    quern_text (*run)(void *user, const struct quern_mcp_call *call);
    void *user;
    struct quern_mcp_protocol *protocol;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct quern_mcp_call *running, *first, **last;
    int waiting;
    bool is_ending;
};

/* Starts the thread. The caller has set run, user and protocol. False: there is none, with errno. */
bool quern_mcp_calls_begin(struct quern_mcp_calls *calls);

/* Functions of the protocol; user is the struct quern_mcp_calls. The first one waits while very many calls do. */
void quern_mcp_calls_take(void *user, struct quern_mcp_call *call);
void quern_mcp_calls_cancel(void *user, const struct quern_value *id);

/* Runs what is waiting, and ends the thread. */
void quern_mcp_calls_end(struct quern_mcp_calls *calls);

#endif
