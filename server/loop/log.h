/* The log: lines on standard error, as text or JSON. A line is left out, and counted, when writing it would block. Any
 * thread may log. */
#ifndef QUERN_SERVER_LOG_H
#define QUERN_SERVER_LOG_H

#include "requests/answer.h"

/* A line about the server. level: "info", "warn" or "error". */
void quern_log(struct quern_service *service, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A warning that something has run out. At most one line in ten seconds is written; it counts those that were left out.
 * For the loop's thread. */
void quern_log_shortage(struct quern_service *service, const char *what);

/* Writes the line of a request that is answered, or whose client has left (status 499). It contains nothing of the
 * input. job NULL: nothing was computed. */
void quern_log_request(const struct quern_request *request, const struct quern_job *job,
                       const struct quern_answer *answer, int64_t now_ns);

#endif
