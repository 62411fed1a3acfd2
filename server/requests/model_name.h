/* Names of models as clients send them: the server's own name, which may be followed by a task ("NAME:query",
 * "NAME:search_query") and by Ollama's tag (":latest"). */
#ifndef QUERN_SERVER_MODEL_NAME_H
#define QUERN_SERVER_MODEL_NAME_H

#include "service.h"

/* The task that follows a name after ':', or -1. Then *meant is the task that the word there nearly names, or -1: any
 * other word is a tag. */
int quern_model_name_task(const char *name, int *meant);

/* Whether a name, without its task or tag, is that of the model here. */
bool quern_model_name_is_ours(const struct quern_service *service, const char *name);

#endif
