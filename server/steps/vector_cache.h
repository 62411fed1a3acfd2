/* Vectors that were computed before, or are being computed: so that a text is computed once. Of the loop alone.
 *
 * What is kept is a model's whole vector, under the ids of the tokens it was made of, prompt included: they decide
 * every bit of it, and requests of any options share it. Ids are compared themselves; the hash that finds them has a
 * secret, so that nobody can fill one place of the table. The memory is bounded, what was not used longest goes first.
 *
 * A request claims its texts. Each is then one of these:
 *
 *     known     its vector is copied at once
 *     missing   the request is to compute it, and others may wait for it
 *     awaited   another request of no more texts computes it, or the same one at another place
 *
 * When who computes a text fails or leaves, those that await it are told, claim again, and one of them computes it. */
#ifndef QUERN_SERVER_CACHE_H
#define QUERN_SERVER_CACHE_H

#include "quern.h"

#include <stdbool.h>
#include <stdint.h>

struct quern_claim { /* of one text */
    struct quern_claims *owner;
    bool has_vector;
    struct quern_cached *computes, *awaits; /* entries; one of them at most, NULL: no */
    struct quern_claim *before, *after;     /* of those that await the same */
};

struct quern_claims { /* of a request */
    struct quern_cache *cache;
    const quern_tokens *texts; /* [count]; the request's */
    float *vectors;            /* [count][width]; the request's */
    size_t count;
    struct quern_claim *each; /* [count] */

    quern_tokens *missing; /* [missing_count]: to be computed; missing[i] is the text slots[i] */
    size_t *slots;
    size_t missing_count;
    bool computing; /* until quern_claims_computed */
    size_t awaited;
    void (*settled)(struct quern_claims *claims); /* nothing is awaited any more, nor being computed */
};

struct quern_cache {
    uint64_t secret;
    size_t width, most_bytes, bytes, entries;
    struct quern_cached **table; /* [mask + 1]; NULL: there is no cache */
    size_t mask;
    struct quern_cached *newest, *oldest; /* with vectors, by their last use */
    uint64_t known, missed, joined, dropped; /* texts so far */
};

/* bytes: of memory, at least some for the table. width: of a vector. QUERN_ENOMEM. */
int quern_cache_init(struct quern_cache *cache, size_t bytes, size_t width);
void quern_cache_free(struct quern_cache *cache); /* when no claims are left */

/* Keeps a vector [width] of a text that is not there yet, if there is room. */
void quern_cache_put(struct quern_cache *cache, const quern_tokens *text, const float *vector);

/* Drops all vectors. */
void quern_cache_clear(struct quern_cache *cache);

/* Visits all texts with vectors, the one used longest ago first. */
typedef void quern_cache_visit(void *owner, const quern_tokens *text, const float *vector);
void quern_cache_each(const struct quern_cache *cache, quern_cache_visit *visit, void *owner);

/* Starts the claims of texts that have no vectors yet: cache, texts, vectors, count and settled are filled in, the rest
 * is zero. QUERN_ENOMEM. */
int quern_claims_begin(struct quern_claims *claims);

/* Claims the texts without a vector, again if need be. If texts are missing, computing is set, and
 * quern_claims_computed comes next. */
void quern_claims_take(struct quern_claims *claims);

/* The missing texts were computed, into vectors; or not, and somebody else is to do it. */
void quern_claims_computed(struct quern_claims *claims, bool succeeded);

/* Whether all texts have vectors. */
bool quern_claims_are_met(const struct quern_claims *claims);

/* The request waits for nothing any more; what it is computing, others still may. */
void quern_claims_leave(struct quern_claims *claims);

/* Ends claims, also those that never began. What is not computed yet, others do. */
void quern_claims_end(struct quern_claims *claims);

#endif
