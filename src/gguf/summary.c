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
    case QUERN_TYPE_BF16: return 32;
    default: return type; /* F32, F16, Q4_0 */
    }
}
