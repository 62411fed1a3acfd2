/* GET /metrics: what was counted, in Prometheus' text format. Metrics that text-embeddings-inference has too have its
 * names, so that its dashboards and scaling rules go on working; the others are called quern_... */
#ifndef QUERN_SERVER_METRICS_H
#define QUERN_SERVER_METRICS_H

#include "answer.h"

/* The write of a route. */
void quern_metrics_write(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer);

#endif
