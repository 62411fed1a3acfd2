/* Texts that are no files, as passages of an index, and an index for them. */
#ifndef QUERN_ADDED_TEXT_H
#define QUERN_ADDED_TEXT_H

#include "quern_index.h"

#include <stdbool.h>

#define QUERN_ADDED_TEXT_NAME 40    /* room for a name */
#define QUERN_TEXT_INDEX_MODEL 4096 /* room for a model's name or path */

struct quern_added_text {
    const char *path;        /* of the index; it is made when it is not there */
    const char *model_name;  /* of a new index: how it names the model (indexing.h) */
    const quern_model *model;
    quern_context *context;
    quern_text title, text;  /* of Markdown or plain text; title of length 0: that of the text, if it has one */
};

/* What a text without words would be searched by: nothing. */
bool quern_has_words(quern_text text);

/* The name of a text that nobody has given one: "text:" and 16 digits of a digest of title and text. */
void quern_added_text_name(char name[QUERN_ADDED_TEXT_NAME], quern_text title, quern_text text);

/* Makes an index of no files, with a note that names its model (indexing.h); it appears with the first commit. options:
 * as quern_index_create takes them. The caller frees *writer, also after a failure. Fails as that does. */
int quern_text_index_create(quern_index_writer **writer, const char *path, const char *model_name,
                            const quern_index_options *options, quern_error *error);

/* Reads the note of an index: how its texts are cut, and how it names its model (indexing.h). Without such a note,
 * texts are cut as usual, and the model is "". */
quern_chunk_options quern_text_index_read(quern_text note, char model[QUERN_TEXT_INDEX_MODEL]);

/* Adds the text, cut as a file of Markdown is, and commits. Writes its name (quern_added_text_name) to name. Its
 * passages are NAME#0, NAME#1 and so on; *passages: how many. The same title and text again
 * replace them. Fails with QUERN_EINVAL for a text without words, an index of other ids, or a model of another space;
 * else as quern_index_change and quern_embed do. */
int quern_add_text(const struct quern_added_text *added, char name[QUERN_ADDED_TEXT_NAME], uint64_t *passages,
                   quern_error *error);

#endif
