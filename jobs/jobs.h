/* jobs: many texts to vectors, for every program on quern.h that embeds more texts than it wants to hold in memory.
 *
 * A source gives texts in batches. quern_jobs_embed embeds each batch and hands the vectors to a sink, in the order of
 * the texts. Memory is bounded by one batch. A text that cannot be embedded does not cost other texts their vectors.
 *
 *     struct quern_jobs_stream lines;
 *     struct quern_jobs_writer file = {.file = output, ...};
 *     quern_jobs_stream_open(&lines, "texts.txt", '\n', &error);
 *     quern_jobs_writer_open(&file, &error);
 *     quern_jobs_embed(&job, &lines.source, &file.sink, &progress, &error);
 *
 * Errors are those of quern.h: a function that can fail returns QUERN_OK or a negative code and describes the failure
 * in *error, which may be NULL. Nothing here prints or exits. Threads: a source, a sink and a job belong to one thread
 * at a time. */
#ifndef QUERN_JOBS_H
#define QUERN_JOBS_H

#include "quern.h"

#include <stdbool.h>
#include <stdio.h>

#define QUERN_JOBS_BATCH 256                   /* texts in a batch at most */
#define QUERN_JOBS_LONGEST (64u * 1024 * 1024) /* bytes of the longest text that is read from a file */

/* ---------------------------------------------------------------- sources */

/* A batch of texts. Everything it points to lives until the source is asked for the next batch. */
struct quern_jobs_texts {
    size_t count;             /* 1 to QUERN_JOBS_BATCH; 0: the source has no more texts */
    uint64_t first;           /* position of the first text in the source, counted from 0 */
    const quern_text *texts;  /* [count] */
    const quern_text *titles; /* [count], for QUERN_TASK_DOCUMENT; NULL: the title of the job's options is used */
};

/* Where texts come from. A new kind of source is a structure that begins with this one. */
struct quern_jobs_source {
    /* Gives the next batch. */
    int (*next)(struct quern_jobs_source *source, struct quern_jobs_texts *batch, quern_error *error);
    uint64_t done, total; /* how much was given, in texts or bytes, and how much there is; total 0: unknown */
};

/* Texts in memory, for example the arguments of a program. titles may be set after opening. */
struct quern_jobs_array {
    struct quern_jobs_source source;
    const quern_text *texts, *titles; /* [source.total]; titles may be NULL */
};

/* The array must live as long as the source. */
void quern_jobs_array_open(struct quern_jobs_array *array, const quern_text *texts, size_t count);

/* The lines of a file, or its parts between NUL bytes. A last part without a separator is a text too. A line ends with
 * LF or CRLF, and a mark of UTF-8 (BOM) at its beginning is no part of it: each of several files that were put together
 * may have one. Parts between NUL bytes are given as they are, but without the mark. */
struct quern_jobs_stream {
    struct quern_jobs_source source;
    const char *name; /* of the file, for messages */
    int descriptor, separator;
    char *buffer;              /* [capacity]; [begin, end) was read and is not given yet */
    size_t capacity, begin, end;
    bool at_end;
    uint64_t given;            /* texts */
    uint64_t invalid, first_invalid; /* texts so far that are not UTF-8; the number of the first, from 1 */
    quern_text texts[QUERN_JOBS_BATCH];
};

/* path: NULL for standard input. Its string must live as long as the source. QUERN_EIO. A batch is given as soon as no
 * more input is waiting: the source waits for the first text of a batch only. next: QUERN_EIO, QUERN_ENOMEM,
 * QUERN_ETOOLONG for a text of more than QUERN_JOBS_LONGEST bytes, and QUERN_EINVAL for a file that is not texts:
 * it begins as a compressed file, a document, a picture or the like, its lines end with CR alone, or a line has a NUL
 * byte. */
int quern_jobs_stream_open(struct quern_jobs_stream *stream, const char *path, char separator, quern_error *error);
void quern_jobs_stream_close(struct quern_jobs_stream *stream); /* a stream of zeros is allowed */

/* ---------------------------------------------------------------- sinks */

/* The vectors of a batch of texts. */
struct quern_jobs_vectors {
    size_t count;
    uint64_t first;              /* position of the first text in the source */
    int dimensions;
    const float *rows;           /* [count][dimensions]; zeros where results[i].code is not QUERN_OK */
    const quern_result *results; /* [count] */
};

/* Where vectors go. A new kind of sink, or a callback, is a structure that begins with this one. */
struct quern_jobs_sink {
    int (*put)(struct quern_jobs_sink *sink, const struct quern_jobs_vectors *batch, quern_error *error);
    int (*finish)(struct quern_jobs_sink *sink, quern_error *error); /* after the last batch; NULL: nothing to do */
};

/* A matrix in memory. */
struct quern_jobs_matrix {
    struct quern_jobs_sink sink;
    float *rows;     /* [capacity][dimensions] */
    size_t capacity; /* rows */
};

/* rows is the caller's. put: QUERN_ETOOLONG for more texts than capacity. */
void quern_jobs_matrix_open(struct quern_jobs_matrix *matrix, float *rows, size_t capacity);

/* The formats that vectors are written in, by their places in QUERN_JOBS_FORMATS. */
#define QUERN_JOBS_FORMATS "jsonl|json|npy|f32|text"
enum quern_jobs_format {
    QUERN_JOBS_JSONL, /* a line of JSON for each text; none for a text without a vector */
    QUERN_JOBS_JSON,  /* one JSON document */
    QUERN_JOBS_NPY,   /* a NumPy array of float32 */
    QUERN_JOBS_F32,   /* float32, little-endian */
    QUERN_JOBS_TEXT   /* a line of numbers for each text */
};

/* Whether the beginning of the file is written again at the end, so that the file must allow rewind. */
bool quern_jobs_format_rewinds(enum quern_jobs_format format);

/* Vectors in a file. */
struct quern_jobs_writer {
    struct quern_jobs_sink sink;
    FILE *file;              /* the caller's; is flushed after each batch */
    const char *name;        /* of the file, for messages */
    enum quern_jobs_format format;
    const char *space, *path; /* of the vectors, as quern_space and quern_context_info tell; JSON has them */
    int dimensions;
    uint64_t written; /* vectors */
};

/* Begins the file. The caller has set all fields from file to dimensions. QUERN_EIO, as put and finish. */
int quern_jobs_writer_open(struct quern_jobs_writer *writer, quern_error *error);

/* ---------------------------------------------------------------- embedding */

/* What to do about a text that cannot be embedded. */
enum quern_jobs_policy {
    QUERN_JOBS_STOP, /* the sink gets the texts before it, then the job fails with the text's code */
    QUERN_JOBS_SKIP  /* the sink gets the text without a vector; its result has the code */
};

struct quern_jobs_progress {
    uint64_t texts;       /* that were handed to the sink */
    uint64_t tokens;      /* of these */
    uint64_t cut;         /* texts of these that were cut because they were too long */
    uint64_t failed;      /* texts of these without a vector */
    uint64_t done, total; /* of the source */
};

struct quern_jobs_embedding {
    const quern_model *model;
    quern_context *context;
    quern_embed_options options; /* of quern_embed */
    enum quern_jobs_policy policy;
    /* Called after each batch with what was done so far. The job ends when it returns false. NULL: not called. */
    bool (*report)(void *user, const struct quern_jobs_progress *progress);
    void *user;
};

enum { QUERN_JOBS_CANCELLED = 1 }; /* report returned false */

/* Embeds all texts of the source. Returns QUERN_OK, the code of a failure, or QUERN_JOBS_CANCELLED. The sink is
 * finished only when all texts were embedded; otherwise it has got whole batches, or all texts before the one at fault.
 * progress is always filled. error->index is the position in the source of the text at fault, or -1. */
int quern_jobs_embed(const struct quern_jobs_embedding *job, struct quern_jobs_source *source,
                     struct quern_jobs_sink *sink, struct quern_jobs_progress *progress, quern_error *error);

#endif
