/* Views of text that somebody else owns. */
#ifndef QUERN_BASE_VIEW_H
#define QUERN_BASE_VIEW_H

#include "quern.h"

#include <stdbool.h>
#include <string.h>

/* Whether text is this string. */
static inline bool quern_text_is(quern_text text, const char *string)
{
    return text.length == strlen(string) && memcmp(text.data, string, text.length) == 0;
}

#endif
