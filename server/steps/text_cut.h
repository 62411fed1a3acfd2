/* A text that somebody adds to an index: cut into passages, or a passage itself. */
#ifndef QUERN_SERVER_TEXT_CUT_H
#define QUERN_SERVER_TEXT_CUT_H

#include "added_text.h"
#include "passage.h"

#include <stdbool.h>

struct quern_text_cut {
    bool is_passage;         /* it is not cut, and its id is that of its row */
    uint64_t number;         /* the id of a passage, where ids are numbers */
    quern_text id;           /* "": it has none, or a number */
    quern_text title, text;  /* title of length 0: that of the text, if it has one */
    quern_embed_options embed; /* of passages, without a title */
    quern_chunk_options chunk;

    /* Set when it is cut; of a passage by the caller, but for its lines. The texts are views of the text. */
    char name[QUERN_ADDED_TEXT_NAME];   /* instead of an id */
    char title_read[QUERN_PASSAGE_TITLE]; /* what the titles of passages view */
    struct quern_passage *passages;     /* [capacity], the caller's */
    size_t count, capacity;
};

/* Cuts a text. QUERN_ETOOLONG: it has more passages than there is room for. Fails as quern_chunk_text does. */
int quern_text_cut_run(struct quern_text_cut *cut, quern_context *context);

/* What a text is called whose passages are NAME#0 and so on: its id, or its name. */
quern_text quern_text_cut_name(const struct quern_text_cut *cut);

/* The room that the name of one of its rows needs. */
size_t quern_text_cut_name_room(const struct quern_text_cut *cut);

/* Makes the id of the row of passage i, with its name in out, which has this room. */
quern_index_row quern_text_cut_row(const struct quern_text_cut *cut, uint64_t i, char *out);

#endif
