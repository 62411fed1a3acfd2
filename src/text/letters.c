#include "text/letters.h"

#include "base/count.h"

#include <stddef.h>

static const struct range {
    uint32_t first, last;
    unsigned char class;
} ranges[] = {
#define R(first, last, name) {first, last, QUERN_LETTERS_##name}
#include "text/letter_ranges.h"
#undef R
};

unsigned char quern_letters_class(uint32_t code)
{
    size_t low = 0, high = QUERN_COUNT(ranges);

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < QUERN_COUNT(ranges) && code >= ranges[low].first ? ranges[low].class : QUERN_LETTERS_OTHER;
}
