/* Fields of requests to indexes, and their answers. A function that returns bool returns false when the request is
 * refused, one that returns a pointer NULL. */
#ifndef QUERN_SERVER_INDEX_FIELDS_H
#define QUERN_SERVER_INDEX_FIELDS_H

#include "answer.h"
#include "request.h"

/* The index that the body names in "index", or else the first one. */
struct quern_served_index *quern_index_named(struct quern_request *request);

/* Chooses the model, if the body names none, and sets what vectors for an index must be: as many dimensions, and the
 * task, unless the body has asked for one or the model has no prompts. */
bool quern_index_set_vectors(struct quern_request *request, const struct quern_served_index *index, quern_task task);

/* Reads "filter", if the body has it, into the job. */
bool quern_index_filter_read(struct quern_request *request, struct quern_index_job *job);

/* Reads a list of ids, strings or numbers, into as many rows; the caller frees them. param: the field of the body;
 * name: what messages call the list. */
const quern_index_row *quern_index_ids_read(struct quern_request *request, const struct quern_value *ids,
                                            const char *param, const char *name);

/* What the job has written becomes the answer. False: the job has failed; the request is refused if that was the
 * client's fault or there was no memory, else the caller does so. */
bool quern_index_take_answer(struct quern_request *request, struct quern_answer *answer);

/* Memory for a list of the request's, of zeros; the caller frees it. */
void *quern_request_new_list(struct quern_request *request, size_t count, size_t size);

#endif
