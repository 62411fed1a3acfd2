/* A passage: a part of a file, as a row of an index has it.
 *
 * The row's id is a name, PATH#NUMBER: the path of the file, and the number of the passage in it, from 0. A path may
 * have a '#' too: the last one counts. The payload is a line, and behind it the text of the passage, byte for byte:
 *
 *     LINE LAST-LINE BEGIN END TITLE\n
 *     TEXT
 *
 * LINE and LAST-LINE, from 1, are those of the file where the passage begins and ends; of a record (a line of JSON, a
 * row of a table) both are where the record begins. BEGIN and END are bytes: of the file, or of the record's text; both
 * are counted in the text of a packed file. TITLE was embedded with the text, and may be empty.
 *
 * Threads: these functions know nothing but their arguments. */
#ifndef QUERN_PASSAGE_H
#define QUERN_PASSAGE_H

#include "quern_index.h"

#include <stdbool.h>

#define QUERN_PASSAGE_TITLE 256 /* bytes of a title at most: a longer one is cut at a character */
#define QUERN_PASSAGE_LINE (QUERN_PASSAGE_TITLE + 96) /* most bytes of the first line of a payload */
#define QUERN_PASSAGE_NUMBER 24 /* room that an id needs behind its path */

struct quern_passage {
    uint64_t line, last_line; /* 0: the payload does not tell */
    uint64_t begin, end;      /* bytes; the line itself is not counted */
    quern_text title, text;
};

/* Writes a title as payloads have it to out, and returns it: not too long, with spaces for control characters. */
quern_text quern_passage_title(char out[QUERN_PASSAGE_TITLE], quern_text title);

/* Writes the first line of a payload, its newline too, and returns its length. */
size_t quern_passage_put_line(char out[QUERN_PASSAGE_LINE], const struct quern_passage *passage);

/* Reads a payload; the texts are views of it. A payload of another form, which another program wrote, is taken for a
 * text alone; then the result is false. */
bool quern_passage_read(struct quern_passage *passage, quern_text payload);

/* Writes the name of a passage to out, which has room for the path and QUERN_PASSAGE_NUMBER bytes. Returns its
 * length. */
size_t quern_passage_put_name(char *out, quern_text path, uint64_t number);

/* The path in a name: a view of it. The whole name when it is none of a passage. */
quern_text quern_passage_path(quern_text name);

#endif
