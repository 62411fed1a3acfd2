#include "vector_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HASH_PRIME (((uint64_t)1 << 61) - 1)
#define OVERHEAD 32 /* bytes that an allocation costs beside what was asked for, about */

struct quern_cached {
    struct quern_cached *next;           /* of the same place in the table */
    struct quern_cached *newer, *older;  /* of those with vectors */
    struct quern_claim *awaited_by;      /* of those without */
    const struct quern_claims *computed_by;
    bool has_vector;
    uint64_t hash;
    size_t count;
    int32_t *ids;   /* [count], behind the vector */
    float vector[]; /* [width] */
};

/* ---------------------------------------------------------------- the table */

int quern_cache_init(struct quern_cache *cache, size_t bytes, size_t width)
{
    size_t places = 64;
    *cache = (struct quern_cache){.width = width, .most_bytes = bytes};
    while (places < bytes / (width * sizeof(float) + sizeof(struct quern_cached)))
        places *= 2;
    if (getrandom(&cache->secret, sizeof cache->secret, 0) != sizeof cache->secret)
        return QUERN_EIO;
    cache->secret %= HASH_PRIME;
    cache->table = calloc(places, sizeof *cache->table);
    cache->mask = places - 1;
    cache->bytes = places * sizeof *cache->table;
    return cache->table != NULL ? QUERN_OK : QUERN_ENOMEM;
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

/* A polynomial of the ids at a secret place, modulo 2^61 - 1: two texts of n tokens meet for n of its 2^61 places. */
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

/* ---------------------------------------------------------------- by last use */

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
    struct quern_cached **place = &cache->table[entry->hash & cache->mask];
    while (*place != entry)
        place = &(*place)->next;
    *place = entry->next;
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

/* An entry without a vector; NULL: there is no room, for what is being computed cannot go. */
static struct quern_cached *create(struct quern_cache *cache, const quern_tokens *text, uint64_t hash)
{
    const size_t size = entry_bytes(cache, text->count);
    if (size > cache->most_bytes)
        return NULL;
    while (cache->bytes > cache->most_bytes - size && cache->oldest != NULL) {
        drop_oldest(cache);
        cache->dropped++;
    }
    struct quern_cached *entry = cache->bytes <= cache->most_bytes - size ? malloc(size - OVERHEAD) : NULL;
    if (entry == NULL)
        return NULL;
    struct quern_cached **place = &cache->table[hash & cache->mask];
    *entry = (struct quern_cached){.next = *place, .hash = hash, .count = text->count,
                                   .ids = (int32_t *)(void *)(entry->vector + cache->width)};
    memcpy(entry->ids, text->ids, text->count * sizeof *text->ids);
    *place = entry;
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
    claims->each = calloc(claims->count, sizeof *claims->each);
    claims->missing = calloc(claims->count, sizeof *claims->missing);
    claims->slots = calloc(claims->count, sizeof *claims->slots);
    if (claims->each == NULL || claims->missing == NULL || claims->slots == NULL)
        return QUERN_ENOMEM;
    for (size_t i = 0; i < claims->count; i++)
        claims->each[i].owner = claims;
    return QUERN_OK;
}

static float *vector_of(const struct quern_claim *claim)
{
    const struct quern_claims *claims = claim->owner;
    return claims->vectors + (size_t)(claim - claims->each) * claims->cache->width;
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

/* Everyone who awaits an entry has its vector, or, without one, has to see to it. */
static void end_waits(const struct quern_cache *cache, struct quern_cached *entry)
{
    while (entry->awaited_by != NULL) {
        struct quern_claim *claim = entry->awaited_by;
        struct quern_claims *owner = claim->owner;
        stop_awaiting(claim);
        claim->has_vector = entry->has_vector;
        if (entry->has_vector)
            memcpy(vector_of(claim), entry->vector, cache->width * sizeof *entry->vector);
        if (owner->awaited == 0 && !owner->computing)
            owner->settled(owner);
    }
}

static void add_missing(struct quern_claims *claims, size_t i)
{
    claims->missing[claims->missing_count] = claims->texts[i];
    claims->slots[claims->missing_count++] = i;
    claims->cache->missed++;
}

static void take(struct quern_claims *claims, size_t i)
{
    struct quern_cache *cache = claims->cache;
    struct quern_claim *claim = &claims->each[i];
    const uint64_t hash = hash_ids(cache->secret, &claims->texts[i]);
    struct quern_cached *entry = find(cache, &claims->texts[i], hash);
    if (entry != NULL && !entry->has_vector && entry->computed_by->count > claims->count) {
        add_missing(claims, i); /* it would wait for more than it asked for */
    } else if (entry == NULL) {
        claim->computes = create(cache, &claims->texts[i], hash);
        if (claim->computes != NULL)
            claim->computes->computed_by = claims;
        add_missing(claims, i);
    } else if (!entry->has_vector) {
        await(claim, entry);
        cache->joined++;
    } else {
        memcpy(vector_of(claim), entry->vector, cache->width * sizeof *entry->vector);
        claim->has_vector = true;
        unlink_entry(cache, entry);
        make_newest(cache, entry);
        cache->known++;
    }
}

void quern_claims_take(struct quern_claims *claims)
{
    claims->missing_count = 0;
    for (size_t i = 0; i < claims->count; i++)
        if (!claims->each[i].has_vector)
            take(claims, i);
    claims->computing = claims->missing_count > 0;
}

void quern_claims_computed(struct quern_claims *claims, bool succeeded)
{
    struct quern_cache *cache = claims->cache;
    for (size_t i = 0; i < claims->missing_count; i++) {
        struct quern_claim *claim = &claims->each[claims->slots[i]];
        struct quern_cached *entry = claim->computes;
        claim->computes = NULL;
        claim->has_vector = succeeded;
        if (entry == NULL)
            continue;
        entry->has_vector = succeeded;
        if (succeeded) {
            memcpy(entry->vector, vector_of(claim), cache->width * sizeof *entry->vector);
            make_newest(cache, entry);
        }
        end_waits(cache, entry);
        if (!succeeded)
            destroy(cache, entry);
    }
    claims->missing_count = 0;
    claims->computing = false;
}

bool quern_claims_are_met(const struct quern_claims *claims)
{
    for (size_t i = 0; i < claims->count; i++)
        if (!claims->each[i].has_vector)
            return false;
    return true;
}

void quern_claims_leave(struct quern_claims *claims)
{
    for (size_t i = 0; claims->each != NULL && claims->awaited > 0 && i < claims->count; i++)
        if (claims->each[i].awaits != NULL)
            stop_awaiting(&claims->each[i]);
}

void quern_claims_end(struct quern_claims *claims)
{
    quern_claims_leave(claims);
    if (claims->computing)
        quern_claims_computed(claims, false);
    free(claims->each);
    free(claims->missing);
    free(claims->slots);
    *claims = (struct quern_claims){0};
}
