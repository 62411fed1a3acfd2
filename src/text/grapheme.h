/* Where a text is divided into extended grapheme clusters: what readers see as one character, such as a letter with its
 * accents. The rules are those of Unicode Standard Annex 29, version 17.0. */
#ifndef QUERN_TEXT_GRAPHEME_H
#define QUERN_TEXT_GRAPHEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the rules know of a code point. The three kinds of EXTEND differ in sequences of consonants of Indic scripts: a
 * LINKER joins two consonants, an EXTEND may stand beside it, an OTHER_EXTEND may not. */
enum quern_grapheme_class {
    QUERN_GRAPHEME_OTHER = 0, QUERN_GRAPHEME_CR, QUERN_GRAPHEME_LF, QUERN_GRAPHEME_CONTROL, QUERN_GRAPHEME_EXTEND,
    QUERN_GRAPHEME_OTHER_EXTEND, QUERN_GRAPHEME_LINKER, QUERN_GRAPHEME_ZWJ, QUERN_GRAPHEME_SPACING_MARK,
    QUERN_GRAPHEME_PREPEND, QUERN_GRAPHEME_PICTOGRAPH, QUERN_GRAPHEME_CONSONANT, QUERN_GRAPHEME_REGIONAL,
    QUERN_GRAPHEME_HANGUL_L, QUERN_GRAPHEME_HANGUL_V, QUERN_GRAPHEME_HANGUL_T, QUERN_GRAPHEME_HANGUL_LV,
    QUERN_GRAPHEME_HANGUL_LVT
};

enum quern_grapheme_class quern_grapheme_class(uint32_t code);

/* Sets out[code] to the class of each code point below `count`. */
void quern_grapheme_classes(unsigned char *out, size_t count);

/* A cluster, as far as it has been read. */
struct quern_grapheme {
    unsigned char last;     /* the class of its last code point */
    bool is_pictograph;     /* it ends in a pictograph and EXTENDs, and then perhaps a ZWJ */
    bool is_consonant;      /* it ends in a consonant, EXTENDs and LINKERs */
    bool is_linked;         /* a LINKER is among them */
    bool is_half_flag;      /* it ends in the first of two REGIONALs */
};

/* Begins a cluster with a code point of this class. */
static inline struct quern_grapheme quern_grapheme_begin(unsigned char class)
{
    return (struct quern_grapheme){class, class == QUERN_GRAPHEME_PICTOGRAPH, class == QUERN_GRAPHEME_CONSONANT, false,
                                   class == QUERN_GRAPHEME_REGIONAL};
}

/* Whether the next code point, of this class, belongs to the cluster. Then it is added to the cluster. */
bool quern_grapheme_take(struct quern_grapheme *cluster, unsigned char class);

#endif
