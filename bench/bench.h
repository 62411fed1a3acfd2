/* quern bench: measures the machine, and the speed of quern on it, in tables.
 *
 * It is a verb of the command, but it is not in cli/, because it uses internal parts of the library: kernels, the
 * stages of a pass, the maker of test models. It may include any header of the tree. */
#ifndef QUERN_BENCH_H
#define QUERN_BENCH_H

#include "arguments.h"
#include "store/session.h"
#include "temporary_file.h"

#include "quern.h"

/* ---------------------------------------------------------------- report.c */

struct quern_bench_column {
    const char *key;     /* in JSON */
    const char *heading; /* in Markdown */
    int decimals;        /* of a number; QUERN_BENCH_TEXT: the column holds texts */
};
enum { QUERN_BENCH_TEXT = -1 };

struct quern_bench_table {
    const char *key, *title, *note; /* note: a paragraph, or NULL */
    const struct quern_bench_column *columns;
    int column_count;
    struct quern_bench_cell *cells; /* [rows][column_count] */
    size_t rows;
};

enum { QUERN_BENCH_TABLES = 16 };
struct quern_bench_report {
    struct quern_bench_table tables[QUERN_BENCH_TABLES];
    int count;
    bool failed; /* memory ran out: something is missing */
};

/* Adds a table. The last element of columns has the key NULL. All arguments must live as long as the report. */
struct quern_bench_table *quern_bench_table_add(struct quern_bench_report *report, const char *key, const char *title,
                                                const char *note, const struct quern_bench_column *columns);

/* Adds a row. The arguments are one for each column: a const char *, which is copied, or a double. NAN: no figure. */
void quern_bench_put(struct quern_bench_report *report, struct quern_bench_table *table, ...);

void quern_bench_print_markdown(const struct quern_bench_report *report, FILE *file);
void quern_bench_print_json(const struct quern_bench_report *report, FILE *file);
void quern_bench_report_free(struct quern_bench_report *report);

/* ---------------------------------------------------------------- measure.c */

struct quern_bench_figures { /* of one call */
    double p50_ns, min_ns, p99_ns;
    double bytes, allocations; /* requested from malloc; see counted_malloc.c */
};

typedef int quern_bench_call(void *user); /* returns QUERN_OK, or an error code, which ends the measurement */

/* Calls for about so many seconds, after a first call that is not counted. */
int quern_bench_measure(struct quern_bench_figures *figures, quern_bench_call *call, void *user, double seconds);
double quern_bench_now_ns(void);
double quern_bench_median(double *values, size_t count); /* sorts the values; count >= 1 */

/* ---------------------------------------------------------------- counted_malloc.c */

struct quern_bench_count {
    uint64_t allocations, bytes;
};
struct quern_bench_count quern_bench_counted(void); /* since the start of the program */

/* ---------------------------------------------------------------- what is measured */

struct quern_bench_options {
    struct quern_cli_session_options session;
    const char *batches, *only, *report, *texts_folder; /* NULL: not given */
    struct quern_cli_numbers tokens, rows;
    double seconds; /* how long a row is measured */
    bool json;
};

struct quern_bench {
    struct quern_bench_options options; /* the model is always given */
    struct quern_cli_session session; /* open, except during quern_bench_load */
    struct quern_bench_report report; /* its first table is that of quern_bench_system */
    struct quern_cli_numbers lengths; /* of the texts of quern_bench_latency */
    struct quern_cli_numbers rows;    /* of the indexes of quern_bench_search */
    struct { int texts, tokens; } batches[16];
    int batch_count;
    int32_t *ids; /* [QUERN_BENCH_IDS] random token ids to embed */
    size_t next_id;
    quern_error error;
};
enum { QUERN_BENCH_IDS = 1 << 16, QUERN_BENCH_WIDTH = 1 << 14 }; /* width: most dimensions of a vector */

/* The sections. Each adds tables to the report. Returns QUERN_OK, or a code, and sets bench->error. */
int quern_bench_system(struct quern_bench *bench);   /* machine.c */
int quern_bench_load(struct quern_bench *bench);     /* machine.c: load and memory */
int quern_bench_tokenize(struct quern_bench *bench); /* tokenizing.c */
int quern_bench_forward(struct quern_bench *bench);  /* passes.c: passes on both paths, text to vector, and the goal */
int quern_bench_latency(struct quern_bench *bench);  /* passes.c */
int quern_bench_batches(struct quern_bench *bench);  /* passes.c */
int quern_bench_threads(struct quern_bench *bench);  /* passes.c */
int quern_bench_stages(struct quern_bench *bench);   /* passes.c */
int quern_bench_kernels(struct quern_bench *bench);  /* kernel_rows.c */
int quern_bench_search(struct quern_bench *bench);   /* searching.c */

/* texts.c: makes a text of so many bytes, always the same, with a terminator. Its words are as frequent as those of
 * real texts. The caller frees it. NULL: no memory. */
char *quern_bench_text(bool markdown, size_t bytes);
#define QUERN_BENCH_SENTENCE "How do I keep a sourdough starter alive while I am away for a month ?" /* 69 bytes */

/* made_model.c: returns the path of a full-size model with random weights, and makes it if it is not there. It lies in
 * the cache folder or, if that cannot be written, in *temporary, which the caller removes. NULL after a message. */
const char *quern_bench_made_model(struct quern_cli_temporary *temporary);

#endif
