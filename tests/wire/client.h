/* An HTTP client that does as little as it can, so that a test says every byte: connect, send, read one answer. */
#ifndef QUERN_WIRE_CLIENT_H
#define QUERN_WIRE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quern_wire {
    int fd;     /* -1: not connected */
    char *data; /* read and not used yet; malloc'd, kept between answers */
    size_t length, capacity;
};

enum quern_outcome {
    QUERN_ANSWERED,
    QUERN_CLOSED, /* by the server, before an answer began */
    QUERN_SILENT, /* nothing, or not all of it, in time */
    QUERN_GARBAGE /* what came is no whole HTTP answer */
};

struct quern_wire_answer {
    int status;
    char *head; /* status line and fields, ends with a NUL; malloc'd */
    char *body; /* without the chunks' lines; ends with a NUL that does not count; malloc'd */
    size_t body_length;
    bool closes; /* the server said that it closes the connection, or did */
};

/* Address: "HOST:PORT", or "unix:PATH". False: nobody listens there. */
bool quern_wire_open(struct quern_wire *wire, const char *address);

/* Gives all of it back; may be called on a wire of zeros and fd -1. */
void quern_wire_close(struct quern_wire *wire);

/* False: the server does not read on, within timeout_ms. */
bool quern_wire_send(struct quern_wire *wire, const void *data, size_t length, int timeout_ms);

/* Reads the next answer but 1xx. without_body: it answers HEAD. To be given to quern_wire_answer_free in any case. */
enum quern_outcome quern_wire_receive(struct quern_wire *wire, struct quern_wire_answer *answer, bool without_body,
                                      int timeout_ms);
void quern_wire_answer_free(struct quern_wire_answer *answer);

/* Copies the value of a field to out; false: there is none, or it is too long. */
bool quern_answer_field(const struct quern_wire_answer *answer, const char *name, char *out, size_t size);

/* Whether bytes came that nobody waits for. */
bool quern_wire_has_surplus(struct quern_wire *wire);

int64_t quern_wire_now_ns(void); /* monotonic */
int64_t quern_wire_now_ms(void);

#endif
