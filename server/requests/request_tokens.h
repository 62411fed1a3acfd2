/* Turning a request's inputs into tokens, and these into a job. */
#ifndef QUERN_SERVER_TOKENS_H
#define QUERN_SERVER_TOKENS_H

#include "request_cuts.h"

/* Cuts texts into inputs first, if there are some (request_cuts.h). Tokenises inputs until about slice bytes of text
 * are done. 1: all are tokenised; 0: call again; -1: refused; QUERN_TOKENS_AWAY: call again when request->text_job was
 * done elsewhere. */
int quern_request_tokenize(struct quern_request *request, size_t slice);

/* Whether the request, once tokenised, has vectors to compute. */
bool quern_request_wants_vectors(const struct quern_request *request);

/* The job that computes the vectors; it takes the request's ids over. NULL: refused. */
struct quern_job *quern_request_make_job(struct quern_request *request);

#endif
