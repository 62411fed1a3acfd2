/* Receiving a request from the input of a socket: its head, then its body. */
#ifndef QUERN_SERVER_RECEIVE_H
#define QUERN_SERVER_RECEIVE_H

#include "http/buffer.h"
#include "http/http.h"

#include <event2/buffer.h>

struct quern_receiver { /* starts as zero */
    char *head_data;        /* bytes of the head, to which head points */
    struct quern_head head;
    struct quern_buffer body;
    struct quern_chunks chunks;
};

/* Takes empty lines out of the input: they may stand before a request (RFC 9112, 2.2), and some clients send one after
 * a body. */
void quern_receive_skip(struct evbuffer *input);

/* Reads the head, if its end has arrived. 1: it is in receiver->head; 0: not yet; else the status to refuse with, and
 * receiver->head is empty. */
int quern_receive_head(struct quern_receiver *receiver, struct evbuffer *input);

/* How many bytes the next call of quern_receive_body takes at most; 0: the body is whole, or nothing has arrived. */
size_t quern_receive_size(const struct quern_receiver *receiver, struct evbuffer *input);

/* Moves so many bytes (quern_receive_size) from the input to receiver->body. Returns a constant of quern_chunks_take:
 * whether the body is whole. QUERN_CHUNKS_BAD: its chunks are malformed; *moved: bytes taken from the input. */
int quern_receive_body(struct quern_receiver *receiver, struct evbuffer *input, size_t size, size_t *moved);

/* Frees the head and the body, to receive the next request. */
void quern_receiver_clear(struct quern_receiver *receiver);

#endif
