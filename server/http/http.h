/* HTTP/1.1 as it arrives: the head of a request, and bodies in chunks. Strict where the standard lets a server choose,
 * because two readers that understand a message differently are how requests are smuggled: lines end with CR LF,
 * nothing is folded, no space before a colon, one length, digits only, no Transfer-Encoding but "chunked" and never
 * both. (libevent's evhttp 2.1 takes most of these, refuses in HTML, and has no time limit on a request that trickles
 * in; so it is not used, its sockets and buffers are.) Pure functions: no memory, no sockets. */
#ifndef QUERN_SERVER_HTTP_H
#define QUERN_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERN_HEAD_BYTES 16384 /* of a head at most, its empty line included */
#define QUERN_HEAD_FIELDS 100

struct quern_head_field {
    const char *name, *value; /* the name in lower case, the value without spaces around it */
};

struct quern_head {
    const char *method, *path, *query; /* query: what follows '?', or "" */
    struct quern_head_field fields[QUERN_HEAD_FIELDS];
    int field_count;
    uint64_t length;                   /* of the body, unless chunked */
    bool has_length, chunked, keep_alive, expects_continue;
};

/* Reads data[length], a head up to and with its empty line, and cuts it into strings in place, to which head points.
 * Returns 0, or the status to refuse with: 400, 417 or 431. */
int quern_head_parse(struct quern_head *head, char *data, size_t length);

/* The value of a field, its name in lower case; NULL: there is none. Fields that may come once only do. */
const char *quern_head_find(const struct quern_head *head, const char *name);

/* Whether a byte may be part of a method or of a field's name. */
bool quern_http_is_token(char c);

/* Reading of a body in chunks. Starts as zero. */
struct quern_chunks {
    int state;
    uint64_t left;  /* of the chunk */
    unsigned count; /* bytes of lines so far, of trailers in all */
};

enum { QUERN_CHUNKS_MORE = 0, QUERN_CHUNKS_DONE = 1, QUERN_CHUNKS_BAD = -1 };

/* Takes data[length] in: the body's bytes are moved together to its beginning, *body says how many. *used is what was
 * read, less than length only when the body is done, where the next request begins. */
int quern_chunks_take(struct quern_chunks *chunks, char *data, size_t length, size_t *body, size_t *used);

#endif
