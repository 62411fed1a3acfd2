/* Searching indexes, and listing them: what the thread that searches does. */
#ifndef QUERN_SERVER_INDEX_SEARCH_H
#define QUERN_SERVER_INDEX_SEARCH_H

#include "index_job.h"

#include <stdio.h>

/* Makes of the vectors of the model what the index has: [count][dimensions of the index], in the same place. */
void quern_index_job_finish_vectors(struct quern_index_job *job);

/* Do a job, and write the answer to out. Return a code of quern.h, of which QUERN_EINVAL is the client's fault. An
 * index that cannot be read is listed, too. */
int quern_index_job_list(struct quern_index_job *job, FILE *out);
int quern_index_job_search(struct quern_index_job *job, FILE *out);

#endif
