#include "search.h"

#include "source_table.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int quern_cli_index_session_open(struct quern_cli_session *session, const struct quern_cli_session_options *options,
                                 const char *recorded, const char *known)
{
    static char path[QUERN_CLI_PATH]; /* session->path lives as long as the process */
    struct quern_cli_session_options with = *options;
    *session = (struct quern_cli_session){.path = NULL};
    if (with.model == NULL && recorded != NULL) {
        snprintf(path, sizeof path, "%s", recorded);
        if (quern_cli_published_find(path) != NULL || access(path, R_OK) == 0)
            with.model = path;
        else
            quern_cli_notice("the model of the index, %s, is not there any more: the usual one is tried", recorded);
        if (with.as == NULL && with.model != NULL)
            with.as = known;
    }
    return quern_cli_session_open(session, &with);
}

int quern_cli_index_model_open(struct quern_cli_session *session, const struct quern_cli_session_options *options,
                               const quern_index_info *index)
{
    struct quern_source_table table;
    const bool is_told = quern_source_table_read(&table, index->note, NULL) == QUERN_OK;
    struct quern_cli_session_options with = *options;
    with.exact |= is_told && table.exact;
    const char *model = is_told && table.model[0] != '\0' ? table.model : NULL;
    const char *known = is_told && table.known[0] != '\0' ? table.known : NULL;
    const int code = quern_cli_index_session_open(session, &with, model, known);
    quern_source_table_free(&table);
    return code;
}

char *quern_cli_index_model_name(const char *model)
{
    char *path = quern_cli_published_find(model) == NULL || access(model, F_OK) == 0 ? realpath(model, NULL) : NULL;
    return path != NULL ? path : strdup(model);
}

int quern_cli_index_open(quern_index **index, quern_index_info *info, const char *path)
{
    quern_error error;
    *info = (quern_index_info){.size = sizeof *info};
    *index = NULL;
    if (quern_index_open(index, path, &error) != QUERN_OK || quern_index_describe(*index, info, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    return QUERN_CLI_DONE;
}
