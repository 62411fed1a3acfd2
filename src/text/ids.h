/* Where the ids of a text are written while it is tokenised. */
#ifndef QUERN_TEXT_IDS_H
#define QUERN_TEXT_IDS_H

#include "quern.h"

#include <string.h>

struct quern_ids {
    int32_t *ids; /* [capacity]; may be NULL when capacity is 0 */
    size_t capacity;
    size_t count; /* of all ids; it may exceed capacity, because ids that do not fit are only counted */
    int32_t last; /* the last of all ids */

    /* The places of the ids, for quern_tokenizer_spans. */
    quern_token_span *spans;   /* [capacity]; NULL: not wanted */
    const unsigned char *text; /* the first byte of the text */
    size_t end;                /* of the last span */
};

static inline void quern_ids_put(struct quern_ids *ids, int32_t id)
{
    if (ids->count < ids->capacity)
        ids->ids[ids->count] = id;
    ids->count++;
    ids->last = id;
}

/* The same for several ids. */
static inline void quern_ids_put_all(struct quern_ids *ids, const int32_t *from, size_t count)
{
    const size_t room = ids->count < ids->capacity ? ids->capacity - ids->count : 0;

    if (room > 0)
        memcpy(ids->ids + ids->count, from, (count < room ? count : room) * sizeof *from);
    ids->count += count;
    if (count > 0)
        ids->last = from[count - 1];
}

/* The same for an id that stands for nothing in the text: it opens or closes the text. */
static inline void quern_ids_put_added(struct quern_ids *ids, int32_t id)
{
    if (ids->spans != NULL && ids->count < ids->capacity)
        ids->spans[ids->count] = (quern_token_span){0, 0, QUERN_PART_ADDED};
    quern_ids_put(ids, id);
}

/* The same for an id that stands for the bytes [begin, end) of the text. begin may be too small, because the space that
 * is put before a text is not in the text. So a span never begins before the end of the span in front of it. */
static inline void quern_ids_put_span(struct quern_ids *ids, int32_t id, const unsigned char *begin,
                                      const unsigned char *end)
{
    if (ids->spans != NULL && ids->count < ids->capacity) {
        size_t last = ids->end;
        ids->end = (size_t)(end - ids->text);
        ids->spans[ids->count] = (quern_token_span){
            begin > ids->text + last ? (size_t)(begin - ids->text) : last, ids->end, QUERN_PART_TEXT};
    }
    quern_ids_put(ids, id);
}

#endif
