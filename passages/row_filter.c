#include "row_filter.h"

#include "jobs_error.h"
#include "passage.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- patterns */

/* Where a pattern may go on if what follows does not match: behind a star, which then takes more of the path. */
struct retry {
    bool is_set;
    size_t pattern, path; /* behind the star; where that was tried last */
    bool at_names;        /* it must begin at a name: of a star with '/' behind it */
};

/* Behind the character of UTF-8 at a place; of what is not UTF-8, behind the byte. */
static size_t next_character(quern_text text, size_t at)
{
    const bool is_long = ((unsigned char)text.data[at] & 0xc0) == 0xc0;
    for (at++; is_long && at < text.length && ((unsigned char)text.data[at] & 0xc0) == 0x80; at++)
        ;
    return at;
}

/* Whether a name of the path ends here, so that what stands before is the path or a folder that it lies in. */
static bool is_name_end(quern_text path, size_t at)
{
    return at == path.length || path.data[at] == '/' || (at > 0 && path.data[at - 1] == '/');
}

/* Has a star for all characters take more. False: there is no more. */
static bool take_more(struct retry *deep, quern_text path)
{
    while (deep->is_set && deep->path < path.length) {
        deep->path++;
        if (!deep->at_names || path.data[deep->path - 1] == '/')
            return true;
    }
    return false;
}

/* Reads a star at pattern.data[at], and notes where to go on. Returns the place behind it. */
static size_t read_star(quern_text pattern, size_t at, size_t path_at, struct retry *star, struct retry *deep)
{
    const bool is_deep = at + 1 < pattern.length && pattern.data[at + 1] == '*';
    if (!is_deep) {
        *star = (struct retry){.is_set = true, .pattern = at + 1, .path = path_at};
        return at + 1;
    }
    for (at += 2; at < pattern.length && pattern.data[at] == '*'; at++)
        ;
    const bool at_names = at < pattern.length && pattern.data[at] == '/';
    *deep = (struct retry){.is_set = true, .pattern = at + at_names, .path = path_at, .at_names = at_names};
    star->is_set = false;
    return deep->pattern;
}

/* Takes what people write but do not mean: "./" before it, "/" behind it. */
static quern_text trim_pattern(quern_text pattern)
{
    while (pattern.length > 2 && pattern.data[0] == '.' && pattern.data[1] == '/')
        pattern = (quern_text){pattern.data + 2, pattern.length - 2};
    while (pattern.length > 1 && pattern.data[pattern.length - 1] == '/')
        pattern.length--;
    return pattern;
}

bool quern_path_matches(quern_text path, quern_text given)
{
    const quern_text pattern = trim_pattern(given);
    struct retry star = {.is_set = false}, deep = {.is_set = pattern.length > 0 && pattern.data[0] != '/',
                                                   .at_names = true};
    size_t at = 0, p = 0;
    for (;;) {
        if (p == pattern.length && is_name_end(path, at))
            return true;
        if (p < pattern.length && pattern.data[p] == '*') {
            p = read_star(pattern, p, at, &star, &deep);
        } else if (p < pattern.length && at < path.length &&
                   (pattern.data[p] == path.data[at] || (pattern.data[p] == '?' && path.data[at] != '/'))) {
            at = pattern.data[p] == '?' ? next_character(path, at) : at + 1;
            p++;
        } else if (star.is_set && star.path < path.length && path.data[star.path] != '/') {
            at = ++star.path;
            p = star.pattern;
        } else if (take_more(&deep, path)) {
            star.is_set = false;
            at = deep.path;
            p = deep.pattern;
        } else {
            return false;
        }
    }
}

/* ---------------------------------------------------------------- rows */

struct selection {
    const struct quern_row_filter *filter;
    const quern_index *index;
    quern_index_info info;
    quern_text *names; /* [filter->id_count], sorted */
    uint64_t *bitmap;
    uint64_t count;
    quern_text path;   /* of the row before; its text is NULL: there was none */
    bool matches;      /* that path matches a pattern */
};

/* By length first: names of other lengths, which most are, need not be read. */
static int compare(quern_text a, quern_text b)
{
    const int order = (a.length > b.length) - (a.length < b.length);
    return order != 0 || a.length == 0 ? order : memcmp(a.data, b.data, a.length);
}

static int compare_names(const void *a, const void *b)
{
    return compare(*(const quern_text *)a, *(const quern_text *)b);
}

/* Passages of a file mostly stand one behind the other, so a path is seldom compared twice. */
static bool has_path(struct selection *selection, quern_text path)
{
    const struct quern_row_filter *filter = selection->filter;
    if (selection->path.data != NULL && compare(path, selection->path) == 0)
        return selection->matches;
    selection->path = path;
    selection->matches = false;
    for (size_t i = 0; i < filter->pattern_count && !selection->matches; i++)
        selection->matches = quern_path_matches(path, filter->patterns[i]);
    return selection->matches;
}

static bool has_name(const struct selection *selection, quern_text name)
{
    return bsearch(&name, selection->names, selection->filter->id_count, sizeof name, compare_names) != NULL;
}

/* Looks at the row at a place, if there is one. */
static int look(struct selection *selection, uint64_t place, quern_error *error)
{
    const struct quern_row_filter *filter = selection->filter;
    quern_index_row row;
    const int code = quern_index_get(selection->index, place, &row, NULL);
    if (code == QUERN_EINVAL) /* it was removed */
        return QUERN_OK;
    if (code != QUERN_OK)
        return quern_index_get(selection->index, place, &row, error); /* for its message */
    const quern_text path = quern_passage_path(row.name);
    if ((filter->by_id && !has_name(selection, row.name) && !has_name(selection, path)) ||
        (filter->by_path && !has_path(selection, path)))
        return QUERN_OK;
    selection->bitmap[place / 64] |= UINT64_C(1) << place % 64;
    selection->count++;
    return QUERN_OK;
}

/* Checks that the filter can be used with the index, and sorts its names. */
static int prepare(struct selection *selection, quern_error *error)
{
    const struct quern_row_filter *filter = selection->filter;
    const bool named = selection->info.ids == QUERN_INDEX_NAMES;
    if (filter->by_path && !named)
        return quern_jobs_fail(error, QUERN_EINVAL, "the ids of the index are numbers: it has no paths");
    for (size_t i = 0; i < filter->pattern_count; i++)
        if (filter->patterns[i].length == 0)
            return quern_jobs_fail(error, QUERN_EINVAL, "the path to look in is empty");
    for (size_t i = 0; i < filter->id_count; i++)
        if ((filter->ids[i].name.length > 0) != named)
            return quern_jobs_fail(error, QUERN_EINVAL, "the ids of the index are %s", named ? "texts" : "numbers");
    selection->bitmap = calloc((size_t)(selection->info.places / 64 + 1), sizeof *selection->bitmap);
    selection->names = named ? malloc((filter->id_count + 1) * sizeof *selection->names) : NULL;
    if (selection->bitmap == NULL || (named && selection->names == NULL))
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to choose rows");
    for (size_t i = 0; named && i < filter->id_count; i++)
        selection->names[i] = filter->ids[i].name;
    if (named)
        qsort(selection->names, filter->id_count, sizeof *selection->names, compare_names);
    return QUERN_OK;
}

/* Numbers are looked up. */
static int select_numbers(struct selection *selection, quern_error *error)
{
    const struct quern_row_filter *filter = selection->filter;
    const int code =
        quern_index_select(selection->index, filter->ids, filter->id_count, selection->bitmap, error);
    for (uint64_t word = 0; code == QUERN_OK && word < (selection->info.places + 63) / 64; word++)
        selection->count += (uint64_t)__builtin_popcountll(selection->bitmap[word]);
    return code;
}

int quern_row_filter_select(const struct quern_row_filter *filter, const quern_index *index, uint64_t **bitmap,
                            uint64_t *count, quern_error *error)
{
    struct selection selection = {.filter = filter, .index = index, .info.size = sizeof selection.info};
    int code = quern_index_describe(index, &selection.info, error);
    if (code == QUERN_OK)
        code = prepare(&selection, error);
    if (code == QUERN_OK && selection.info.ids == QUERN_INDEX_NUMBERS && filter->by_id)
        code = select_numbers(&selection, error);
    else
        for (uint64_t place = 0; code == QUERN_OK && place < selection.info.places; place++)
            code = look(&selection, place, error);
    free(selection.names);
    *bitmap = selection.bitmap;
    *count = selection.count;
    return code;
}
