/* Recognises files that are plainly not text by their first bytes. */
#ifndef QUERN_JOBS_NOT_TEXT_H
#define QUERN_JOBS_NOT_TEXT_H

#include <stddef.h>

struct quern_jobs_not_text {
    const char *what;    /* what the file is: "compressed by gzip" */
    const char *way_out; /* how to get text from it */
};

/* What a file is that begins with data[length]; NULL: it may be text. A mark of UTF-8 is text. */
const struct quern_jobs_not_text *quern_jobs_recognise(const char *data, size_t length);

#endif
