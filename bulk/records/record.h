/* Records: the texts of files, each with what belongs to it, one at a time and in order.
 *
 * A reader reads the records of one file. quern_records reads those of many files, one file behind the other, so that
 * each record has a number. What is wrong with one record makes this record bad, and the next one is read. What is
 * wrong with a file ends the reading.
 *
 * Errors are those of quern.h. Memory is bounded by one record, which may have QUERN_JOBS_LONGEST bytes. Threads: a
 * reader belongs to one thread at a time. */
#ifndef QUERN_BULK_RECORD_H
#define QUERN_BULK_RECORD_H

#include "jobs.h"
#include "quern.h"

#include <stdbool.h>

/* What a file holds, by the places in QUERN_RECORD_KINDS. */
#define QUERN_RECORD_KINDS "lines|jsonl|csv|tsv|document|arrow|parquet"
enum quern_record_kind {
    QUERN_RECORDS_LINES,   /* every line is a text */
    QUERN_RECORDS_JSONL,   /* every line is a JSON object */
    QUERN_RECORDS_CSV,     /* RFC 4180; the first record has the names of the columns */
    QUERN_RECORDS_TSV,     /* the same with tabs */
    QUERN_RECORDS_DOCUMENT, /* the file is one text */
    QUERN_RECORDS_ARROW,   /* a file of columns, Arrow or Parquet: its first bytes tell which */
    QUERN_RECORDS_PARQUET  /* the same */
};

/* Columns by name; a file without names, and a CSV file, by number from 1. */
#define QUERN_RECORD_COLUMNS 64
struct quern_record_columns {
    const char *text, *id, *title; /* NULL: not given */
    const char *keep[QUERN_RECORD_COLUMNS];
    int keep_count;
};

struct quern_record {
    quern_text text;
    quern_text title; /* length 0: none */
    quern_text id;    /* a JSON string or number, as it is written; length 0: none */
    quern_text keep;  /* the other columns, as members of a JSON object: "a": 1, "b": "x"; length 0: none */
    uint64_t line;    /* where it begins in its file, counted from 1; of a document 1; of columns its row */
    const char *bad;  /* what is wrong with it; NULL: nothing. Then only `line` is set, and `id` if it is known */
};

/* What is wrong with a record that is longer than QUERN_JOBS_LONGEST. */
#define QUERN_RECORD_TOO_LONG "it is longer than 64 MiB: split it"

/* Where a reader stands, for going on there later. */
struct quern_record_place {
    uint64_t offset; /* bytes of the unpacked file before the next record */
    uint64_t line;   /* of the next record */
};

/* Reads the records of a file. A new kind is a structure that begins with this one. */
struct quern_record_reader {
    /* Reads the next record, whose texts live until the next call. Returns 1; 0 when there is none; a negative code. */
    int (*next)(struct quern_record_reader *reader, struct quern_record *record, quern_error *error);

    /* Skips at most count records, and sets *skipped to how many these were: fewer only at the end of the file. */
    int (*skip)(struct quern_record_reader *reader, uint64_t count, uint64_t *skipped, quern_error *error);
    struct quern_record_place (*place)(const struct quern_record_reader *reader);

    /* Goes forward to a place of the same file. QUERN_EFORMAT when it was passed already. */
    int (*go_to)(struct quern_record_reader *reader, struct quern_record_place place, quern_error *error);
    uint64_t (*bytes_read)(const struct quern_record_reader *reader); /* of the file, packed as it is */
    void (*close)(struct quern_record_reader *reader);                /* and frees it */
};

/* Opens a file. path: "-" is standard input. The strings of columns must outlive the reader. */
int quern_record_reader_open(struct quern_record_reader **reader, const char *path, enum quern_record_kind kind,
                             const struct quern_record_columns *columns, quern_error *error);

/* The kinds. Each opens a reader for quern_record_reader_open. */
int quern_line_reader_open(struct quern_record_reader **reader, const char *path, quern_error *error);
int quern_jsonl_reader_open(struct quern_record_reader **reader, const char *path,
                            const struct quern_record_columns *columns, quern_error *error);
int quern_csv_reader_open(struct quern_record_reader **reader, const char *path, char separator,
                          const struct quern_record_columns *columns, quern_error *error);
int quern_document_reader_open(struct quern_record_reader **reader, const char *path, quern_error *error);
int quern_column_reader_open(struct quern_record_reader **reader, const char *path,
                             const struct quern_record_columns *columns, quern_error *error);

#endif
