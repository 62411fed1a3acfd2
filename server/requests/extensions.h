/* What every dialect understands beyond its own fields: task, title, truncate, normalize, output_dtype, a task in the
 * model's name, and vectors as raw bytes. */
#ifndef QUERN_SERVER_EXTENSIONS_H
#define QUERN_SERVER_EXTENSIONS_H

#include "request.h"

/* Reads the fields of an object, which may be NULL, into the request's options, and the form that the Accept field asks
 * for. A field that is absent changes nothing, so several objects may be read, the most important one last. False:
 * refused. */
bool quern_extensions_read(struct quern_request *request, const struct quern_value *object);

/* Called once, after all fields and inputs are read. Sets what depends on several of them or was left out. The task is
 * the first of these that there is: the one asked for by a field; the one in the model's name; document if there is a
 * title; the server's default; none. A model without prompts ignores it. Gives the inputs their titles. Checks the
 * number format. False: refused. */
bool quern_extensions_resolve(struct quern_request *request);

#endif
