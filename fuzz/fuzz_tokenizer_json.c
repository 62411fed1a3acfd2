/* Reads any bytes as tokenizer.json. They must give pieces that can be read, or one clear error. */
#include "tokenizer_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIECES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether every piece that was set has a text, a kind and a score. */
static bool is_sound(const struct quern_pieces *pieces)
{
    size_t bytes = 0;
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t k = 0; k < pieces->texts[i].length; k++)
            bytes += pieces->texts[i].data[k] != '\0';
        if (pieces->kinds[i] < 0 || pieces->kinds[i] > QUERN_PIECE_BYTE || !isfinite(pieces->scores[i]))
            return false;
    }
    return bytes <= SIZE_MAX / 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quern_json json;
    struct quern_pieces pieces;
    quern_error error = {0};
    int code = quern_json_parse(&json, data, size, "input", JSON_OBJECT, &error);
    if (code == QUERN_OK && quern_pieces_new(&pieces, PIECES, &error) == QUERN_OK) {
        code = quern_tokenizer_json_read(&pieces, &json, &error);
        if (!is_sound(&pieces))
            abort();
        quern_pieces_free(&pieces);
    }
    quern_json_close(&json);
    if (code != QUERN_OK && (error.code != code || error.text[0] == '\0' || strchr(error.text, '\n') != NULL))
        abort();
    return 0;
}
