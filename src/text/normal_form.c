#include "text/normal_form.h"

#include "base/count.h"
#include "base/error.h"
#include "base/utf8.h"
#include "text/code_ranges.h"

#include <stdlib.h>
#include <string.h>

struct decomposition {
    uint32_t code, first, second;
};

#include "text/composition_table.h"

/* Syllables of Hangul: a consonant L, a vowel V and perhaps a final consonant T, which has number 1 or more. */
enum { S_BASE = 0xAC00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11A7, L_COUNT = 19, V_COUNT = 21, T_COUNT = 28,
       S_COUNT = L_COUNT * V_COUNT * T_COUNT };

#define MOST_CODES 4 /* code points of which one code point consists in the end */

static bool is_in(uint32_t code, uint32_t base, uint32_t count)
{
    return code >= base && code - base < count;
}

/* ---------------------------------------------------------------- tables */

static const struct decomposition *find_decomposition(uint32_t code)
{
    size_t low = 0, high = QUERN_COUNT(decompositions);

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (code > decompositions[middle].code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < QUERN_COUNT(decompositions) && decompositions[low].code == code ? &decompositions[low] : NULL;
}

static unsigned char find_mark(uint32_t code)
{
    return quern_code_range_class(marks, QUERN_COUNT(marks), code, 0);
}

/* The code point that two are composed to; 0: none. */
static uint32_t compose(uint32_t first, uint32_t second)
{
    size_t low = 0, high = QUERN_COUNT(compositions);

    if (is_in(first, L_BASE, L_COUNT) && is_in(second, V_BASE, V_COUNT))
        return S_BASE + ((first - L_BASE) * V_COUNT + (second - V_BASE)) * T_COUNT;
    if (is_in(first, S_BASE, S_COUNT) && (first - S_BASE) % T_COUNT == 0 && is_in(second, T_BASE + 1, T_COUNT - 1))
        return first + (second - T_BASE);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct decomposition *d = &decompositions[compositions[middle]];
        if (first > d->first || (first == d->first && second > d->second))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == QUERN_COUNT(compositions))
        return 0;
    const struct decomposition *d = &decompositions[compositions[low]];
    return d->first == first && d->second == second ? d->code : 0;
}

static bool is_composed(size_t number)
{
    const struct decomposition *d = &decompositions[number];

    return d->second != 0 && compose(d->first, d->second) == d->code;
}

static void set_class(unsigned char *out, size_t count, uint32_t code, unsigned char class)
{
    if (code < count && out[code] < class)
        out[code] = class;
}

void quern_normal_classes(unsigned char *out, size_t count)
{
    memset(out, QUERN_NORMAL_STAYS, count);
    for (size_t i = 0; i < QUERN_COUNT(marks); i++)
        for (uint32_t code = marks[i].first; code <= marks[i].last; code++)
            set_class(out, count, code, QUERN_NORMAL_MARK);
    for (size_t i = 0; i < QUERN_COUNT(decompositions); i++)
        set_class(out, count, is_composed(i) ? decompositions[i].second : decompositions[i].code,
                  QUERN_NORMAL_CHANGES);
    for (uint32_t i = 0; i < V_COUNT; i++)
        set_class(out, count, V_BASE + i, QUERN_NORMAL_CHANGES);
    for (uint32_t i = 1; i < T_COUNT; i++)
        set_class(out, count, T_BASE + i, QUERN_NORMAL_CHANGES);
}

unsigned char quern_normal_class_far(uint32_t code)
{
    return find_decomposition(code) != NULL ? QUERN_NORMAL_CHANGES : QUERN_NORMAL_STAYS;
}

/* ---------------------------------------------------------------- segments */

/* Writes the code points of which one consists, and returns how many they are. */
static size_t decompose(uint32_t code, uint32_t parts[MOST_CODES])
{
    size_t count = 0;
    uint32_t tail[MOST_CODES];

    if (is_in(code, S_BASE, S_COUNT)) {
        const uint32_t number = code - S_BASE;
        parts[0] = L_BASE + number / (V_COUNT * T_COUNT);
        parts[1] = V_BASE + number / T_COUNT % V_COUNT;
        parts[2] = T_BASE + number % T_COUNT;
        return number % T_COUNT > 0 ? 3 : 2;
    }
    for (const struct decomposition *d; count < MOST_CODES - 1 && (d = find_decomposition(code)) != NULL;) {
        if (d->second != 0)
            tail[count++] = d->second;
        code = d->first;
    }
    parts[0] = code;
    for (size_t i = 0; i < count; i++)
        parts[1 + i] = tail[count - 1 - i];
    return count + 1;
}

static int grow(struct quern_normal_segment *s, size_t capacity, quern_error *error)
{
    if (capacity <= s->capacity)
        return QUERN_OK;
    quern_normal_segment_release(s);
    if (capacity <= UINT32_MAX) {
        s->codes = malloc(capacity * sizeof *s->codes);
        s->marks = malloc(capacity);
        s->heap.keys = malloc(capacity * sizeof *s->heap.keys);
    }
    if (s->codes == NULL || s->marks == NULL || s->heap.keys == NULL) {
        quern_normal_segment_release(s);
        return quern_fail(error, QUERN_ENOMEM, "no memory to normalise a sequence of %zu marks", capacity);
    }
    s->capacity = capacity;
    return QUERN_OK;
}

void quern_normal_segment_release(struct quern_normal_segment *s)
{
    free(s->codes);
    free(s->marks);
    free(s->heap.keys);
    *s = (struct quern_normal_segment){0};
}

/* Sorts the marks [first, end) by their classes. Marks of one class stay in their order. */
static void sort_marks(struct quern_normal_segment *s, size_t first, size_t end)
{
    if (end - first < 2)
        return;
    for (size_t i = first; i < end; i++)
        quern_heap_push(&s->heap, (uint64_t)s->marks[i] << 53 | (uint64_t)i << 21 | s->codes[i]);
    for (size_t i = first; i < end; i++) {
        const uint64_t key = quern_heap_pop(&s->heap);
        s->codes[i] = key & 0x1FFFFF;
        s->marks[i] = (unsigned char)(key >> 53);
    }
}

/* Composes each mark with the last starter (a code point that is no mark) before it, unless something stands between
 * that would have to be composed first. */
static void compose_all(struct quern_normal_segment *s)
{
    size_t starter = s->count, kept = 0;
    unsigned char last = 0; /* the class of the code point that was kept last, behind the starter */

    for (size_t i = 0; i < s->count; i++) {
        const unsigned char mark = s->marks[i];
        const bool is_beside = starter < kept && kept == starter + 1;
        const bool is_free = starter < kept && (is_beside || (last != 0 && last < mark));
        const uint32_t joint = is_free ? compose(s->codes[starter], s->codes[i]) : 0;
        if (joint != 0) {
            s->codes[starter] = joint;
            continue;
        }
        if (mark == 0)
            starter = kept;
        last = mark;
        s->marks[kept] = mark;
        s->codes[kept++] = s->codes[i];
    }
    s->count = kept;
}

int quern_normal_segment_read(struct quern_normal_segment *s, const unsigned char *text, const unsigned char *end,
                              quern_error *error)
{
    size_t first_mark = 0;

    QUERN_TRY(grow(s, 2 * (size_t)(end - text), error)); /* 2 bytes give 3 code points at most, 3 bytes give 4 */
    s->count = 0;
    for (size_t length; text < end; text += length) {
        length = quern_utf8_length(text, (size_t)(end - text));
        const size_t count = decompose(quern_utf8_code(text, length), s->codes + s->count);
        for (size_t i = 0; i < count; i++, s->count++) {
            s->marks[s->count] = find_mark(s->codes[s->count]);
            if (s->marks[s->count] != 0)
                continue;
            sort_marks(s, first_mark, s->count);
            first_mark = s->count + 1;
        }
    }
    sort_marks(s, first_mark, s->count);
    compose_all(s);
    return QUERN_OK;
}
