#include "vocabulary_maker.h"

#include "base/count.h"
#include "base/error.h"
#include "text/tokenizer.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 64 /* bytes of the longest piece */
#define AVERAGE 32 /* bytes of a piece on average, at most; memory is taken for so many */

struct layout {
    size_t count;
    int unused_low, unused_high; /* <unusedN> is in front for N < low, at the end for low <= N < high */
    int run;                     /* longest run of newlines, spaces and tabs */
    int first_tags, last_tags;   /* the groups [first, last) of tags are there */
    bool reserved;               /* a piece of the kind "unused" */
    const uint32_t (*singles)[2];
};

struct builder {
    struct quern_made_vocabulary *out;
    size_t limit;    /* most pieces */
    size_t used;     /* bytes of all texts so far */
    uint32_t *slots; /* [mask + 1]: a hash table of the texts, with their number + 1; 0: the slot is free */
    uint32_t mask;
    int32_t kind; /* of the pieces that are added next */
};

/* ---------------------------------------------------------------- words */

static const char *const words[] = {
    "the", "of", "and", "to", "in", "is", "a", "that", "for", "it", "on", "with", "as", "was", "at", "by", "be", "this",
    "from", "are", "or", "an", "have", "not", "which", "one", "you", "were", "all", "their", "has", "but", "can",
    "there", "been", "if", "more", "when", "will", "would", "who", "so", "no", "what", "up", "out", "about", "other",
    "into", "than", "time", "only", "new", "some", "could", "these", "two", "may", "first", "then", "do", "any", "like",
    "my", "now", "over", "such", "our", "man", "me", "even", "most", "made", "after", "also", "did", "many", "off",
    "before", "must", "well", "back", "through", "years", "much", "where", "your", "way", "down", "should", "because",
    "long", "each", "just", "state", "those", "people", "too", "world", "day", "between", "life", "being", "under",
    "never", "last", "another", "while", "still", "great", "might", "house", "school", "since", "against", "right",
    "came", "used", "take", "himself", "use", "during", "without", "again", "place", "small", "work", "number", "part",
    "found", "water", "history", "word", "words", "name", "line", "find", "question", "answer", "answering", "search",
    "result", "query", "title", "none", "text", "task", "document", "code", "retrieval", "similarity", "sentence",
    "classification", "clustering", "fact", "checking", "summarization", "model", "vector", "language", "computer",
    "machine", "learning", "system", "program", "function", "return", "value", "string", "memory", "file", "data",
    "network", "server", "database", "science", "energy", "planet", "red", "star", "sun", "moon", "earth", "light",
    "power", "city", "country", "government", "war", "law", "market", "company", "business", "money", "story", "book",
    "music", "film", "team", "game", "family", "child", "woman", "hand", "head", "eye", "face", "food", "health",
    "hello", "quick", "brown", "fox", "jump", "lazy", "dog", "cat", "bird", "tree", "river", "mountain", "house",
    "Monday", "January", "English", "American", "France", "Paris", "London", "Europe", "China", "Germany",
};
#define WORDS QUERN_COUNT(words)

static const char *const suffixes[] = {"s", "ed", "ing", "er", "ly", "ion", "able", "ness", "ment", "ful"};
#define SUFFIXES QUERN_COUNT(suffixes)

static const char *const tags[][12] = {
    {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"},
    {"h1", "h2", "h3", "h4", "h5", "h6", "blockquote"},
    {"strong", "em", "b", "i", "u", "s", "sub", "sup", "code"},
    {"a", "html", "body", "img", "span", "bbox", "ul", "li", "div", "iframe", "footer"},
};

/* Code points that are pieces on their own, as ranges from the first to the last; 0 ends the list. */
static const uint32_t tiny_singles[][2] = {{0x2581, 0x2581}, {'!', '~'},       {0xE4, 0xE9}, {0x4E2D, 0x4E2D},
                                           {0x6587, 0x6587}, {0x1F600, 0x1F600}, {0, 0}};
static const uint32_t full_singles[][2] = {
    {0x2581, 0x2581}, {'!', '~'},         {0xA1, 0x24F},      {0x391, 0x3A1},     {0x3A3, 0x3C9},
    {0x400, 0x45F},   {0x5D0, 0x5EA},     {0x621, 0x64A},     {0x905, 0x939},     {0x2010, 0x2027},
    {0x20A0, 0x20AF}, {0x3041, 0x3096},   {0x30A1, 0x30FA},   {0x4E00, 0x6D3F},   {0xAC00, 0xB7B7},
    {0x1F300, 0x1F64F}, {0, 0},
};

static const struct layout layouts[] = {
    {QUERN_VOCABULARY_TINY, 3, 5, 4, 2, 3, true, tiny_singles},
    {QUERN_VOCABULARY_FULL, 99, 6242, 31, 0, 4, false, full_singles},
};

/* ---------------------------------------------------------------- pieces */

static void add(struct builder *b, const char *text, size_t length)
{
    struct quern_made_vocabulary *out = b->out;
    if (out->count == b->limit || length > LONGEST)
        return;
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    uint32_t at = h & b->mask;
    for (; b->slots[at] != 0; at = (at + 1) & b->mask) {
        const quern_text *other = &out->texts[b->slots[at] - 1];
        if (other->length == length && memcmp(other->data, text, length) == 0)
            return;
    }
    memcpy(out->bytes + b->used, text, length);
    out->texts[out->count] = (quern_text){out->bytes + b->used, length};
    out->kinds[out->count] = b->kind;
    b->used += length;
    b->slots[at] = (uint32_t)++out->count;
}

static void add_text(struct builder *b, int32_t kind, const char *text)
{
    b->kind = kind;
    add(b, text, strlen(text));
}

static void add_runs(struct builder *b, char byte, int first, int last)
{
    char run[LONGEST];
    memset(run, byte, sizeof run);
    b->kind = QUERN_PIECE_USER_DEFINED;
    for (int length = first; length <= last; length++)
        add(b, run, (size_t)length);
}

static void add_unused(struct builder *b, int first, int last)
{
    char text[LONGEST];
    for (int i = first; i < last; i++) {
        snprintf(text, sizeof text, "<unused%d>", i);
        add_text(b, QUERN_PIECE_CONTROL, text);
    }
}

static void add_tags(struct builder *b, int first, int last)
{
    char text[LONGEST];
    for (int g = first; g < last; g++)
        for (int close = 0; close < 2; close++)
            for (const char *const *tag = tags[g]; *tag; tag++) {
                snprintf(text, sizeof text, close ? "</%s>" : "<%s>", *tag);
                add_text(b, QUERN_PIECE_USER_DEFINED, text);
            }
}

static void add_bytes(struct builder *b)
{
    char text[LONGEST];
    for (unsigned i = 0; i < 256; i++) {
        snprintf(text, sizeof text, "<0x%02X>", i);
        add_text(b, QUERN_PIECE_BYTE, text);
    }
}

static size_t encode(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((0xF00u >> length & 0xF0) | code);
    return length;
}

/* ---------------------------------------------------------------- normal pieces */

/* Adds prefix and word as one piece, and the pieces that merging from the left makes on the way to it: the first two
 * characters, the first three, and so on. */
static void add_chain(struct builder *b, const char *prefix, const char *word)
{
    char text[LONGEST];
    int written = snprintf(text, sizeof text, "%s%s", prefix, word);
    for (size_t length = strlen(prefix) + (*prefix ? 1 : 2); length <= (size_t)written; length++)
        add(b, text, length);
}

static void add_words(struct builder *b)
{
    char text[LONGEST];
    for (size_t i = 0; i < SUFFIXES; i++)
        add_chain(b, "", suffixes[i]);
    for (size_t i = 0; i < WORDS; i++)
        add_chain(b, QUERN_METASPACE, words[i]);
    for (size_t i = 0; i < WORDS; i++) {
        snprintf(text, sizeof text, "%c%s", toupper((unsigned char)words[i][0]), words[i] + 1);
        add_chain(b, QUERN_METASPACE, text);
        add_chain(b, "", words[i]);
        for (size_t s = 0; s < SUFFIXES; s++) {
            snprintf(text, sizeof text, "%s%s", words[i], suffixes[s]);
            add_chain(b, QUERN_METASPACE, text);
        }
    }
}

/* Adds all sequences of two and three letters, so that each English word has pieces longer than a letter. */
static void add_letters(struct builder *b)
{
    for (int length = 2, all = 26 * 26; length <= 3; length++, all *= 26)
        for (int i = 0; i < all; i++) {
            char text[3];
            for (int k = length - 1, rest = i; k >= 0; k--, rest /= 26)
                text[k] = (char)('a' + rest % 26);
            add(b, text, (size_t)length);
        }
}

static uint32_t draw(uint64_t *state, size_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}

/* Adds pairs of ideographs, and then made-up words until there are enough pieces. */
static void add_inventions(struct builder *b)
{
    static const char *const onsets[] = {"b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "v",
                                         "br", "ch", "cl", "cr", "fl", "gr", "pl", "pr", "sh", "st", "th", "tr"};
    static const char *const rimes[] = {"a", "e", "i", "o", "u", "ai", "ea", "ee", "ou", "an", "ar", "as", "at", "en",
                                        "er", "es", "et", "in", "is", "it", "on", "or", "al", "el", "ent", "ing"};
    uint64_t state = 1;
    char text[LONGEST];
    for (int i = 0; i < 20000; i++) {
        size_t length = encode(text, 0x4E00 + draw(&state, 8000));
        add(b, text, length + encode(text + length, 0x4E00 + draw(&state, 8000)));
    }
    while (b->out->count < b->limit) {
        size_t length = 0;
        for (uint32_t syllables = 1 + draw(&state, 4); syllables > 0; syllables--)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", onsets[draw(&state, 26)],
                                       rimes[draw(&state, 26)]);
        uint32_t form = draw(&state, 4);
        if (form == 0)
            text[0] = (char)toupper((unsigned char)text[0]);
        add_chain(b, form == 1 ? "" : QUERN_METASPACE, text);
    }
}

static size_t count_singles(const struct layout *layout)
{
    size_t count = 0;
    for (int i = 0; layout->singles[i][0]; i++)
        count += layout->singles[i][1] - layout->singles[i][0] + 1;
    return count;
}

static void add_normal(struct builder *b, const struct layout *layout, size_t end)
{
    b->kind = QUERN_PIECE_NORMAL;
    b->limit = end - count_singles(layout);
    add_words(b);
    add_letters(b);
    add_inventions(b);
    b->limit = end;
    for (int i = 0; layout->singles[i][0]; i++)
        for (uint32_t code = layout->singles[i][0]; code <= layout->singles[i][1]; code++) {
            char text[4];
            add(b, text, encode(text, code));
        }
}

/* ---------------------------------------------------------------- all */

static void add_all(struct builder *b, const struct layout *layout)
{
    static const char *const controls[] = {"<pad>", "<eos>", "<bos>", "<unk>", "<mask>"};
    for (size_t i = 0; i < QUERN_COUNT(controls); i++)
        add_text(b, i == 3 && layout->reserved ? QUERN_PIECE_UNKNOWN : QUERN_PIECE_CONTROL, controls[i]);
    add_text(b, QUERN_PIECE_USER_DEFINED, "[multimodal]");
    add_unused(b, 0, layout->unused_low);
    add_text(b, QUERN_PIECE_CONTROL, "<start_of_turn>");
    add_text(b, QUERN_PIECE_CONTROL, "<end_of_turn>");
    add_runs(b, '\n', 1, layout->run);
    add_runs(b, ' ', 2, layout->run);
    add_tags(b, layout->first_tags, layout->last_tags);
    add_bytes(b);

    size_t tail = (size_t)(layout->run + 2 + layout->unused_high - layout->unused_low + layout->reserved);
    add_normal(b, layout, layout->count - tail);
    b->limit = layout->count;
    add_runs(b, '\t', 1, layout->run);
    add_text(b, QUERN_PIECE_CONTROL, "<start_of_image>");
    add_text(b, QUERN_PIECE_CONTROL, "<end_of_image>");
    if (layout->reserved)
        add_text(b, QUERN_PIECE_UNUSED, "[reserved]");
    add_unused(b, layout->unused_low, layout->unused_high);
}

static void add_scores(struct quern_made_vocabulary *out)
{
    int rank = 0;
    for (size_t i = 0; i < out->count; i++)
        out->scores[i] = out->kinds[i] == QUERN_PIECE_NORMAL ? (float)-rank++
                         : out->kinds[i] == QUERN_PIECE_BYTE ? 0.0f
                                                             : -1000.0f;
}

int quern_vocabulary_make(struct quern_made_vocabulary *vocabulary, size_t count, quern_error *error)
{
    const struct layout *layout = &layouts[count == QUERN_VOCABULARY_FULL];
    uint32_t mask = count == QUERN_VOCABULARY_FULL ? (1u << 20) - 1 : (1u << 12) - 1;
    struct builder b = {.out = vocabulary, .limit = layout->count, .slots = calloc(mask + 1, sizeof(uint32_t)),
                        .mask = mask};
    *vocabulary = (struct quern_made_vocabulary){
        .texts = calloc(layout->count, sizeof *vocabulary->texts),
        .scores = calloc(layout->count, sizeof *vocabulary->scores),
        .kinds = calloc(layout->count, sizeof *vocabulary->kinds),
        .bytes = malloc(layout->count * AVERAGE),
    };
    bool sound = b.slots && vocabulary->texts && vocabulary->scores && vocabulary->kinds && vocabulary->bytes;
    if (sound) {
        add_all(&b, layout);
        add_scores(vocabulary);
    } else {
        quern_vocabulary_unmake(vocabulary);
    }
    free(b.slots);
    return sound ? QUERN_OK : quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", count);
}

void quern_vocabulary_unmake(struct quern_made_vocabulary *vocabulary)
{
    free(vocabulary->texts);
    free(vocabulary->scores);
    free(vocabulary->kinds);
    free(vocabulary->bytes);
    *vocabulary = (struct quern_made_vocabulary){0};
}
