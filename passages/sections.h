/* Where texts can be divided: sections, sentences, and their titles. Bytes need not be UTF-8.
 *
 * Threads: these functions know nothing but their arguments. */
#ifndef QUERN_SECTIONS_H
#define QUERN_SECTIONS_H

#include "quern.h"

#include <stdbool.h>

/* Whether a name is that of a Markdown file, also of a packed one. */
bool quern_is_markdown(const char *path);

/* Where the section ends that begins at `at`; greater than `at`, unless that is the end of the text. In Markdown a
 * section begins at a heading (#) that stands in no block of code; one without text belongs to the next section. In
 * other texts it begins behind an empty line with a line that is not indented: a paragraph, or what source code defines
 * at its outermost level. */
size_t quern_section_end(quern_text text, size_t at, bool is_markdown);

/* Where the sentence ends that begins at `at`; greater than `at`, unless that is the end of the text. It ends behind
 * one of . ! ? with white space behind it, behind the full stop of Chinese and Japanese, and at a line end with an
 * empty line, an item of a list or an indented line behind it. */
size_t quern_sentence_end(quern_text text, size_t at);

/* The title of a document: of Markdown the line "title:" of its front matter or its first heading, if one of them is
 * near its beginning; else the name of the file. A view of one of both. */
quern_text quern_document_title(quern_text text, const char *path, bool is_markdown);

#endif
