/* Vectors by keys, in files that any number of processes may use at once. So a vector that was computed once can be
 * copied later, by this run or by another one.
 *
 * A file consists of buckets, and a bucket has places for 8 vectors. Bits of the key choose the bucket. When it is
 * full, the vector goes to the next file, which has twice as many buckets. So no vector ever moves, nothing is held in
 * memory, and no process waits for another one.
 *
 * Nothing that a file holds is trusted. Each place has a checksum of its key and its vector; where this is wrong, there
 * is no vector. So a process that was killed, a full disk, and two processes that write to one place at once do no
 * harm. The checksum finds damage, not forgery: whoever may write to the files may choose the vectors.
 *
 * Threads: a table belongs to one thread at a time. */
#ifndef QUERN_BULK_VECTOR_TABLE_H
#define QUERN_BULK_VECTOR_TABLE_H

#include "quern.h"

#include <stdbool.h>

enum { QUERN_TABLE_KEY = 32, QUERN_TABLE_FILES = 24 };

struct quern_vector_table {
    char *path;                   /* of the files, without the number and the ending that each has */
    size_t width;                 /* numbers of a vector */
    int files[QUERN_TABLE_FILES]; /* [count] descriptors */
    int count;
    unsigned char *place;         /* a checksum and a vector, as they stand in a file */
};

/* Opens the files of FOLDER that have this name, and makes the folder if it is not there. The name says what decides
 * the vectors beside the keys; it may become a part of a file's name. width: 1 to 65536. A table of zeros may be
 * closed, and so may one that could not be opened. QUERN_EIO, QUERN_ENOMEM. */
int quern_vector_table_open(struct quern_vector_table *table, const char *folder, const char *name, size_t width,
                            quern_error *error);
void quern_vector_table_close(struct quern_vector_table *table);

/* Copies the vector of a key to vector[width]. Returns false when it is not there, or cannot be read. */
bool quern_vector_table_find(struct quern_vector_table *table, const unsigned char key[QUERN_TABLE_KEY], float *vector);

/* Keeps a vector [width]. Returns false when it cannot be written; then errno tells why. Of two processes that write to
 * one place at once, one loses its vector. */
bool quern_vector_table_put(struct quern_vector_table *table, const unsigned char key[QUERN_TABLE_KEY],
                            const float *vector);

/* Removes the files of all tables in FOLDER, and the folder if it is empty then. Failures are left as they are. */
void quern_vector_table_remove(const char *folder);

#endif
