/* Recognises files that are plainly not texts by what they begin with. */
#ifndef QUERN_JOBS_NOT_TEXT_H
#define QUERN_JOBS_NOT_TEXT_H

#include <stddef.h>

struct quern_jobs_not_text {
    const char *what;    /* what the file is: "compressed by gzip" */
    const char *way_out; /* how to get text from it */
};

/* What a file is that begins with data[length], whose first line or text has first bytes; NULL: it may be text. A mark
 * of UTF-8 is text, and so is a word with which files begin, such as GGUF, in a sentence. */
const struct quern_jobs_not_text *quern_jobs_recognise(const char *data, size_t length, size_t first);

/* The same for the ends of lines: data[length] ends with the first line, and must have no LF if this is the whole file.
 * NULL: they are those of text. */
const struct quern_jobs_not_text *quern_jobs_recognise_ends(const char *data, size_t length);

#endif
