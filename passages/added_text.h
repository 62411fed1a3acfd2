/* A text that is no file, as passages of an index. */
#ifndef QUERN_ADDED_TEXT_H
#define QUERN_ADDED_TEXT_H

#include "quern_index.h"

#define QUERN_ADDED_TEXT_NAME 40 /* room for a name */

struct quern_added_text {
    const char *path;        /* of the index; it is made when it is not there */
    const char *model_name;  /* of a new index: how it names the model (indexing.h) */
    const quern_model *model;
    quern_context *context;
    quern_text title, text;  /* of Markdown or plain text; title of length 0: that of the text, if it has one */
};

/* Adds the text, cut as a file of Markdown is, and commits. Writes its name to name: "text:" and 16 digits of a digest
 * of title and text. Its passages are NAME#0, NAME#1 and so on; *passages: how many. The same title and text again
 * replace them. Fails with QUERN_EINVAL for a text without words, an index of other ids, or a model of another space;
 * else as quern_index_change and quern_embed do. */
int quern_add_text(const struct quern_added_text *added, char name[QUERN_ADDED_TEXT_NAME], uint64_t *passages,
                   quern_error *error);

#endif
