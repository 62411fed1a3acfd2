/* What of a line belongs to its text: one rule for all readers of lines. */
#ifndef QUERN_JOBS_TEXT_LINE_H
#define QUERN_JOBS_TEXT_LINE_H

#include "quern.h"

#include <stdbool.h>
#include <string.h>

/* Takes off the mark (BOM) that some programs write at the beginning of a file in UTF-8. Several files that were put
 * together have several. */
static inline quern_text quern_jobs_without_mark(quern_text text)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    if (text.length >= sizeof mark && memcmp(text.data, mark, sizeof mark) == 0)
        return (quern_text){text.data + sizeof mark, text.length - sizeof mark};
    return text;
}

/* Takes off LF or CRLF, or CR at the end of a line whose LF was taken off already. */
static inline quern_text quern_jobs_without_end(quern_text line)
{
    if (line.length > 0 && line.data[line.length - 1] == '\n')
        line.length--;
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    return line;
}

#endif
