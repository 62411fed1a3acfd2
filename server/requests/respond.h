/* The two ends of a request: its body is parsed by its route, its answer is written by its route or, if it is refused,
 * by its dialect. */
#ifndef QUERN_SERVER_RESPOND_H
#define QUERN_SERVER_RESPOND_H

#include "answer.h"

/* Reads about so many bytes of the body. When it is read, finds the model that it is for, has the route parse it, and
 * resolves what was left to defaults. 0: there is more to read; 1: the request is parsed; -1: refused. */
int quern_respond_parse(struct quern_request *request, size_t slice);

/* Parses the body, which was read, again, when it has turned out that another model is meant (model_of_index.h). 1: the
 * request is parsed; -1: refused. */
int quern_respond_parse_again(struct quern_request *request);

/* Writes about so many bytes of the answer to a request whose job, if it has one, was computed or has failed. job NULL:
 * no vectors were computed. The job's vectors are changed into what is answered. 0: there is more to write; 1: the
 * answer is whole. */
int quern_respond_write(struct quern_request *request, struct quern_job *job, struct quern_answer *answer,
                        size_t slice);

#endif
