/* A buffer of an Arrow file: where it lies, or its bytes, if it was packed. */
#ifndef QUERN_BULK_ARROW_BUFFER_H
#define QUERN_BULK_ARROW_BUFFER_H

#include "file_window.h"

struct quern_arrow_buffer {
    uint64_t offset, length; /* in the file */
    unsigned char *unpacked; /* [length], of the buffer; NULL: it is read from the file */
};

/* QUERN_EFORMAT, for a file that is not what Arrow writes. */
int quern_arrow_damaged(const struct quern_seen_file *file, const char *what, quern_error *error);

/* Unpacks a buffer that begins with its size, or with -1 when it is not packed after all. codec: an enum
 * quern_arrow_codec. window: reads the packed bytes. QUERN_EFORMAT, QUERN_EIO, QUERN_ENOMEM, QUERN_ETOOLONG. */
int quern_arrow_buffer_unpack(struct quern_arrow_buffer *buffer, struct quern_seen_file *file, int64_t codec,
                              struct quern_file_window *window, quern_error *error);

/* Gives bytes of a buffer, which live until the window moves or the buffer is released. Errors as above. */
int quern_arrow_buffer_get(const struct quern_arrow_buffer *buffer, struct quern_seen_file *file,
                           struct quern_file_window *window, uint64_t offset, uint64_t length,
                           const unsigned char **bytes, quern_error *error);

/* Makes an empty buffer of it. */
void quern_arrow_buffer_release(struct quern_arrow_buffer *buffer);

#endif
