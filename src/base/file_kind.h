/* Names kinds of files that people give by mistake in place of a model's file, by their first bytes. */
#ifndef QUERN_BASE_FILE_KIND_H
#define QUERN_BASE_FILE_KIND_H

#include <stddef.h>

/* What a file is that begins with data[size], and what to do, as the end of a sentence: "a web page: ...". NULL: it is
 * of no kind that is known here. */
const char *quern_file_kind(const void *data, size_t size);

#endif
