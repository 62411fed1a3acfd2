#include "search.h"

#include "passage.h"

#include <string.h>

enum { AROUND = 160, ROW_TEXT = 80 }; /* bytes that are shown around the best sentence; of a text in a line */

#define BOLD "\x1b[1m"
#define FAINT "\x1b[2m"
#define BLUE "\x1b[34m"
#define PLAIN "\x1b[0m"

/* Prints bytes [begin, end) of a text for a terminal: a run of white space is one space, and a control character, which
 * could change the terminal, is '?'. *gap: whether a space stands before what follows; it goes from call to call. */
static void print_part(quern_text text, size_t begin, size_t end, bool *gap)
{
    for (size_t i = begin; i < end; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        const bool is_space = c == ' ' || (c >= '\t' && c <= '\r');
        const bool is_control = c < ' ' || c == 0x7f || /* also those of U+0080 to U+009F */
                                (c == 0xc2 && i + 1 < end && ((unsigned char)text.data[i + 1] & 0xe0) == 0x80);
        if (!is_space)
            putchar(is_control ? '?' : c);
        else if (!*gap)
            putchar(' ');
        *gap = is_space;
    }
}

static void print_text(quern_text text)
{
    bool gap = true;
    print_part(text, 0, text.length, &gap);
}

/* The first place from `at` on where a word begins, or the limit. */
static size_t to_word(quern_text text, size_t at, size_t limit)
{
    while (at < limit && text.data[at - 1] != ' ' && text.data[at - 1] != '\n')
        at++;
    return at;
}

/* Prints the passage, or what stands around its best sentence. */
static void print_passage(const struct quern_shown_hit *hit, bool full, bool colours)
{
    const quern_text text = hit->shown;
    size_t begin = 0, end = text.length;
    bool gap = true;
    if (!full && hit->begin > AROUND)
        begin = to_word(text, hit->begin - AROUND, hit->begin);
    if (!full && text.length - hit->end > AROUND)
        for (end = hit->end + AROUND; end > hit->end && text.data[end] != ' ' && text.data[end] != '\n';)
            end--;
    const bool is_part = hit->begin > begin || hit->end < end; /* all of it need not be marked */
    fputs("    ", stdout);
    if (begin > 0)
        fputs("... ", stdout);
    print_part(text, begin, hit->begin, &gap);
    if (is_part)
        fputs(colours ? BOLD : "**", stdout);
    bool inside = true;
    print_part(text, hit->begin, hit->end, &inside);
    if (is_part)
        fputs(colours ? PLAIN : "**", stdout);
    gap = inside && hit->end > hit->begin;
    print_part(text, hit->end, end, &gap);
    puts(end < text.length ? " ..." : "");
}

/* Prints file and line of a row, or its id, and reads its passage. */
static void print_place(const quern_index_row *row, bool named, struct quern_passage *passage)
{
    const bool colours = quern_cli_wants_colours(), is_passage = quern_passage_read(passage, row->payload);
    fputs(colours ? BLUE : "", stdout);
    if (!named)
        printf("%llu", (unsigned long long)row->number);
    else
        print_text(is_passage ? quern_cli_shown_path(quern_passage_path(row->name)) : row->name);
    if (is_passage)
        printf(":%llu", (unsigned long long)passage->line);
    fputs(colours ? PLAIN : "", stdout);
}

void quern_cli_show_row(const quern_index_row *row, bool named)
{
    struct quern_passage passage;
    bool gap = true;
    print_place(row, named, &passage);
    size_t end = passage.text.length < ROW_TEXT ? passage.text.length : ROW_TEXT;
    while (end > 0 && end < passage.text.length && ((unsigned char)passage.text.data[end] & 0xc0) == 0x80)
        end--; /* no part of a character */
    fputs("  ", stdout);
    print_part(passage.text, 0, end, &gap);
    puts(end < passage.text.length ? "..." : "");
}

void quern_cli_show_hits(const struct quern_shown_hit *hits, size_t count, bool named, bool full)
{
    const bool colours = quern_cli_wants_colours();
    for (size_t i = 0; i < count; i++) {
        const struct quern_shown_hit *hit = &hits[i];
        struct quern_passage passage;
        print_place(&hit->row, named, &passage);
        printf("  %.4f", hit->hit.score);
        if (passage.title.length > 0) {
            fputs(colours ? "  " FAINT : "  ", stdout);
            print_text(passage.title);
            fputs(colours ? PLAIN : "", stdout);
        }
        putchar('\n');
        if (hit->shown.length > 0)
            print_passage(hit, full, colours);
    }
}
