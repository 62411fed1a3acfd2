#include "text/charsmap.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define LABEL 0x800000FFu
#define ENDS_KEY 0x100u
#define IS_WIDE 0x200u /* the offset counts in 256 */
#define VALUE 0x7FFFFFFFu

static uint32_t read32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;

    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* The texts must end in a NUL, and none may be too long. Then the text at any place is bounded. texts: the map's copy,
 * as a file may be written to meanwhile. */
static int check_texts(quern_text texts, quern_error *error)
{
    size_t begin = 0;

    for (size_t i = 0; i < texts.length; i++) {
        if (i - begin > QUERN_LONGEST_REPLACEMENT)
            return quern_fail(error, QUERN_EFORMAT,
                              "the character map of the vocabulary has a text of more than %d bytes",
                              QUERN_LONGEST_REPLACEMENT);
        if (texts.data[i] == '\0')
            begin = i + 1;
    }
    if (texts.length == 0 || begin != texts.length)
        return quern_fail(error, QUERN_EFORMAT, "the last text of the vocabulary's character map has no end");
    return QUERN_OK;
}

int quern_charsmap_new(struct quern_charsmap *map, quern_text bytes, quern_error *error)
{
    if (bytes.length == 0)
        return QUERN_OK;
    const size_t unit_bytes = bytes.length >= sizeof(uint32_t) ? read32(bytes.data) : 0;
    if (unit_bytes == 0 || unit_bytes % sizeof(uint32_t) != 0 || unit_bytes > bytes.length - sizeof(uint32_t))
        return quern_fail(error, QUERN_EFORMAT,
                          "the character map of the vocabulary has %zu bytes, and says that %zu of them are units",
                          bytes.length, unit_bytes);
    const char *units = bytes.data + sizeof(uint32_t);
    const size_t text_bytes = bytes.length - sizeof(uint32_t) - unit_bytes;
    map->units = malloc(unit_bytes);
    map->texts = malloc(text_bytes + 1);
    if (map->units == NULL || map->texts == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a character map of %zu bytes", bytes.length);
    map->unit_count = unit_bytes / sizeof(uint32_t);
    for (size_t i = 0; i < map->unit_count; i++)
        map->units[i] = read32(units + i * sizeof(uint32_t));
    map->text_bytes = text_bytes;
    memcpy(map->texts, units + unit_bytes, text_bytes);
    return check_texts((quern_text){map->texts, text_bytes}, error);
}

void quern_charsmap_free(struct quern_charsmap *map)
{
    free(map->units);
    free(map->texts);
    *map = (struct quern_charsmap){0};
}

size_t quern_charsmap_bytes(const struct quern_charsmap *map)
{
    return map->unit_count * sizeof *map->units + map->text_bytes;
}

static uint32_t offset_of(uint32_t unit)
{
    return unit >> 10 << (unit & IS_WIDE ? 8 : 0);
}

/* The text of a key whose value is in the unit at a place. */
static bool read_text(const struct quern_charsmap *map, uint32_t place, quern_text *text)
{
    if (place >= map->unit_count)
        return false;
    const uint32_t value = map->units[place] & VALUE;
    if (value >= map->text_bytes)
        return false;
    text->data = map->texts + value;
    text->length = strlen(text->data);
    return true;
}

bool quern_charsmap_find(const struct quern_charsmap *map, const unsigned char *bytes, size_t length,
                         quern_text *replacement)
{
    if (map->unit_count == 0)
        return false;
    uint32_t place = offset_of(map->units[0]);
    for (size_t i = 0; i < length && bytes[i] != '\0'; i++) {
        place ^= bytes[i];
        if (place >= map->unit_count)
            return false;
        const uint32_t unit = map->units[place];
        if ((unit & LABEL) != bytes[i])
            return false;
        place ^= offset_of(unit);
        if (unit & ENDS_KEY)
            return read_text(map, place, replacement);
    }
    return false;
}
