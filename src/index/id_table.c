#include "index/id_table.h"

#include "base/error.h"
#include "base/fold.h"

#include <stdlib.h>

#define ID_SEED UINT64_C(0x9e3779b97f4a7c15)

static uint64_t hash_of(const struct quern_id_table *table, const quern_index_row *id)
{
    const uint64_t hash = table->named ? quern_digest_bytes(ID_SEED + id->name.length, id->name.data, id->name.length)
                                       : quern_digest_number(ID_SEED, id->number);
    return hash != 0 ? hash : 1;
}

/* Puts an entry to the first free place. */
static void place(struct quern_id_table *table, struct quern_id_entry entry)
{
    size_t at = entry.hash & (table->capacity - 1);
    while (table->entries[at].hash != 0)
        at = (at + 1) & (table->capacity - 1);
    table->entries[at] = entry;
}

/* Keeps a third of the table free. */
static int grow(struct quern_id_table *table, quern_error *error)
{
    const struct quern_id_table old = *table;
    if ((table->count + 1) * 3 <= table->capacity * 2)
        return QUERN_OK;
    table->capacity = old.capacity == 0 ? 64 : 2 * old.capacity;
    table->entries = calloc(table->capacity, sizeof *table->entries);
    if (table->entries == NULL) {
        *table = old;
        return quern_fail(error, QUERN_ENOMEM, "no memory for the ids of an index");
    }
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].hash != 0)
            place(table, old.entries[i]);
    free(old.entries);
    return QUERN_OK;
}

int quern_id_put(struct quern_id_table *table, const quern_index_row *id, uint64_t number, quern_error *error)
{
    QUERN_TRY(grow(table, error));
    place(table, (struct quern_id_entry){hash_of(table, id), number});
    table->count++;
    return QUERN_OK;
}

struct quern_id_probe quern_id_probe(const struct quern_id_table *table, const quern_index_row *id)
{
    const uint64_t hash = hash_of(table, id);
    return (struct quern_id_probe){hash, table->capacity == 0 ? 0 : (hash - 1) & (table->capacity - 1)};
}

bool quern_id_next(const struct quern_id_table *table, struct quern_id_probe *probe, uint64_t *number)
{
    while (table->capacity > 0) {
        probe->at = (probe->at + 1) & (table->capacity - 1);
        const struct quern_id_entry *entry = &table->entries[probe->at];
        if (entry->hash == 0)
            return false;
        if (entry->hash == probe->hash) {
            *number = entry->number;
            return true;
        }
    }
    return false;
}

void quern_id_replace(struct quern_id_table *table, const struct quern_id_probe *probe, uint64_t number)
{
    table->entries[probe->at].number = number;
}

void quern_id_table_free(struct quern_id_table *table)
{
    free(table->entries);
    *table = (struct quern_id_table){0};
}
