/* The models that this process has open. Connections share them, so that a file is read and packed once. */
#ifndef QUERN_SQLITE_OPEN_MODELS_H
#define QUERN_SQLITE_OPEN_MODELS_H

#include "quern.h"

#include <stdbool.h>

/* Finds and opens a model; another connection's is shared, if it is of the very same file. The caller gives it back
 * with quern_sql_release.
 *
 * given: the path of a file, or a published name; NULL: as the command finds one, that is $QUERN_MODEL, else a model of
 * the cache folder, else the starter model. threads: to open it with, 0 for all. Writes to *path the path, which the
 * caller frees with sqlite3_free. Fails as quern_model_open does.
 *
 * The model that was opened last stays open when nobody uses it, because programs open a connection for each request.
 * A child after fork() opens models anew. Any thread may call these functions at any time. */
int quern_sql_share(quern_model **model, char **path, const char *given, int threads, quern_error *error);

/* Not for a model that was opened before fork(): the child cannot free it. */
void quern_sql_release(quern_model *model);

/* Notes where this library lies, because the starter model is looked for beside it. */
void quern_sql_note_place(void);

#endif
