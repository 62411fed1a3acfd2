/* The models of a verb that works with several: those that were named, and those of a folder. */
#ifndef QUERN_CLI_MODEL_LIST_H
#define QUERN_CLI_MODEL_LIST_H

#include "cli.h"

struct quern_cli_listed {
    char *name;         /* as it was given, or that of the file without its ending */
    const char *alias;  /* the published name; NULL: it has none. Static */
    char *path;
    bool is_of_folder;
};

struct quern_cli_model_list {
    struct quern_cli_listed *models; /* [count], those that were named first */
    size_t count;
};

/* Lists models by what was given for each, as -m takes it or with a name of its own, NAME=MODEL, and then the GGUF
 * files of a folder (NULL: none) that are not among them. Without any it is the one that every verb uses. Reports
 * failures itself; returns an exit code. The list is freed in any case. */
int quern_cli_model_list_make(struct quern_cli_model_list *list, const char *const *given, int count,
                              const char *folder);
void quern_cli_model_list_free(struct quern_cli_model_list *list);

#endif
