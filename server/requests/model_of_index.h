/* Which of several models a request to an index is for, if it names none: the one whose space is that of the index.
 * The space of a model is known only after the model was loaded once. So a model that may fit is loaded, and if it does
 * not fit, the next one is tried. */
#ifndef QUERN_SERVER_MODEL_OF_INDEX_H
#define QUERN_SERVER_MODEL_OF_INDEX_H

#include "request.h"

/* Sets request->served to a model that fits the index, or may fit. False: refused, none does. */
bool quern_index_model_choose(struct quern_request *request, const struct quern_served_index *index);

/* Whether the model, which is loaded now, was chosen so and does not fit: then the request must be parsed again. */
bool quern_index_model_is_wrong(const struct quern_request *request);

#endif
