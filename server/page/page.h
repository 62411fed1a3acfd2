/* Files that are built into the program: the page at "/", which needs only its files and the server, and openapi.json,
 * which describes all routes. */
#ifndef QUERN_SERVER_PAGE_H
#define QUERN_SERVER_PAGE_H

#include <stddef.h>

struct quern_page_file {
    const char *path; /* as in a request: "/", "/page/NAME" or "/openapi.json" */
    const char *type; /* for Content-Type */
    const char *etag; /* for ETag, with its quotation marks; depends on the bytes */
    const unsigned char *bytes;
    size_t size;
};

/* The file of a path without its query, or NULL. Static. */
const struct quern_page_file *quern_page_find(const char *path);

/* The Content-Security-Policy of all files: nothing is loaded from other places, no inline scripts or styles. */
#define QUERN_PAGE_POLICY \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

#endif
