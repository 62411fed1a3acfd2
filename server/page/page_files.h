/* The files; pack_page writes them as C while quern is built. */
#ifndef QUERN_SERVER_PAGE_FILES_H
#define QUERN_SERVER_PAGE_FILES_H

#include "page.h"

extern const struct quern_page_file quern_page_files[]; /* ends with an entry whose path is NULL */

#endif
