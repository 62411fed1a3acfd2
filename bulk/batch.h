/* A batch: some records of a part, their texts, and the vectors of these. */
#ifndef QUERN_BULK_BATCH_H
#define QUERN_BULK_BATCH_H

#include "bulk.h"
#include "embed_once.h"
#include "parts/part.h"
#include "records/records.h"

/* Bytes of the batch's memory, which moves while it grows. */
struct quern_batch_bytes {
    size_t begin, length;
};

/* A text: a record, or one of its chunks. */
struct quern_batch_text {
    struct quern_batch_bytes text;
    size_t record;            /* number in the batch */
    size_t chunk, begin, end; /* number of the chunk in its record, and its bytes there */
};

struct quern_batch_record {
    struct quern_batch_bytes text, title, id, keep; /* as struct quern_record has them */
    struct quern_batch_bytes bad;                   /* what is wrong with it; length 0: nothing */
    uint64_t number, line;
    uint32_t input_crc;                             /* of the part's records up to this one */
    const char *path;                               /* of its file */
    size_t text_end;                                /* of the batch's texts, the first one that is not its */
    struct quern_records_place behind;
};

enum { QUERN_BATCH_RECORDS = 256, QUERN_BATCH_TEXTS = QUERN_ONCE_TEXTS };

struct quern_batch {
    const struct quern_bulk_job *job;
    struct quern_once *once; /* copies vectors of texts that were seen before; NULL: all are computed */
    int dimensions;
    char *memory; /* [capacity], used up to `used` */
    size_t used, capacity;
    struct quern_batch_record records[QUERN_BATCH_RECORDS];
    size_t record_count;
    struct quern_batch_text *texts; /* [text_capacity] */
    size_t text_count, text_capacity;
    quern_chunk *chunks; /* [chunk_capacity], of the record at hand */
    size_t chunk_capacity;
    float *rows;         /* [QUERN_BATCH_TEXTS][dimensions] */
    unsigned char *encoded; /* [QUERN_BATCH_TEXTS] rows as the dtype has them */
    quern_text views[QUERN_BATCH_TEXTS];
    quern_result results[QUERN_BATCH_TEXTS];
    uint64_t title_count; /* records that have a title */
    uint64_t odd_count;  /* records whose text or title is not UTF-8 */
    const char *odd_path; /* of the first of these: its file, and where it begins there */
    uint64_t odd_line;
    char *line;          /* [line_capacity]: a line for the journal */
    size_t line_capacity;
};

/* once: NULL, or what must outlive the batch. A batch of zeros may be closed. QUERN_ENOMEM. */
int quern_batch_open(struct quern_batch *batch, const struct quern_bulk_job *job, struct quern_once *once,
                     quern_error *error);
void quern_batch_close(struct quern_batch *batch);

/* Reads the next records of a part, up to record number `end`; none: record_count 0. */
int quern_batch_read(struct quern_batch *batch, struct quern_records *records, uint64_t end, quern_error *error);

/* Embeds the texts and appends the vectors to the part. The part's state is set behind each record. stop: asked
 * between two calls of the engine; when it returns true, what is left of the batch is dropped. */
int quern_batch_embed(struct quern_batch *batch, struct quern_part *part, struct quern_bulk_progress *progress,
                      bool (*stop)(void *user), void *user, quern_error *error);

#endif
