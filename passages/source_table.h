/* The sources of an index: which files its passages come from, as each of them was. The index keeps this table as its
 * note, so that the next run embeds only what has changed, and a search finds the model.
 *
 * Threads: a table belongs to one thread at a time. */
#ifndef QUERN_SOURCE_TABLE_H
#define QUERN_SOURCE_TABLE_H

#include "quern.h"

#include <stdbool.h>

#define QUERN_SOURCE_DIGEST 32 /* bytes of a SHA-256 */

enum quern_source_state {
    QUERN_SOURCE_DONE,       /* all its passages are rows */
    QUERN_SOURCE_UNFINISHED, /* some may be: `rows` is a bound of their numbers */
    QUERN_SOURCE_NOT_TEXT,   /* it has no passages, because it is no text */
    QUERN_SOURCE_STATES
};

struct quern_source {
    char *path;     /* absolute; any bytes but NUL */
    uint64_t size;  /* bytes of the file */
    int64_t mtime;  /* when it was changed last, in nanoseconds since 1970 */
    uint64_t rows;  /* its passages are PATH#0 to PATH#rows-1 */
    uint32_t state; /* an enum quern_source_state */
    uint64_t bad_records; /* of its records, those that were skipped: they have no text, or are damaged */
    uint64_t bad_line;    /* of the first of them */
    unsigned char digest[QUERN_SOURCE_DIGEST]; /* of the file's bytes */
};

struct quern_source_table {
    char *model;       /* path or published name of the model; "": not known */
    char *known;       /* the published model that it was said to be; "": its file tells */
    char *text_column, *title_column; /* of files of records; "": not given */
    uint64_t tokens, overlap;         /* of chunks */
    bool exact;         /* the vectors were computed on the exact path */
    bool takes_ignored; /* files that rules of .gitignore leave out are taken, too */
    char **roots;      /* [root_count]: the files and folders that were named, absolute, sorted */
    size_t root_count;
    struct quern_source *sources; /* [count], sorted by path */
    size_t count;
};

/* Reads the note of an index into a table, to be freed. QUERN_EFORMAT for a note that is not one of these (an empty one
 * too) or is damaged, QUERN_EUNSUPPORTED for one of a later version, QUERN_ENOMEM. */
int quern_source_table_read(struct quern_source_table *table, quern_text note, quern_error *error);

/* Writes it as a note, which the caller frees. QUERN_ENOMEM. */
int quern_source_table_write(const struct quern_source_table *table, char **note, size_t *length, quern_error *error);

/* The number of the source with this path, or of the first one behind it. *found: whether it is there. */
size_t quern_source_table_find(const struct quern_source_table *table, const char *path, bool *found);

/* Puts a root, which is copied, where it belongs, unless it is there. QUERN_ENOMEM. */
int quern_source_table_add_root(struct quern_source_table *table, const char *path, quern_error *error);

/* Whether a path is that of a root or lies in it. */
bool quern_source_is_in(const char *path, const char *root);

void quern_source_table_free(struct quern_source_table *table); /* zeros are allowed */

#endif
