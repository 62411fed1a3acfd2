/* Where a text can be cut so that its parts still make sense. Any bytes are allowed in a text. */
#ifndef QUERN_API_BOUNDARY_H
#define QUERN_API_BOUNDARY_H

#include "quern.h"

/* What ends at a place in a text, the weakest first. */
enum quern_boundary {
    QUERN_BOUNDARY_NONE,
    QUERN_BOUNDARY_WORD,      /* white space follows */
    QUERN_BOUNDARY_SENTENCE,  /* a full stop or the like, with white space after it except in Chinese and Japanese */
    QUERN_BOUNDARY_LINE,      /* white space with one line end follows */
    QUERN_BOUNDARY_PARAGRAPH, /* white space with two line ends, or a paragraph separator, follows */
};

/* What ends at byte `at`, 0 < at <= text.length: in front of the white space that follows. */
enum quern_boundary quern_boundary_at(quern_text text, size_t at);

/* The first byte at or after `at` that does not begin white space, or text.length. White space is that of Unicode. */
size_t quern_white_skip(quern_text text, size_t at);

/* The end of text[begin, end) without the white space at its end; begin if all of it is white space. */
size_t quern_white_trim(quern_text text, size_t begin, size_t end);

#endif
