/* quern bench: what the machine can do and what quern makes of it, in tables.
 *
 * A verb of the command that lives beside cli/ because it looks inside: at kernels, the stages of a run, the maker of
 * test models. It may include any header of the tree. */
#ifndef QUERN_BENCH_H
#define QUERN_BENCH_H

#include "cli.h"
#include "store/session.h"

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

/* A new table at the end; columns ends with a key of NULL. Everything given lives as long as the report. */
struct quern_bench_table *quern_bench_table_add(struct quern_bench_report *report, const char *key, const char *title,
                                                const char *note, const struct quern_bench_column *columns);

/* A new row: for every column a const char *, which is copied, or a double; NAN for what there is no figure for. */
void quern_bench_put(struct quern_bench_report *report, struct quern_bench_table *table, ...);

void quern_bench_print_markdown(const struct quern_bench_report *report, FILE *file);
void quern_bench_print_json(const struct quern_bench_report *report, FILE *file);
void quern_bench_report_free(struct quern_bench_report *report);

/* ---------------------------------------------------------------- measure.c */

struct quern_bench_figures { /* of one call */
    double p50_ns, min_ns, p99_ns;
    double bytes, allocations; /* that quern asked malloc for; see counted_malloc.c */
};

typedef int quern_bench_call(void *user); /* QUERN_OK or what went wrong, which ends the measurement */

/* Calls for about so many seconds, after a first call that does not count. */
int quern_bench_measure(struct quern_bench_figures *figures, quern_bench_call *call, void *user, double seconds);
double quern_bench_now_ns(void);

/* ---------------------------------------------------------------- counted_malloc.c */

struct quern_bench_count {
    uint64_t allocations, bytes;
};
struct quern_bench_count quern_bench_counted(void); /* by malloc, calloc and realloc of this program so far */

/* ---------------------------------------------------------------- what is measured */

struct quern_bench {
    struct quern_cli_options options; /* the model is always given */
    struct quern_cli_session session; /* open, but for quern_bench_load */
    struct quern_bench_report report; /* whose first table is that of quern_bench_system */
    double seconds; /* for a row */
    int lengths[16], length_count;
    struct { int texts, tokens; } batches[16];
    int batch_count;
    int32_t *ids; /* [QUERN_BENCH_IDS] at random: tokens to embed */
    size_t next_id;
    quern_error error;
};
enum { QUERN_BENCH_IDS = 1 << 16, QUERN_BENCH_WIDTH = 1 << 14 }; /* width: of a vector at most */

/* Sections: each adds tables to the report. QUERN_OK, or a code with bench->error filled. */
int quern_bench_system(struct quern_bench *bench);   /* machine.c */
int quern_bench_load(struct quern_bench *bench);     /* machine.c: load and memory */
int quern_bench_tokenize(struct quern_bench *bench); /* texts.c */
int quern_bench_forward(struct quern_bench *bench);  /* passes.c: forward exact and int8, end to end, and the goal */
int quern_bench_latency(struct quern_bench *bench);  /* passes.c */
int quern_bench_batches(struct quern_bench *bench);  /* passes.c */
int quern_bench_threads(struct quern_bench *bench);  /* passes.c */
int quern_bench_stages(struct quern_bench *bench);   /* passes.c */
int quern_bench_kernels(struct quern_bench *bench);  /* kernel_rows.c */

/* Text to measure with, made up: always the same, terminated, of so many bytes; to be freed. */
char *quern_bench_text(bool markdown, size_t bytes);
#define QUERN_BENCH_SENTENCE "How do I keep a sourdough starter alive while I am away for a month ?" /* 69 bytes */

/* made_model.c: the path of a full-size model of random weights, made unless it is there already. NULL with the error
 * filled. *temporary: it is to be removed. */
const char *quern_bench_made_model(bool *temporary, quern_error *error);

#endif
