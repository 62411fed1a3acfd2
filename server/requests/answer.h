/* An answer: what is written to the client. */
#ifndef QUERN_SERVER_ANSWER_H
#define QUERN_SERVER_ANSWER_H

#include "http/buffer.h"
#include "request.h"
#include "steps/job.h"

/* Writes part i of an answer. */
typedef void quern_part_writer(const struct quern_request *request, const struct quern_job *job, size_t i,
                               struct quern_buffer *out);

struct quern_answer {
    int status;
    const char *type;           /* of the body; static */
    struct quern_buffer fields; /* "Name: value\r\n", beside those that every answer has */
    struct quern_buffer body;
    quern_part_writer *put_part; /* for quern_answer_add_part */
    struct quern_buffer draft;  /* the body, with marks where its parts will be; empty once they are there */
    size_t draft_at;            /* bytes of the draft, or of raw vectors, that are in the body */
    size_t finished;            /* vectors of the job that are in their final form */
    bool is_drafted, has_parts;
    int64_t written_ns;         /* when it was complete; 0: it is not */
    int64_t encode_ns;          /* how long it took to write it */
};

/* An empty answer of status 200, in JSON. */
void quern_answer_init(struct quern_answer *answer);
void quern_answer_free(struct quern_answer *answer);

/* Adds a part to the body. It is written later, in a slice of its own if it is long, by answer->put_part. */
void quern_answer_add_part(struct quern_answer *answer, size_t i);

/* Writes the parts, until the body has about so many bytes more. 0: there are more; 1: the body is whole, or has
 * failed. */
int quern_answer_fill(const struct quern_request *request, const struct quern_job *job, struct quern_answer *answer,
                      size_t slice);

/* The error of dialects that have no form of their own: {"error": "why"}. */
void quern_answer_put_error(const struct quern_request *request, struct quern_answer *answer);

#endif
