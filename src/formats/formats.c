#include "formats/formats.h"

#include "base/count.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct quern_type_info types[] = {
#define FLOAT_TYPE(NAME, name, number, file_type, bytes, panel) [number] = {#NAME, true, 1, bytes},
#define BLOCK_TYPE(NAME, name, number, file_type, elements, bytes, scale, base, panel)                                 \
    [number] = {#NAME, true, elements, bytes},
#define OTHER_TYPE(NAME, number, elements, bytes) [number] = {#NAME, false, elements, bytes},
#include "formats/formats.def"
};

static const uint32_t file_types[QUERN_TYPES] = {
#define FLOAT_TYPE(NAME, name, number, file_type, bytes, panel) [number] = file_type,
#define BLOCK_TYPE(NAME, name, number, file_type, elements, bytes, scale, base, panel) [number] = file_type,
#include "formats/formats.def"
};

#define BLOCK_TYPE(NAME, name, number, file_type, elements, ...)                                                       \
    static_assert((elements) == QUERN_TYPE_BLOCK || (elements) == QUERN_TYPE_K_BLOCK, #NAME " has one of two blocks");
#include "formats/formats.def"

#define OTHER_TYPE(NAME, number, elements, bytes)                                                                      \
    static_assert((elements) == 0 || (number) < QUERN_TYPES, #NAME " has a place in arrays of QUERN_TYPES");
#include "formats/formats.def"

const struct quern_type_info *quern_type_info(uint32_t type)
{
    return type < QUERN_COUNT(types) && types[type].name != NULL ? &types[type] : NULL;
}

uint32_t quern_file_type(uint32_t type)
{
    return file_types[type];
}

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
