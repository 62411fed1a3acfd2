#include "kept_vectors.h"

#include "jobs_error.h"
#include "passage.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_bytes(uint64_t hash, quern_text text)
{
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001b3u; /* FNV-1a */
    return hash;
}

static uint64_t hash_passage(quern_text title, quern_text text)
{
    const uint64_t hash = hash_bytes(hash_bytes(0xcbf29ce484222325u, title), (quern_text){"\n", 1});
    return hash_bytes(hash, text);
}

static bool is_same(quern_text a, quern_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static int add(struct quern_kept_vectors *kept, uint64_t place, quern_error *error)
{
    struct quern_passage passage;
    quern_index_row row;
    const int code = quern_index_get(kept->index, place, &row, error);
    if (code != QUERN_OK || !quern_passage_read(&passage, row.payload))
        return code;
    const uint64_t hash = hash_passage(passage.title, passage.text);
    uint64_t slot = hash & kept->mask;
    while (kept->slots[slot].place != 0)
        slot = (slot + 1) & kept->mask;
    kept->slots[slot] = (struct quern_kept_slot){hash, place + 1};
    return QUERN_OK;
}

/* Fills a bitmap with the places of the rows. */
static int select_rows(const quern_index *index, const char *path, uint64_t count, uint64_t *bitmap, quern_error *error)
{
    const quern_text text = {path, strlen(path)};
    quern_index_row *rows = calloc(count, sizeof *rows);
    char *names = malloc(count * (text.length + QUERN_PASSAGE_NUMBER));
    int code;
    if (rows == NULL || names == NULL) {
        code = quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %llu passages", (unsigned long long)count);
    } else {
        for (uint64_t i = 0; i < count; i++) {
            rows[i].name.data = names + i * (text.length + QUERN_PASSAGE_NUMBER);
            rows[i].name.length = quern_passage_put_name(names + i * (text.length + QUERN_PASSAGE_NUMBER), text, i);
        }
        code = quern_index_select(index, rows, count, bitmap, error);
    }
    free(rows);
    free(names);
    return code;
}

int quern_kept_vectors_open(struct quern_kept_vectors *kept, const quern_index *index, const char *path, uint64_t rows,
                            quern_error *error)
{
    quern_index_info info = {.size = sizeof info};
    uint64_t slots = 16;
    *kept = (struct quern_kept_vectors){.index = index};
    int code = quern_index_describe(index, &info, error);
    if (code != QUERN_OK || rows == 0 || info.places == 0)
        return code;
    while (slots < 2 * rows)
        slots *= 2;
    uint64_t *bitmap = calloc((info.places + 63) / 64, sizeof *bitmap);
    kept->slots = calloc(slots, sizeof *kept->slots);
    kept->mask = slots - 1;
    if (bitmap == NULL || kept->slots == NULL)
        code = quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %llu passages", (unsigned long long)rows);
    else
        code = select_rows(index, path, rows, bitmap, error);
    for (uint64_t word = 0; code == QUERN_OK && word < (info.places + 63) / 64; word++)
        for (uint64_t bits = bitmap[word]; code == QUERN_OK && bits != 0; bits &= bits - 1)
            code = add(kept, 64 * word + (uint64_t)__builtin_ctzll(bits), error);
    free(bitmap);
    if (code != QUERN_OK)
        quern_kept_vectors_close(kept);
    return code;
}

bool quern_kept_vectors_find(const struct quern_kept_vectors *kept, quern_text title, quern_text text, float *vector)
{
    if (kept->slots == NULL)
        return false;
    const uint64_t hash = hash_passage(title, text);
    for (uint64_t slot = hash & kept->mask; kept->slots[slot].place != 0; slot = (slot + 1) & kept->mask) {
        const uint64_t place = kept->slots[slot].place - 1;
        struct quern_passage passage;
        quern_index_row row;
        if (kept->slots[slot].hash == hash && quern_index_get(kept->index, place, &row, NULL) == QUERN_OK &&
            quern_passage_read(&passage, row.payload) && is_same(passage.title, title) &&
            is_same(passage.text, text))
            return quern_index_vector(kept->index, place, vector, NULL) == QUERN_OK;
    }
    return false;
}

void quern_kept_vectors_close(struct quern_kept_vectors *kept)
{
    free(kept->slots);
    *kept = (struct quern_kept_vectors){.index = NULL};
}
