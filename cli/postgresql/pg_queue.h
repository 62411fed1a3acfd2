/* A table whose rows get vectors, and the part of its queue that a worker has taken. Taking and storing are one
 * transaction. Each function leaves the reason of a failure in link.problem. */
#ifndef QUERN_CLI_PG_QUEUE_H
#define QUERN_CLI_PG_QUEUE_H

#include "pg_copy.h"
#include "pg_link.h"

enum { QUERN_PG_BATCH = 256 };           /* rows that are taken at most */
enum { QUERN_PG_MOST_TEXT = 1 << 20 };   /* bytes of a text; a longer one is not embedded, so that memory has a bound */
enum { QUERN_PG_MOST_ERROR = 256 };

/* What became of a row that was taken. */
struct quern_pg_answer {
    const float *vector;             /* NULL: it has none */
    char error[QUERN_PG_MOST_ERROR]; /* "": it needs none */
};

struct quern_pg_queue {
    struct quern_pg_link link;
    const char *space; /* of the worker's vectors */
    int dimensions;    /* theirs */
    char source[16];   /* the number of the table */
    enum quern_pg_type type;
    bool claimed;      /* the table for the space, in this process */
    char *take, *store, *put_back; /* statements */
    struct quern_pg_rows taken;    /* with their texts */
};

/* Connects, and makes ready to work on a table, whose vectors must be of the queue's space, which is set. A queue of
 * zeros but for that; it is to be closed in any case, and may then be opened again. */
enum quern_pg_outcome quern_pg_queue_open(struct quern_pg_queue *queue, const char *place, const char *table);
void quern_pg_queue_close(struct quern_pg_queue *queue);

/* Begins a transaction and takes what is due: queue->taken.count rows. */
enum quern_pg_outcome quern_pg_take(struct quern_pg_queue *queue);

/* The text of a row that was taken. data NULL: it is NULL, its row is gone, or it is too long, and then *bytes is how
 * long, else 0. */
quern_text quern_pg_taken_text(const struct quern_pg_queue *queue, int row, long *bytes);

/* Stores the answers for the first `count` rows that were taken, puts the others back, and ends the transaction. A row
 * that the database refuses to change is marked, and answers[].error says why. */
enum quern_pg_outcome quern_pg_store(struct quern_pg_queue *queue, struct quern_pg_answer *answers, int count);

#endif
