/* A part: the vectors of a fixed number of records in a row, in files of its own.
 *
 * While a part is made, its rows, its ids and the records without a vector are appended to a journal, the folder
 * OUT/part-00017.unfinished. From time to time the journal is synced to the disk, and a checkpoint says how much of it
 * counts. A run that goes on cuts off what is behind the checkpoint. When the part is complete, its final files are
 * written from the journal under other names, synced to the disk and renamed; then part-00017.done says that they are
 * whole, and the journal is removed. So a file of a part that has no .done does not count, whatever it holds. */
#ifndef QUERN_BULK_PART_H
#define QUERN_BULK_PART_H

#include "records/records.h"
#include "vector_file.h"

/* How much of a part is done. */
struct quern_part_state {
    uint64_t records;               /* that were read, whatever became of them */
    uint64_t rows, errors, tokens;  /* vectors; records without one; tokens of the vectors */
    uint64_t id_bytes, error_bytes; /* of the journal */
    uint64_t input_crc;             /* of the records, as quern_records has it */
    struct quern_records_place end; /* behind these records */
};

/* What .done says beside it; of a checkpoint, only the table. */
#define QUERN_PART_TABLE 64
struct quern_part_done {
    struct quern_part_state state;
    uint64_t crc, id_crc, error_crc;       /* of the files; id_crc: 0 where the ids are in the file of the rows */
    uint64_t bytes;                       /* of the file of the rows */
    char table[QUERN_PART_TABLE];         /* the kernel table that computed it; of several: "avx2+amx" */
};

struct quern_part {
    const char *folder; /* OUT */
    uint64_t number;
    enum quern_vector_format format;
    struct quern_vector_shape shape; /* rows: set at the end */
    char table[QUERN_PART_TABLE];  /* as above */
    size_t row_bytes;
    FILE *rows, *ids, *errors;     /* the journal */
    char rows_buffer[1 << 16];     /* of rows: fewer and larger writes than stdio's own */
    int lock;                      /* descriptor; -1: none */
    struct quern_part_state state; /* up to the end of the last whole record */
};

enum { QUERN_PART_BUSY = 2 }; /* another process makes the part */

/* Makes the journal of a part, or opens the one that is there at its checkpoint. The caller has set folder, number,
 * format, shape and table, to which that of the journal is added. Returns QUERN_OK, QUERN_PART_BUSY or a code. */
int quern_part_open(struct quern_part *part, quern_error *error);

/* Appends a row and what belongs to it, a JSON object in one line; or a record without a vector. Failures are told by
 * quern_part_checkpoint. */
void quern_part_put(struct quern_part *part, const void *row, quern_text members);
void quern_part_put_error(struct quern_part *part, quern_text members);

/* Notes how far the part is when a record is complete: what was appended before belongs to it. */
void quern_part_end_record(struct quern_part *part, const struct quern_part_state *state);

/* Syncs the journal to the disk. QUERN_EIO. */
int quern_part_checkpoint(struct quern_part *part, quern_error *error);

/* Writes the final files, and removes the journal. QUERN_EIO, QUERN_ENOMEM. */
int quern_part_finish(struct quern_part *part, quern_error *error);

/* Closes the journal, which stays as its last checkpoint has it. A closed part is allowed. */
void quern_part_close(struct quern_part *part);

/* ---------------------------------------------------------------- files of parts */

/* Writes the path of a file of a part: ".done", ".ids.jsonl" and so on. */
#define QUERN_PART_PATH 4096
void quern_part_path(char path[QUERN_PART_PATH], const char *folder, uint64_t number, const char *ending);

/* Whether the final files of a part have the sizes that .done tells. False: path is one that has not. */
bool quern_part_has_files(char path[QUERN_PART_PATH], const char *folder, uint64_t number,
                          const struct quern_part_done *done, enum quern_vector_format format);

/* Reads .done. Returns 1 when it is there, 0 when it is not, QUERN_EIO or QUERN_EFORMAT when it cannot be read. */
int quern_part_read_done(struct quern_part_done *done, const char *folder, uint64_t number, quern_error *error);

/* Reads the checkpoint of a part that is being made. Returns as quern_part_read_done. */
int quern_part_read_checkpoint(struct quern_part_done *done, const char *folder, uint64_t number,
                               quern_error *error);

/* Whether another process makes the part now. */
bool quern_part_is_busy(const char *folder, uint64_t number);

/* Removes the journal of a part. Failures are left to the next run. */
void quern_part_remove_journal(const char *folder, uint64_t number);

/* Removes everything of a part. Failures are left to the next run. */
void quern_part_remove(const char *folder, uint64_t number);

#endif
