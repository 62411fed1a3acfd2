/* Tables of Unicode: ranges of code points, each with what its code points have in common. */
#ifndef QUERN_TEXT_CODE_RANGES_H
#define QUERN_TEXT_CODE_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct quern_code_range {
    uint32_t first, last;
    unsigned char class;
};

/* The class of the range that a code point is in; `other` when it is in none. ranges[count] ascend. */
static inline unsigned char quern_code_range_class(const struct quern_code_range *ranges, size_t count, uint32_t code,
                                                   unsigned char other)
{
    size_t low = 0, high = count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && code >= ranges[low].first ? ranges[low].class : other;
}

#endif
