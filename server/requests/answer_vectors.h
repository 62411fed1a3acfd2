/* Vectors in an answer. */
#ifndef QUERN_SERVER_ANSWER_VECTORS_H
#define QUERN_SERVER_ANSWER_VECTORS_H

#include "answer.h"

/* The dimensions that the request asks for. */
int quern_vectors_width(const struct quern_request *request);

/* Turns the vectors that were computed into those of the answer: cut, normalised, in their number format, one after the
 * other without gaps. Called once, before the others below. False: no memory. */
bool quern_vectors_finish(const struct quern_request *request, struct quern_job *job);

/* Adds vector i as its number format wants it: a JSON array, or a string in base64. */
void quern_vectors_put(const struct quern_request *request, const struct quern_job *job, size_t i,
                       struct quern_buffer *out);

/* Writes all vectors as the whole answer: their bytes, or a file for NumPy. */
void quern_vectors_put_raw(const struct quern_request *request, const struct quern_job *job,
                           struct quern_answer *answer);

#endif
