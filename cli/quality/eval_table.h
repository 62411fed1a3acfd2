/* What an evaluation prints: the figures of one model, or of several side by side. */
#ifndef QUERN_EVAL_TABLE_H
#define QUERN_EVAL_TABLE_H

#include "eval.h"

#define QUERN_EVAL_FIGURES 6 /* most figures of a row */
#define QUERN_EVAL_FORMS 3   /* most forms in which the vectors are measured */

/* A figure: its title in a table, its key in JSON, and digits behind the point in a table. */
struct quern_eval_figure {
    const char *title, *key;
    int digits;
};

/* The figures of one number of dimensions, in each form. */
struct quern_eval_measured {
    double figures[QUERN_EVAL_FORMS][QUERN_EVAL_FIGURES];
};

/* One model. A figure that is not defined is NaN. */
struct quern_eval_column {
    char name[128];   /* as the file has it */
    const char *file; /* as it was given */
    const char *path; /* "fast" or "exact" */
    char task[80];    /* "task similarity" */
    char task_json[96];
    uint64_t cut;              /* texts that were cut */
    double ms_text, tokens_text; /* milliseconds and tokens of a text, the mean of all */
    uint64_t memory_bytes;     /* planned, as 'quern info' has it */
    int width;    /* all dimensions */
    struct quern_cli_numbers dims;
    struct quern_eval_measured whole;                      /* of all dimensions */
    struct quern_eval_measured leading[QUERN_CLI_NUMBERS]; /* [dims.count] */
};

/* Figures that no model has part in. */
struct quern_eval_baseline {
    const char *name;
    double figures[QUERN_EVAL_FIGURES];
};

struct quern_eval_table {
    const char *source_key, *source; /* what was read: the key of its name in JSON, and the name */
    char size[80];                   /* "3 pairs" */
    char size_json[96];
    const struct quern_eval_figure *figures;
    int figure_count;
    const char *const *forms; /* their names; NULL: vectors are measured as they are */
    int form_count;           /* 1 or more */
    bool json, chosen; /* chosen: the user has named dimensions */
    struct quern_eval_column columns[QUERN_EVAL_MODELS];
    int column_count;
    struct quern_eval_baseline baselines[2];
    int baseline_count;
};

/* An empty table with a column for each model of the options. */
void quern_eval_table_start(struct quern_eval_table *table, const struct quern_eval_options *options,
                            const struct quern_eval_figure *figures, int figure_count);

/* Opens model number i of the options, and fills a column but for the task and the figures. Reports failures itself;
 * returns an exit code. The caller closes the session in any case. */
int quern_eval_column_open(struct quern_eval_column *column, const struct quern_eval_options *options, int i,
                           struct quern_cli_session *session);

/* Takes from a finished job what the column says of it, and says how many texts were cut. */
void quern_eval_column_take(struct quern_eval_column *column, const struct quern_cli_rows *job);

/* Prints one model as a table of its dimensions; several as a table with a column for each model, and one for its
 * difference to the first. */
void quern_eval_table_print(const struct quern_eval_table *table);

#endif
