#include "charsmap_maker.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define UNITS 65536u

struct maker {
    const struct quern_replacement *replacements;
    size_t *order;   /* numbers of the replacements, sorted by key */
    uint32_t *texts; /* by number of a replacement: where its text begins */
    uint32_t units[UNITS];
    bool used[UNITS], is_base[UNITS];
    uint32_t end; /* of the units that are used */
};

static int compare_keys(const struct maker *m, size_t a, size_t b)
{
    const quern_text x = m->replacements[a].key, y = m->replacements[b].key;
    const int order = memcmp(x.data, y.data, x.length < y.length ? x.length : y.length);
    return order != 0 ? order : x.length < y.length ? -1 : x.length > y.length ? 1 : 0;
}

/* Sorts by insertion, and leaves out equal keys. Returns how many keys there are. */
static size_t sort_keys(struct maker *m, size_t count)
{
    size_t sorted = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = sorted;
        while (at > 0 && compare_keys(m, i, m->order[at - 1]) < 0)
            at--;
        if (at > 0 && compare_keys(m, i, m->order[at - 1]) == 0)
            continue;
        memmove(m->order + at + 1, m->order + at, (sorted++ - at) * sizeof *m->order);
        m->order[at] = i;
    }
    return sorted;
}

/* The byte that follows the first `depth` bytes of a key; 0: the key ends there. */
static unsigned label(const struct maker *m, size_t at, size_t depth)
{
    const quern_text key = m->replacements[m->order[at]].key;
    return depth < key.length ? (unsigned char)key.data[depth] : 0;
}

static uint32_t find_base(const struct maker *m, size_t first, size_t end, size_t depth)
{
    for (uint32_t base = 1; base < UNITS - 256; base++) {
        bool fits = !m->is_base[base]; /* else the keys of two places would be mixed */
        for (size_t i = first; i < end && fits; i++)
            fits = !m->used[base ^ label(m, i, depth)];
        if (fits)
            return base;
    }
    abort();
}

/* Fills the unit at a place, where the keys order[first, end) have `depth` bytes in common, and those behind it. */
static void fill(struct maker *m, uint32_t place, size_t first, size_t end, size_t depth)
{
    const uint32_t base = find_base(m, first, end, depth), last = depth == 0 ? 0 : label(m, first, depth - 1);
    const bool ends = label(m, first, depth) == 0;
    m->is_base[base] = true;
    m->units[place] = last | (ends ? 256u : 0) | (place ^ base) << 10;
    for (size_t i = first; i < end; i++) {
        m->used[base ^ label(m, i, depth)] = true;
        if ((base ^ label(m, i, depth)) >= m->end)
            m->end = (base ^ label(m, i, depth)) + 1;
    }
    if (ends)
        m->units[base] = 1u << 31 | m->texts[m->order[first]];
    for (size_t i = first + ends, next; i < end; i = next) {
        next = i;
        while (next < end && label(m, next, depth) == label(m, i, depth))
            next++;
        fill(m, base ^ label(m, i, depth), i, next, depth + 1);
    }
}

static void write32(char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (char)(value >> (8 * i) & 255);
}

quern_text quern_charsmap_make(const struct quern_replacement *replacements, size_t count)
{
    size_t bytes = 0, written = 0;
    if (count == 0)
        return (quern_text){NULL, 0};
    for (size_t i = 0; i < count; i++)
        bytes += replacements[i].text.length + 1;
    struct maker *m = calloc(1, sizeof *m);
    char *out = malloc(4 + 4 * UNITS + bytes);
    if (m == NULL || out == NULL)
        abort();
    m->replacements = replacements;
    m->order = calloc(count + 1, sizeof *m->order);
    m->texts = calloc(count, sizeof *m->texts);
    if (m->order == NULL || m->texts == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        m->texts[i] = (uint32_t)written;
        written += replacements[i].text.length + 1;
    }
    m->used[0] = true;
    m->end = 1;
    fill(m, 0, 0, sort_keys(m, count), 0);
    write32(out, 4 * m->end);
    for (uint32_t i = 0; i < m->end; i++)
        write32(out + 4 + 4 * i, m->units[i]);
    char *texts = out + 4 + 4 * m->end;
    for (size_t i = 0; i < count; i++) {
        if (replacements[i].text.length > 0)
            memcpy(texts, replacements[i].text.data, replacements[i].text.length);
        texts += replacements[i].text.length;
        *texts++ = '\0';
    }
    const quern_text map = {out, (size_t)(texts - out)};
    free(m->order);
    free(m->texts);
    free(m);
    return map;
}
