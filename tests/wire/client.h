/* A minimal HTTP client: connect, send, read one answer. It adds nothing, so that a test decides every byte. */
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
    QUERN_SILENT, /* no answer, or not all of it, came in time */
    QUERN_GARBAGE /* what came is not a complete HTTP answer */
};

struct quern_wire_answer {
    int status;
    char *head; /* status line and fields, ends with a NUL; malloc'd */
    char *body; /* without the lines of chunks; followed by a NUL that is not counted; malloc'd */
    size_t body_length;
    bool closes; /* the server said that it closes the connection, or did */
};

/* Address: "HOST:PORT", or "unix:PATH". False: nobody listens there. */
bool quern_wire_open(struct quern_wire *wire, const char *address);

/* Closes the connection and frees its memory. A wire of zeros with fd -1 is allowed. */
void quern_wire_close(struct quern_wire *wire);

/* False: the server did not read all of it within timeout_ms. */
bool quern_wire_send(struct quern_wire *wire, const void *data, size_t length, int timeout_ms);

/* Reads the next answer, and skips answers of status 1xx. without_body: the request was HEAD. The caller passes the
 * answer to quern_wire_answer_free in any case. */
enum quern_outcome quern_wire_receive(struct quern_wire *wire, struct quern_wire_answer *answer, bool without_body,
                                      int timeout_ms);
void quern_wire_answer_free(struct quern_wire_answer *answer);

/* Copies the value of a field to out; false: there is none, or it is too long. */
bool quern_answer_field(const struct quern_wire_answer *answer, const char *name, char *out, size_t size);

/* Whether more bytes came than were expected. */
bool quern_wire_has_surplus(struct quern_wire *wire);

int64_t quern_wire_now_ns(void); /* monotonic */
int64_t quern_wire_now_ms(void);

#endif
