/* Which sentence of a passage answers a query best. */
#ifndef QUERN_BEST_SENTENCE_H
#define QUERN_BEST_SENTENCE_H

#include "quern.h"

/* Bytes [begin, end) of a text. */
struct quern_sentence {
    size_t begin, end;
};

/* Finds in each of texts[count] the sentence (sections.h) whose vector is most like that of the query; the text itself
 * when it has one sentence. embed: the options of documents; query: a vector with as many dimensions. Embeds all
 * sentences. Fails as quern_embed does, without a text at fault; sentences that cannot be embedded are passed over. */
int quern_find_best_sentences(quern_context *context, const quern_embed_options *embed, const float *query,
                              int dimensions, const quern_text *texts, size_t count, struct quern_sentence *best,
                              quern_error *error);

#endif
