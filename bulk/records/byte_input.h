/* The bytes of a file, which are unpacked when gzip or Zstandard packed them: the first bytes tell. */
#ifndef QUERN_BULK_BYTE_INPUT_H
#define QUERN_BULK_BYTE_INPUT_H

#include "quern.h"

#include <stdbool.h>

enum quern_byte_packing { QUERN_PACKED_NOT, QUERN_PACKED_GZIP, QUERN_PACKED_ZSTD };

struct quern_byte_input {
    const char *name; /* of the file, for messages */
    int descriptor;
    enum quern_byte_packing packing;
    void *unpacker;   /* of zlib or libzstd; NULL: not packed */
    bool is_inside;   /* a packed file must not end here */

    unsigned char *packed; /* what was read of a packed file: [packed_begin, packed_end) is not unpacked yet */
    size_t packed_begin, packed_end;
    uint64_t bytes_read; /* of the file */

    char *data;         /* [begin, end) is not used yet; the user moves begin */
    size_t begin, end, capacity;
    uint64_t dropped;   /* unpacked bytes that stood before data */
    bool at_end;        /* nothing follows data */
};

/* What the first bytes of a file say that it is packed with. */
enum quern_byte_packing quern_byte_packing_of(const void *data, size_t length);

/* path: "-" is standard input. The string must outlive the input. A mark of UTF-8 (BOM) at the beginning is skipped.
 * QUERN_EIO, QUERN_ENOMEM, QUERN_EINVAL for what is plainly not text. */
int quern_byte_input_open(struct quern_byte_input *input, const char *path, quern_error *error);

/* Reads more behind what is there, which may move; or sets at_end. QUERN_EIO: the file cannot be read, or its packing
 * is damaged; QUERN_ENOMEM; QUERN_ETOOLONG when more than QUERN_JOBS_LONGEST bytes are not used yet. */
int quern_byte_input_more(struct quern_byte_input *input, quern_error *error);

/* Where data[begin] stands in the unpacked file. */
static inline uint64_t quern_byte_input_offset(const struct quern_byte_input *input)
{
    return input->dropped + input->begin;
}

/* Goes forward to an offset. QUERN_EIO when the file ends before it, QUERN_EFORMAT when it lies behind. */
int quern_byte_input_go_to(struct quern_byte_input *input, uint64_t offset, quern_error *error);

/* Finds the next line, with its LF if it has one, at *line for *length, and moves begin behind it. The line lives until
 * more is read. A line of more than QUERN_JOBS_LONGEST bytes is passed: *line is NULL, *length 0. Returns 1; 0 at the
 * end of the file; a negative code. */
int quern_byte_input_line(struct quern_byte_input *input, const char **line, size_t *length, quern_error *error);

/* Skips at most count lines. *skipped: how many these were. */
int quern_byte_input_skip_lines(struct quern_byte_input *input, uint64_t count, uint64_t *skipped, quern_error *error);

void quern_byte_input_close(struct quern_byte_input *input);

#endif
