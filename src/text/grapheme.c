#include "text/grapheme.h"

#include "base/count.h"
#include "text/code_ranges.h"

#include <string.h>

#define FIRST_SYLLABLE 0xAC00u /* of Hangul */
#define LAST_SYLLABLE 0xD7A3u
#define SYLLABLE_ENDINGS 28u   /* every 28th syllable has no HANGUL_T at its end */

/* In ascending order. Code points in no range are syllables of Hangul, or OTHER. */
static const struct quern_code_range ranges[] = {
#define R(first, last, name) {first, last, QUERN_GRAPHEME_##name}
#include "text/grapheme_ranges.h"
#undef R
};

static enum quern_grapheme_class syllable_class(uint32_t code)
{
    return (code - FIRST_SYLLABLE) % SYLLABLE_ENDINGS == 0 ? QUERN_GRAPHEME_HANGUL_LV : QUERN_GRAPHEME_HANGUL_LVT;
}

enum quern_grapheme_class quern_grapheme_class(uint32_t code)
{
    if (code >= FIRST_SYLLABLE && code <= LAST_SYLLABLE)
        return syllable_class(code);
    return quern_code_range_class(ranges, QUERN_COUNT(ranges), code, QUERN_GRAPHEME_OTHER);
}

void quern_grapheme_classes(unsigned char *out, size_t count)
{
    memset(out, QUERN_GRAPHEME_OTHER, count);
    for (size_t i = 0; i < QUERN_COUNT(ranges); i++)
        for (uint32_t code = ranges[i].first; code <= ranges[i].last && code < count; code++)
            out[code] = ranges[i].class;
    for (uint32_t code = FIRST_SYLLABLE; code <= LAST_SYLLABLE && code < count; code++)
        out[code] = (unsigned char)syllable_class(code);
}

static bool is_control(unsigned char class)
{
    return class == QUERN_GRAPHEME_CR || class == QUERN_GRAPHEME_LF || class == QUERN_GRAPHEME_CONTROL;
}

static bool is_extend(unsigned char class)
{
    return class == QUERN_GRAPHEME_EXTEND || class == QUERN_GRAPHEME_OTHER_EXTEND || class == QUERN_GRAPHEME_LINKER;
}

/* GB6 to GB8: whether two parts of a syllable of Hangul stand together. */
static bool joins_hangul(unsigned char left, unsigned char right)
{
    switch (left) {
    case QUERN_GRAPHEME_HANGUL_L:
        return right == QUERN_GRAPHEME_HANGUL_L || right == QUERN_GRAPHEME_HANGUL_V ||
               right == QUERN_GRAPHEME_HANGUL_LV || right == QUERN_GRAPHEME_HANGUL_LVT;
    case QUERN_GRAPHEME_HANGUL_V:
    case QUERN_GRAPHEME_HANGUL_LV:
        return right == QUERN_GRAPHEME_HANGUL_V || right == QUERN_GRAPHEME_HANGUL_T;
    case QUERN_GRAPHEME_HANGUL_T:
    case QUERN_GRAPHEME_HANGUL_LVT:
        return right == QUERN_GRAPHEME_HANGUL_T;
    default:
        return false;
    }
}

static bool joins(const struct quern_grapheme *cluster, unsigned char class)
{
    const unsigned char last = cluster->last;

    if (is_control(last) || is_control(class)) /* GB3 to GB5 */
        return last == QUERN_GRAPHEME_CR && class == QUERN_GRAPHEME_LF;
    if (is_extend(class) || class == QUERN_GRAPHEME_ZWJ || class == QUERN_GRAPHEME_SPACING_MARK ||
        last == QUERN_GRAPHEME_PREPEND) /* GB9, GB9a, GB9b */
        return true;
    switch (class) {
    case QUERN_GRAPHEME_CONSONANT: /* GB9c */
        return cluster->is_linked;
    case QUERN_GRAPHEME_PICTOGRAPH: /* GB11 */
        return cluster->is_pictograph && last == QUERN_GRAPHEME_ZWJ;
    case QUERN_GRAPHEME_REGIONAL: /* GB12, GB13 */
        return cluster->is_half_flag;
    default:
        return joins_hangul(last, class);
    }
}

bool quern_grapheme_take(struct quern_grapheme *cluster, unsigned char class)
{
    const struct quern_grapheme before = *cluster;

    if (!joins(&before, class))
        return false;
    *cluster = quern_grapheme_begin(class);
    if (class == QUERN_GRAPHEME_REGIONAL && before.last == QUERN_GRAPHEME_REGIONAL)
        cluster->is_half_flag = false;
    if (is_extend(class) || class == QUERN_GRAPHEME_ZWJ)
        cluster->is_pictograph = before.is_pictograph && before.last != QUERN_GRAPHEME_ZWJ;
    if (class == QUERN_GRAPHEME_EXTEND || class == QUERN_GRAPHEME_LINKER || class == QUERN_GRAPHEME_ZWJ) {
        cluster->is_consonant = before.is_consonant;
        cluster->is_linked = before.is_consonant && (before.is_linked || class == QUERN_GRAPHEME_LINKER);
    }
    return true;
}
