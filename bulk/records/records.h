/* The records of many files as one sequence: the files sorted by their paths, one behind the other. Records are
 * numbered from 0, and always in the same way. */
#ifndef QUERN_BULK_RECORDS_H
#define QUERN_BULK_RECORDS_H

#include "record.h"

struct quern_record_file {
    char *path; /* "-": standard input */
    enum quern_record_kind kind;
    bool is_regular; /* else it is a pipe or its like, and size, mtime and ctime are 0 */
    uint64_t size;
    int64_t mtime, ctime; /* of the last change of its bytes; the same, or of its names, owner or mode: in nanoseconds
                             since 1970. A program can set the first one, not the second */
};

struct quern_record_files {
    struct quern_record_file *files; /* [count] */
    size_t count;
    uint64_t size;       /* of all */
    size_t passed_over;  /* files in folders whose names do not tell what they hold */
    char *first_passed;  /* the path of the first of these; NULL: none */
};

/* Finds the files that are named, and those in folders that are named. kind: of all files; -1: their names tell. When
 * its name does not tell, a file that the user named has lines, unless its first bytes are those of a file of columns;
 * a file in a folder is skipped. A .txt file in a folder is a document. Hidden files in folders are left out, and so is
 * the folder `output`; NULL: there is none. QUERN_EIO, QUERN_ENOMEM; QUERN_EINVAL for a file that is named twice, for
 * one that no reader can read, and for `output` itself. */
int quern_record_files_find(struct quern_record_files *files, char *const *paths, int count, int kind,
                            const char *output, quern_error *error);
void quern_record_files_free(struct quern_record_files *files); /* zeros are allowed */

/* Whether all files can be read twice. */
bool quern_record_files_are_regular(const struct quern_record_files *files);

/* Checks that files [begin, end) have the sizes and times that they had when they were found. QUERN_EIO. */
int quern_record_files_check(const struct quern_record_files *files, size_t begin, size_t end, quern_error *error);

/* What a file in a folder holds by the ending of its name: an enum quern_record_kind, or -1 when it does not tell. */
int quern_record_kind_of(const char *path);

/* The name of a kind, from QUERN_RECORD_KINDS. */
quern_text quern_record_kind_name(enum quern_record_kind kind);

/* A place in the sequence. */
struct quern_records_place {
    uint64_t file; /* number of the file; files.count: behind the last record */
    struct quern_record_place place;
};

struct quern_records {
    const struct quern_record_files *files;
    struct quern_record_columns columns;
    struct quern_record_reader *reader; /* of the file; NULL: it is not open */
    size_t file;
    uint64_t number;      /* of the next record */
    uint64_t bytes_before; /* of the files before this one */
    uint32_t crc;          /* of all that the records had that were read; the user may set it. Skipping leaves it */
};

/* Begins before the first record. files and the strings of columns must outlive the records. */
void quern_records_begin(struct quern_records *records, const struct quern_record_files *files,
                         const struct quern_record_columns *columns);

/* As the functions of a reader. */
int quern_records_next(struct quern_records *records, struct quern_record *record, quern_error *error);
int quern_records_skip(struct quern_records *records, uint64_t count, uint64_t *skipped, quern_error *error);
struct quern_records_place quern_records_place(const struct quern_records *records);

/* Whether a place that a file tells may lie ahead. */
bool quern_records_can_go_to(const struct quern_records *records, struct quern_records_place place);

/* Goes forward to a place, where record `number` begins. QUERN_EIO when the file at hand ends before it, QUERN_EFORMAT
 * when it lies behind; else as the functions of a reader. */
int quern_records_go_to(struct quern_records *records, struct quern_records_place place, uint64_t number,
                        quern_error *error);

/* The path of the file that the last record came from. */
const char *quern_records_path(const struct quern_records *records);
uint64_t quern_records_bytes(const struct quern_records *records); /* that were read of files->size */
void quern_records_end(struct quern_records *records);

#endif
