/* Vectors in an answer. */
#ifndef QUERN_SERVER_ANSWER_VECTORS_H
#define QUERN_SERVER_ANSWER_VECTORS_H

#include "answer.h"

/* The dimensions that the request asks for. */
int quern_vectors_width(const struct quern_request *request);

/* Turns the next vectors that were computed, of about so many bytes, into those of the answer: cut, normalised, in
 * their number format, one after the other without gaps. 0: there are more; 1: all are finished; -1: no memory. */
int quern_vectors_finish(const struct quern_request *request, struct quern_job *job, struct quern_answer *answer,
                         size_t slice);

/* Adds vector i as its number format wants it: a JSON array, or a string in base64. A part of an answer. */
void quern_vectors_put(const struct quern_request *request, const struct quern_job *job, size_t i,
                       struct quern_buffer *out);

/* Begins an answer that is the vectors' bytes, or a file for NumPy. */
void quern_vectors_begin_raw(const struct quern_request *request, const struct quern_job *job,
                             struct quern_answer *answer);

/* Adds so many bytes of the vectors. 0: there are more; 1: the answer is whole, or has failed. */
int quern_vectors_add_raw(const struct quern_request *request, const struct quern_job *job,
                          struct quern_answer *answer, size_t slice);

#endif
