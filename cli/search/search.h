/* What the verbs on index files share. */
#ifndef QUERN_CLI_SEARCH_H
#define QUERN_CLI_SEARCH_H

#include "arguments.h"
#include "cli.h"
#include "hits.h"
#include "indexing.h"
#include "quern_index.h"
#include "store/session.h"

struct quern_cli_index_options {
    struct quern_cli_session_options session;
    quern_embed_options embed;
    const char *output;
    const char *chunk;
    const char *text, *title_column;
    int dtype;
    int format;            /* of export: a place in QUERN_EXPORT_FORMATS */
    const char *ids, *payloads, *space; /* of import */
    bool null;             /* ids and payloads end with NUL */
    bool bits, remove, force, watch, no_ignore, json;
    double commit;
};

/* ---------------------------------------------------------------- index_model.c */

/* Opens the model that was given, or else the one that an index names, or else the usual one. recorded, known: as the
 * index has them; NULL: it does not tell. Reports failures itself; returns an exit code. */
int quern_cli_index_session_open(struct quern_cli_session *session, const struct quern_cli_session_options *options,
                                 const char *recorded, const char *known);

/* The same for an open index, whose note tells. */
int quern_cli_index_model_open(struct quern_cli_session *session, const struct quern_cli_session_options *options,
                               const quern_index_info *index);

/* How an index names a model: a published name stays, a path becomes absolute. The caller frees it. NULL: no memory. */
char *quern_cli_index_model_name(const char *model);

/* ---------------------------------------------------------------- shown_path.c */

/* A path as users see it: without the current folder, if it lies there. A view of the path. */
quern_text quern_cli_shown_path(quern_text path);

/* Opens an index and describes it. Reports failures itself; returns an exit code. */
int quern_cli_index_open(quern_index **index, quern_index_info *info, const char *path);

/* ---------------------------------------------------------------- query_vectors.c */

struct quern_cli_search_options {
    struct quern_cli_session_options session;
    int hits;
    double least; /* below every score: not given */
    int oversampling;
    bool fast, hybrid, full, no_mark, json;
    struct quern_cli_texts paths; /* patterns (row_filter.h) */
    const char *vectors;
};

/* The options of a search, and of its searcher. */
quern_search_options quern_cli_search_with(const struct quern_cli_search_options *given);
quern_searcher_options quern_cli_searcher_with(const struct quern_cli_search_options *given);

/* quern search INDEX --vectors FILE: searches for the rows of a NumPy array. Returns an exit code. */
int quern_cli_search_vectors(const struct quern_cli_search_options *given, quern_index *index,
                             const quern_index_info *info);

/* ---------------------------------------------------------------- show_hits.c */

/* Prints hits for people: file and line, score, title, and the passage with its best sentence marked. full: all of the
 * passage, not only what stands around the sentence. */
void quern_cli_show_hits(const struct quern_shown_hit *hits, size_t count, bool named, bool full);

/* Prints where a row is, or its id, and the beginning of its text, as a line. */
void quern_cli_show_row(const quern_index_row *row, bool named);

/* ---------------------------------------------------------------- index_files.c */

/* The absolute path of an index, which need not be there; its folder must. The caller frees it. NULL after a
 * message. */
char *quern_cli_index_path(const char *path);

/* Writes what a run has done as members of a JSON object. */
void quern_cli_put_indexing(FILE *file, const struct quern_indexing_progress *done);

/* quern index FILE...: brings an index up to date. Returns an exit code. */
int quern_cli_index_files(const struct quern_cli_index_options *options, struct quern_cli_arguments arguments);

/* The other uses of the verb, each in a file of its name. path: of the index; of import: of the vectors. */
int quern_cli_index_info(const struct quern_cli_index_options *options, const char *path);
int quern_cli_index_check(const char *path);
int quern_cli_index_compact(const char *path);
int quern_cli_index_import(const struct quern_cli_index_options *options, const char *path);
int quern_cli_index_export(const struct quern_cli_index_options *options, const char *path);

#endif
