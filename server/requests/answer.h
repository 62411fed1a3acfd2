/* An answer: what is written to the client. */
#ifndef QUERN_SERVER_ANSWER_H
#define QUERN_SERVER_ANSWER_H

#include "http/buffer.h"
#include "request.h"

struct quern_answer {
    int status;
    const char *type;           /* of the body; static */
    struct quern_buffer fields; /* "Name: value\r\n", beside those that every answer has */
    struct quern_buffer body;
    struct quern_buffer draft;  /* the body, with marks where its vectors will be; empty once they are there */
    size_t draft_at;            /* bytes of the draft, or of raw vectors, that are in the body */
    size_t finished;            /* vectors of the job that are in their final form */
    bool is_drafted;
    int64_t written_ns;         /* when it was complete; 0: it is not */
    int64_t encode_ns;          /* how long it took to write it */
};

/* An empty answer of status 200, in JSON. */
void quern_answer_init(struct quern_answer *answer);
void quern_answer_free(struct quern_answer *answer);

/* The error of dialects that have no form of their own: {"error": "why"}. */
void quern_answer_put_error(const struct quern_request *request, struct quern_answer *answer);

#endif
