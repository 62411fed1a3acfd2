/* Reads any bytes as a SentencePiece model. They must give pieces that lie inside the bytes, or one clear error. */
#include "fuzz.h"
#include "sentencepiece.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quern_sentencepiece model;
    quern_error error = {0};
    int code = quern_sentencepiece_parse(&model, data, size, "input", &error);
    if (code != QUERN_OK) {
        if (error.code != code || error.text[0] == '\0' || strchr(error.text, '\n') != NULL)
            abort();
        return 0;
    }
    const char *begin = (const char *)data;
    for (size_t i = 0; i < model.count; i++) {
        quern_text text = model.texts[i];
        bool inside = text.data >= begin && text.data <= begin + size &&
                      text.length <= (size_t)(begin + size - text.data);
        if ((text.length > 0 && !inside) || !isfinite(model.scores[i]) || model.kinds[i] < QUERN_PIECE_NORMAL ||
            model.kinds[i] > QUERN_PIECE_BYTE)
            abort();
    }
    quern_sentencepiece_free(&model);
    return 0;
}
