/* How the files of jobs/ report failures. */
#ifndef QUERN_JOBS_ERROR_H
#define QUERN_JOBS_ERROR_H

#include "quern.h"

/* Fills *error, unless it is NULL, with no text at fault. Returns code. */
int quern_jobs_fail(quern_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
