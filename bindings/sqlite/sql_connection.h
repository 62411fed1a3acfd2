/* What a connection has: a model, and a context of its own, both opened at first use. SQLite lets one thread at a time
 * use a connection, so one context is enough. */
#ifndef QUERN_SQLITE_SQL_CONNECTION_H
#define QUERN_SQLITE_SQL_CONNECTION_H

#include "embed_options.h"

#include <sys/types.h>

struct quern_sql_connection {
    sqlite3 *db;
    int references; /* functions and modules that were registered with it */
    int cursors;    /* of table functions that are open: they rely on the model */
    int depth;      /* queries of embed_rows that are being read, each by the one before */
    pid_t owner;    /* the process that opened the model */
    char *name;     /* of the model, as it was asked for; NULL: as the command finds one */
    char *path;     /* of its file */
    quern_model *model;     /* NULL: not opened yet */
    quern_context *context;
    int dimensions; /* of a full vector */
};

/* NULL: there is no memory. Begins with one reference, of the caller. */
struct quern_sql_connection *quern_sql_connection_new(sqlite3 *db);

/* Gives a reference back; the last one frees the connection. For sqlite3_create_function_v2. */
void quern_sql_connection_release(void *connection);

/* Opens the model that is asked for (NULL: as the command finds one) in place of the one that is open. threads: 0 for
 * all. Fails as quern_model_open does, and while a table function is being read: then nothing changes. */
int quern_sql_open(struct quern_sql_connection *connection, const char *name, int threads, quern_error *error);

/* Opens a model if none is open. */
int quern_sql_need_model(struct quern_sql_connection *connection, quern_error *error);

/* A place for encoded vectors. Begins with zeros; memory is freed with sqlite3_free. */
struct quern_sql_vectors {
    float *memory;
    size_t capacity;  /* floats */
    size_t row_bytes; /* of a vector as it is stored */
};

/* Opens a model if none is open, embeds texts[count], and stores their vectors in options->dtype, row after row. Fails
 * as quern_embed does. results: as there. */
int quern_sql_embed(struct quern_sql_connection *connection, const quern_text *texts, size_t count,
                    const struct quern_sql_options *options, struct quern_sql_vectors *vectors, quern_result *results,
                    quern_error *error);

/* Makes a stored vector the result of a function, with the subtype by which sqlite-vec tells its type. end: what is
 * done with it, as in sqlite3_result_blob. */
void quern_sql_result(sqlite3_context *context, const void *vector, size_t bytes, quern_dtype dtype,
                      void (*end)(void *));

#endif
