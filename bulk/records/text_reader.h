/* What the readers of text files share. */
#ifndef QUERN_BULK_TEXT_READER_H
#define QUERN_BULK_TEXT_READER_H

#include "byte_input.h"
#include "record.h"

#include <stddef.h>

/* A reader of a text file is a structure that begins with this one. */
struct quern_text_reader {
    struct quern_record_reader reader;
    struct quern_byte_input input;
    uint64_t line;  /* where the next record begins */
    char *memory;   /* of the record, beside the input's; freed with the reader. NULL: none yet */
    size_t capacity;
};

/* Makes a reader of `size` bytes, which begin with a struct quern_text_reader and are zero otherwise, and opens its
 * file. The functions to read with are the kind's. *reader is NULL after a failure. */
int quern_text_reader_open(struct quern_text_reader **reader, size_t size, const char *path,
                           int (*next)(struct quern_record_reader *, struct quern_record *, quern_error *),
                           int (*skip)(struct quern_record_reader *, uint64_t, uint64_t *, quern_error *),
                           quern_error *error);

/* Goes to a place, as quern_record_reader.go_to says: for a kind that does more. */
int quern_text_reader_go_to(struct quern_record_reader *reader, struct quern_record_place to, quern_error *error);

/* Closes and frees it, as quern_record_reader.close says. */
void quern_text_reader_close(struct quern_record_reader *reader);

/* Makes room for so many bytes in the reader's memory. What is there stays. QUERN_ENOMEM. */
int quern_text_reader_reserve(struct quern_text_reader *reader, size_t bytes, quern_error *error);

/* The next line without its end; data NULL: it is longer than QUERN_JOBS_LONGEST, and was passed. Returns 1; 0
 * at the end of the file; a negative code. */
int quern_text_reader_line(struct quern_text_reader *reader, quern_text *line, quern_error *error);

#endif
