/* The rules of a file .gitignore, as git reads them. Bytes need not be UTF-8.
 *
 * Threads: rules that were read never change, so threads may share them. */
#ifndef QUERN_IGNORE_RULES_H
#define QUERN_IGNORE_RULES_H

#include "quern.h"

#include <stdbool.h>

#define QUERN_IGNORE_MOST_BYTES ((size_t)1 << 20) /* of a file of rules */
#define QUERN_IGNORE_MOST_PATTERN 4096 /* bytes of a pattern: a path is not longer; longer ones match nothing */

struct quern_ignore_rules {
    char *patterns; /* one behind the other, each with a NUL at its end */
    struct quern_ignore_rule *rules; /* [count], in the order of the file */
    size_t count;
};

enum quern_ignore_verdict {
    QUERN_IGNORE_SILENT, /* no rule matches */
    QUERN_IGNORE_LEFT_OUT,
    QUERN_IGNORE_TAKEN   /* a rule with ! matches */
};

/* Reads the text of a file of rules. QUERN_ENOMEM. The caller frees *rules, also after a failure. */
int quern_ignore_rules_read(struct quern_ignore_rules *rules, quern_text text, quern_error *error);

/* What the last rule that matches says. path: of a file or folder, relative to the folder of the rules: no slash at its
 * beginning or end. A path below a folder that is left out must not be asked for: it is left out, too. Takes time of
 * at most the length of the path times that of the rules. */
enum quern_ignore_verdict quern_ignore_rules_verdict(const struct quern_ignore_rules *rules, const char *path,
                                                     bool is_folder);

void quern_ignore_rules_free(struct quern_ignore_rules *rules); /* zeros are allowed */

#endif
