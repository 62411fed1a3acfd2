#include "text/metaspace.h"

uint32_t quern_metaspace_byte(const struct quern_piece_table *table, int byte)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char name[QUERN_TEXT_KEY_SLACK] = {
        '<', '0', 'x', (unsigned char)digits[byte >> 4], (unsigned char)digits[byte & 15], '>'};
    struct quern_piece_search search;

    quern_piece_table_begin(table, name, 6, &search);
    return quern_piece_table_end(table, &search);
}

static int hex_value(char digit)
{
    return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : 0;
}

static void put_byte(char *out, size_t room, size_t place, char byte)
{
    if (place < room)
        out[place] = byte;
}

size_t quern_metaspace_text(const struct quern_vocabulary *vocabulary, int32_t id, bool skip_space, char *out,
                            size_t room)
{
    const quern_text text = vocabulary->source.texts[id];
    const unsigned char *p = (const unsigned char *)text.data, *end = p + text.length;
    size_t length = 0;

    if (vocabulary->kinds[id] == QUERN_PIECE_BYTE && text.length == 6) {
        put_byte(out, room, 0, (char)(hex_value(text.data[3]) << 4 | hex_value(text.data[4])));
        return 1;
    }
    if (skip_space)
        p += quern_space_length(p, end);
    for (; p < end; length++) {
        size_t space = quern_space_length(p, end);
        put_byte(out, room, length, space > 0 ? ' ' : (char)*p);
        p += space > 0 ? space : 1;
    }
    return length;
}
