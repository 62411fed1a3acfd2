/* What pack_page.c writes. */
#ifndef QUERN_SERVER_PAGE_FILES_H
#define QUERN_SERVER_PAGE_FILES_H

#include "page.h"

extern const struct quern_page_file quern_page_files[]; /* the last one has no path */

#endif
