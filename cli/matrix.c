#include "cli.h"

#include <math.h>

/* The beginning of a text, cut between two characters. */
static void print_label(const char *text)
{
    enum { MOST_CHARACTERS = 60, MOST_BYTES = 4 * MOST_CHARACTERS };
    char label[MOST_BYTES + 1];
    int characters = 0;
    size_t length = 0;
    for (; text[length] != '\0' && length < MOST_BYTES; length++)
        if (((unsigned char)text[length] & 0xc0) != 0x80 && characters++ == MOST_CHARACTERS)
            break;
    snprintf(label, sizeof label, "%.*s", (int)length, text);
    quern_cli_put_clean(label);
    fputs(text[length] != '\0' ? "..." : "", stdout);
}

/* From blue (no similarity) over green to red (equal). */
static int colour(double similarity)
{
    static const int palette[] = {27, 33, 37, 35, 34, 70, 106, 142, 178, 208, 196};
    double step = floor(fmin(fmax(similarity, 0), 1) * 10);
    return palette[(int)step];
}

void quern_cli_print_matrix(const float *rows, char *const *texts, int count, int dimensions, int decimals)
{
    const bool colours = quern_cli_wants_colours();
    const int width = decimals + 4;
    fputs("    ", stdout);
    for (int j = 0; j < count; j++)
        printf("%*d", width, j + 1);
    putchar('\n');
    for (int i = 0; i < count; i++) {
        printf("%4d", i + 1);
        for (int j = 0; j < count; j++) {
            const double value = quern_cosine(rows + (size_t)i * (size_t)dimensions,
                                              rows + (size_t)j * (size_t)dimensions, dimensions);
            if (colours)
                printf("\x1b[38;5;%dm%*.*f\x1b[0m", colour(value), width, decimals, value);
            else
                printf("%*.*f", width, decimals, value);
        }
        if (texts != NULL) {
            fputs("  ", stdout);
            print_label(texts[i]);
        }
        putchar('\n');
    }
}
