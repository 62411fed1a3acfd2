/* The rules are those of the normaliser and the pre-tokeniser for WordPiece in Hugging Face's library tokenizers, in
 * this order: characters are left out, or become white space; ideographs get spaces around them; accents are left out,
 * after the canonical decomposition of the text; capitals become small; white space and punctuation end words. The
 * lists of code points are measured, because the library has its categories from an older Unicode than the rest. */
#include "text/wordpiece_characters.h"

#include "base/count.h"
#include "text/wordpiece_ranges.h"

#include <string.h>

#define SYLLABLES_FIRST 0xAC00u
#define SYLLABLES_LAST 0xD7A3u
#define LEADING_FIRST 0x1100u
#define VOWELS_FIRST 0x1161u
#define TRAILING_NONE 0x11A7u
#define VOWELS 21
#define TRAILING 28

/* Pages whose entries are all the same are shared. */
enum { PAGE_PART, PAGE_SINGLE, PAGE_DROPPED, PAGE_SYLLABLE, SHARED_PAGES };

static uint32_t entry_of(enum quern_character_use use)
{
    return (uint32_t)use << QUERN_ENTRY_USE_SHIFT;
}

/* The entry of a code point, to be changed. */
static uint32_t *entry_at(struct quern_wordpiece_characters *c, uint32_t code)
{
    unsigned char *number = &c->numbers[code >> 8];

    if (*number < SHARED_PAGES) {
        memcpy(c->pages[c->page_count], c->pages[*number], sizeof *c->pages);
        *number = c->page_count++;
    }
    return &c->pages[*number][code & 255];
}

/* Sets the entries [first, last]. Pages that are all of them become the shared page. */
static void set_range(struct quern_wordpiece_characters *c, uint32_t first, uint32_t last, uint32_t entry,
                      unsigned char shared)
{
    for (uint32_t code = first; code <= last; code++) {
        if (shared != PAGE_PART && (code & 255) == 0 && last - code >= 255) {
            c->numbers[code >> 8] = shared;
            code += 255;
        } else {
            *entry_at(c, code) = entry;
        }
    }
}

static void set_all(struct quern_wordpiece_characters *c, const struct range *ranges, size_t count,
                    enum quern_character_use use, unsigned char shared)
{
    for (size_t i = 0; i < count; i++)
        set_range(c, ranges[i].first, ranges[i].last, entry_of(use), shared);
}

static void set_capitals(struct quern_wordpiece_characters *c)
{
    for (size_t i = 0; i < QUERN_COUNT(capitals); i++)
        for (uint32_t code = capitals[i].first; code <= capitals[i].last; code += capitals[i].step)
            *entry_at(c, code) = code + (uint32_t)capitals[i].delta;
    for (size_t i = 0; i < QUERN_COUNT(several_small); i++)
        *entry_at(c, several_small[i].code) = entry_of(QUERN_USE_SEVERAL);
}

/* A character becomes what the one without its accents becomes. */
static void set_accented(struct quern_wordpiece_characters *c)
{
    const uint32_t *to = unaccented;

    for (size_t i = 0; i < QUERN_COUNT(accented); i++) {
        for (uint32_t code = accented[i].first; code <= accented[i].last; code++, to++) {
            const uint32_t entry = quern_character_entry(c, *to);
            *entry_at(c, code) = entry & QUERN_ENTRY_CODE ? entry : entry | *to;
        }
    }
}

static void set_accents(struct quern_wordpiece_characters *c)
{
    set_accented(c);
    set_all(c, accents, QUERN_COUNT(accents), QUERN_USE_DROPPED, PAGE_PART);
    set_all(c, dividing_accents, QUERN_COUNT(dividing_accents), QUERN_USE_DIVIDING, PAGE_PART);
    for (size_t i = 0; i < QUERN_COUNT(sorted_marks); i++)
        for (uint32_t code = sorted_marks[i].first; code <= sorted_marks[i].last; code++)
            *entry_at(c, code) = sorted_marks[i].order << QUERN_ENTRY_ORDER_SHIFT;
    for (size_t i = 0; i < QUERN_COUNT(several); i++)
        *entry_at(c, several[i].code) = entry_of(QUERN_USE_SEVERAL);
    set_range(c, SYLLABLES_FIRST, SYLLABLES_LAST, entry_of(QUERN_USE_SYLLABLE), PAGE_SYLLABLE);
}

void quern_wordpiece_characters_fill(struct quern_wordpiece_characters *c, bool lowercase, bool strip_accents)
{
    static const enum quern_character_use shared[SHARED_PAGES] = {QUERN_USE_PART, QUERN_USE_SINGLE, QUERN_USE_DROPPED,
                                                                  QUERN_USE_SYLLABLE};

    c->page_count = SHARED_PAGES;
    for (size_t page = 0; page < SHARED_PAGES; page++)
        for (size_t i = 0; i < 256; i++)
            c->pages[page][i] = entry_of(shared[page]);
    if (lowercase)
        set_capitals(c);
    set_all(c, punctuation, QUERN_COUNT(punctuation), QUERN_USE_SINGLE, PAGE_PART);
    set_all(c, ideographs, QUERN_COUNT(ideographs), QUERN_USE_SINGLE, PAGE_SINGLE);
    if (strip_accents)
        set_accents(c);
    set_all(c, removed, QUERN_COUNT(removed), QUERN_USE_DROPPED, PAGE_DROPPED);
    set_all(c, white, QUERN_COUNT(white), QUERN_USE_WHITE, PAGE_PART);
}

/* The formula is in chapter 3.12 of the Unicode Standard. */
static size_t syllable_parts(uint32_t code, uint32_t parts[3])
{
    const uint32_t number = code - SYLLABLES_FIRST, trailing = number % TRAILING;

    parts[0] = LEADING_FIRST + number / (VOWELS * TRAILING);
    parts[1] = VOWELS_FIRST + number / TRAILING % VOWELS;
    parts[2] = TRAILING_NONE + trailing;
    return trailing > 0 ? 3 : 2;
}

size_t quern_character_parts(uint32_t code, enum quern_character_use use, uint32_t parts[3])
{
    const struct several *found = code == several_small[0].code ? several_small : several;

    if (use == QUERN_USE_SYLLABLE)
        return syllable_parts(code, parts);
    while (found->code != code)
        found++;
    memcpy(parts, found->to, sizeof found->to);
    return parts[2] != 0 ? 3 : 2;
}
