/* A cache of vectors that were computed before, or are being computed now. A text that comes again is not computed
 * again. Only the loop uses it.
 *
 * The cache keeps the model's whole vectors, so requests with any options share them. The key of a vector is the ids of
 * the text's tokens, with those of the prompt, because they decide every bit of the vector. A hash finds the entry, and
 * then all ids are compared. The hash contains a secret number, so no client can choose texts that all fall into one
 * slot of the table. The memory is bounded: when it is full, the least recently used entry is dropped first.
 *
 * A request claims the texts of its job. Each text is then one of these:
 *
 *     known     its vector is copied at once
 *     missing   this request must compute it, and others may wait for it
 *     awaited   another request, which has no more texts than this one, computes it; or this request computes it at
 *               another place
 *
 * When the request that computes a text fails or is given up, the requests that await the text are told. They claim it
 * again, and one of them computes it. */
#ifndef QUERN_SERVER_CACHE_H
#define QUERN_SERVER_CACHE_H

#include "job.h"

#include <stdbool.h>
#include <stdint.h>

struct quern_claim { /* of one text */
    struct quern_claims *owner;
    bool has_vector;
    struct quern_cached *computes, *awaits; /* entries; at most one of them is not NULL */
    struct quern_claim *before, *after;     /* of those that await the same entry */
};

struct quern_claims { /* of one request */
    struct quern_cache *cache;
    struct quern_job *job;              /* texts, vectors; wanted is set to what is missing */
    void (*settled)(void *owner);       /* called when no text is awaited any more, and none is being computed. It may
                                           be called while other claims are being changed, so it must not call
                                           functions of claims */
    void *owner;
    struct quern_claim *each;           /* [job->count]; NULL: not begun, or ended */
    bool computing;                     /* from quern_claims_take, if texts are missing, to quern_claims_computed */
    size_t awaited;                     /* texts */
    size_t next;                        /* text that is claimed next, or missing text whose vector is taken next */
};

struct quern_cache_counts {
    uint64_t known, missed, joined, dropped; /* texts so far */
};

struct quern_cache {
    uint64_t secret;
    size_t width, most_bytes, bytes, entries;
    struct quern_cached **table; /* [mask + 1]; NULL: there is no cache */
    size_t mask;
    struct quern_cached *newest, *oldest; /* entries with vectors, by their last use */
    struct quern_cache_counts counts;
};

void quern_cache_counts_add(struct quern_cache_counts *sum, const struct quern_cache_counts *counts);

/* bytes: of memory, enough for the table at least. width: of a vector. QUERN_ENOMEM. */
int quern_cache_init(struct quern_cache *cache, size_t bytes, size_t width);
void quern_cache_free(struct quern_cache *cache); /* when no claims are left */

/* Keeps a vector [width] of a text that is not there yet, if there is room. */
void quern_cache_put(struct quern_cache *cache, const quern_tokens *text, const float *vector);

/* Drops all vectors. */
void quern_cache_clear(struct quern_cache *cache);

/* Visits all texts with vectors, the one whose last use is longest ago first. */
typedef void quern_cache_visit(void *owner, const quern_tokens *text, const float *vector);
void quern_cache_each(const struct quern_cache *cache, quern_cache_visit *visit, void *owner);

/* Starts the claims of a job whose texts have no vectors yet. The caller sets cache, job, settled and owner; the rest
 * is zero. QUERN_ENOMEM. */
int quern_claims_begin(struct quern_claims *claims);

/* Claims the texts that have no vector, for the first time or again: at most so many of the texts at a call. False:
 * call again. When all are claimed, the job wants the missing ones. If there are any, the caller has them computed and
 * calls quern_claims_computed next. */
bool quern_claims_take(struct quern_claims *claims, size_t most);

/* Says that the missing texts were computed into the job's vectors, or that this failed: then others compute them.
 * Takes at most so many of them at a call. False: call again. */
bool quern_claims_computed(struct quern_claims *claims, bool succeeded, size_t most);

/* Whether all texts have vectors. */
bool quern_claims_are_met(const struct quern_claims *claims);

/* Ends claims; allowed for claims that never began. Texts that they were computing are then computed by a request that
 * awaits them. Reads the job's wanted texts, and changes nothing of the job. */
void quern_claims_end(struct quern_claims *claims);

#endif
