/* Normal form C of Unicode (Annex 15, version 17.0): marks stand in one order, and are composed with the letter before
 * them where there is a code point for both. Bytes that are not UTF-8 stay as they are.
 *
 * A text is normalised in segments. A segment begins with a character that neither changes nor joins what stands
 * before it, and goes to the next such character. */
#ifndef QUERN_TEXT_NORMAL_FORM_H
#define QUERN_TEXT_NORMAL_FORM_H

#include "quern.h"
#include "text/heap.h"

#include <stdbool.h>

/* What a code point does in normal form C. */
enum {
    QUERN_NORMAL_STAYS = 0, /* stays as it is, and begins a segment */
    QUERN_NORMAL_MARK,      /* stays, if no other mark stands beside it */
    QUERN_NORMAL_CHANGES    /* is replaced, or perhaps joins what stands before it */
};

/* Sets out[code] to the class of each code point below `count`. */
void quern_normal_classes(unsigned char *out, size_t count);

/* The class of a code point from QUERN_NORMAL_FAR on: there are no marks, and none joins what stands before it. */
#define QUERN_NORMAL_FAR 0x20000u
unsigned char quern_normal_class_far(uint32_t code);

/* Working memory for one segment. Begins as zeros, and grows when it must. */
struct quern_normal_segment {
    uint32_t *codes;       /* [capacity] */
    unsigned char *marks;  /* [capacity]: the classes of the codes as marks; 0: none */
    struct quern_heap heap; /* [capacity] */
    size_t capacity, count;
};

/* Sets segment->codes[count] to the normal form of a segment: well-formed UTF-8 of at least one character. Error:
 * QUERN_ENOMEM. */
int quern_normal_segment_read(struct quern_normal_segment *segment, const unsigned char *text,
                              const unsigned char *end, quern_error *error);
void quern_normal_segment_release(struct quern_normal_segment *segment);

#endif
