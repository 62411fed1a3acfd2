/* The head of an answer. */
#ifndef QUERN_SERVER_HTTP_ANSWER_H
#define QUERN_SERVER_HTTP_ANSWER_H

#include "buffer.h"

struct quern_answer_head {
    int status;          /* 204 and 304 have no content */
    const char *id;      /* for X-Request-Id */
    const char *type;    /* of the content */
    size_t length;       /* of the content, in bytes */
    quern_text fields;   /* further lines, each with its CR LF */
    bool closes;         /* the connection ends after the answer */
    int idle_seconds;    /* else: how long it stays open without a request; 0: not told */
};

bool quern_status_has_content(int status);

/* Writes a head with its empty line. */
void quern_answer_head_put(struct quern_buffer *out, const struct quern_answer_head *head);

#endif
