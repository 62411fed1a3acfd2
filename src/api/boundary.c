#include "api/boundary.h"

#include "base/count.h"

#include <stdbool.h>
#include <string.h>

/* Characters, in UTF-8, and their lengths. */
struct set {
    const char *const *characters;
    size_t count;
};

#define SET(array) ((struct set){array, QUERN_COUNT(array)})

static const char *const wide_white[] = {
    "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83",
    "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
    "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
};
static const char *const line_ends[] = {"\n", "\v", "\f", "\r", "\xc2\x85", "\xe2\x80\xa8"};
static const char *const paragraph_ends[] = {"\xe2\x80\xa9"};
static const char *const stops[] = {".", "!", "?", "\xe2\x80\xa6"};
static const char *const wide_stops[] = {"\xe3\x80\x82", "\xef\xbc\x81", "\xef\xbc\x9f", "\xef\xbd\xa1"};

/* Characters that may stand between a full stop and the end of the sentence: some quotation marks and brackets. */
enum { MOST_CLOSERS = 3 };
static const char *const closers[] = {
    "\"", "'", ")", "]", "}", "\xc2\xbb",
    "\xe2\x80\x99", "\xe2\x80\x9d", "\xe3\x80\x8d", "\xe3\x80\x8f", "\xe3\x80\x91", "\xe3\x80\x8b", "\xef\xbc\x89",
};

/* Bytes of the character of the set that stands at `at`, or ends there; 0: none does. */
static size_t length_at(quern_text text, size_t at, struct set set)
{
    for (size_t i = 0; i < set.count; i++) {
        const size_t length = strlen(set.characters[i]);
        if (length <= text.length - at && memcmp(text.data + at, set.characters[i], length) == 0)
            return length;
    }
    return 0;
}

static size_t length_before(quern_text text, size_t at, struct set set)
{
    for (size_t i = 0; i < set.count; i++) {
        const size_t length = strlen(set.characters[i]);
        if (length <= at && memcmp(text.data + at - length, set.characters[i], length) == 0)
            return length;
    }
    return 0;
}

static bool is_ascii_white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Bytes of the white space at `at`, or that ends there; 0: there is none. */
static size_t white_at(quern_text text, size_t at)
{
    if (at < text.length && (unsigned char)text.data[at] < 0x80)
        return is_ascii_white(text.data[at]);
    return length_at(text, at, SET(wide_white));
}

static size_t white_before(quern_text text, size_t at)
{
    if (at > 0 && (unsigned char)text.data[at - 1] < 0x80)
        return is_ascii_white(text.data[at - 1]);
    return length_before(text, at, SET(wide_white));
}

size_t quern_white_skip(quern_text text, size_t at)
{
    for (size_t length; (length = white_at(text, at)) > 0;)
        at += length;
    return at;
}

size_t quern_white_trim(quern_text text, size_t begin, size_t end)
{
    for (size_t length; end > begin && (length = white_before(text, end)) > 0 && length <= end - begin;)
        end -= length;
    return end;
}

/* The line ends in the white space at `at`: 2 for two and more. */
static int count_line_ends(quern_text text, size_t at)
{
    int count = 0;
    for (size_t length; count < 2 && (length = white_at(text, at)) > 0; at += length) {
        const bool is_pair = text.data[at] == '\r' && at + 1 < text.length && text.data[at + 1] == '\n';
        count += !is_pair && length_at(text, at, SET(line_ends)) > 0;
        count += 2 * (length_at(text, at, SET(paragraph_ends)) > 0);
    }
    return count;
}

enum quern_boundary quern_boundary_at(quern_text text, size_t at)
{
    const bool is_end = at == text.length, white_follows = white_at(text, at) > 0;
    size_t stop = at;
    if (white_before(text, at) > 0)
        return QUERN_BOUNDARY_NONE;
    if (white_follows) {
        const int line_ends_follow = count_line_ends(text, at);
        if (line_ends_follow > 0)
            return line_ends_follow > 1 ? QUERN_BOUNDARY_PARAGRAPH : QUERN_BOUNDARY_LINE;
    }
    for (int i = 0; i < MOST_CLOSERS; i++)
        stop -= length_before(text, stop, SET(closers));
    if (white_follows || is_end)
        return length_before(text, stop, SET(stops)) > 0 || length_before(text, stop, SET(wide_stops)) > 0
                   ? QUERN_BOUNDARY_SENTENCE
                   : QUERN_BOUNDARY_WORD;
    const bool goes_on = length_at(text, at, SET(closers)) > 0 || length_at(text, at, SET(wide_stops)) > 0;
    return !goes_on && length_before(text, stop, SET(wide_stops)) > 0 ? QUERN_BOUNDARY_SENTENCE : QUERN_BOUNDARY_NONE;
}
