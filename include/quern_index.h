/* Index files: vectors in a file, found again by exact search.
 *
 * An index is one file of rows. A row is a vector, an id, and perhaps a payload, such as the text that the vector
 * belongs to. A search compares a query with every row. So there is no graph to build or to tune, and no hit is missed:
 *
 *     float vector[768] = {0}, query[768] = {0}; // from quern_embed
 *     quern_index_writer *writer = NULL;
 *     quern_index *index = NULL;
 *     quern_searcher *searcher = NULL;
 *     quern_error error;
 *
 *     const quern_index_options options = {.size = sizeof options, .dimensions = 768};
 *     const quern_index_row row = {.number = 17, .payload = {"the red planet", 14}};
 *     int code = quern_index_create(&writer, "notes.qidx", &options, &error);
 *     if (code == QUERN_OK)
 *         code = quern_index_add(writer, &row, vector, 1, &error);
 *     if (code == QUERN_OK)
 *         code = quern_index_commit(writer, &error);
 *
 *     quern_hit hits[10];
 *     quern_search_result result;
 *     const quern_search_options asked = {.size = sizeof asked, .hits = 10};
 *     if (code == QUERN_OK)
 *         code = quern_index_open(&index, "notes.qidx", &error);
 *     if (code == QUERN_OK)
 *         code = quern_searcher_new(&searcher, index, NULL, &error);
 *     if (code == QUERN_OK)
 *         code = quern_search(searcher, query, 1, &asked, hits, &result, &error);
 *     for (size_t i = 0; code == QUERN_OK && i < result.hits; i++)
 *         printf("row %llu: %.3f\n", (unsigned long long)hits[i].place, hits[i].score);
 *
 *     quern_searcher_free(searcher);
 *     quern_index_close(index);
 *     quern_index_writer_free(writer);
 *
 * Scores. The score of a row is the dot product of the query and the vector as the file stores it, summed in double
 * precision in an order that does not depend on the machine. For vectors of length 1 it is their cosine. Hits are
 * sorted by score, the best first; equal scores are sorted by id.
 *
 * Certified search. Besides each vector x the file holds y, which is x rounded to bytes, and the length of the rest
 * x - y. The score of y differs from that of x by at most |query| |x - y| (Cauchy-Schwarz). A search first reads the
 * bytes only. Then it computes the scores of those rows that can be among the best. So the hits are the same as if all
 * vectors had been compared, in a quarter of the time. quern_search_result says how many rows were scored.
 *
 * Changes. A file has one writer at a time, and any number of readers. What a writer does becomes visible to those who
 * open the file after quern_index_commit; an open index never changes. A process that is killed loses what it had not
 * committed, and nothing else. Rows that were removed keep their place until quern_index_compact.
 *
 * Errors, threads and structures with a size are as in quern.h. A quern_index may be used by any number of threads at
 * once; a searcher and a writer by one thread at a time. */
#ifndef QUERN_INDEX_H
#define QUERN_INDEX_H

#include "quern.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- limits */

#define QUERN_INDEX_MOST_DIMENSIONS 16384
#define QUERN_INDEX_MOST_ROWS (UINT64_C(1) << 32)
#define QUERN_INDEX_MOST_NAME 4096                   /* bytes of an id that is a name */
#define QUERN_INDEX_MOST_PAYLOAD (UINT32_C(1) << 28) /* bytes of a payload */
#define QUERN_INDEX_LONGEST 1e18                     /* length of a vector or a query */
#define QUERN_SEARCH_MOST_HITS 65536                 /* hits for a query */
#define QUERN_SEARCH_MOST_QUERIES 256                /* queries that are compared together */

/* ---------------------------------------------------------------- rows */

typedef enum quern_index_ids {
    QUERN_INDEX_NUMBERS = 0, /* ids are numbers */
    QUERN_INDEX_NAMES        /* ids are texts of any bytes */
} quern_index_ids;

/* A row without its vector. The texts of a row that is read from an index belong to the index. */
typedef struct quern_index_row {
    uint64_t number;    /* the id, where ids are numbers */
    quern_text name;    /* the id, where ids are names: 1 to QUERN_INDEX_MOST_NAME bytes */
    quern_text payload; /* any bytes; length 0: none */
} quern_index_row;

/* ---------------------------------------------------------------- writing */

typedef struct quern_index_writer quern_index_writer;

typedef struct quern_index_options {
    size_t size;
    int dimensions;    /* of all vectors: 1 to QUERN_INDEX_MOST_DIMENSIONS */
    quern_index_ids ids;
    const char *space; /* the space of the vectors (quern_space), less than QUERN_SPACE_SIZE bytes; NULL or "": not
                          known, and a query of any space is taken */
    quern_dtype rows;  /* how vectors are stored: QUERN_DTYPE_F32, or QUERN_DTYPE_F16, which rounds each number to 16
                          bits */
    int bits;          /* 1: one bit of each number is stored too, for searches that are not certified */
    int threads;       /* threads that round the vectors; 0: as many as the process may use */
} quern_index_options;

/* Makes a new file. It is written under another name, and takes the name path with the first commit; a file that has
 * this name is then replaced. Writes the writer to *writer; the caller frees it.
 *
 * Fails with QUERN_EINVAL for a NULL argument or wrong options; QUERN_EIO, also when another process is writing the
 * file; QUERN_ENOMEM. */
QUERN_API int quern_index_create(quern_index_writer **writer, const char *path, const quern_index_options *options,
                                 quern_error *error);

/* Opens a file to change it. Memory: 16 to 32 bytes for each row. options may be NULL. Of the options, threads is used.
 * If dimensions is not 0, the file must have these dimensions and this kind of ids. So a program that described the
 * file before knows how long its vectors must be, even if another program has replaced the file since then.
 *
 * Fails with QUERN_EINVAL for a NULL argument, wrong options or a file that has others; QUERN_EIO, also when another
 * process is changing the file; QUERN_EFORMAT; QUERN_EUNSUPPORTED; QUERN_ENOMEM. */
QUERN_API int quern_index_change(quern_index_writer **writer, const char *path, const quern_index_options *options,
                                 quern_error *error);

/* Adds rows[count] with vectors[count][dimensions]. A row whose id is there already replaces that row.
 *
 * Fails with QUERN_EINVAL, and the index of the row, for a vector with a number that is not finite, or longer than
 * QUERN_INDEX_LONGEST, and for an id or payload that is too long or missing: no row of the call is added then. Also
 * fails with QUERN_EINVAL, without the index of a row, when the file has QUERN_INDEX_MOST_ROWS or too many blocks;
 * QUERN_EFORMAT when the file is damaged; QUERN_EIO; QUERN_ENOMEM. After such a failure the writer can only be freed,
 * and the file is as it was after the last commit. */
QUERN_API int quern_index_add(quern_index_writer *writer, const quern_index_row *rows, const float *vectors,
                              size_t count, quern_error *error);

/* Removes the rows with the ids of rows[count]; ids that are not there are passed over. Writes to *removed, which may
 * be NULL, how many there were. Fails as quern_index_add does. */
QUERN_API int quern_index_remove(quern_index_writer *writer, const quern_index_row *rows, size_t count, size_t *removed,
                                 quern_error *error);

/* Sets the note of the index: bytes that a program keeps with it, up to QUERN_INDEX_MOST_PAYLOAD. They are copied.
 * Fails with QUERN_EINVAL or QUERN_ENOMEM. */
QUERN_API int quern_index_set_note(quern_index_writer *writer, quern_text note, quern_error *error);

/* Makes all changes visible to programs that open the file from now on, and waits until they are on the disk. The
 * writer may go on after a commit. Fails with QUERN_EIO or QUERN_ENOMEM as quern_index_add does. */
QUERN_API int quern_index_commit(quern_index_writer *writer, quern_error *error);

/* Lets other processes change the file until quern_index_resume. Until then the writer may only be freed. It remembers
 * the ids, so a program that changes a few rows now and then need not read all ids each time. Fails with QUERN_EINVAL
 * when there are changes that were not committed, and as quern_index_add does. */
QUERN_API int quern_index_rest(quern_index_writer *writer, quern_error *error);

/* Goes on after quern_index_rest. Fails with QUERN_EIO when another process is changing the file, or has changed or
 * replaced it meanwhile: then free the writer, and make another one. */
QUERN_API int quern_index_resume(quern_index_writer *writer, quern_error *error);

/* Frees a writer. What was not committed is forgotten. NULL is allowed. */
QUERN_API void quern_index_writer_free(quern_index_writer *writer);

/* Writes the file again without the rows that were removed, and with full blocks. Rows keep their order. Programs that
 * have the file open keep the old one. Fails as quern_index_change and quern_index_commit do. */
QUERN_API int quern_index_compact(const char *path, quern_error *error);

/* ---------------------------------------------------------------- reading */

typedef struct quern_index quern_index;

/* Opens a file: checks the structure of all of it, and maps it. Writes the index to *index; the caller closes it. The
 * vectors are not read; quern_index_check does that. A writer may change the file meanwhile. Nothing else may cut it
 * off or write into it.
 *
 * Fails with QUERN_EINVAL for a NULL argument; QUERN_EIO; QUERN_EFORMAT; QUERN_EUNSUPPORTED for a file of a later
 * version; QUERN_ENOMEM. */
QUERN_API int quern_index_open(quern_index **index, const char *path, quern_error *error);

/* Closes an index. Its searchers must be freed before. NULL is allowed. */
QUERN_API void quern_index_close(quern_index *index);

typedef struct quern_index_info {
    size_t size;
    int dimensions;
    quern_index_ids ids;
    const char *space; /* "" when it is not known */
    quern_dtype rows;  /* how vectors are stored */
    int bits;          /* 1: searches that are not certified are possible */
    uint64_t places;   /* rows are numbered 0 to places - 1, removed ones too */
    uint64_t count;    /* rows that are there */
    uint64_t blocks;   /* parts of the file; many small ones make search slower, and quern_index_compact joins them */
    uint64_t bytes;    /* of the file */
    quern_text note;
} quern_index_info;

/* Describes an index. The texts belong to it. Fails with QUERN_EINVAL. */
QUERN_API int quern_index_describe(const quern_index *index, quern_index_info *info, quern_error *error);

/* Writes the row at a place to *row: its id and payload. Fails with QUERN_EINVAL for a NULL argument, and when there is
 * no such row or it was removed; QUERN_EFORMAT when the place is damaged; QUERN_EIO when the file was cut off. */
QUERN_API int quern_index_get(const quern_index *index, uint64_t place, quern_index_row *row, quern_error *error);

/* Writes the vector at a place, as it is stored, to vector[dimensions]. Fails as quern_index_get does. */
QUERN_API int quern_index_vector(const quern_index *index, uint64_t place, float *vector, quern_error *error);

/* Writes the places of the rows with the ids of rows[count] into a bitmap: bit place % 64 of word place / 64, which has
 * (places + 63) / 64 words, is set for each and cleared for all others. Fails with QUERN_EINVAL for a NULL argument;
 * QUERN_EFORMAT when an id is damaged; QUERN_EIO; QUERN_ENOMEM. */
QUERN_API int quern_index_select(const quern_index *index, const quern_index_row *rows, size_t count, uint64_t *bitmap,
                                 quern_error *error);

/* Reads the whole file and compares it with its checksums. Fails with QUERN_EFORMAT, which names the first damaged
 * block, or QUERN_EIO. */
QUERN_API int quern_index_check(const quern_index *index, quern_error *error);

/* ---------------------------------------------------------------- search */

typedef struct quern_searcher quern_searcher; /* the memory and the threads of searches */

typedef struct quern_searcher_options {
    size_t size;
    int threads;         /* 1 to QUERN_MOST_THREADS; 0: as many as the process may use */
    size_t most_hits;    /* 1 to QUERN_SEARCH_MOST_HITS for each query; 0: 100 */
    size_t most_queries; /* queries that are compared together, 1 to QUERN_SEARCH_MOST_QUERIES; 0: 64. More may be
                            passed to quern_search */
    size_t most_scored;  /* rows that a search with oversampling may score for a query, up to QUERN_SEARCH_MOST_HITS;
                            0: 2048 */
} quern_searcher_options;

/* Makes a searcher. It allocates all that searches need: for each thread and query 38 KiB, 32 bytes for each hit, and
 * 16 for each scored row above 2048. Fails with QUERN_EINVAL or QUERN_ENOMEM. */
QUERN_API int quern_searcher_new(quern_searcher **searcher, const quern_index *index,
                                 const quern_searcher_options *options, quern_error *error);

QUERN_API void quern_searcher_free(quern_searcher *searcher); /* NULL is allowed */

typedef struct quern_hit {
    uint64_t place; /* of the row in the index */
    double score;
} quern_hit;

typedef struct quern_search_options {
    size_t size;
    size_t hits;          /* at most so many for each query: 1 to most_hits of the searcher */
    const uint64_t *only; /* a bitmap as quern_index_select writes it: only these rows are found. NULL: all */
    const char *space;    /* the space of the queries. It must be the index's, or differ in the task only. NULL or "":
                             the caller knows that it fits */
    double least;         /* with has_least: only hits with this score or a better one */
    int has_least;
    int oversampling;     /* 0: certified. n > 0: the n times `hits` rows whose bits are most like the query's are
                             scored, and the best of them are the hits. Needs an index with bits. Hits may be missed.
                             Faster for one query with more than 12 rows for each row that is scored, and for 8 or
                             more queries at once with more than 100 */
} quern_search_options;

typedef struct quern_search_result {
    size_t hits;     /* found */
    uint64_t scored; /* rows whose stored vector was read */
    int certified;   /* 1: no row that was left out has a better score than the hits */
} quern_search_result;

/* Finds the rows most like each of queries[count][dimensions of the index]. Writes the hits of query i to
 * hits + i * options->hits, and how many there are to results[i]. results may be NULL; places of hits that were not
 * found are left as they are. The hits do not depend on threads or on the other queries.
 *
 * Fails with QUERN_EINVAL for a NULL argument, wrong options, a query of another space, or, with its index, a query
 * with a number that is not finite or that is longer than QUERN_INDEX_LONGEST; QUERN_EIO when the file was cut
 * off; QUERN_EFORMAT when a vector in it is damaged. */
QUERN_API int quern_search(quern_searcher *searcher, const float *queries, size_t count,
                           const quern_search_options *options, quern_hit *hits, quern_search_result *results,
                           quern_error *error);

#ifdef __cplusplus
}
#endif

#endif
