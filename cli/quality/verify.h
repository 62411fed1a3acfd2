/* The verb verify: what its files share. */
#ifndef QUERN_CLI_VERIFY_H
#define QUERN_CLI_VERIFY_H

#include "arguments.h"
#include "store/session.h"

struct quern_cli_verify_options {
    struct quern_cli_session_options session;
    struct quern_cli_input_options input;
    quern_embed_options embed; /* task and dimensions */
    const char *against;       /* NULL: not given */
    bool json;
};

/* ---------------------------------------------------------------- compare.c */

/* Embeds the texts of the input with the model, and on the exact path with what options->against names, and prints how
 * far the vectors are from each other. Reports failures itself; returns an exit code. */
int quern_cli_compare(const struct quern_cli_verify_options *options, struct quern_cli_arguments arguments);

/* ---------------------------------------------------------------- goldens.c */

/* Figures of the real EmbeddingGemma-300M, which other programs computed in float32. */
#define QUERN_CLI_GOLDEN_DIMENSIONS 768
struct quern_cli_golden {
    const char *label;
    const char *text; /* the text is this string, */
    int repeat;       /* repeated so many times */
    int task;
    uint32_t tokens, truncated;
    int32_t ids[4]; /* of the text without a task, special ones included; ids[0] 0: unknown */
    int16_t vector[QUERN_CLI_GOLDEN_DIMENSIONS]; /* the final vector, scaled to 16 bits; only its direction is used */
    const int16_t *hidden;                       /* the mean of the hidden states, in the same form; or NULL */
};
extern const struct quern_cli_golden quern_cli_goldens[];
extern const int quern_cli_golden_count;

/* ---------------------------------------------------------------- verify_leading.c */

/* The name of the model of which leading numbers are stored, and which the file says that it is; or NULL. */
const char *quern_cli_leading_model(const quern_model_info *info);

/* Compares vectors with the stored numbers of that model, on the session's path and by the context exact. Prints the
 * verdict; returns an exit code. */
int quern_cli_verify_leading(const struct quern_cli_session *session, const char *model, quern_context *exact);

/* ---------------------------------------------------------------- verify_file.c */

/* Says which published model a file is of which no vectors are stored: by its digest, if that is one of the published
 * ones. Returns an exit code. */
int quern_cli_verify_file(const struct quern_cli_session *session);

/* Whether weights have fewer than 8 bits, by their types. */
bool quern_cli_is_coarse(const char *types);

#endif
