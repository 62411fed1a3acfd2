/* Changing an index: what the thread that writes does. Each change is committed before it is answered. */
#ifndef QUERN_SERVER_INDEX_CHANGE_H
#define QUERN_SERVER_INDEX_CHANGE_H

#include "index_job.h"

#include <stdio.h>

/* Add texts, which replace what had their ids, and remove rows. They write the answer to out, and return a code of
 * quern.h, of which QUERN_EINVAL is the client's fault. */
int quern_index_job_add(struct quern_index_job *job, FILE *out);
int quern_index_job_remove(struct quern_index_job *job, FILE *out);

#endif
