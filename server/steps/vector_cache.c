#include "vector_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HASH_PRIME (((uint64_t)1 << 61) - 1)
#define OVERHEAD 32 /* bytes that an allocation costs beside its size, about */

struct quern_cached {
    struct quern_cached *next;              /* in the same slot of the table */
    struct quern_cached *newer, *older;     /* while it has a vector */
    struct quern_claim *awaited_by;         /* while it has none; the first of a list */
    const struct quern_claims *computed_by; /* while it has none */
    bool has_vector;
    uint64_t hash;
    size_t count;
    int32_t *ids;   /* [count], behind the vector */
    float vector[]; /* [width] */
};

/* ---------------------------------------------------------------- the table */

int quern_cache_init(struct quern_cache *cache, size_t bytes, size_t width)
{
    size_t slots = 64;
    *cache = (struct quern_cache){.width = width, .most_bytes = bytes};
    while (slots < bytes / (width * sizeof(float) + sizeof(struct quern_cached)))
        slots *= 2;
    if (getrandom(&cache->secret, sizeof cache->secret, 0) != sizeof cache->secret)
        return QUERN_EIO;
    cache->secret %= HASH_PRIME;
    cache->table = calloc(slots, sizeof *cache->table);
    cache->mask = slots - 1;
    cache->bytes = slots * sizeof *cache->table;
    return cache->table != NULL ? QUERN_OK : QUERN_ENOMEM;
}

void quern_cache_counts_add(struct quern_cache_counts *sum, const struct quern_cache_counts *counts)
{
    sum->known += counts->known;
    sum->missed += counts->missed;
    sum->joined += counts->joined;
    sum->dropped += counts->dropped;
}

void quern_cache_free(struct quern_cache *cache)
{
    for (struct quern_cached *entry = cache->newest, *older; entry != NULL; entry = older) {
        older = entry->older;
        free(entry);
    }
    free(cache->table);
    *cache = (struct quern_cache){0};
}

/* The polynomial whose coefficients are the ids, at a secret point, modulo 2^61 - 1. Two texts of n tokens have the
 * same hash at n of the 2^61 points at most. */
static uint64_t hash_ids(uint64_t secret, const quern_tokens *text)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t hash = text->count;
    for (size_t i = 0; i < text->count; i++) {
        const wide product = (wide)hash * secret + (uint32_t)text->ids[i];
        hash = ((uint64_t)product & HASH_PRIME) + (uint64_t)(product >> 61);
        hash = hash >= HASH_PRIME ? hash - HASH_PRIME : hash;
    }
    return hash;
}

static size_t entry_bytes(const struct quern_cache *cache, size_t count)
{
    return sizeof(struct quern_cached) + cache->width * sizeof(float) + count * sizeof(int32_t) + OVERHEAD;
}

static struct quern_cached *find(const struct quern_cache *cache, const quern_tokens *text, uint64_t hash)
{
    struct quern_cached *entry = cache->table[hash & cache->mask];
    while (entry != NULL && (entry->hash != hash || entry->count != text->count ||
                             memcmp(entry->ids, text->ids, text->count * sizeof *text->ids) != 0))
        entry = entry->next;
    return entry;
}

/* ---------------------------------------------------------------- the order of last use */

static void unlink_entry(struct quern_cache *cache, struct quern_cached *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void make_newest(struct quern_cache *cache, struct quern_cached *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

/* ---------------------------------------------------------------- entries */

static void destroy(struct quern_cache *cache, struct quern_cached *entry)
{
    struct quern_cached **slot = &cache->table[entry->hash & cache->mask];
    while (*slot != entry)
        slot = &(*slot)->next;
    *slot = entry->next;
    cache->bytes -= entry_bytes(cache, entry->count);
    cache->entries--;
    free(entry);
}

static void drop_oldest(struct quern_cache *cache)
{
    struct quern_cached *oldest = cache->oldest;
    unlink_entry(cache, oldest);
    destroy(cache, oldest);
}

/* A new entry without a vector. NULL: there is no room, because entries that are being computed cannot be dropped. */
static struct quern_cached *create(struct quern_cache *cache, const quern_tokens *text, uint64_t hash)
{
    const size_t size = entry_bytes(cache, text->count);
    if (size > cache->most_bytes)
        return NULL;
    while (cache->bytes > cache->most_bytes - size && cache->oldest != NULL) {
        drop_oldest(cache);
        cache->counts.dropped++;
    }
    struct quern_cached *entry = cache->bytes <= cache->most_bytes - size ? malloc(size - OVERHEAD) : NULL;
    if (entry == NULL)
        return NULL;
    struct quern_cached **slot = &cache->table[hash & cache->mask];
    *entry = (struct quern_cached){.next = *slot, .hash = hash, .count = text->count,
                                   .ids = (int32_t *)(void *)(entry->vector + cache->width)};
    memcpy(entry->ids, text->ids, text->count * sizeof *text->ids);
    *slot = entry;
    cache->bytes += size;
    cache->entries++;
    return entry;
}

void quern_cache_put(struct quern_cache *cache, const quern_tokens *text, const float *vector)
{
    const uint64_t hash = hash_ids(cache->secret, text);
    struct quern_cached *entry = find(cache, text, hash) == NULL ? create(cache, text, hash) : NULL;
    if (entry == NULL)
        return;
    memcpy(entry->vector, vector, cache->width * sizeof *vector);
    entry->has_vector = true;
    make_newest(cache, entry);
}

void quern_cache_clear(struct quern_cache *cache)
{
    while (cache->oldest != NULL)
        drop_oldest(cache);
}

void quern_cache_each(const struct quern_cache *cache, quern_cache_visit *visit, void *owner)
{
    for (const struct quern_cached *entry = cache->oldest; entry != NULL; entry = entry->newer)
        visit(owner, &(quern_tokens){entry->ids, entry->count}, entry->vector);
}

/* ---------------------------------------------------------------- claims */

int quern_claims_begin(struct quern_claims *claims)
{
    claims->each = calloc(claims->job->count, sizeof *claims->each);
    if (claims->each == NULL)
        return QUERN_ENOMEM;
    for (size_t i = 0; i < claims->job->count; i++)
        claims->each[i].owner = claims;
    return QUERN_OK;
}

static float *vector_of(const struct quern_claim *claim)
{
    const struct quern_claims *claims = claim->owner;
    return claims->job->vectors + (size_t)(claim - claims->each) * claims->cache->width;
}

static void await(struct quern_claim *claim, struct quern_cached *entry)
{
    claim->awaits = entry;
    claim->before = NULL;
    claim->after = entry->awaited_by;
    if (claim->after != NULL)
        claim->after->before = claim;
    entry->awaited_by = claim;
    claim->owner->awaited++;
}

static void stop_awaiting(struct quern_claim *claim)
{
    *(claim->before != NULL ? &claim->before->after : &claim->awaits->awaited_by) = claim->after;
    if (claim->after != NULL)
        claim->after->before = claim->before;
    claim->awaits = NULL;
    claim->owner->awaited--;
}

/* Tells all that await an entry: they get its vector, or, if it has none, they must claim the text again. */
static void end_waits(const struct quern_cache *cache, struct quern_cached *entry)
{
    while (entry->awaited_by != NULL) {
        struct quern_claim *claim = entry->awaited_by;
        struct quern_claims *claims = claim->owner;
        stop_awaiting(claim);
        claim->has_vector = entry->has_vector;
        if (entry->has_vector)
            memcpy(vector_of(claim), entry->vector, cache->width * sizeof *entry->vector);
        if (claims->awaited == 0 && !claims->computing)
            claims->settled(claims->owner);
    }
}

static void add_missing(struct quern_claims *claims, size_t i)
{
    claims->job->wanted[claims->job->wanted_count++] = i;
    claims->cache->counts.missed++;
}

static void take(struct quern_claims *claims, size_t i)
{
    struct quern_cache *cache = claims->cache;
    struct quern_claim *claim = &claims->each[i];
    const quern_tokens *text = &claims->job->texts[i];
    const uint64_t hash = hash_ids(cache->secret, text);
    struct quern_cached *entry = find(cache, text, hash);
    if (entry != NULL && !entry->has_vector && entry->computed_by->job->count > claims->job->count) {
        add_missing(claims, i); /* it would have to wait for more texts than it asked for */
    } else if (entry == NULL) {
        claim->computes = create(cache, text, hash);
        if (claim->computes != NULL)
            claim->computes->computed_by = claims;
        add_missing(claims, i);
    } else if (!entry->has_vector) {
        await(claim, entry);
        cache->counts.joined++;
    } else {
        memcpy(vector_of(claim), entry->vector, cache->width * sizeof *entry->vector);
        claim->has_vector = true;
        unlink_entry(cache, entry);
        make_newest(cache, entry);
        cache->counts.known++;
    }
}

/* Where a slice of so many ends. */
static size_t slice_end(const struct quern_claims *claims, size_t count, size_t most)
{
    return most < count - claims->next ? claims->next + most : count;
}

bool quern_claims_take(struct quern_claims *claims, size_t most)
{
    const size_t count = claims->job->count, end = slice_end(claims, count, most);
    if (claims->next == 0)
        claims->job->wanted_count = 0;
    for (; claims->next < end; claims->next++)
        if (!claims->each[claims->next].has_vector)
            take(claims, claims->next);
    claims->computing = claims->job->wanted_count > 0;
    if (end < count)
        return false;
    claims->next = 0;
    return true;
}

/* The vector of a missing text was computed, or not. */
static void settle(struct quern_claims *claims, struct quern_claim *claim, bool succeeded)
{
    struct quern_cache *cache = claims->cache;
    struct quern_cached *entry = claim->computes;
    claim->computes = NULL;
    claim->has_vector = succeeded;
    if (entry == NULL)
        return;
    entry->has_vector = succeeded;
    if (succeeded) {
        memcpy(entry->vector, vector_of(claim), cache->width * sizeof *entry->vector);
        make_newest(cache, entry);
    }
    end_waits(cache, entry);
    if (!succeeded)
        destroy(cache, entry);
}

bool quern_claims_computed(struct quern_claims *claims, bool succeeded, size_t most)
{
    const size_t count = claims->job->wanted_count, end = slice_end(claims, count, most);
    for (; claims->next < end; claims->next++)
        settle(claims, &claims->each[claims->job->wanted[claims->next]], succeeded);
    if (end < count)
        return false;
    claims->next = 0;
    claims->computing = false;
    return true;
}

bool quern_claims_are_met(const struct quern_claims *claims)
{
    for (size_t i = 0; i < claims->job->count; i++)
        if (!claims->each[i].has_vector)
            return false;
    return true;
}

void quern_claims_end(struct quern_claims *claims)
{
    for (size_t i = 0; claims->each != NULL && claims->awaited > 0 && i < claims->job->count; i++)
        if (claims->each[i].awaits != NULL)
            stop_awaiting(&claims->each[i]);
    claims->next = 0;
    if (claims->computing)
        quern_claims_computed(claims, false, SIZE_MAX);
    free(claims->each);
    *claims = (struct quern_claims){0};
}
