/* Rows as COPY BINARY of PostgreSQL reads them. Failures to write are left to the file. */
#ifndef QUERN_CLI_PG_COPY_H
#define QUERN_CLI_PG_COPY_H

#include "cli.h"

/* What a column for vectors is. The first two are types of pgvector. */
enum quern_pg_type {
    QUERN_PG_VECTOR,
    QUERN_PG_HALFVEC,
    QUERN_PG_REALS, /* real[] */
    QUERN_PG_BYTES  /* bytea: float32, little-endian */
};

/* What stands before the rows and behind them. */
void quern_pg_put_header(FILE *file);
void quern_pg_put_end(FILE *file);

/* A number of so many bytes, the highest first. A row begins with the number of its fields, of 2 bytes; a field with
 * its length, of 4 bytes. */
void quern_pg_put_number(FILE *file, uint64_t number, int bytes);

/* Fields. In a text, what PostgreSQL refuses becomes U+FFFD: NUL, and what is no UTF-8. */
void quern_pg_put_null(FILE *file);
void quern_pg_put_text(FILE *file, quern_text text);
void quern_pg_put_vector(FILE *file, enum quern_pg_type type, const float *vector, int dimensions);

#endif
