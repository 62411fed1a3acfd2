/* A piece of a file in memory, which moves to where bytes are wanted. A user of several places has several windows. */
#ifndef QUERN_BULK_FILE_WINDOW_H
#define QUERN_BULK_FILE_WINDOW_H

#include "quern.h"

/* A file that windows look into; it must be a regular one. */
struct quern_seen_file {
    const char *path;    /* the caller's */
    int descriptor;      /* -1: closed */
    uint64_t size;       /* when it was opened */
    uint64_t bytes_read;
};

struct quern_file_window {
    unsigned char *data; /* what is at [offset, offset + length) of the file */
    uint64_t offset;
    size_t length, capacity;
};

/* QUERN_EIO; QUERN_EINVAL for what is no regular file. */
int quern_seen_file_open(struct quern_seen_file *file, const char *path, quern_error *error);
void quern_seen_file_close(struct quern_seen_file *file);

/* Gives length bytes of the file, which live until the window moves. QUERN_EFORMAT when the file has not so many bytes
 * there; QUERN_ETOOLONG for more than 256 MiB; QUERN_EIO, QUERN_ENOMEM. A window begins as zeros. */
int quern_file_window_get(struct quern_file_window *window, struct quern_seen_file *file, uint64_t offset,
                          uint64_t length, const unsigned char **bytes, quern_error *error);
void quern_file_window_free(struct quern_file_window *window);

#endif
