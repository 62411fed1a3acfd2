/* From a request whose vectors are computed to the work on indexes that it asks for. */
#ifndef QUERN_SERVER_INDEX_REQUEST_H
#define QUERN_SERVER_INDEX_REQUEST_H

#include "request.h"
#include "steps/job.h"

/* Whether there is such work, and it is not done yet. */
bool quern_request_wants_index(const struct quern_request *request);

/* Makes request->index_job ready to be submitted. job has the vectors of the queries; NULL: there are none. False:
 * refused. */
bool quern_request_prepare_index(struct quern_request *request, const struct quern_job *job);

#endif
