/* Which characters are letters, numbers and white space, by Unicode 17.0. */
#ifndef QUERN_TEXT_LETTERS_H
#define QUERN_TEXT_LETTERS_H

#include <stdint.h>

/* LETTER and NUMBER: of the general categories L and N; SPACE: of the property White_Space. */
enum { QUERN_LETTERS_OTHER = 0, QUERN_LETTERS_LETTER, QUERN_LETTERS_NUMBER, QUERN_LETTERS_SPACE };

unsigned char quern_letters_class(uint32_t code);

#endif
