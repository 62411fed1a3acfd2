#include "sentencepiece.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PIECES (1u << 24)

/* The numbers of the fields that are read. */
enum { MODEL_PIECE = 1, MODEL_TRAINER = 2, MODEL_NORMALIZER = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_KIND = 3 };
enum { TRAINER_ALGORITHM = 3 };
enum { NORMALIZER_MAP = 2, NORMALIZER_SPACE_PREFIX = 3, NORMALIZER_TRIM = 4 };
enum { ALGORITHM_UNIGRAM = 1, ALGORITHM_BPE = 2 };

enum wire { VARINT = 0, FIXED_64 = 1, BYTES = 2, FIXED_32 = 5 };

/* The rest of a message, which is not read yet. */
struct message {
    const unsigned char *at, *end;
};

struct field {
    uint64_t number;
    unsigned wire;       /* enum wire */
    uint64_t value;      /* of a VARINT or a FIXED one */
    struct message body; /* of BYTES */
};

static bool take_varint(struct message *message, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && message->at < message->end; shift += 7) {
        unsigned byte = *message->at++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool take_fixed(struct message *message, size_t size, uint64_t *value)
{
    *value = 0;
    if (size > (size_t)(message->end - message->at))
        return false;
    memcpy(value, message->at, size);
    message->at += size;
    return true;
}

/* Reads the next field. False: the message is damaged. Must not be called at the end of a message. */
static bool take_field(struct message *message, struct field *field)
{
    uint64_t tag;
    if (!take_varint(message, &tag))
        return false;
    field->number = tag >> 3;
    field->wire = tag & 7;
    switch (field->wire) {
    case VARINT: return take_varint(message, &field->value);
    case FIXED_64: return take_fixed(message, 8, &field->value);
    case FIXED_32: return take_fixed(message, 4, &field->value);
    case BYTES:
        if (!take_varint(message, &field->value) || field->value > (uint64_t)(message->end - message->at))
            return false;
        field->body = (struct message){message->at, message->at + field->value};
        message->at = field->body.end;
        return true;
    default: return false;
    }
}

struct parser {
    struct quern_sentencepiece *model;
    const char *path;
    size_t room; /* pieces there is room for */
    quern_error *error;
};

static int damaged(const struct parser *parser, const char *where)
{
    return quern_fail(parser->error, QUERN_EFORMAT, "%s is damaged, or is not a SentencePiece model: %s", parser->path,
                      where);
}

static int read_piece(struct parser *parser, struct message message)
{
    struct quern_sentencepiece *model = parser->model;
    size_t id = model->count;
    float score = 0;
    model->texts[id] = (quern_text){"", 0};
    model->kinds[id] = QUERN_PIECE_NORMAL;
    for (struct field field; message.at < message.end;) {
        if (!take_field(&message, &field))
            return damaged(parser, "a piece ends too early");
        if (field.number == PIECE_TEXT && field.wire == BYTES) {
            model->texts[id] = (quern_text){(const char *)field.body.at, (size_t)(field.body.end - field.body.at)};
        } else if (field.number == PIECE_SCORE && field.wire == FIXED_32) {
            memcpy(&score, &field.value, sizeof score);
        } else if (field.number == PIECE_KIND && field.wire == VARINT) {
            if (field.value < QUERN_PIECE_NORMAL || field.value > QUERN_PIECE_BYTE)
                return damaged(parser, "a piece is of no kind");
            model->kinds[id] = (int32_t)field.value;
        }
    }
    if (!isfinite(score))
        return damaged(parser, "a score is not finite");
    model->scores[id] = score;
    model->count++;
    return QUERN_OK;
}

static int read_trainer(const struct parser *parser, struct message message)
{
    uint64_t algorithm = ALGORITHM_UNIGRAM; /* the format's default */
    for (struct field field; message.at < message.end;) {
        if (!take_field(&message, &field))
            return damaged(parser, "the settings of its training end too early");
        if (field.number == TRAINER_ALGORITHM && field.wire == VARINT)
            algorithm = field.value;
    }
    if (algorithm != ALGORITHM_BPE)
        return quern_fail(parser->error, QUERN_EUNSUPPORTED, "%s does not merge by score (BPE), as EmbeddingGemma's "
                          "tokenizer does", parser->path);
    return QUERN_OK;
}

static int read_normalizer(const struct parser *parser, struct message message)
{
    bool maps = false, trims = true, prefix = true; /* the format's defaults */
    for (struct field field; message.at < message.end;) {
        if (!take_field(&message, &field))
            return damaged(parser, "the settings of its normalizer end too early");
        if (field.number == NORMALIZER_MAP && field.wire == BYTES)
            maps = field.body.at < field.body.end;
        else if (field.number == NORMALIZER_SPACE_PREFIX && field.wire == VARINT)
            prefix = field.value != 0;
        else if (field.number == NORMALIZER_TRIM && field.wire == VARINT)
            trims = field.value != 0;
    }
    if (maps || trims)
        return quern_fail(parser->error, QUERN_EUNSUPPORTED, "%s %s, which a GGUF file cannot say and EmbeddingGemma's "
                          "tokenizer does not do", parser->path, maps ? "rewrites characters" : "removes spaces");
    parser->model->add_space_prefix = prefix;
    return QUERN_OK;
}

static int read_model(struct parser *parser, struct message message)
{
    bool trained = false, normalized = false;
    for (struct field field; message.at < message.end;) {
        if (!take_field(&message, &field))
            return damaged(parser, "it ends too early");
        if (field.wire != BYTES)
            continue;
        if (field.number == MODEL_PIECE && parser->model->count < parser->room)
            QUERN_TRY(read_piece(parser, field.body));
        trained |= field.number == MODEL_TRAINER;
        normalized |= field.number == MODEL_NORMALIZER;
        if (field.number == MODEL_TRAINER)
            QUERN_TRY(read_trainer(parser, field.body));
        else if (field.number == MODEL_NORMALIZER)
            QUERN_TRY(read_normalizer(parser, field.body));
    }
    if (!trained || !normalized)
        return damaged(parser, "it lacks its settings");
    return parser->model->count > 0 ? QUERN_OK : damaged(parser, "it has no pieces");
}

/* Counts pieces, up to the first damage or to one more than are allowed. */
static size_t count_pieces(struct message message)
{
    size_t count = 0;
    for (struct field field; message.at < message.end && count <= MOST_PIECES;) {
        if (!take_field(&message, &field))
            break;
        count += field.number == MODEL_PIECE && field.wire == BYTES;
    }
    return count;
}

int quern_sentencepiece_parse(struct quern_sentencepiece *model, const void *data, size_t size, const char *path,
                              quern_error *error)
{
    const unsigned char *bytes = data;
    struct message message = {bytes, size > 0 ? bytes + size : bytes};
    struct parser parser = {.model = model, .path = path, .room = count_pieces(message), .error = error};
    *model = (struct quern_sentencepiece){0};
    if (parser.room > MOST_PIECES)
        return quern_fail(error, QUERN_EFORMAT, "%s has more than the %u pieces allowed", path, MOST_PIECES);
    model->texts = calloc(parser.room + 1, sizeof *model->texts);
    model->scores = calloc(parser.room + 1, sizeof *model->scores);
    model->kinds = calloc(parser.room + 1, sizeof *model->kinds);
    int code = model->texts != NULL && model->scores != NULL && model->kinds != NULL
                   ? read_model(&parser, message)
                   : quern_fail(error, QUERN_ENOMEM, "no memory for the %zu pieces of %s", parser.room, path);
    if (code != QUERN_OK)
        quern_sentencepiece_free(model);
    return code;
}

void quern_sentencepiece_free(struct quern_sentencepiece *model)
{
    free(model->texts);
    free(model->scores);
    free(model->kinds);
    *model = (struct quern_sentencepiece){0};
}
