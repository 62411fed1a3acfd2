/* The tables of a vocabulary of byte-level BPE, and the working memory of its tokenizer. For byte_bpe.c and
 * byte_words.c. */
#ifndef QUERN_TEXT_BYTE_BPE_H
#define QUERN_TEXT_BYTE_BPE_H

#include "base/utf8.h"
#include "text/letters.h"
#include "text/normal_form.h"
#include "text/pair_merger.h"

#define QUERN_NEAR_CODES QUERN_NORMAL_FAR /* code points with an entry in `classes` */

/* How a text is cut into words. */
struct quern_word_rule {
    const char *pre;    /* as the key tokenizer.ggml.pre names it */
    bool single_digits; /* the rule of the tokenizer "qwen2": each digit is a word, a word of letters may begin with any
                         * character, and line ends stay together. Otherwise the rule of "gpt-2" */
    bool normal_form;   /* text is brought to normal form C first */
};

struct quern_byte_bpe {
    struct quern_vocabulary base;
    struct quern_pair_table pairs;
    const struct quern_word_rule *rule;
    int32_t bytes[256];                       /* the piece of each byte; -1: there is none */
    unsigned char classes[QUERN_NEAR_CODES];  /* by code point: class in letters.h | class in normal_form.h << 2 */
};

struct quern_byte_tokenizer {
    struct quern_tokenizer base;
    struct quern_pair_merger merger;
    struct quern_normal_segment segment;
    unsigned char *normal; /* [normal_capacity + QUERN_WORD_SLACK]: a stretch of text in normal form */
    uint32_t *origins;     /* [normal_capacity + 1]: where in the text its bytes, and its end, come from */
    size_t normal_capacity;
    size_t normal_length;
    const unsigned char *stretch; /* this stretch in the text, while its words are found; else NULL */
};

/* The class of a character in letters.h. A byte that is not UTF-8 is a character of the class OTHER. Sets *length. */
static inline unsigned quern_byte_bpe_class(const struct quern_byte_bpe *v, const unsigned char *p,
                                            const unsigned char *end, size_t *length)
{
    *length = 1;
    if (*p < 128)
        return v->classes[*p] & 3;
    const size_t bytes = quern_utf8_length(p, (size_t)(end - p));
    if (bytes == 0)
        return QUERN_LETTERS_OTHER;
    *length = bytes;
    const uint32_t code = quern_utf8_code(p, bytes);
    return code < QUERN_NEAR_CODES ? v->classes[code] & 3 : quern_letters_class(code);
}

/* The function split of the kind: brings a stretch of text to normal form, where the rule says so, and cuts it into
 * words. */
int quern_byte_words_split(struct quern_tokenizer *tokenizer, unsigned char *text, const unsigned char *end,
                           struct quern_ids *ids, quern_error *error);

#endif
