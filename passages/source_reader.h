/* Reads a file as passages: its texts, cut into sections and chunks, with their titles and places. */
#ifndef QUERN_SOURCE_READER_H
#define QUERN_SOURCE_READER_H

#include "passage.h"

struct quern_source_reading {
    quern_context *context;
    quern_embed_options embed; /* of passages, but for their titles */
    quern_chunk_options chunk; /* tokens is not 0 */
    const char *text_column, *title_column; /* of records; NULL: the usual ones */
    /* Takes the next passage, whose texts live as long as the call. Reading ends when it returns a failure. */
    int (*put)(void *user, const struct quern_passage *passage, quern_error *error);
    void *user;
    uint64_t bad_records; /* records that have no text, or are damaged */
    uint64_t bad_line;    /* of the first of them */
    char bad[160];        /* what is wrong with it */
};

/* Reads a file. *is_text: false when it is no text, and has no passages. Returns QUERN_OK; what put returned; or the
 * code of a failure to read or cut the file. */
int quern_source_read(struct quern_source_reading *reading, const char *path, bool *is_text, quern_error *error);

/* The same for a text in memory, whose lines are counted from 1. */
int quern_source_read_text(struct quern_source_reading *reading, quern_text text, quern_text title, bool is_markdown,
                           quern_error *error);

#endif
