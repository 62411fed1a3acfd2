/* An index that is searched again and again, while others may change its file: it is opened anew when that happened.
 *
 * Threads: it belongs to one thread at a time. */
#ifndef QUERN_FOLLOWED_INDEX_H
#define QUERN_FOLLOWED_INDEX_H

#include "quern_index.h"

#include <stdbool.h>
#include <sys/stat.h>

struct quern_followed_index {
    const char *path;               /* these two are the caller's, and set before the first call */
    quern_searcher_options options;
    quern_index *index;             /* NULL: it could not be opened yet */
    quern_index_info info;
    quern_searcher *searcher;
    struct stat seen;               /* the file, just before it was opened */
    bool is_settled;                /* its last change was then so long ago that a later one has another time */
};

/* Opens the index, or opens it anew if its file is not the one that was opened. Texts and hits of the old one are then
 * no longer valid. After a failure what was open stays so. Fails as quern_index_open and quern_searcher_new do. */
int quern_followed_index_look(struct quern_followed_index *followed, quern_error *error);

/* Closes what is open; the caller's fields stay. Zeros are allowed. */
void quern_followed_index_close(struct quern_followed_index *followed);

#endif
