#include "text_words.h"

#include "array_count.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

#define BM25_K1 1.2
#define BM25_B 0.75
#define WORD_HASH_BASIS 0xcbf29ce484222325u /* of the hash FNV-1a, here over characters */
#define WORD_HASH_PRIME 0x100000001b3u

enum { CHUNK = 128 }; /* bytes that are looked at together; fewer than 256 */

/* ---------------------------------------------------------------- characters */

/* Characters of words: what is added to every one, or to every second one, to make small letters. */
struct word_range {
    uint32_t first, last;
    int32_t delta;
    bool is_pairs, is_unspaced;
};

#define SMALL(first, last) {first, last, 0, false, false}
#define CAPITAL(first, last, delta) {first, last, delta, false, false}
#define PAIRS(first, last) {first, last, 1, true, false}
#define UNSPACED(first, last) {first, last, 0, false, true}
static const struct word_range ranges[] = {
#include "word_ranges.h"
};

enum { RANGES = QUERN_COUNT(ranges) };

/* The range with a code point, or the one behind it. A text has most characters in few ranges, so the last one is
 * looked at first. */
static size_t find_range(size_t last, uint32_t code)
{
    size_t begin = 0, end = RANGES;
    if (code >= ranges[last].first && code <= ranges[last].last)
        return last;
    while (begin < end) {
        const size_t middle = (begin + end) / 2;
        if (code > ranges[middle].last)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

/* The lower case of the ASCII characters that words have; 0 for others. */
static const unsigned char ascii[0x80] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
    ['8'] = '8', ['9'] = '9', ['_'] = '_',
    ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h',
    ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p',
    ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x',
    ['y'] = 'y', ['z'] = 'z',
    ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h',
    ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',
    ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x',
    ['Y'] = 'y', ['Z'] = 'z',
};

/* A character as words have it. */
struct word_character {
    uint32_t small; /* its small letter; 0: words do not have it, as what is not UTF-8 */
    bool is_unspaced;
    size_t bytes;
};

/* The character at `at`, which is before the end. */
static struct word_character look(struct quern_text_words *words)
{
    const unsigned char *bytes = (const unsigned char *)words->text.data + words->at;
    if (*bytes < 0x80)
        return (struct word_character){ascii[*bytes], false, 1};
    const size_t size = quern_utf8_length(bytes, words->text.length - words->at);
    if (size == 0)
        return (struct word_character){.bytes = 1};
    const uint32_t code = quern_utf8_code(bytes, size);
    const size_t found = find_range(words->range, code);
    if (found == RANGES || code < ranges[found].first)
        return (struct word_character){.bytes = size};
    words->range = found;
    const struct word_range *range = &ranges[found];
    const bool is_small = range->is_pairs && (code - range->first) % 2 == 1;
    return (struct word_character){is_small ? code : code + (uint32_t)range->delta, range->is_unspaced, size};
}

void quern_text_words_of(struct quern_text_words *words, quern_text text)
{
    *words = (struct quern_text_words){.text = text};
}

static uint64_t add_character(uint64_t hash, uint32_t character)
{
    return (hash ^ character) * WORD_HASH_PRIME;
}

/* The next word of writing without spaces at `at`. *word stays as it is if there is none: if a pair has had the last
 * character. */
static bool read_unspaced(struct quern_text_words *words, uint64_t *word)
{
    uint32_t before = words->before;
    bool is_alone = false;
    while (words->at < words->text.length) {
        const struct word_character character = look(words);
        if (!character.is_unspaced)
            break;
        words->at += character.bytes;
        words->before = character.small;
        if (before != 0) {
            words->first = before;
            *word = add_character(add_character(WORD_HASH_BASIS, before), character.small);
            return true;
        }
        before = character.small;
        is_alone = true;
    }
    words->before = 0;
    if (is_alone) {
        words->first = before;
        *word = add_character(WORD_HASH_BASIS, before);
    }
    return is_alone;
}

bool quern_text_words_next(struct quern_text_words *words, uint64_t *word)
{
    uint64_t hash = WORD_HASH_BASIS;
    if (read_unspaced(words, word))
        return true;
    while (words->at < words->text.length) {
        const struct word_character character = look(words);
        if (character.is_unspaced && hash == WORD_HASH_BASIS)
            return read_unspaced(words, word);
        if (character.is_unspaced)
            break;
        words->at += character.bytes;
        if (character.small == 0 && hash != WORD_HASH_BASIS)
            break;
        if (character.small == 0)
            continue;
        if (hash == WORD_HASH_BASIS)
            words->first = character.small;
        hash = add_character(hash, character.small);
    }
    *word = hash;
    return hash != WORD_HASH_BASIS;
}

/* ---------------------------------------------------------------- counting */

void quern_wanted_words_read(struct quern_wanted_words *wanted, quern_text query)
{
    struct quern_text_words words;
    uint64_t word;
    *wanted = (struct quern_wanted_words){.count = 0};
    quern_text_words_of(&words, query);
    while (wanted->count < QUERN_MOST_WANTED_WORDS && quern_text_words_next(&words, &word)) {
        size_t i = 0;
        while (i < wanted->count && wanted->words[i] != word)
            i++;
        if (i < wanted->count)
            continue;
        wanted->words[wanted->count++] = word;
        if (words.first < 0x80 && memchr(wanted->firsts, (int)words.first, wanted->first_count) == NULL)
            wanted->firsts[wanted->first_count++] = (unsigned char)words.first;
    }
}

int quern_wanted_words_add(struct quern_wanted_words *wanted, quern_text query, unsigned char *places)
{
    struct quern_wanted_words own, all = *wanted;
    quern_wanted_words_read(&own, query);
    for (size_t i = 0; i < own.count; i++) {
        size_t at = 0;
        while (at < all.count && all.words[at] != own.words[i])
            at++;
        if (at == QUERN_MOST_WANTED_WORDS)
            return -1;
        all.words[at] = own.words[i];
        all.count += at == all.count;
        places[i] = (unsigned char)at;
    }
    for (size_t i = 0; i < own.first_count; i++)
        if (memchr(all.firsts, own.firsts[i], all.first_count) == NULL)
            all.firsts[all.first_count++] = own.firsts[i];
    *wanted = all;
    return (int)own.count;
}

static void count_word(const struct quern_wanted_words *wanted, uint64_t word, uint16_t *times)
{
    for (size_t i = 0; i < wanted->count; i++)
        times[i] = (uint16_t)(times[i] + (wanted->words[i] == word && times[i] < UINT16_MAX));
}

/* Counts the word of ASCII characters that begins at `at`. */
static void count_ascii_word(const struct quern_wanted_words *wanted, quern_text text, size_t at, uint16_t *times)
{
    uint64_t hash = WORD_HASH_BASIS;
    for (unsigned char c; at < text.length && (c = ascii[(unsigned char)text.data[at]]) != 0; at++)
        hash = add_character(hash, c);
    count_word(wanted, hash, times);
}

/* The same for all words of a text that is ASCII. Compilers make vectors of these loops: whether a byte begins a word,
 * and one as some that are wanted, is told without a branch. */
static uint32_t count_ascii(const struct quern_wanted_words *wanted, quern_text text, uint16_t *times)
{
    unsigned char in_word[CHUNK + 1] = {0}, begins[CHUNK], candidates[CHUNK];
    uint32_t length = 0;
    for (size_t at = 0; at < text.length; at += CHUNK) {
        const size_t bytes = text.length - at < CHUNK ? text.length - at : CHUNK;
        unsigned char chunk[CHUNK] = {0}, count = 0;
        memcpy(chunk, text.data + at, bytes);
        for (size_t i = 0; i < CHUNK; i++) {
            const unsigned char c = chunk[i], is_upper = (unsigned char)(c - 'A') < 26;
            chunk[i] = (unsigned char)(c + (is_upper << 5));
            in_word[i + 1] = (unsigned char)((c | 0x20) - 'a') < 26 || (unsigned char)(c - '0') < 10 || c == '_';
        }
        for (size_t i = 0; i < CHUNK; i++) {
            begins[i] = in_word[i + 1] & !in_word[i];
            count = (unsigned char)(count + begins[i]);
            candidates[i] = 0;
        }
        for (size_t k = 0; k < wanted->first_count; k++)
            for (size_t i = 0; i < CHUNK; i++)
                candidates[i] |= begins[i] & (wanted->firsts[k] == chunk[i]);
        length += count;
        in_word[0] = in_word[CHUNK];
        for (const unsigned char *found = candidates; (found = memchr(found, 1, (size_t)(candidates + CHUNK - found)));
             found++)
            count_ascii_word(wanted, text, at + (size_t)(found - candidates), times);
    }
    return length;
}

/* The first byte from `at` on that is not ASCII. */
static size_t ascii_end(quern_text text, size_t at)
{
    uint64_t eight;
    for (; text.length - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, text.data + at, sizeof eight);
        if ((eight & 0x8080808080808080u) != 0)
            break;
    }
    while (at < text.length && (unsigned char)text.data[at] < 0x80)
        at++;
    return at;
}

uint32_t quern_wanted_words_count(const struct quern_wanted_words *wanted, quern_text text, uint16_t *times)
{
    struct quern_text_words words;
    uint32_t length = 0;
    quern_text_words_of(&words, text);
    while (words.at < text.length) {
        const size_t other = ascii_end(text, words.at);
        size_t end = other;
        uint64_t word;
        while (other < text.length && end > words.at && ascii[(unsigned char)text.data[end - 1]] != 0)
            end--; /* a word that goes on behind the ASCII characters */
        if (end > words.at) {
            length += count_ascii(wanted, (quern_text){text.data + words.at, end - words.at}, times);
            words.at = end;
            words.before = 0;
        }
        if (quern_text_words_next(&words, &word)) {
            count_word(wanted, word, times);
            length++;
        }
    }
    return length;
}

/* ---------------------------------------------------------------- weights */

double quern_bm25_idf(double documents, double with)
{
    return log(1 + (documents - with + 0.5) / (with + 0.5));
}

double quern_bm25(double idf, double times, double length)
{
    return idf * times * (BM25_K1 + 1) / (times + BM25_K1 * (1 - BM25_B + BM25_B * length));
}
