/* Reads any bytes as tokenizer.json, as each kind of tokenizer. They must give pieces that can be read, or one clear
 * error. */
#include "fuzz.h"
#include "piece_files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIECES 64

/* Whether every piece that was set has a text, a kind and a score, and every merge has a text. */
static bool is_sound(const struct quern_pieces *pieces)
{
    size_t bytes = 0;
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t k = 0; k < pieces->texts[i].length; k++)
            bytes += pieces->texts[i].data[k] != '\0';
        if (pieces->kinds[i] < 0 || pieces->kinds[i] > QUERN_PIECE_BYTE || !isfinite(pieces->scores[i]))
            return false;
    }
    for (size_t i = 0; i < pieces->merge_count; i++)
        bytes += pieces->merges[i].data[0] != '\0' && pieces->merges[i].length > 2;
    for (size_t i = 0; i < pieces->charsmap.length; i++)
        bytes += pieces->charsmap.data[i] != '\0';
    return bytes <= SIZE_MAX / 2;
}

static void parse(const struct quern_pieces_kind *kind, const struct quern_json *json)
{
    struct quern_pieces pieces;
    quern_error error = {0};
    if (quern_pieces_new(&pieces, PIECES, &error) != QUERN_OK)
        return;
    const int code = kind->parse(&pieces, json, &error);
    if (!is_sound(&pieces))
        abort();
    quern_pieces_free(&pieces);
    if (code != QUERN_OK && (error.code != code || error.text[0] == '\0' || strchr(error.text, '\n') != NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quern_json json;
    quern_error error = {0};
    int count;
    const struct quern_pieces_kind *const *kinds = quern_pieces_kinds(&count);
    const int code = quern_json_parse(&json, data, size, "input", JSON_OBJECT, &error);
    for (int i = 0; i < count && code == QUERN_OK; i++)
        parse(kinds[i], &json);
    quern_json_close(&json);
    if (code != QUERN_OK && (error.code != code || error.text[0] == '\0' || strchr(error.text, '\n') != NULL))
        abort();
    return 0;
}
