/* Passages on their way into an index: some hundred are embedded together, whatever their titles are. */
#ifndef QUERN_PASSAGE_QUEUE_H
#define QUERN_PASSAGE_QUEUE_H

#include "kept_vectors.h"
#include "passage.h"

enum { QUERN_PASSAGE_BATCH = 256 }; /* passages that are embedded together at most */

struct quern_passage_queue {
    quern_context *context;
    quern_index_writer *writer;
    quern_embed_options embed; /* task, dimensions and flags of passages */
    int dimensions, context_length;
    void (*notice)(void *user, const char *line);
    void *user;
    uint64_t embedded, kept, tokens, failed; /* so far; failed: passages without a vector, of which a notice told */

    char *memory; /* names and payloads */
    size_t used, capacity;
    int32_t *ids; /* tokens */
    size_t id_count;
    size_t count;
    struct quern_queued_passage {
        size_t name, name_length, payload, payload_length; /* in memory */
        size_t first_id, ids; /* no ids: the vector is there already */
    } passages[QUERN_PASSAGE_BATCH];
    float *rows;              /* [QUERN_PASSAGE_BATCH][dimensions] */
};

/* Makes room. The caller has set all fields from context to user; the others are zero. QUERN_ENOMEM. */
int quern_passage_queue_open(struct quern_passage_queue *queue, quern_error *error);

/* Puts passage `number` of a file into the queue, which must not be full. A vector that is in `kept` is taken. A
 * passage that cannot be tokenised is left out, with a notice. QUERN_ENOMEM and other failures that are not the
 * passage's. */
int quern_passage_queue_put(struct quern_passage_queue *queue, const char *path, uint64_t number,
                            const struct quern_passage *passage, const struct quern_kept_vectors *kept,
                            quern_error *error);

bool quern_passage_queue_is_full(const struct quern_passage_queue *queue);

/* Embeds what is in the queue and adds it to the index. Fails as quern_embed_tokens and quern_index_add do. */
int quern_passage_queue_flush(struct quern_passage_queue *queue, quern_error *error);

void quern_passage_queue_close(struct quern_passage_queue *queue); /* zeros are allowed */

#endif
