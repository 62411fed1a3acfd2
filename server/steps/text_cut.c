#include "text_cut.h"

#include "sections.h"
#include "source_reader.h"

#include <string.h>

/* Passages have the title of their text, or none where it would take too much room. */
static int take_passage(void *user, const struct quern_passage *passage, quern_error *error)
{
    struct quern_text_cut *cut = user;
    (void)error;
    if (cut->count == cut->capacity)
        return QUERN_ETOOLONG;
    struct quern_passage *taken = &cut->passages[cut->count++];
    *taken = *passage;
    if (passage->title.length > 0)
        memcpy(cut->title_read, passage->title.data, passage->title.length);
    taken->title.data = cut->title_read;
    return QUERN_OK;
}

int quern_text_cut_run(struct quern_text_cut *cut, quern_context *context)
{
    struct quern_source_reading reading = {.context = context, .embed = cut->embed, .chunk = cut->chunk,
                                           .put = take_passage, .user = cut};
    const quern_text title = cut->title.length > 0 ? cut->title : quern_document_title(cut->text, "", true);
    quern_error unwanted;
    if (cut->id.length == 0)
        quern_added_text_name(cut->name, cut->title, cut->text);
    return quern_source_read_text(&reading, cut->text, title, true, &unwanted);
}

quern_text quern_text_cut_name(const struct quern_text_cut *cut)
{
    return cut->id.length > 0 ? cut->id : (quern_text){cut->name, strlen(cut->name)};
}

size_t quern_text_cut_name_room(const struct quern_text_cut *cut)
{
    return quern_text_cut_name(cut).length + QUERN_PASSAGE_NUMBER;
}

quern_index_row quern_text_cut_row(const struct quern_text_cut *cut, uint64_t i, char *out)
{
    if (!cut->is_passage)
        return (quern_index_row){.name = {out, quern_passage_put_name(out, quern_text_cut_name(cut), i)}};
    return (quern_index_row){.number = cut->number, .name = cut->id};
}
