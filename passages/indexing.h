/* Makes an index of files, and keeps it up to date: what has not changed is not read again, what is gone is removed.
 *
 * Files whose names say that they hold records (JSON lines, CSV, TSV, Arrow, Parquet) have a text in each record, if
 * they have the column of the text; all others are one text each, and those that are not text are skipped. A text is
 * cut into sections and those into chunks (sections.h, quern_chunk_text); each becomes a row (passage.h). Of a file
 * that has changed, passages with the same title and text as before keep their vectors.
 *
 * The index is committed every few seconds. A run that was killed loses what came behind the last commit; the next run
 * goes on there. Two runs at once: the second one fails.
 *
 * Errors are those of quern.h. Nothing here prints or exits. */
#ifndef QUERN_INDEXING_H
#define QUERN_INDEXING_H

#include "quern_index.h"

#include <stdbool.h>

#define QUERN_INDEXING_TOKENS 256 /* of a chunk, unless the caller or the index says otherwise */

struct quern_indexing_options {
    const char *path;        /* of the index */
    char *const *roots;      /* [root_count]: files and folders to add, absolute and without links. None: those that the
                                index has */
    size_t root_count;
    bool removes;            /* the roots and all that is in them are removed instead */
    bool is_forced;          /* the index is made anew when it was made otherwise */
    const char *model;       /* how the next run and a search find the model: its path or its published name */
    const char *known;       /* the published model that it is said to be; NULL: its file tells */
    const char *text_column, *title_column; /* of records; NULL: as the index has it, or the usual ones */
    quern_chunk_options chunk; /* tokens 0: as the index has it, or QUERN_INDEXING_TOKENS */
    int dimensions;          /* of a new index; 0: those of the model */
    quern_dtype dtype;       /* of a new index, as quern_index_options.rows */
    bool bits;               /* the same */
    bool exact;              /* compute on the exact path, also in later runs */
    bool is_confined;        /* links that lead out of the files and folders that are looked at are not read; of such a
                                file the index keeps what it had */
    bool takes_ignored;      /* files that rules of .gitignore leave out are taken, also in later runs */
    double commit_seconds;   /* between two commits */
};

struct quern_indexing_progress {
    uint64_t files, new_files, changed_files, removed_files; /* files: that the index has now */
    uint64_t not_text; /* files that are no text */
    char one_not_text[QUERN_INDEX_MOST_NAME + 1]; /* the path of the first of them */
    uint64_t bad_records; /* that were skipped, because they have no text or are damaged */
    char one_bad_record[QUERN_INDEX_MOST_NAME + 32]; /* the path and line of the first of them: PATH:LINE */
    uint64_t failed;   /* files that could not be read or embedded; of these the index keeps what it had */
    uint64_t passages; /* that the index has now */
    uint64_t embedded, kept, tokens; /* passages of this run: new vectors, vectors from before; tokens embedded */
    uint64_t bytes, total_bytes;     /* of the files that are new or have changed */
    bool has_written;  /* the index was changed */
    bool is_compacted;
    char space[QUERN_SPACE_SIZE];
};

struct quern_indexing_job {
    const struct quern_indexing_options *options;
    /* Opens the model *model, when it is needed, and gives it with a context; the caller owns both. NULL: the index
     * does not say which; then *model becomes the name of the one that was opened. exact: the context must compute on
     * the exact path. Returns QUERN_OK or a code, after it has told why. */
    int (*open)(void *user, const char **model, const char *known, bool exact, const quern_model **opened,
                quern_context **context);
    /* Called after each batch. The run ends cleanly when it returns false. */
    bool (*report)(void *user, const struct quern_indexing_progress *progress);
    /* Called with a line that the user should see. */
    void (*notice)(void *user, const char *line);
    void *user;
};

enum {
    QUERN_INDEXING_STOPPED = 1, /* report returned false; the next run goes on here */
    QUERN_INDEXING_TOLD = 2     /* open failed, and has told why */
};

/* Brings an index up to date. Returns QUERN_OK, one of the above, or a code. *progress is always filled.
 * QUERN_EINVAL: it was made otherwise, as error says; see is_forced. */
int quern_indexing_run(const struct quern_indexing_job *job, struct quern_indexing_progress *progress,
                       quern_error *error);

/* Joins what many commits have left, and takes the room of removed rows back, when there is much of one of them. A file
 * that cannot be replaced now stays as it is, and this is no error. Fails as quern_index_open does, and when a block is
 * damaged. */
int quern_indexing_compact(const char *path, bool *is_compacted, quern_error *error);

#endif
