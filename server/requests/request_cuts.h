/* Cutting the texts of a request into passages, which become its inputs. */
#ifndef QUERN_SERVER_REQUEST_CUTS_H
#define QUERN_SERVER_REQUEST_CUTS_H

#include "request.h"

#define QUERN_TOKENS_AWAY 2

/* Goes on with it. 1: all are cut; QUERN_TOKENS_AWAY: call again when request->text_job was done elsewhere; -1:
 * refused. */
int quern_request_cut(struct quern_request *request);

#endif
