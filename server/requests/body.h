/* Reading a request's body: its JSON, its inputs, and the fields that several dialects have. A function that returns
 * bool returns false when the request is refused. */
#ifndef QUERN_SERVER_BODY_H
#define QUERN_SERVER_BODY_H

#include "request.h"

/* Reads about so many bytes more of the body. 0: there is more to read; 1: request->object is there; -1: refused. */
int quern_body_read(struct quern_request *request, size_t slice);

/* Adds one input. param: the field it comes from. title: length 0: none. */
bool quern_body_add_text(struct quern_request *request, const char *param, quern_text text, quern_text title);
bool quern_body_add_ids(struct quern_request *request, const char *param, const struct quern_value *array);

/* Adds the inputs of a field: a string, an array of strings, an array of ids, or an array of such arrays. Texts may
 * stand among ids, and {"prompt_string": "..."} for a string, as llama-server has them. */
bool quern_body_add_inputs(struct quern_request *request, const char *param, const struct quern_value *value);

/* The name of the field that has the inputs: own, the dialect's, or else one that another dialect has them in. It is
 * own when there is none. False: refused, as two of these fields have different inputs. */
bool quern_body_find_inputs(struct quern_request *request, const char *own, const char **name);

/* Adds the inputs of that field, and refuses a body that has none. */
bool quern_body_add_named_inputs(struct quern_request *request, const char *own);

/* Refuses an empty string among the inputs. */
bool quern_body_refuse_empty(struct quern_request *request, const char *param);

/* A field of an object; NULL when it is absent or null. object may be NULL. */
const struct quern_value *quern_body_field(const struct quern_value *object, const char *name);

/* Reads "dimensions", if the object has it. */
bool quern_body_dimensions(struct quern_request *request, const struct quern_value *object);

/* Reads a field that must be true or false; *flag keeps its value when the field is absent. */
bool quern_body_flag(struct quern_request *request, const struct quern_value *object, const char *name, bool *flag);

#endif
