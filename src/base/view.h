/* Views of texts. The memory belongs to somebody else. */
#ifndef QUERN_BASE_VIEW_H
#define QUERN_BASE_VIEW_H

#include "quern.h"

#include <stdbool.h>
#include <string.h>

/* A view of a string, without its terminator. */
static inline quern_text quern_text_of(const char *string)
{
    return (quern_text){string, strlen(string)};
}

/* Whether text is this string. */
static inline bool quern_text_is(quern_text text, const char *string)
{
    return text.length == strlen(string) && memcmp(text.data, string, text.length) == 0;
}

#endif
