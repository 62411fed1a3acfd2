/* What becomes of each character of a text before WordPiece. Nearly all of it is one look into a table. */
#ifndef QUERN_TEXT_WORDPIECE_CHARACTERS_H
#define QUERN_TEXT_WORDPIECE_CHARACTERS_H

#include "quern.h"

#include <stdbool.h>

/* An entry of the table: the code point that the character becomes, or 0 if it stays as it is; its order, which is not
 * 0 for a mark that is sorted; and its use. */
#define QUERN_ENTRY_CODE 0x1FFFFFu
#define QUERN_ENTRY_ORDER_SHIFT 21
#define QUERN_ENTRY_USE_SHIFT 29

enum quern_character_use {
    QUERN_USE_PART,     /* a part of a word */
    QUERN_USE_WHITE,    /* stands between words */
    QUERN_USE_SINGLE,   /* a word by itself */
    QUERN_USE_DROPPED,  /* left out; does not end a word */
    QUERN_USE_DIVIDING, /* the same; and marks are not sorted across it */
    QUERN_USE_SEVERAL,  /* a part of a word that becomes several characters; so is the next */
    QUERN_USE_SYLLABLE  /* of Hangul */
};

#define QUERN_CODE_PAGES 0x1100 /* of 256 code points each */
#define QUERN_MOST_PAGES 128    /* that are different */

struct quern_wordpiece_characters {
    unsigned char numbers[QUERN_CODE_PAGES]; /* of the page that holds the entries of these code points */
    unsigned char page_count;
    uint32_t pages[QUERN_MOST_PAGES][256];
};

/* Fills the table, which is zero. */
void quern_wordpiece_characters_fill(struct quern_wordpiece_characters *characters, bool lowercase,
                                     bool strip_accents);

/* The entry of a code point, which is below 0x110000. */
static inline uint32_t quern_character_entry(const struct quern_wordpiece_characters *characters, uint32_t code)
{
    return characters->pages[characters->numbers[code >> 8]][code & 255];
}

static inline enum quern_character_use quern_entry_use(uint32_t entry)
{
    return (enum quern_character_use)(entry >> QUERN_ENTRY_USE_SHIFT);
}

static inline uint32_t quern_entry_order(uint32_t entry)
{
    return entry >> QUERN_ENTRY_ORDER_SHIFT & 255;
}

/* What a character becomes whose use is QUERN_USE_SEVERAL or QUERN_USE_SYLLABLE. Returns how many these are: 2 or 3. */
size_t quern_character_parts(uint32_t code, enum quern_character_use use, uint32_t parts[3]);

#endif
