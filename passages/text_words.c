#include "text_words.h"

#include <math.h>
#include <string.h>
#include <wctype.h>

#define BM25_K1 1.2
#define BM25_B 0.75

void quern_text_words_begin(struct quern_text_words *words)
{
    *words = (struct quern_text_words){.utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0)};
    words->before = uselocale(words->utf8);
}

void quern_text_words_of(struct quern_text_words *words, quern_text text)
{
    words->text = text;
    words->at = 0;
    memset(&words->state, 0, sizeof words->state);
}

/* Reads a character. Bytes that are not UTF-8, and NUL, are read as a space. */
static wint_t next_character(struct quern_text_words *words)
{
    const quern_text text = words->text;
    const unsigned char first = (unsigned char)text.data[words->at];
    wchar_t character = L' ';
    size_t size = 1;
    if (first < 0x80)
        character = first != '\0' ? (wchar_t)first : L' ';
    else
        size = mbrtowc(&character, text.data + words->at, text.length - words->at, &words->state);
    if (size == 0 || size > text.length) {
        memset(&words->state, 0, sizeof words->state);
        character = L' ';
        size = 1;
    }
    words->at += size;
    return (wint_t)character;
}

bool quern_text_words_next(struct quern_text_words *words, uint64_t *word)
{
    const uint64_t basis = 0xcbf29ce484222325u, prime = 0x100000001b3u; /* of the hash FNV-1a, here over characters */
    uint64_t hash = basis;
    while (words->at < words->text.length) {
        const wint_t character = next_character(words);
        if (iswalnum(character) || character == L'_')
            hash = (hash ^ (uint64_t)towlower(character)) * prime;
        else if (hash != basis)
            break;
    }
    *word = hash;
    return hash != basis;
}

void quern_text_words_end(struct quern_text_words *words)
{
    uselocale(words->before);
    if (words->utf8 != (locale_t)0)
        freelocale(words->utf8);
}

double quern_bm25_idf(double documents, double with)
{
    return log(1 + (documents - with + 0.5) / (with + 0.5));
}

double quern_bm25(double idf, double times, double length)
{
    return idf * times * (BM25_K1 + 1) / (times + BM25_K1 * (1 - BM25_B + BM25_B * length));
}
