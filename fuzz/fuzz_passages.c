/* What an index has beside its vectors. Any bytes as a payload must be read as a passage that is written again to the
 * same bytes, or as a text. Any bytes as the note must be read as a table that is written again to the same note, or be
 * refused. Any text must be divided into sections and sentences without losing a byte. Any two lines are a path and a
 * pattern, which a pattern of the path itself and "**" must match. Of any rules of .gitignore, the last one that
 * matches must decide. Words must be counted as they are read. */
#include "fuzz.h"
#include "ignore_rules.h"
#include "passage.h"
#include "row_filter.h"
#include "sections.h"
#include "source_table.h"
#include "text_words.h"

#include <stdlib.h>
#include <string.h>

static void check_payload(quern_text payload)
{
    char line[QUERN_PASSAGE_LINE], title[QUERN_PASSAGE_TITLE];
    struct quern_passage passage, again;
    if (!quern_passage_read(&passage, payload)) {
        if (passage.text.length != payload.length)
            abort();
        return;
    }
    passage.title = quern_passage_title(title, passage.title);
    const size_t length = quern_passage_put_line(line, &passage);
    if (!quern_passage_read(&again, (quern_text){line, length}) || again.line != passage.line ||
        again.end != passage.end || again.title.length != passage.title.length || again.text.length != 0 ||
        passage.text.data + passage.text.length != payload.data + payload.length)
        abort();
}

static void check_note(quern_text note)
{
    struct quern_source_table table;
    char *copy;
    size_t length;
    if (quern_source_table_read(&table, note, NULL) != QUERN_OK)
        return;
    if (quern_source_table_write(&table, &copy, &length, NULL) != QUERN_OK)
        abort();
    quern_source_table_free(&table);
    if (note.data[8] == copy[8] && (length != note.length || memcmp(copy, note.data, length) != 0))
        abort(); /* it is of the version that is written */
    if (quern_source_table_read(&table, (quern_text){copy, length}, NULL) != QUERN_OK)
        abort();
    free(copy);
    quern_source_table_free(&table);
}

static void check_parts(quern_text text)
{
    for (int kind = 0; kind < 3; kind++)
        for (size_t at = 0, end; at < text.length; at = end) {
            end = kind < 2 ? quern_section_end(text, at, kind == 1) : quern_sentence_end(text, at);
            if (end <= at || end > text.length)
                abort();
        }
    quern_document_title(text, "a", true);
}

static void check_pattern(quern_text text)
{
    const char *newline = text.length > 0 ? memchr(text.data, '\n', text.length) : NULL;
    if (newline == NULL)
        return;
    const quern_text path = {text.data, (size_t)(newline - text.data)},
                     pattern = {newline + 1, text.length - path.length - 1};
    quern_path_matches(path, pattern);
    if (!quern_path_matches(path, (quern_text){"**", 2}))
        abort();
    if (path.length > 0 && memchr(path.data, '*', path.length) == NULL && path.data[0] != '.' &&
        !quern_path_matches(path, path))
        abort();
}

/* Asks the rules of a text, with one more at its end, for a path. */
static enum quern_ignore_verdict verdict_of(quern_text text, const char *last, const char *path)
{
    struct quern_ignore_rules rules;
    char *longer = malloc(text.length + strlen(last) + 1);
    if (longer == NULL || path == NULL)
        abort();
    memcpy(longer, text.data, text.length);
    strcpy(longer + text.length, last);
    if (quern_ignore_rules_read(&rules, (quern_text){longer, text.length + strlen(last)}, NULL) != QUERN_OK)
        abort();
    const enum quern_ignore_verdict verdict = quern_ignore_rules_verdict(&rules, path, false);
    quern_ignore_rules_free(&rules);
    free(longer);
    return verdict;
}

/* The second half of the text is the path. */
static void check_rules(quern_text text)
{
    const quern_text rules = {text.data, text.length / 2};
    char *path = strndup(text.data + rules.length, text.length - rules.length);
    verdict_of(rules, "", path);
    verdict_of(rules, "", "a/b/c.md");
    if (verdict_of(rules, "\n*", "a/b") != QUERN_IGNORE_LEFT_OUT ||
        verdict_of(rules, "\n!/**/b", "a/b") != QUERN_IGNORE_TAKEN)
        abort();
    free(path);
}

/* The beginning of the text is the query. */
static void check_words(quern_text text)
{
    struct quern_text_words words;
    struct quern_wanted_words wanted;
    uint16_t counted[QUERN_MOST_WANTED_WORDS] = {0}, read[QUERN_MOST_WANTED_WORDS] = {0};
    uint64_t word;
    uint32_t length = 0;
    quern_wanted_words_read(&wanted, (quern_text){text.data, text.length < 24 ? text.length : 24});
    quern_text_words_of(&words, text);
    for (; quern_text_words_next(&words, &word); length++)
        for (size_t i = 0; i < wanted.count; i++)
            read[i] = (uint16_t)(read[i] + (wanted.words[i] == word && read[i] < UINT16_MAX));
    if (quern_wanted_words_count(&wanted, text, counted) != length ||
        memcmp(counted, read, sizeof counted) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* so that a read behind the end is seen */
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    const quern_text text = {copy, size};
    check_payload(text);
    check_note(text);
    check_parts(text);
    check_pattern(text);
    check_rules(text);
    check_words(text);
    quern_passage_path(text);
    free(copy);
    return 0;
}
