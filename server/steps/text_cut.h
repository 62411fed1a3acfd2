/* Cutting a text into the passages that an index gets of it. */
#ifndef QUERN_SERVER_TEXT_CUT_H
#define QUERN_SERVER_TEXT_CUT_H

#include "added_text.h"
#include "passage.h"

/* A text that somebody adds to an index. */
struct quern_text_cut {
    quern_text id;           /* "": it has none */
    quern_text title, text;  /* title of length 0: that of the text, if it has one */
    quern_embed_options embed; /* of passages, without a title */
    quern_chunk_options chunk;

    /* Set when it is cut. The texts of passages are views of the text. */
    char name[QUERN_ADDED_TEXT_NAME];   /* instead of an id */
    char title_read[QUERN_PASSAGE_TITLE]; /* what the titles of passages view */
    struct quern_passage *passages;     /* [capacity], the caller's */
    size_t count, capacity;
};

/* Cuts a text. QUERN_ETOOLONG: it has more passages than there is room for. Fails as quern_chunk_text does. */
int quern_text_cut_run(struct quern_text_cut *cut, quern_context *context);

/* What its passages are called: its id, or its name. */
quern_text quern_text_cut_name(const struct quern_text_cut *cut);

#endif
