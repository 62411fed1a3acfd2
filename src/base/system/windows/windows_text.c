/* Functions on texts and numbers, and reading of lines. */
#include <math.h>

float quern_windows_roundf(float x)
{
    const float whole = truncf(x);
    return fabsf(x - whole) >= 0.5f ? whole + copysignf(1, x) : whole; /* the difference is exact */
}

char *quern_windows_strndup(const char *text, size_t most)
{
    const size_t length = strnlen(text, most);
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *quern_windows_memmem(const void *text, size_t length, const void *part, size_t part_length)
{
    const char *at = text;
    for (size_t i = 0; part_length <= length && i <= length - part_length; i++)
        if (memcmp(at + i, part, part_length) == 0)
            return (void *)(at + i);
    return NULL;
}

char *quern_windows_strsep(char **rest, const char *separators)
{
    char *part = *rest, *end = part != NULL ? part + strcspn(part, separators) : NULL;
    *rest = end != NULL && *end != '\0' ? end + 1 : NULL;
    if (end != NULL)
        *end = '\0';
    return part;
}

char *quern_windows_strcasestr(const char *text, const char *part)
{
    for (;; text++) {
        if (_strnicmp(text, part, strlen(part)) == 0)
            return (char *)(uintptr_t)text;
        if (*text == '\0')
            return NULL;
    }
}

/* The compiler cannot leave out what is written to volatile memory. */
void quern_windows_explicit_bzero(void *memory, size_t bytes)
{
    for (volatile unsigned char *byte = memory; bytes > 0; bytes--)
        *byte++ = 0;
}

ssize_t quern_windows_getline(char **line, size_t *capacity, FILE *file)
{
    size_t length = 0;
    for (int c = 0; c != '\n' && (c = _fgetc_nolock(file)) != EOF;) {
        if (*line == NULL || length + 2 > *capacity) {
            const size_t more = 2 * length + 128;
            char *longer = realloc(*line, more);
            if (longer == NULL)
                return -1;
            *line = longer;
            *capacity = more;
        }
        (*line)[length++] = (char)c;
    }
    if (length == 0)
        return -1;
    (*line)[length] = '\0';
    return (ssize_t)length;
}

struct tm *quern_windows_gmtime(const time_t *time, struct tm *date)
{
    return gmtime_s(date, time) == 0 ? date : NULL;
}

/* The number of the word that a text begins with, of words of three letters; *text is moved behind it. -1: none. */
static int read_word(const char **text, const char *words)
{
    for (int i = 0; words[3 * i] != '\0'; i++)
        if (_strnicmp(*text, words + 3 * i, 3) == 0) {
            *text += 3;
            return i;
        }
    return -1;
}

char *quern_windows_strptime(const char *text, const char *format, struct tm *date)
{
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            if (*text++ != *format)
                return NULL;
            continue;
        }
        const char what = *++format;
        int number = what == 'a'   ? read_word(&text, "SunMonTueWedThuFriSat")
                     : what == 'b' ? read_word(&text, "JanFebMarAprMayJunJulAugSepOctNovDec")
                                   : 0;
        if (what != 'a' && what != 'b')
            for (int digits = what == 'Y' ? 4 : 2; digits > 0 && number >= 0; digits--, text++)
                number = *text >= '0' && *text <= '9' ? 10 * number + *text - '0' : -1;
        if (number < 0)
            return NULL;
        *(what == 'a'   ? &date->tm_wday
          : what == 'b' ? &date->tm_mon
          : what == 'd' ? &date->tm_mday
          : what == 'H' ? &date->tm_hour
          : what == 'M' ? &date->tm_min
          : what == 'S' ? &date->tm_sec
                        : &date->tm_year) = what == 'Y' ? number - 1900 : number;
    }
    return (char *)text;
}
