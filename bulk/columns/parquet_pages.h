/* The values of a column of a row group, one after the other, from its pages. */
#ifndef QUERN_BULK_PARQUET_PAGES_H
#define QUERN_BULK_PARQUET_PAGES_H

#include "parquet_expand.h"
#include "parquet_schema.h"

/* Numbers that are written as runs: many times one number, or numbers of some bits each. */
struct quern_parquet_runs {
    const unsigned char *data, *end;
    unsigned bits;     /* of a number */
    uint64_t left;     /* numbers of the run at hand */
    bool is_packed;
    uint32_t number;   /* of a run of one number */
    unsigned at;       /* of a packed run: how many bits of data[0] are read */
};

/* Values of PLAIN, in a page or a dictionary. */
struct quern_parquet_plain {
    const unsigned char *data, *end;
    unsigned bit;      /* of truth values */
};

/* A column of a row group. Begin with zeros; it serves one row group after the other. */
struct quern_parquet_pages {
    const struct quern_parquet_column *column;
    struct quern_seen_file *file;
    int64_t codec;               /* an enum quern_parquet_codec */
    uint64_t at, end;            /* of its pages in the file: the next one, and where they end */
    uint64_t values;             /* that are in pages not read yet */

    struct quern_file_window window;
    unsigned char *page, *dictionary; /* unpacked */
    size_t page_capacity, dictionary_capacity;

    uint64_t left;               /* values of the page at hand */
    struct quern_parquet_runs repetition, definition, indexes;
    bool has_definition, has_indexes;
    bool is_inside;              /* a level of the next row was read already: 0 */
    struct quern_parquet_plain plain;
    struct quern_parquet_expanded expanded; /* what plain reads, if the page has another encoding */
    size_t dictionary_bytes;
    uint32_t *entries;           /* [entry_count + 1] of texts: where they begin in the dictionary */
    size_t entry_count, entry_capacity;

    unsigned char *list;         /* the numbers of a row of lists */
    size_t list_capacity;
};

/* Begins a column of a row group, as its description has it, which is the structure at hand. rows: of the group.
 * QUERN_EFORMAT, QUERN_EUNSUPPORTED. */
int quern_parquet_pages_begin(struct quern_parquet_pages *pages, struct quern_thrift_reader *description, uint64_t rows,
                              quern_error *error);

/* Reads the value of the next row. Errors as above, and QUERN_EIO, QUERN_ENOMEM. */
int quern_parquet_pages_next(struct quern_parquet_pages *pages, struct quern_cell *cell, quern_error *error);
void quern_parquet_pages_free(struct quern_parquet_pages *pages);

/* For the parts. */
int quern_parquet_damaged(const struct quern_parquet_pages *pages, const char *what, quern_error *error);

/* Goes to the next page of data, when none is left of the one at hand. */
int quern_parquet_next_page(struct quern_parquet_pages *pages, quern_error *error);

/* Begins to read runs of numbers of some bits, at most 32. */
void quern_parquet_runs_begin(struct quern_parquet_runs *runs, const unsigned char *data, size_t length, unsigned bits);

/* Reads the next number. Returns false when there is none. */
bool quern_parquet_runs_next(struct quern_parquet_runs *runs, uint32_t *number);

#endif
