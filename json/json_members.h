/* Finds the members of a JSON object where they lie, as they are written. For text that is known to be JSON. */
#ifndef QUERN_JSON_MEMBERS_H
#define QUERN_JSON_MEMBERS_H

#include "quern.h"

#include <stdbool.h>

struct quern_json_member {
    quern_text name;  /* as it is written, between its quotes */
    quern_text value; /* as it is written, a string with its quotes */
};

/* Reads the next member of the object that begins at object.data, behind *at, which begins as 0. Returns false when
 * there is none, or when this is no object. Of text that is no JSON nothing is promised, but that only its bytes are
 * read. */
bool quern_json_next_member(quern_text object, size_t *at, struct quern_json_member *member);

#endif
