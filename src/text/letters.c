#include "text/letters.h"

#include "base/count.h"
#include "text/code_ranges.h"

static const struct quern_code_range ranges[] = {
#define R(first, last, name) {first, last, QUERN_LETTERS_##name}
#include "text/letter_ranges.h"
#undef R
};

unsigned char quern_letters_class(uint32_t code)
{
    return quern_code_range_class(ranges, QUERN_COUNT(ranges), code, QUERN_LETTERS_OTHER);
}
