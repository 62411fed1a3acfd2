/* Tasks in the fields under which services of embeddings take them; quern_task_find knows their words. */
#ifndef QUERN_SERVER_TASK_FIELDS_H
#define QUERN_SERVER_TASK_FIELDS_H

#include "request.h"

/* Reads the fields of an object that say a task: task, prompt_name, input_type, task_type, taskType. It is an error
 * when two of them say different tasks. False: refused. */
bool quern_task_fields_read(struct quern_request *request, const struct quern_value *object);

#endif
