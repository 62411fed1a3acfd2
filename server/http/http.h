/* Parsing of HTTP/1.1 requests: the head, and bodies in chunks. It is strict where the standard lets a server choose.
 * If a proxy and this server understood a message differently, a client could smuggle a request past the proxy. So
 * lines must end with CR LF and are never folded. No space may stand before a colon. Empty lines may stand before a
 * request only. There is one length, of digits only. The only Transfer-Encoding is "chunked", and never together with a
 * length. (libevent's evhttp 2.1 accepts most of what is refused here, answers refusals in HTML, and has no time limit
 * for a request that arrives slowly. So only libevent's sockets and buffers are used.) Pure functions: no memory, no
 * sockets. */
#ifndef QUERN_SERVER_HTTP_H
#define QUERN_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERN_HEAD_BYTES 16384 /* of a head at most, its empty line included */
#define QUERN_HEAD_FIELDS 100  /* of a head at most */

struct quern_head_field {
    const char *name, *value; /* the name in lower case, the value without spaces around it */
};

struct quern_head {
    const char *method, *path, *query; /* path: begins with '/', or is the "*" of OPTIONS. query: after '?', or "" */
    struct quern_head_field fields[QUERN_HEAD_FIELDS];
    int field_count;
    uint64_t length;                   /* of the body, unless chunked */
    bool is_old;                       /* HTTP/1.0 */
    bool has_length, chunked, keep_alive, expects_continue;
    const char *problem;               /* of a head that could not be read with status 400; static */
};

/* Parses data[length], a head that ends with its empty line. Cuts it into strings in place; head points to these. When
 * the target is a whole URL, as for a proxy, the field Host gets the name that stands there.
 * Returns 0, or the status to refuse with: 400, and head->problem says why; 417, 431, 501 or 505. */
int quern_head_parse(struct quern_head *head, char *data, size_t length);

/* The value of a field, whose name is given in lower case; NULL: there is none. */
const char *quern_head_find(const struct quern_head *head, const char *name);

/* Whether a byte may be part of a method or of a field's name. */
bool quern_http_is_token(char c);

/* The state of reading a body in chunks. Starts as zero. */
struct quern_chunks {
    int state;
    uint64_t left;  /* bytes of the chunk */
    unsigned count; /* bytes of the line so far, or of all trailers */
    const char *problem; /* why the result was QUERN_CHUNKS_BAD; static */
};

enum { QUERN_CHUNKS_MORE = 0, QUERN_CHUNKS_DONE = 1, QUERN_CHUNKS_BAD = -1 };

/* Reads data[length]. The bytes that belong to the body are moved to its beginning; *body is their number. *used is how
 * many bytes were read: fewer than length only when the body is whole, and then the next request begins there. */
int quern_chunks_take(struct quern_chunks *chunks, char *data, size_t length, size_t *body, size_t *used);

#endif
