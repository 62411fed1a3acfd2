/* Reads the pieces of a tokenizer.json. */
#ifndef QUERN_CONVERT_TOKENIZER_JSON_H
#define QUERN_CONVERT_TOKENIZER_JSON_H

#include "pieces.h"

/* Reads the pieces of tokenizer.json. Room for them must have been made. Such files have no scores, but they list the
 * merges from best to worst. So the ids must rise in the order of the merges, as those of Gemma do. */
int quern_tokenizer_json_read(struct quern_pieces *pieces, const struct quern_json *json, quern_error *error);

#endif
