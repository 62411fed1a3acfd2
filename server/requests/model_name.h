/* Names of models as clients send them: a name of the server's, which may be followed by a task ("NAME:query",
 * "NAME:search_query") and by Ollama's tag (":latest"). */
#ifndef QUERN_SERVER_MODEL_NAME_H
#define QUERN_SERVER_MODEL_NAME_H

#include "request.h"

/* The task that follows a name after ':', or -1. Then *meant is the task that the word there nearly names, or -1: any
 * other word is a tag. */
int quern_model_name_task(const char *name, int *meant);

/* Whether a name, without its task or tag, is that of a model. */
bool quern_model_name_is(const struct quern_served *served, const char *name);

/* The model with this name; NULL: there is none. */
struct quern_served *quern_model_name_find(const struct quern_service *service, const char *name);

/* Refuses a request for a model that is not here; the message lists those that are. Returns false. */
bool quern_refuse_model_name(struct quern_request *request);

/* Sets request->served to the model that the body asks for, and options.model to the name that it has there. Without a
 * name it is the default model, and so it is for any name where there is only one model, unless --strict-model was
 * given. False: refused. */
bool quern_model_choose(struct quern_request *request);

#endif
