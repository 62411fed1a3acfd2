/* bulk: files of texts to files of vectors, in parts, so that a run can be killed at any moment and go on, and many
 * processes and machines can share the work without talking to each other.
 *
 * The records of all input files have numbers (records/records.h). Part K holds the vectors of the records from
 * K * part_records on (parts/part.h), and shard I of N makes the parts with K % N == I. So what is in a part depends
 * neither on the number of shards nor on how often a run was interrupted, in any byte, as long as the kernel table is
 * the same. OUT/manifest.json says what was asked for; OUT/end.json how many records there are, once a run has seen
 * the last one.
 *
 * Errors are those of quern.h. Nothing here prints or exits. */
#ifndef QUERN_BULK_BULK_H
#define QUERN_BULK_BULK_H

#include "jobs.h"
#include "parts/vector_file.h"
#include "records/record.h"

struct quern_bulk_options {
    char *const *inputs; /* [input_count]: files and folders; "-" is standard input */
    int input_count;
    int kind;            /* an enum quern_record_kind of all files; -1: their names tell */
    struct quern_record_columns columns;
    const char *output;  /* the folder OUT, which is made if it is not there */
    quern_embed_options embed;
    quern_dtype dtype;
    enum quern_vector_format format;
    uint64_t part_records;
    bool is_chunked;     /* texts are cut into chunks, and each has a vector */
    quern_chunk_options chunk;
    int shard, shards;   /* this one, from 0; how many there are */
    uint64_t most_errors; /* records without a vector in this shard's parts, before the run gives up */
    bool is_forced;      /* what is in OUT is removed when it was made otherwise */
    const char *cache;   /* a folder of vectors that this run and others have computed; texts that come again are copied
                            from it. NULL: none */
    bool is_deduped;     /* texts that come again in this run are copied; with a cache they are anyway */
};

/* How far a run is. */
struct quern_bulk_progress {
    uint64_t records, rows, errors, tokens; /* of this run alone */
    uint64_t all_errors;                    /* of all parts of the shard that were seen */
    uint64_t cut;                           /* texts that were cut */
    uint64_t copied;                        /* texts whose vectors were copied */
    uint64_t bytes, total_bytes;            /* of the input, skipped or embedded */
    uint64_t part, parts_done;              /* the one at hand; of this run */
    bool part_ended;                        /* the report is because the part at hand is done */
};

struct quern_bulk_job {
    const quern_model *model;
    quern_context *context;
    const struct quern_bulk_options *options;
    /* Called after each batch and each part. The run ends cleanly when it returns false. NULL: not called. */
    bool (*report)(void *user, const struct quern_bulk_progress *progress);
    /* Called with a line that the user should see. NULL: not called. */
    void (*notice)(void *user, const char *line);
    void *user;
};

enum {
    QUERN_BULK_INTERRUPTED = 1, /* report returned false; the next run goes on here */
    QUERN_BULK_ERRORS = 2       /* more than most_errors */
};

/* Makes the parts of this shard that are not made. Returns QUERN_OK, one of the above, or a code. *progress is always
 * filled. */
int quern_bulk_run(const struct quern_bulk_job *job, struct quern_bulk_progress *progress, quern_error *error);

/* ---------------------------------------------------------------- what is in OUT */

struct quern_bulk_status {
    bool knows_end;             /* the numbers of records and parts are known */
    uint64_t records, parts;    /* of the input, if they are known */
    uint64_t parts_done, parts_begun; /* begun: not done, but with a journal */
    uint64_t records_done, rows, errors, tokens; /* in parts that are done or begun */
    uint64_t part_records;
    char space[QUERN_SPACE_SIZE];
};

/* Looks at OUT. Reads only small files. */
int quern_bulk_look(const char *folder, struct quern_bulk_status *status, quern_error *error);

/* Checks that OUT is complete: every part is there with its checksums and numbers of rows, and no id is there twice.
 * Tells what is wrong, a line for each part, and goes on. Returns QUERN_OK, 1 when something is wrong, or a code. */
int quern_bulk_check(const char *folder, void (*tell)(void *user, const char *line), void *user, quern_error *error);

/* Writes the vectors of all parts to one file, and their ids beside it, if the format has no place for them. The bytes
 * do not depend on the parts. OUT must be complete. path: of the file, whose name tells the format. */
int quern_bulk_merge(const char *folder, const char *path, quern_error *error);

/* ---------------------------------------------------------------- shards */

#define QUERN_BULK_MOST_SHARDS 1000000

/* Finds the shard that a scheduler gives to this process by its environment. *source: the name of the variable, or NULL
 * when there is none, and the shard is 0 of 1. QUERN_EINVAL for variables that contradict each other. */
int quern_bulk_find_shard(int *shard, int *shards, const char **source, quern_error *error);

#endif
