#include "gguf/summary.h"

#include "gguf/blocks.h"

#include <stdio.h>
#include <string.h>

void quern_types_describe(const unsigned counts[QUERN_TYPES], char *text, size_t size)
{
    unsigned left[QUERN_TYPES];
    size_t used = 0;
    memcpy(left, counts, sizeof left);
    text[0] = '\0';
    for (;;) {
        uint32_t most = 0;
        for (uint32_t t = 1; t < QUERN_TYPES; t++)
            most = left[t] > left[most] ? t : most;
        if (left[most] == 0 || used >= size)
            return;
        used += (size_t)snprintf(text + used, size - used, "%s%s x %u", used ? ", " : "", quern_type_info(most)->name,
                                 left[most]);
        left[most] = 0;
    }
}

uint32_t quern_file_type(uint32_t type) /* numbered otherwise than types of tensors */
{
    switch (type) {
    case QUERN_TYPE_Q8_0: return 7;
    case QUERN_TYPE_Q5_0: return 8;
    case QUERN_TYPE_Q5_1: return 9;
    case QUERN_TYPE_Q2_K: return 10;
    case QUERN_TYPE_Q3_K: return 11;
    case QUERN_TYPE_Q4_K: return 15;
    case QUERN_TYPE_Q5_K: return 17;
    case QUERN_TYPE_Q6_K: return 18;
    case QUERN_TYPE_IQ4_NL: return 25;
    case QUERN_TYPE_BF16: return 32;
    default: return type; /* F32, F16, Q4_0, Q4_1 */
    }
}
