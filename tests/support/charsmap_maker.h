/* Makes a character map in the format of charsmap.h of a list of replacements. */
#ifndef QUERN_TESTS_CHARSMAP_MAKER_H
#define QUERN_TESTS_CHARSMAP_MAKER_H

#include "quern.h"

struct quern_replacement {
    quern_text key;  /* at least one byte, none of them NUL */
    quern_text text; /* no NUL, at most 255 bytes */
};

/* The bytes of a map; the caller frees map.data. Of equal keys the first one counts. Without replacements the map
 * is empty. Aborts when there is no memory, or when the keys are too many for a test. */
quern_text quern_charsmap_make(const struct quern_replacement *replacements, size_t count);

#endif
