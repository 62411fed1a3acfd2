#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LONGEST_COMPARED 32 /* bytes of a word that is compared; longer ones have no near word */

/* How many letters must be added, left out, changed, or exchanged with their neighbour to make one word of the other
 * (the optimal string alignment distance), without regard to case. */
static int distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int rows[3][LONGEST_COMPARED + 1]; /* the row of the letter before the last one, of the last one, and of this one */
    int *older = rows[0], *old = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        old[j] = (int)j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            const int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            int least = old[j - 1] + (x != y);
            least = old[j] + 1 < least ? old[j] + 1 : least;
            least = row[j - 1] + 1 < least ? row[j - 1] + 1 : least;
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]))
                least = older[j - 2] + 1 < least ? older[j - 2] + 1 : least;
            row[j] = least;
        }
        int *const reused = older;
        older = old;
        old = row;
        row = reused;
    }
    return old[b_length];
}

/* Compares a name of a word. */
static void offer(struct quern_nearest *nearest, const char *name, size_t length, const char *word, size_t word_length)
{
    const size_t asked = strlen(nearest->asked);
    if (asked == 0 || asked > LONGEST_COMPARED || length > LONGEST_COMPARED)
        return;
    const int most = asked < 3 ? 0 : asked < 6 ? 1 : asked < 10 ? 2 : 3; /* letters of a slip of the hand */
    const bool begins = asked >= 3 && asked < length && strncasecmp(nearest->asked, name, asked) == 0;
    const int found = begins ? 0 : distance(nearest->asked, asked, name, length);
    if (found > most || (nearest->word != NULL && found >= nearest->distance))
        return;
    nearest->word = word;
    nearest->length = (int)word_length;
    nearest->distance = found;
}

void quern_nearest_offer(struct quern_nearest *nearest, const char *word, size_t length)
{
    offer(nearest, word, length, word, length);
}

/* Compares all names of a list. word NULL: each of them is a word of its own. */
static void offer_all(struct quern_nearest *nearest, const char *names, const char *word)
{
    while (names != NULL) {
        const size_t length = strcspn(names, "|");
        offer(nearest, names, length, word != NULL ? word : names, word != NULL ? strlen(word) : length);
        names = names[length] == '|' ? names + length + 1 : NULL;
    }
}

void quern_nearest_offer_names(struct quern_nearest *nearest, const char *names, const char *word)
{
    offer_all(nearest, names, word);
}

void quern_nearest_offer_list(struct quern_nearest *nearest, const char *words)
{
    offer_all(nearest, words, NULL);
}

const char *quern_nearest_hint(const struct quern_nearest *nearest, char out[QUERN_NEAREST_HINT])
{
    if (nearest->word == NULL)
        return "";
    snprintf(out, QUERN_NEAREST_HINT, " (did you mean '%s%.*s'?)", nearest->prefix != NULL ? nearest->prefix : "",
             nearest->length, nearest->word);
    return out;
}
