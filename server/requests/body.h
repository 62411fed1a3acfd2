/* Reading a request's body: its JSON, its inputs, and the fields that several dialects have. A function that returns
 * bool returns false when the request is refused. */
#ifndef QUERN_SERVER_BODY_H
#define QUERN_SERVER_BODY_H

#include "request.h"

/* The body as a JSON object, after its depth and size were checked; NULL: refused. Parses it once only. */
json_t *quern_body_object(struct quern_request *request);

/* Adds one input. param: the field it comes from. */
bool quern_body_add_text(struct quern_request *request, const char *param, const char *data, size_t length);
bool quern_body_add_ids(struct quern_request *request, const char *param, const json_t *array);

/* Adds the inputs of a field: a string, an array of strings, an array of ids, or an array of such arrays. */
bool quern_body_add_inputs(struct quern_request *request, const char *param, const json_t *value);

/* Refuses an empty string among the inputs. */
bool quern_body_refuse_empty(struct quern_request *request, const char *param);

/* A field of an object; NULL when it is absent or null. object may be NULL. */
const json_t *quern_body_field(const json_t *object, const char *name);

/* Reads "dimensions", if the object has it. */
bool quern_body_dimensions(struct quern_request *request, const json_t *object);

/* Reads a field that must be true or false; *flag keeps its value when the field is absent. */
bool quern_body_flag(struct quern_request *request, const json_t *object, const char *name, bool *flag);

#endif
