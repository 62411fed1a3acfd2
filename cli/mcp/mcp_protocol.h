/* The Model Context Protocol over standard input and output: JSON-RPC 2.0, a message in each line. This part reads
 * messages, answers what it can, and hands calls of tools on.
 *
 * Threads: quern_mcp_take belongs to one thread; the other functions may be called by another one at the same time. */
#ifndef QUERN_MCP_PROTOCOL_H
#define QUERN_MCP_PROTOCOL_H

#include "json_value.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct quern_mcp_message; /* a line that was read: a request, a notification, or a batch of them */

/* A call of a tool, until it is ended. Its texts and values live as long. */
struct quern_mcp_call {
    struct quern_mcp_call *next; /* for those who keep calls */
    struct quern_mcp_message *message;
    const struct quern_value *id, *arguments, *progress_token; /* arguments and token: NULL when there are none */
    int tool;                    /* its number in the protocol's table */
    atomic_bool is_cancelled;    /* nobody waits for the answer any more */
};

struct quern_mcp_tool {
    const char *name;
    const char *definition; /* JSON: what tools/list says of it */
};

struct quern_mcp_protocol {
    FILE *out;
    const struct quern_mcp_tool *tools; /* [tool_count] */
    int tool_count;
    const char *instructions; /* what a model is told of this server */
    /* Takes a call, for which quern_mcp_end_call must be called once. */
    void (*take_call)(void *user, struct quern_mcp_call *call);
    /* The request with this id is cancelled. */
    void (*cancel)(void *user, const struct quern_value *id);
    void *user;
    pthread_mutex_t lock; /* of out, and of the answers of all messages */
    bool takes_batches;   /* as the version says that was agreed on */
};

/* The caller has set the fields from out to user. */
void quern_mcp_protocol_begin(struct quern_mcp_protocol *protocol);

/* Takes a line, which was allocated and is freed; an empty one is passed over. Answers at once, or when its calls have
 * ended. */
void quern_mcp_take(struct quern_mcp_protocol *protocol, char *line, size_t length);

/* Answers a line that was longer than `most` bytes, and was not kept. */
void quern_mcp_refuse_long(struct quern_mcp_protocol *protocol, size_t most);

/* Ends a call and frees it. result: JSON in one line; data NULL: there is no answer, because the call was cancelled. */
void quern_mcp_end_call(struct quern_mcp_protocol *protocol, struct quern_mcp_call *call, quern_text result);

/* Tells how far a call is, if the client wants to know. */
void quern_mcp_tell_progress(struct quern_mcp_protocol *protocol, const struct quern_mcp_call *call, uint64_t done,
                             uint64_t total);

void quern_mcp_protocol_end(struct quern_mcp_protocol *protocol);

#endif
