/* Which rows of an index a search may find, or a program means to remove: those of some files, or with some ids. */
#ifndef QUERN_ROW_FILTER_H
#define QUERN_ROW_FILTER_H

#include "quern_index.h"

#include <stdbool.h>

/* A row must fulfil all that is asked for. An empty list is fulfilled by no row. */
struct quern_row_filter {
    bool by_path, by_id;
    const quern_text *patterns; /* [pattern_count]; by_path: its path must match one of them */
    size_t pattern_count;
    const quern_index_row *ids; /* [id_count]; by_id: its id, or its path (passage.h), must be one of them. Only names
                                   and numbers are read; a name of length 0 says that a number is meant */
    size_t id_count;
};

/* Whether a path matches a pattern, which has `*` for any characters of a name, `?` for one of them, and `**` for any
 * characters. It matches when it is the path, or a folder that the path lies in. A pattern that does not begin with '/'
 * may begin at any name of the path. So "docs", "do?s" and "*.md" all match /home/docs/a/b.md. */
bool quern_path_matches(quern_text path, quern_text pattern);

/* Writes the places of the rows that fulfil the filter to a new bitmap, as quern_index_select does, and their number to
 * *count. The caller frees *bitmap, also after a failure. Reads all ids unless only numbers are asked for: about 50 ns
 * for each row. QUERN_EINVAL: names for an index of numbers, numbers for one of names, or an empty pattern; else as
 * quern_index_get. */
int quern_row_filter_select(const struct quern_row_filter *filter, const quern_index *index, uint64_t **bitmap,
                            uint64_t *count, quern_error *error);

#endif
